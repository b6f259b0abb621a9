"""Lanes: wait --lane, next, watch look; claim --lane takes. Order, vendors, matches, waking."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.process import INTERRUPTED, USAGE, Command, tree

LOOKS = (["wait", "--lane"], ["next", "--lane"], ["watch", "--lane"])
IDLE = {"status", "lane", "reason", "timeout_seconds", "message", "next_action"}


def submit(run: Command, *words: str, lane: str = "default", vendor: str | None = None) -> str:
    extra = [] if vendor is None else ["--metadata", f"required_vendor={vendor}"]
    return run("submit", "--lane", lane, "--prompt", "x", *extra, *words).line


def taken(run: Command, *words: str, lane: str = "default") -> str | None:
    """The id that claim --lane takes; None if it finds nothing."""
    told = run("claim", "--lane", lane, *words, "--json").json
    assert told["status"] in ("claimed", "idle")
    return told.get("task_id")


@pytest.mark.parametrize("verb", LOOKS)
def test_a_look_prints_the_next_task_and_does_not_take_it(run: Command, store: Path, verb: list[str]) -> None:
    first = submit(run)
    submit(run)
    run(*verb, "default")  # the first one notes that the task was seen
    before = tree(store)
    for _ in range(2):
        told = run(*verb, "default", "--json").json
        assert told.keys() == {"status", "lane", "task"}
        assert told["status"] == "task_available" and told["lane"] == "default" and told["task"]["id"] == first
        assert told["task"]["state"] == "queued"
    assert run(*verb, "default").json["task"]["id"] == first  # plain is JSON too
    assert tree(store) == before


@pytest.mark.parametrize("verb", LOOKS)
def test_a_look_that_finds_nothing_is_idle_and_exits_0(run: Command, verb: list[str]) -> None:
    told = run(*verb, "default", "--timeout", "0", "--json").json
    assert told.keys() == IDLE
    assert (told["status"], told["lane"], told["reason"]) == ("idle", "default", "no_task_submitted")
    assert told["timeout_seconds"] == 0 and told["message"] and told["next_action"]
    run("claim", submit(run))
    told = run(*verb, "default", "--timeout", "0.1", "--json").json
    assert told["reason"] == "no_queued_task" and told["timeout_seconds"] == 0.1
    plain = run(*verb, "default", "--timeout", "0.1")
    [line] = plain.said
    assert "default" in line and "0.1" in line and plain.out == b""


@pytest.mark.parametrize("asked", [("--vendor", "codex"), ("--match", "kind=tests")])
def test_a_claim_that_fits_nothing_says_that_others_tasks_wait(run: Command, asked: tuple[str, str]) -> None:
    id = submit(run, vendor="claude")
    told = run("claim", "--lane", "default", *asked, "--json").json
    assert told["reason"] == "no_queued_task" and told["message"].startswith("Tasks wait on lane default, but none")
    run("claim", id)
    told = run("claim", "--lane", "default", *asked, "--json").json
    assert told["message"].startswith("No task waits on lane default.")


@pytest.mark.parametrize("verb", LOOKS)
def test_a_blocked_look_is_woken_by_a_submit(run: Command, verb: list[str]) -> None:
    submit(run, lane="other")
    with run.start(*verb, "default", "--json") as look:
        look.sleeping()
        task_id = submit(run)
        assert look.end().json["task"]["id"] == task_id
    assert run("status", task_id).json["task"]["state"] == "queued"


def test_a_look_may_begin_before_there_is_a_store(bare: Command) -> None:
    with bare.start("wait", "--lane", "x", "--store", "later", "--json") as look:
        task_id = bare("submit", "--store", "later", "--lane", "x", "--prompt", "y").line
        assert look.end().json["task"]["id"] == task_id


@pytest.mark.parametrize("verb", ["next", "watch"])
def test_next_and_watch_need_a_lane(run: Command, verb: str) -> None:
    assert "--lane" in run(verb, code=USAGE).why
    assert "--lane" in run(verb, "20261121T000000000000Z-x-0123456789ab", code=USAGE).why


def test_claim_lane_finds_and_takes_in_one_step(run: Command) -> None:
    task_id = submit(run, "--branch", "b")
    told = run("claim", "--lane", "default", "--owner", "me", "--json").json
    assert told.keys() == {"status", "task_id", "claim_token", "task"}
    assert (told["status"], told["task_id"], told["task"]["claim_owner"]) == ("claimed", task_id, "me")
    run("release", task_id, "--claim-token", told["claim_token"])
    values = run("claim", "--lane", "default", "--owner", "me").values
    assert values.keys() == {
        *("task_id", "claim_token", "lane", "request_path", "response_path", "workspace_root", "worktree_path"),
        *("branch", "lease_expires_at"),
    }
    assert (values["task_id"], values["lane"], values["branch"]) == (task_id, "default", "b")
    assert values["request_path"] == "" and values["workspace_root"] == str(run.folder)


def test_claim_lane_without_a_task_is_idle_and_exits_0(run: Command) -> None:
    told = run("claim", "--lane", "default", "--json").json
    assert told.keys() == IDLE and told["status"] == "idle" and told["reason"] == "no_task_submitted"
    assert run("claim", "--lane", "default").values["status"] == "idle"


def test_a_lane_is_first_in_first_out(run: Command) -> None:
    ids = [submit(run, lane=lane) for lane in ("default", "other", "default", "default")]
    assert [taken(run), taken(run), taken(run), taken(run)] == [ids[0], ids[2], ids[3], None]
    assert taken(run, lane="other") == ids[1]


def test_a_released_task_keeps_its_place(run: Command) -> None:
    first, second = submit(run), submit(run)
    told = run("claim", "--lane", "default", "--json").json
    assert told["task_id"] == first
    run("release", first, "--claim-token", told["claim_token"])
    assert [taken(run), taken(run)] == [first, second]


def test_a_task_for_one_vendor_never_hides_anothers(run: Command) -> None:
    claude, codex, anybody = submit(run, vendor="claude"), submit(run, vendor="codex"), submit(run)
    assert taken(run, "--vendor", "codex") == codex
    assert taken(run, "--vendor", "codex") == anybody
    assert taken(run, "--vendor", "codex") is None
    assert run("wait", "--lane", "default", "--vendor", "codex", "--timeout", "0", "--json").json["status"] == "idle"
    assert run("wait", "--lane", "default", "--vendor", "claude", "--json").json["task"]["id"] == claude
    assert taken(run, "--vendor", "claude") == claude


def test_vendors_are_served_in_the_order_of_the_lane(run: Command) -> None:
    ids = [submit(run, vendor=vendor) for vendor in (None, "codex", "any", "claude", "codex")]
    assert [taken(run, "--vendor", "codex") for _ in range(5)] == [ids[0], ids[1], ids[2], ids[4], None]
    assert taken(run) == ids[3]


@pytest.mark.parametrize("words", [[], ["--vendor", "any"]])
def test_without_a_vendor_every_task_is_taken(run: Command, words: list[str]) -> None:
    ids = [submit(run, vendor=vendor) for vendor in ("claude", "x/y z", None)]
    assert [taken(run, *words) for _ in range(4)] == [*ids, None]


def test_match_looks_at_metadata(run: Command) -> None:
    (run.folder / "t.json").write_text('{"lane": "default", "prompt": "x", "metadata": {"skills": ["a", "b"], "n": 3}}')
    plain = submit(run)
    fast = submit(run, "--metadata", "effort=low", "--metadata", "k=v")
    listed = run("submit", "--task", "t.json").line
    assert taken(run, "--match", "effort=high") is None
    assert taken(run, "--match", "effort=low", "--match", "k=w") is None
    look = run("next", "--lane", "default", "--match", "skills=b", "--json").json
    assert look["task"]["id"] == listed
    assert taken(run, "--match", "skills=b", "--match", "n=3") == listed
    assert taken(run, "--match", "effort=low", "--match", "k=v") == fast
    assert taken(run) == plain


def test_a_blocked_claim_is_woken_by_a_submit(run: Command) -> None:
    with run.start("claim", "--lane", "default", "--wait", "600", "--json") as claim:
        claim.sleeping()
        task_id = submit(run)
        told = claim.end().json
    assert (told["status"], told["task_id"]) == ("claimed", task_id)


def test_a_blocked_claim_sleeps_on_when_the_task_is_anothers(run: Command) -> None:
    with run.start("claim", "--lane", "default", "--vendor", "codex", "--wait", "600", "--json") as claim:
        claim.sleeping()
        submit(run, vendor="claude")
        submit(run, lane="other")
        task_id = submit(run, vendor="codex")
        assert claim.end().json["task_id"] == task_id


def test_a_blocked_claim_is_woken_by_a_release(run: Command) -> None:
    task_id = submit(run)
    told = run("claim", task_id, "--json").json
    with run.start("claim", "--lane", "default", "--wait", "600", "--json") as claim:
        claim.sleeping()
        run("release", task_id, "--claim-token", told["claim_token"])
        assert claim.end().json["task_id"] == task_id


def test_a_blocked_claim_takes_over_when_the_lease_runs_out(run: Command) -> None:
    task_id = submit(run)
    run("claim", task_id, "--owner", "first", "--lease-seconds", "0.5")
    told = run("claim", "--lane", "default", "--wait", "600", "--json").json
    assert told["task_id"] == task_id and told["task"]["epoch"] == 2


def test_two_vendors_who_wait_each_get_their_own(run: Command) -> None:
    words = ("claim", "--lane", "default", "--wait", "600", "--json", "--vendor")
    with run.start(*words, "claude") as claude, run.start(*words, "codex") as codex:
        claude.sleeping()
        codex.sleeping()
        for_codex, for_claude = submit(run, vendor="codex"), submit(run, vendor="claude")
        assert claude.end().json["task_id"] == for_claude
        assert codex.end().json["task_id"] == for_codex


def test_of_many_who_wait_each_gets_a_task_of_its_own(run: Command) -> None:
    calls = [run.start("claim", "--lane", "default", "--wait", "600", "--json") for _ in range(4)]
    try:
        for call in calls:
            call.sleeping()
        ids = [submit(run) for _ in calls]
        assert sorted(call.end().json["task_id"] for call in calls) == sorted(ids)
    finally:
        for call in calls:
            with call:
                pass


def test_waking_is_not_left_to_the_slow_look_every_20_seconds(run: Command) -> None:
    run("claim", submit(run))  # the lane has been signalled before: no file appears any more, one is written
    clock = run.start("wait", "--lane", "no such lane", "--timeout", "12")
    with clock, run.start("claim", "--lane", "default", "--wait", "600") as claim:
        claim.sleeping()
        clock.sleeping()
        submit(run)
        claim.end()
        assert clock.process.poll() is None, "a wait of 12 seconds was over first"


def test_a_claim_that_ran_out_of_time_is_idle(run: Command) -> None:
    told = run("claim", "--lane", "default", "--wait", "0.2", "--json").json
    assert told["status"] == "idle" and told["timeout_seconds"] == 0.2


def test_ctrl_c_ends_a_blocked_claim_and_a_blocked_look(run: Command) -> None:
    for words in (["claim", "--wait", "600"], ["wait"]):
        with run.start(*words, "--lane", "default") as call:
            call.sleeping().interrupt()
            call.end(INTERRUPTED)


def test_claim_takes_an_id_or_a_lane(run: Command) -> None:
    task_id = submit(run)
    assert "--lane" in run("claim", code=USAGE).why
    assert "one of the two" in run("claim", task_id, "--lane", "default", code=USAGE).why
    for words in (["--vendor", "x"], ["--match", "a=b"], ["--wait", "1"]):
        assert "--lane" in run("claim", task_id, *words, code=USAGE).why
