"""A real Chromium on a real server. Without one these tests are skipped; where $CI is set, they fail instead.

Debian: `apt-get install chromium`; $CHROMIUM names another one. Every page keeps the rules of `Watched`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli.process import PATIENCE_SECONDS, Command
from server.client import Client, serving
from server.conftest import project

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

if importlib.util.find_spec("playwright") is None and not os.environ.get("CI"):
    collect_ignore_glob = ["test_*.py"]  # as without a chromium

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WIDE: ViewportSize = {"width": 1280, "height": 860}
TOKEN = "a-token-of-these-tests"


class Watched:
    """A tab, and what must not happen in it: an error, a breach of the policy, a request to anywhere else."""

    def __init__(self, page: Page, http: Client) -> None:
        self.page, self.http, self.wrong = page, http, list[str]()
        self.refused_is_fine = False
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.wrong.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self._asked(request.url))

    def open(self, view: str = "", *, token: str | None = TOKEN) -> Page:
        """Load the page as its link does, then go to a view."""
        self.page.goto(f"http://127.0.0.1:{self.http.port}/{'' if token is None else f'#token={token}'}")
        if view:
            self.page.locator(".board").wait_for()
            self.page.evaluate("view => { location.hash = view }", view)
        return self.page

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not (self.refused_is_fine and "Failed to load resource" in text):
            self.wrong.append(f"{kind}: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((f"http://127.0.0.1:{self.http.port}/", "data:")):
            self.wrong.append(f"a request to {url}")


@pytest.fixture(scope="package")  # it keeps a loop running in this thread, in which other packages run theirs
def chromium() -> Iterator[Browser]:
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium")
        pytest.skip("there is no chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def run(tmp_path: Path) -> Command:
    """A project of its own."""
    return project(tmp_path)


@pytest.fixture
def http(run: Command) -> Iterator[Client]:
    """A server on that project."""
    with serving(run, token=TOKEN) as client:
        yield client


Tab = Callable[..., Watched]


@pytest.fixture
def tab(chromium: Browser, http: Client) -> Iterator[Tab]:
    """`tab()` is a tab of a browser of its own, `tab(beside=other)` one more of the same browser."""
    opened = list[Watched]()

    def new(*, beside: Watched | None = None, size: ViewportSize = WIDE, dark: bool = False) -> Watched:
        scheme = "dark" if dark else "light"
        context = beside.page.context if beside else chromium.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        opened.append(Watched(context.new_page(), http))
        return opened[-1]

    yield new
    wrong = [what for one in opened for what in one.wrong]
    for one in opened:
        one.page.context.close()
    assert not wrong


@pytest.fixture
def page(tab: Tab) -> Page:
    """The page, opened."""
    return tab().open()
