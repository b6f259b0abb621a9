"""Pictures of the web page and of `top`, on one store with something of everything: web-*.png and top.png.

    python docs/pictures/doors.py

Needs playwright and a Chromium ($CHROMIUM names another one), Textual, and rsvg-convert, in the environment of the
tests. The leases are live, who listens is a real process.
"""

# ruff: noqa: S603, S607 - it starts programs by name: that is its whole work

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from agent_lanes import ClaimedTask, Queue
from agent_lanes.core import ledger
from agent_lanes.services.looks import Looks
from agent_lanes.tui.app import Top

HERE = Path(__file__).resolve().parent
PROJECT = Path("/tmp/kettle-shop")  # noqa: S108 - a short path that says nothing about the machine
PROGRAM = Path(sys.executable).parent / "agent-lanes"
TOKEN = "a-token-for-pictures"  # noqa: S105 - of a server that lives as long as this
WIDE, PHONE, TERMINAL = (1280, 860), (390, 844), (104, 27)
SETTLED_MS = 800
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FOUND = """\
## What I found

The lease is renewed by a thread, and **that thread dies** with the first `OSError`.

1. `renew()` raises where the disk is full
2. the loop has no `except`, so nobody is told

| file | line | severity |
| --- | --- | --- |
| `dispatch/renewer.py` | 41 | blocking |
| `dispatch/engine.py` | 188 | minor |

> The contract says: a holder that cannot renew stops its agent.
"""
ASKED = "# Review\n\nPlease look at `renewer.py` with **care**:\n\n- what ends the thread?\n- who is told?\n"


def claimed(queue: Queue, id: str, owner: str) -> ClaimedTask:
    """A task that somebody works on."""
    return queue.claim_task(id, owner=owner, lease_seconds=900)


def answered(queue: Queue, lane: str, prompt: str, owner: str, body: str, cost: float, **how: object) -> str:
    """A task that is done, and what it took in the ledger."""
    vendor = owner.partition("-")[0]
    request, verdict = str(how.pop("request", "")) or None, str(how.pop("verdict", "accept"))
    id = queue.submit(lane, prompt=prompt, request=request, metadata={"required_vendor": vendor})
    task = claimed(queue, id, owner)
    details = {"vendor": vendor, "cost_usd": cost, "tokens_in": 18211, "tokens_out": 1402}
    backend = queue._service.backend
    entry = ledger.entry_of(task.task, at=backend.now().wall, epoch=1, outcome="answered", details=details)
    backend.enter(entry)
    task.respond(body, reviewer=owner, verdict=verdict, metadata=details, **how)  # type: ignore[arg-type]
    return id


def fill(queue: Queue) -> str:
    """Something of everything; the task whose page is shown."""
    review = answered(
        queue,
        "review",
        "Review the lease renewer in dispatch/renewer.py\n\nLook for threads that die silently.",
        "codex-1",
        FOUND,
        0.08,
        request=ASKED,
        verdict="needs-revision",
        blocking_count=1,
        nonblocking_count=1,
    )
    follows = {"thread_id": "lease", "parent_task_id": review}
    fix = queue.submit("implement", prompt="Fix the renewer: end the agent when it cannot renew", metadata=follows)
    claimed(queue, fix, "claude-1").event("tests written, 3 of 5 pass", type="progress")
    queue.submit("review", prompt="Review the fix of the renewer", depends_on=[fix], metadata=follows)
    for lane, prompt, owner, cost in (
        ("docs", "Read the migration guide and say what is unclear", "gemini-1", 0.03),
        ("research", "Compare the two JSON encoders under load", "claude-2", 0.41),
        ("docs", "Write the changelog of 0.3", "codex-1", 0.02),
    ):
        answered(queue, lane, prompt, owner, "Done.\n\nAll clear.", cost)
    lost = queue.submit("research", prompt="Find why the nightly benchmark is four times slower on ext4")
    claimed(queue, lost, "claude-2").fail("I could not reproduce it: the machine has no ext4.")
    queue.cancel(queue.submit("docs", prompt="Translate the tutorial into German"), by="me", reason="not needed")
    rename = queue.submit("implement", prompt="Rename Store.open to Store.at everywhere", priority=2)
    queue.hold(rename, by="me", reason="after the release")
    queue.submit("review", prompt="Review PR 418: watches without threads", metadata={"required_vendor": "codex"})
    queue.submit("review", prompt="Review PR 421: one hint less", priority=1)
    measure = queue.submit("research", prompt="Measure the start-up of every console script")
    claimed(queue, measure, "claude-2").event("31 of 40 measured", type="progress")
    queue.hold_lane("docs", for_seconds=3600, by="me", reason="the docs build is broken")
    queue.hold_lane(vendor="gemini", for_seconds=1800, by="work", reason="usage limit")
    return review


@contextmanager
def started(*words: str) -> Iterator[str]:
    """A command that goes on, and the first line that it says."""
    environment = {**os.environ, "AGENT_LANES_TOKEN": TOKEN}
    with subprocess.Popen(
        [PROGRAM, *words], cwd=PROJECT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        try:
            yield process.stderr.readline()
        finally:
            process.terminate()


def shoot(browser: Browser, address: str, name: str, view: str, size: tuple[int, int], *, dark: bool = False) -> None:
    """A picture of the page."""
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
    )  # fmt: skip
    page.goto(f"{address}#token={TOKEN}")
    page.locator(".board").wait_for()
    if view:
        page.evaluate("view => { location.hash = view }", view)
        page.locator(".history").wait_for()
    page.get_by_text("Live").wait_for()
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=HERE / f"{name}.png")
    page.close()


async def draw(queue: Queue) -> None:
    """A picture of `top`."""
    top = Top(Looks(queue._service.backend))
    async with top.run_test(size=TERMINAL) as pilot:
        while not top.picture.entries:
            await pilot.pause(0.1)
        await pilot.pause(1)
        drawn = top.export_screenshot(title="agent-lanes top")
    drawn = drawn.replace("<text ", "<text xml:space='preserve' ")
    subprocess.run(["rsvg-convert", "-o", HERE / "top.png"], input=drawn.encode(), check=True)


def main() -> None:
    """Fill a store, serve it, and look."""
    shutil.rmtree(PROJECT, ignore_errors=True)
    PROJECT.mkdir()
    subprocess.run([PROGRAM, "init"], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    queue = Queue.open(config=str(PROJECT / "handoff/handoff.yaml"))
    shown = fill(queue)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    waits = ("wait", "--lane", "build", "--vendor", "codex", "--timeout", "600")
    with started(*waits), started("serve", "--port", "0") as said, sync_playwright() as playwright:
        address = said.split()[2]
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        shoot(browser, address, "web-light", "", WIDE)
        shoot(browser, address, "web-phone", "", PHONE)
        shoot(browser, address, "web-task", f"#/task/{shown}", WIDE, dark=True)
        browser.close()
    with started(*waits):
        asyncio.run(draw(queue))
    shutil.rmtree(PROJECT)


if __name__ == "__main__":
    main()
