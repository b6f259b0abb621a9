"""doctor, export, import: what is wrong with a store, and the whole of it as one file."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from cli.process import BAD_DATA, NOT_FOUND, REFUSED, USAGE, Command, tree

FINDINGS = 1  # the exit code of an examination that found something, and of an export that left something out
FINDING = {"level", "code", "message", "hint", "task_id", "path", "repaired"}


@pytest.fixture
def ids(run: Command) -> dict[str, str]:
    """A queue with a task in every state, with bodies that are hard to keep."""
    found = {state: run("submit", "--lane", "default", "request.md").line for state in ("queued", "claimed", "failed")}
    found["stored"] = run("submit", "--lane", "other", "-", stdin=b"from stdin\r\n\0").line
    run("claim", found["claimed"], "--owner", "me")
    run("event", found["claimed"], "--message", "two\nlines", "--data", "k=v")
    run("respond", found["failed"], "--status", "failed", stdin=b"\xef\xbb\xbfbroken\0")
    run("respond", found["stored"], "--body", "fine", "--metadata", "k=v")
    return found


def doctor(run: Command, *words: str) -> dict[str, Any]:
    plain = Command(run.folder, run.home, checks=False)  # findings are no failure: there is no complaint on stderr
    result = plain("doctor", *words, "--json", code=None)
    assert b"Traceback" not in result.err and b"a defect of" not in result.err
    told = result.json
    assert told.keys() == {"status", "store", "findings", "repaired"}
    assert (told["status"], result.code) == (("findings", FINDINGS) if told["findings"] else ("healthy", 0))
    for finding in (*told["findings"], *told["repaired"]):
        assert finding.keys() == FINDING and finding["message"] and finding["level"] in ("problem", "warning")
    return told


def problems(told: dict[str, Any]) -> list[dict[str, Any]]:
    """What does not depend on the machine that the tests run on."""
    return [finding for finding in told["findings"] if finding["level"] == "problem"]


def test_a_healthy_store_has_no_problems_and_is_not_touched(run: Command, ids: dict[str, str], store: Path) -> None:
    before = tree(store)
    told = doctor(run)
    assert problems(told) == [] and told["repaired"] == [] and told["store"] == str(store)
    assert tree(store) == before


def test_a_damaged_record_is_named_and_set_aside_by_repair_alone(
    run: Command, ids: dict[str, str], store: Path
) -> None:
    record = store / "tasks" / ids["queued"] / "task.json"
    record.write_bytes(b'{"format": 2, "id": ')
    before = tree(store)
    told = doctor(run)
    assert [finding["task_id"] for finding in problems(told)] == [ids["queued"]]
    assert tree(store) == before
    mended = doctor(run, "--repair")
    assert problems(mended) == []
    assert ids["queued"] in [finding["task_id"] for finding in mended["repaired"]]
    kept = [path for path in (store / "quarantine").rglob("task.json") if ids["queued"] in str(path)]
    assert [path.read_bytes() for path in kept] == [b'{"format": 2, "id": ']
    assert run("list").json["count"] == len(ids) - 1 and "damaged" not in run("list").json
    assert problems(doctor(run)) == []


def test_lost_hints_are_found_and_rebuilt(run: Command, ids: dict[str, str], store: Path) -> None:
    [marker] = (store / "ready").rglob(f"*{ids['queued']}")
    marker.unlink()
    assert doctor(run)["findings"]
    doctor(run, "--repair")
    assert run("claim", "--lane", "default", "--json").json["task_id"] == ids["queued"]


def test_doctor_in_words(run: Command, ids: dict[str, str], store: Path) -> None:
    (store / "tasks" / ids["failed"] / "response.json").write_bytes(b"\0")
    plain = Command(run.folder, run.home, checks=False)
    page = plain("doctor", code=FINDINGS).text
    assert ids["failed"] in page and all(char.isprintable() or char == "\n" for char in page)


def test_an_export_comes_back_whole(run: Command, ids: dict[str, str], store: Path) -> None:
    before = tree(store)
    stream = run("export").out
    run("export", "backup.jsonl")
    assert stat.S_IMODE((run.folder / "backup.jsonl").stat().st_mode) == 0o600
    assert tree(store) == before
    lines = [json.loads(line) for line in stream.decode().removesuffix("\n").split("\n")]
    assert lines[0]["export"] == 1 and lines[-1] == {"end": True, "tasks": len(ids)}
    for number, words in enumerate((["import", "backup.jsonl"], ["import", "-"])):
        new = ("--store", f"new{number}")
        told = run(*new, *words, "--json", stdin=stream).json
        assert told == {"status": "imported", "tasks": len(ids), "store": str(run.folder / new[1])}
        for task_id in ids.values():
            old_page, new_page = (run(*how, "show", task_id, "--json").json for how in ([], new))
            for page in (old_page, new_page):
                for key in ("request_path", "navigation"):  # of a request that the store keeps: inside the store
                    page["task"].pop(key)
                for key in [key for key in page["task"] if key.endswith("_seconds") or "until" in key]:
                    page["task"].pop(key)
            assert new_page == old_page
        assert run(*new, "show", ids["stored"], "--input").text.count("from stdin") == 1
        assert run(*new, "claim", "--lane", "default", "--json").json["task_id"] == ids["queued"]


def test_an_import_repeated_changes_nothing(run: Command, ids: dict[str, str]) -> None:
    run("export", "backup.jsonl")
    run("--store", "new", "import", "backup.jsonl")
    before = tree(run.folder / "new" / "tasks")
    run("--store", "new", "import", "backup.jsonl")
    assert tree(run.folder / "new" / "tasks") == before


def test_an_import_into_a_store_that_holds_others_is_refused(run: Command, ids: dict[str, str]) -> None:
    run("export", "backup.jsonl")
    run("--store", "new", "submit", "--lane", "x", "--prompt", "y")
    before = tree(run.folder / "new" / "tasks")
    assert "not empty" in run("--store", "new", "import", "backup.jsonl", code=REFUSED).why
    assert tree(run.folder / "new" / "tasks") == before


def test_an_export_overwrites_nothing(run: Command, ids: dict[str, str]) -> None:
    assert "request.md" in run("export", "request.md", code=REFUSED).why
    assert (run.folder / "request.md").read_text() == "Please look at this.\n"
    run("export", "no/such/folder.jsonl", code=74)
    assert sorted(os.listdir(run.folder)) == ["handoff", "request.md"]


def test_an_export_leaves_out_what_is_damaged_and_says_so(run: Command, ids: dict[str, str], store: Path) -> None:
    (store / "tasks" / ids["queued"] / "task.json").write_bytes(b"{")
    plain = Command(run.folder, run.home, checks=False)
    result = plain("export", "backup.jsonl", code=FINDINGS)
    assert ids["queued"] in result.err.decode() and b"Traceback" not in result.err
    assert run("--store", "new", "import", "backup.jsonl", "--json").json["tasks"] == len(ids) - 1


def test_a_stream_that_is_none_is_refused_and_nothing_is_made(run: Command, ids: dict[str, str]) -> None:
    good = run("export").out
    lines = good.splitlines(keepends=True)
    bad = {
        "nothing": b"",
        "cut off": b"".join(lines[:-1]),
        "cut within a line": good[:-30],
        "a line missing": lines[0] + b"".join(lines[2:]),
        "a line twice": lines[0] + lines[1] + lines[1] + b"".join(lines[3:]),
        "more behind": good + lines[1],
        "a newer version": good.replace(b'"export": 1', b'"export": 2'),
        "not JSON": lines[0] + b"{\n" + lines[-1],
        "not UTF-8": good.replace(b"from stdin", b"\xff\xff"),
        "an id that climbs": good.replace(ids["queued"].encode(), b"../../" + ids["queued"].encode()),
        "a wrong type": good.replace(b'"lane": "other"', b'"lane": 5'),
        "a request that is none": good.replace(b'"request": null', b'"request": 5'),
    }
    for name, stream in bad.items():
        why = run("--store", "new", "import", "-", stdin=stream, code=BAD_DATA).why
        assert "import" in why, name
        assert not (run.folder / "new" / "tasks").exists() or not os.listdir(run.folder / "new" / "tasks"), name
    assert sorted(os.listdir(run.folder.parent)) == ["home", "project"]


def test_import_needs_a_file_that_is_there(run: Command) -> None:
    assert "FILE" in run("import", code=USAGE).why
    assert "nothing.jsonl" in run("import", "nothing.jsonl", code=NOT_FOUND).why
    assert run("import", "handoff", code=None).code not in (0, 1)
