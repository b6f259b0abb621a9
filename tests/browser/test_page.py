"""The web page in a real Chromium: what people see, and what they do, against a real server and a real store."""

from __future__ import annotations

import pytest
from cli.process import Command
from playwright.sync_api import Page, expect
from server.client import Client, serving

from browser.conftest import TOKEN, Tab

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def submit(http: Client, prompt: str, lane: str = "review", **more: object) -> str:
    status, answer = http.post("/tasks", {"lane": lane, "prompt": prompt, **more})
    assert status == 201, answer
    return str(answer["task_id"])


def claim(http: Client, id: str, owner: str = "codex-1") -> str:
    status, answer = http.post(f"/tasks/{id}/claim", {"owner": owner})
    assert status == 200, answer
    return str(answer["claim_token"])


def respond(http: Client, id: str, body: str, **more: object) -> None:
    status, answer = http.post(f"/tasks/{id}/response", {"body": body, **more})
    assert status == 200, answer


def state(http: Client, id: str) -> str:
    return str(http.get(f"/tasks/{id}")[1]["task"]["state"])


def test_an_empty_store_says_how_to_begin_and_a_first_task_takes_its_place(page: Page, http: Client) -> None:
    expect(page.get_by_role("heading", name="Nothing has been asked yet")).to_be_visible()
    submit(http, "The first task")
    expect(page.get_by_role("link", name="The first task")).to_be_visible()


def test_a_task_is_followed_from_the_queue_to_its_answer(page: Page, http: Client) -> None:
    id = submit(http, "Follow me")
    row = page.locator(f"[data-id='{id}']")
    expect(row).to_contain_text("queued")
    token = claim(http, id)
    expect(row).to_contain_text("working")
    expect(row).to_contain_text("codex-1")
    respond(http, id, "There you are.", claim_token=token)
    expect(row).to_contain_text("completed")


def test_what_the_command_line_does_is_seen_at_once(page: Page, run: Command) -> None:
    id = run("submit", "--lane", "default", "request.md").line
    row = page.locator(f"[data-id='{id}']")
    expect(row).to_contain_text("queued")
    run("cancel", id)
    expect(row).to_contain_text("cancelled")


def test_a_task_that_waits_for_another_is_free_when_that_is_done(page: Page, http: Client) -> None:
    first = submit(http, "First")
    second = submit(http, "Second", depends_on=[first])
    row = page.locator(f"[data-id='{second}']")
    expect(row).to_contain_text("blocked")
    respond(http, first, "done")
    expect(row).to_contain_text("queued")


def test_the_page_of_a_task_shows_what_was_asked_and_grows_with_it(tab: Tab, http: Client) -> None:
    id = submit(http, "Review this", request="# The request\n\nwith **care**")
    follower = submit(http, "What follows", depends_on=[id])
    page = tab().open(f"#/task/{id}")
    expect(page.get_by_role("heading", name="The request")).to_be_visible()
    expect(page.locator("strong")).to_have_text("care")
    expect(page.locator(".tree")).to_contain_text("What follows")
    token = claim(http, id)
    http.post(f"/tasks/{id}/events", {"type": "progress", "message": "half of it", "claim_token": token})
    expect(page.locator(".history")).to_contain_text("half of it")
    body = "## Found\n\n- one\n- two\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n```python\nx = 1 < 2\n```\n"
    respond(http, id, body, claim_token=token, verdict="accept")
    expect(page.locator(".markdown").last.get_by_role("cell")).to_have_text(["1", "2"])
    expect(page.locator(".markdown pre")).to_have_text("x = 1 < 2")
    expect(page.locator(".by")).to_contain_text("verdict accept")
    page.locator(".tree").get_by_role("link", name="What follows").click()
    expect(page.locator(f"article[data-id='{follower}']")).to_be_visible()


def test_nothing_is_done_that_was_not_confirmed(tab: Tab, http: Client) -> None:
    id = submit(http, "Keep me")
    page = tab().open(f"#/task/{id}")
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Keep as it is").click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert state(http, id) == "queued"
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_label("Reason").fill("no longer wanted")
    page.get_by_role("button", name="Cancel the task").click()
    expect(page.locator(".title")).to_contain_text("cancelled")
    assert state(http, id) == "cancelled"
    assert "no longer wanted" in str(http.get(f"/tasks/{id}/show")[1]["events"])


def test_hold_and_resume(tab: Tab, http: Client) -> None:
    id = submit(http, "Not now")
    page = tab().open(f"#/task/{id}")
    page.get_by_role("button", name="Hold").click()
    page.get_by_label("How long").select_option("for an hour")
    page.get_by_role("dialog").get_by_role("button", name="Hold").click()
    expect(page.locator(".title")).to_contain_text("on hold")
    assert http.get(f"/tasks/{id}")[1]["task"]["hold_until"] is not None
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(page.locator(".title")).to_contain_text("queued")


def test_a_failed_task_is_retried_as_a_new_one(tab: Tab, http: Client) -> None:
    id = submit(http, "Try harder")
    respond(http, id, "I could not.", status="failed")
    page = tab().open(f"#/task/{id}")
    page.get_by_role("button", name="Retry").click()
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    expect(page.locator(".title")).to_contain_text("queued")
    expect(page.locator("dl.facts")).to_contain_text("Retry of")
    assert id not in page.url


def test_a_lane_is_held_and_goes_on(page: Page, http: Client) -> None:
    id = submit(http, "In a lane")
    page.get_by_role("button", name="Hold lane review").click()
    page.get_by_role("dialog").get_by_role("button", name="Hold").click()
    expect(page.locator(f"[data-id='{id}']")).to_contain_text("on hold")
    assert [one["lane"] for one in http.get("/holds")[1]["holds"]] == ["review"]
    page.get_by_role("button", name="Resume lane review").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(page.locator(f"[data-id='{id}']")).to_contain_text("queued")
    assert http.get("/holds")[1]["holds"] == []


def test_a_refusal_is_told(tab: Tab, http: Client) -> None:
    id = submit(http, "Too late")
    watched = tab()
    watched.refused_is_fine = True
    page = watched.open(f"#/task/{id}")
    page.get_by_role("button", name="Cancel", exact=True).click()
    respond(http, id, "done")
    page.get_by_role("button", name="Cancel the task").click()
    expect(page.locator("#said")).to_contain_text("cannot cancel")


def test_keys_do_what_the_help_says(page: Page, http: Client) -> None:
    ids = [submit(http, f"Task {number}") for number in range(3)]
    expect(page.locator(".row")).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_have_text("Task 1")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator(f"article[data-id='{ids[0]}']")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("task 2")
    expect(page.locator(".row")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.get_by_role("dialog")).to_contain_text("Task 2")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next, previous task")


def test_the_focus_stays_while_tasks_come_and_change(page: Page, http: Client) -> None:
    id = submit(http, "Under the cursor")
    expect(page.locator(".row")).to_have_count(1)
    page.keyboard.press("j")
    other = submit(http, "Another", priority=0)
    expect(page.locator(".row")).to_have_count(2)
    claim(http, id)
    expect(page.locator(f"[data-id='{id}']")).to_contain_text("working")
    respond(http, other, "done")
    expect(page.locator(f"[data-id='{other}']")).to_contain_text("completed")
    expect(page.locator(":focus")).to_have_text("Under the cursor")


def test_activity_shows_who_worked(tab: Tab, http: Client) -> None:
    id = submit(http, "Some work")
    respond(http, id, "done", claim_token=claim(http, id, "claude-7"))
    page = tab().open("#/activity")
    expect(page.locator(".timeline .owner")).to_have_text("claude-7")
    expect(page.locator(".timeline .fill-completed")).to_have_count(1)
    page.locator("summary", has_text="as a table").first.click()
    expect(page.get_by_role("row", name="claude-7 Some work")).to_be_visible()


def test_without_a_token_it_asks_and_a_wrong_one_is_told(tab: Tab, http: Client) -> None:
    submit(http, "Secret")
    watched = tab()
    watched.refused_is_fine = True
    page = watched.open(token=None)
    page.get_by_label("Token").fill("a-wrong-token-of-somebody")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("not the token of this server")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("link", name="Secret")).to_be_visible()


def test_the_token_leaves_the_address_and_survives_a_reload(page: Page, http: Client) -> None:
    submit(http, "Still here")
    expect(page.get_by_role("link", name="Still here")).to_be_visible()
    assert TOKEN not in page.url
    page.reload()
    expect(page.get_by_role("link", name="Still here")).to_be_visible()


def test_two_tabs_show_the_same_and_the_second_needs_no_token(tab: Tab, http: Client) -> None:
    id = submit(http, "For both")
    one = tab()
    first = one.open(f"#/task/{id}")
    two = tab(beside=one)
    two.refused_is_fine = True
    second = two.open(token=None)
    expect(second.locator(f"[data-id='{id}']")).to_contain_text("queued")
    first.get_by_role("button", name="Cancel", exact=True).click()
    first.get_by_role("button", name="Cancel the task").click()
    expect(second.locator(f"[data-id='{id}']")).to_contain_text("cancelled")


def test_a_server_that_comes_back_is_found_and_no_event_is_lost(tab: Tab, http: Client, run: Command) -> None:
    id = submit(http, "Through a restart")
    watched = tab()
    watched.refused_is_fine = True
    page = watched.open("#/activity")
    expect(page.locator(".latest li")).to_have_count(1)
    http.end()
    expect(page.locator("#connection")).to_have_text("Reconnecting…")
    token = run("claim", id, "--owner", "meanwhile", "--json").json["claim_token"]
    run("event", id, "--type", "progress", "--message", "x")
    with serving(run, "--port", str(http.port), token=TOKEN) as again:
        expect(page.locator("#connection")).to_have_text("Live")
        expect(page.locator(".latest li b")).to_have_text(["progress", "claimed", "created"])
        respond(again, id, "done", claim_token=token)
        expect(page.locator(".latest li b").first).to_have_text("response")
        page.keyboard.press("1")
        expect(page.locator(f"[data-id='{id}']")).to_contain_text("completed")


def test_thousands_of_tasks_are_a_page_at_a_time(tab: Tab, http: Client) -> None:
    for at in range(0, 5000, 500):
        tasks = [{"lane": f"lane-{number % 5}", "prompt": f"Task {number}"} for number in range(at, at + 500)]
        assert http.post("/tasks/many", {"tasks": tasks})[0] == 200
    page = tab().open()
    expect(page.locator(".row")).to_have_count(100)
    for wanted in ("4321", "11"):  # the oldest of them, too
        page.get_by_role("searchbox").fill(f"task {wanted} ")
        expect(page.locator(".row").get_by_text(f"Task {wanted}", exact=True)).to_be_visible()
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".row")).to_have_count(300)
    id = submit(http, "One more", priority=0)
    expect(page.locator(".row").first).to_have_attribute("data-id", id)
    everything = [{"lane": "lane-0", "prompt": f"Burst {number}", "priority": 0} for number in range(400)]
    assert http.post("/tasks/many", {"tasks": everything})[0] == 200
    expect(page.locator(".chip[data-key=queued] .count")).to_have_text("5401")
