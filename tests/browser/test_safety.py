"""What a task brings is text, whatever it says; and the page is for everybody: axe-core finds nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect
from server.client import Client
from vendors import programs

from browser.conftest import TOKEN, Tab
from browser.test_page import claim, respond, submit

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = "4.11.0"
PHONE: ViewportSize = {"width": 390, "height": 844}
HOSTILE = """# <img src=x onerror="document.title='owned'">

<script>document.title='owned'</script> <svg onload="document.title='owned'"> <iframe srcdoc="<script>1</script>">

[a](javascript:document.title='owned') [b](data:text/html,<script>1</script>) [c](JaVaScRiPt:1) [d](vbscript:1)
[e](https://example.org/"onmouseover="x) ![pixel](https://evil.example/pixel.png) <https://evil.example/>

| <img src=x onerror=1> | `</code><script>` |
| --- | --- |
| <b onclick=1>x</b> | **<i>y</i>** |

```html"><script>
<script>document.title='owned'</script>
```

> - > - > - > - > - > - > - > - > - > - deep
"""
TREACHEROUS = "exe.\u202egnp.txt \u0000\u001b[2J\u2066x\u200b"


def elements(page: Page) -> set[str]:
    return set(page.evaluate("[...document.querySelectorAll('main *')].map(one => one.tagName.toLowerCase())"))


@pytest.mark.parametrize("view", ["board", "task", "activity"])
def test_what_a_task_says_is_never_run_and_asks_nobody(tab: Tab, http: Client, view: str) -> None:
    id = submit(http, HOSTILE, request=HOSTILE, source_agent="<i>x", metadata={"<b>": HOSTILE})
    token = claim(http, id, "<img src=x onerror=1>")
    data = {"<b>": HOSTILE}
    http.post(f"/tasks/{id}/events", {"type": "note", "message": HOSTILE, "data": data, "claim_token": token})
    respond(http, id, HOSTILE, claim_token=token, reviewer="<script>1</script>", status="failed")
    page = tab().open({"board": "", "task": f"#/task/{id}", "activity": "#/activity"}[view])
    expect(page.get_by_text("<img src=x").first).to_be_visible()
    assert not elements(page) & {"script", "img", "iframe", "object", "embed", "style", "form", "base", "i"}
    addresses = page.evaluate("[...document.querySelectorAll('main a')].map(one => one.getAttribute('href'))")
    assert all(one.startswith(("#/", "https://")) for one in addresses), addresses
    assert page.evaluate("document.querySelectorAll('main [onclick], main [onmouseover], main [style]').length") == 0
    assert "owned" not in page.title()[:5]


def test_characters_that_lie_are_shown(tab: Tab, http: Client) -> None:
    id = submit(http, TREACHEROUS.replace("\0", ""), request="ok")
    respond(http, id, TREACHEROUS)
    page = tab().open(f"#/task/{id}")
    expect(page.locator(".markdown").last).to_contain_text("exe.<U+202E>gnp.txt")
    expect(page.locator(".markdown").last).to_contain_text("<U+001B>[2J<U+2066>x<U+200B>")
    assert "\u202e" not in page.inner_text("body")


def test_markdown_that_is_made_to_be_slow_is_not(tab: Tab, http: Client) -> None:
    id = submit(http, "Slow?")
    marks = ["*" * 5000, "[" * 5000, "`" * 4999, "> " * 500, "- " * 500, "|" * 5000, "~" * 3000]
    parts = [*marks, "_a" * 5000, "**a" * 3000]
    respond(http, id, "\n\n".join([*parts, "The end."]))
    page = tab().open(f"#/task/{id}")
    expect(page.get_by_text("The end.")).to_be_visible()


def test_the_policy_lets_no_script_in(tab: Tab) -> None:
    watched = tab()
    page = watched.open()
    page.locator(".board").wait_for()
    page.evaluate(
        """() => {
          window.breach = new Promise((told) => addEventListener("securitypolicyviolation", told));
          const script = document.createElement("script");
          script.textContent = "window.ran = 1";
          document.body.append(script);
        }"""
    )
    assert str(page.evaluate("window.breach.then(one => one.violatedDirective)")).startswith("script-src")
    assert page.evaluate("window.ran === undefined")
    watched.wrong.clear()


@pytest.fixture(scope="session")
def axe() -> str:
    try:
        folder = programs.package(f"axe-core-{AXE}", f"axe-core@{AXE}")
    except programs.NotToBeHad as wrong:
        pytest.skip(str(wrong))
    return (Path(folder) / "node_modules/axe-core/axe.min.js").read_text()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("view", ["board", "task", "activity", "dialog", "help", "token", "phone", "missing"])
def test_axe_finds_nothing(tab: Tab, http: Client, axe: str, view: str, dark: bool) -> None:
    id = submit(http, "A task", request="# Title\n\n#### Deep\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n```\ncode\n```")
    for state in ("completed", "failed"):
        one = submit(http, f"One that {state}")
        respond(http, one, "It is so.", claim_token=claim(http, one), status=state)
    claim(http, submit(http, "At work"))
    submit(http, "Later", depends_on=[id])
    http.post("/holds", {"vendor": "gemini", "reason": "usage limit"})
    watched = tab(size=PHONE, dark=dark) if view == "phone" else tab(dark=dark)
    watched.refused_is_fine = view in ("token", "missing")
    views = {
        "task": f"#/task/{id}",
        "activity": "#/activity",
        "missing": "#/task/20260101T000000000000Z-x-000000000000",
    }
    watched.page.add_init_script(axe)
    page = watched.open(views.get(view, ""), token=None if view == "token" else TOKEN)
    ready = {"token": "#token", "task": ".history", "activity": ".timeline", "missing": "[role=alert]"}
    page.locator(ready.get(view, ".row")).first.wait_for()
    if view in ("dialog", "help"):
        page.keyboard.press("j")
        page.keyboard.press("c" if view == "dialog" else "?")
        page.get_by_role("dialog").wait_for()
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(told => told.violations)")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
