"""archive, prune, list --archived: what they print, and what the other commands say of what is archived."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cli.process import REFUSED, USAGE, Command


def answered(run: Command, lane: str = "default", *words: str) -> str:
    id = run("submit", "--lane", lane, "--prompt", "p", *words).line
    run("respond", id, "--body", "fine")
    return id


def ids(run: Command, *words: str) -> list[str]:
    return [task["id"] for task in run("list", *words).json["tasks"]]


def test_archive_tells_how_much_it_moved_and_says_the_same_as_its_dry_run(run: Command) -> None:
    done = [answered(run), answered(run, "other")]
    open_one = run("submit", "--lane", "default", "--prompt", "p").line
    assert run("archive").values == {"status": "archived", "tasks": "0", "bytes": "0", "months": ""}
    tried = run("archive", "--older-than", "0s", "--dry-run").values
    assert (tried["status"], tried["tasks"]) == ("would_archive", "2")
    assert ids(run) == [*done, open_one]
    told = run("archive", "--older-than", "0", "--json").json
    assert told.keys() == {"status", "tasks", "bytes", "months", "lanes", "kept", "dead"}
    assert (told["status"], told["tasks"], told["kept"]) == ("archived", 2, [])
    assert told["lanes"] == {"default": {"completed": 1}, "other": {"completed": 1}}
    assert sum(told["months"].values()) == 2 and told["bytes"] > 100
    assert list(told["months"]) == [tried["months"].partition(":")[0]]
    assert (ids(run), ids(run, "--archived")) == ([open_one], done)


def test_one_lane_alone(run: Command) -> None:
    one, other = answered(run), answered(run, "a b/é")
    assert run("archive", "--older-than", "0s", "--lane", "a b/é").values["tasks"] == "1"
    assert (ids(run), ids(run, "--archived")) == ([one], [other])
    assert ids(run, "--archived", "--lane", "default") == []


def test_every_look_at_an_archived_task_says_what_it_said_before(run: Command, store: Path) -> None:
    id = run("submit", "--lane", "default", "-", "--response-to", "out.md", stdin=b"please\r\n").line
    token = run("claim", id, "--json").json["claim_token"]
    run("respond", id, "--claim-token", token, "--body", "fine", "--verdict", "accept")
    run("wait", id)  # the first that tells the answer leaves a note of it
    looks = [["show", id, "--json"], ["status", id], ["wait", id, "--json"], ["show", id, "--input"]]
    before = [run(*words).text for words in looks]
    run("archive", "--older-than", "0s")
    assert os.listdir(store / "tasks") == []
    after = [run(*words).text for words in looks]
    assert after[3] == before[3] and "please" in after[3]
    for one, other in list(zip(before, after, strict=True))[:3]:
        was, now = json.loads(one), json.loads(other)
        for view in (was, now):
            for record in (view.get("task", {}), view.get("task", {}).get("navigation", {})):
                record.pop("request_path", None)  # it lay in the folder that has gone
                record.pop("last_event_age_seconds", None)
        assert was == now
    assert "please" in run("show", id).text and (run.folder / "out.md").read_text() == "fine"


def test_an_archived_task_is_answered_again_by_its_answer_alone_and_changed_by_nothing(run: Command) -> None:
    id = answered(run, "default", "--idempotency-key", "k")
    run("archive", "--older-than", "0s")
    assert run("respond", id, "--body", "fine", "--json").json["already_done"] is True
    run("respond", id, "--body", "other", code=REFUSED)
    run("claim", id, code=REFUSED)
    assert "is archived" in run("event", id, "--message", "late", code=REFUSED).why
    again = run("submit", "--lane", "default", "--prompt", "p", "--idempotency-key", "k", "--json").json
    assert (again["task_id"], again["already_done"]) == (id, True)


def test_export_and_import_keep_what_is_archived(run: Command, tmp_path: Path) -> None:
    done = [answered(run) for _ in range(2)]
    run("archive", "--older-than", "0s")
    done.append(answered(run))
    run("export", "all.jsonl")
    run("import", "all.jsonl", "--store", str(tmp_path / "new"))
    assert ids(run, "--store", str(tmp_path / "new")) == done
    assert run("import", "all.jsonl").values["tasks"] == "3"  # the same tasks, archived or not, are no others


def test_prune_deletes_months_that_are_over_and_says_so_first_when_asked(run: Command, store: Path) -> None:
    id = answered(run)
    run("archive", "--older-than", "0s")
    assert run("prune", "--older-than", "0s").values["tasks"] == "0"  # this month is not over
    (month,) = (store / "archive").iterdir()
    month.rename(month.with_name("2020-02"))
    tried = run("prune", "--older-than", "365d", "--dry-run").values
    assert (tried["status"], tried["tasks"], tried["months"]) == ("would_prune", "1", "2020-02:1")
    assert ids(run, "--archived") == [id]
    assert run("prune", "--older-than", "365d", "--json").json["months"] == {"2020-02": 1}
    assert ids(run, "--archived") == [] and list((store / "archive").iterdir()) == []
    run("status", id, code=5)


def test_what_cannot_be_moved_is_told(run: Command, store: Path) -> None:
    id = answered(run)
    (store / "tasks" / id / "agent.log").write_text("x")
    result = run("archive", "--older-than", "0s")
    assert result.values["tasks"] == "0" and result.said[0].startswith("agent-lanes: warning: kept 1 task: ")
    told = run("archive", "--older-than", "0s", "--json").json
    assert (told["kept"], told["dead"]) == ([id], [])


def test_dead_letters_stay_until_somebody_has_seen_to_them_and_the_line_says_so(run: Command, store: Path) -> None:
    letters = []
    for _ in range(2):
        letters.append(run("submit", "--lane", "x", "--prompt", "p", "--max-attempts", "1").line)
        token = run("claim", letters[-1]).values["claim_token"]
        run("respond", letters[-1], "--claim-token", token, "--status", "failed", "--retry", "--body", "boom")
    words = "dead letters that nobody has seen to yet (agent-lanes dead list)"
    assert run("archive", "--older-than", "0s").said == [f"agent-lanes: warning: kept 2 tasks: {words}"]
    (store / "tasks" / answered(run) / "agent.log").write_text("x")
    told = run("archive", "--older-than", "0s", "--json").json
    assert len(told["kept"]) == 3 and sorted(told["dead"]) == letters
    (said,) = run("archive", "--older-than", "0s").said
    assert f"kept 3 tasks: 2 {words}; 1 in use, " in said
    run("dead", "discard", letters[0])
    run("archive", "--older-than", "0s")
    assert run("show", letters[0][-12:], "--json").json["task"]["id"] == letters[0], "archived, by its short id"


@pytest.mark.parametrize("words", [["archive"], ["archive", "--dry-run"], ["prune", "--older-than", "1d"]])
def test_where_there_is_no_store_none_is_made(run: Command, tmp_path: Path, words: list[str]) -> None:
    assert run(*words, "--store", str(tmp_path / "none")).values["tasks"] == "0"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["archive", "--older-than", "soon"],
        ["archive", "--older-than", "-1d"],
        ["archive", "--older-than", ""],
        ["archive", "--lane", " "],
        ["prune"],
        ["prune", "--older-than", "x"],
        ["list", "--limit", "-1"],
        ["list", "--limit", "x"],
        ["list", "--archived", "--active-only"],
        ["list", "--archived", "--limit", "1"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_refused_and_changes_nothing(run: Command, words: list[str]) -> None:
    id = answered(run)
    run(*words, code=USAGE)
    assert ids(run) == [id]


def test_a_limit_lists_the_newest(run: Command) -> None:
    made = [run("submit", "--lane", lane, "--prompt", "p").line for lane in ("a", "b", "a", "b")]
    assert ids(run, "--limit", "2") == made[2:]
    assert ids(run, "--limit", "1", "--lane", "a") == [made[2]]
    assert ids(run, "--limit", "9") == made and ids(run, "--limit", "0") == []
    run("respond", made[3], "--body", "b")
    assert ids(run, "--limit", "2", "--active-only") == made[1:3]


def test_a_long_list_is_written_as_it_is_read(run: Command) -> None:
    body = "x" * 400_000
    sent = "".join(json.dumps({"lane": "a", "prompt": body}) + "\n" for _ in range(6)).encode()
    made = run("submit", "--many", "-", stdin=sent).text.split()
    assert ids(run) == made
    told = run("status", "--all").json
    assert [task["id"] for task in told["tasks"]] == made
    assert (told["count"], told["summary"]["queued"]) == (6, 6)
