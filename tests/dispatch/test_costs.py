"""What each attempt took stands in the ledger, however it ended."""

from __future__ import annotations

import json
from pathlib import Path

from dispatch.conftest import Scene

TOLD = {"result": "fine", "is_error": False, "subtype": "success", "type": "result", "total_cost_usd": 0.125}
USAGE = {"modelUsage": {"opus": {"inputTokens": 11, "outputTokens": 7}}, "session_id": "s-1"}


def claude(scene: Scene, told: dict[str, object], code: int = 0) -> dict[str, str]:
    """A program that says what Claude Code says; the environment in which it is found."""
    programs = scene.project.parent / "programs"
    programs.mkdir(exist_ok=True)
    program = programs / "claude"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\ncat <<'E'\n{json.dumps(told)}\nE\nexit {code}\n")
    program.chmod(0o700)
    return {**scene.environment, "PATH": f"{programs}:/usr/bin:/bin"}


def lines(scene: Scene) -> list[dict[str, object]]:
    (path,) = (scene.store / "ledger").iterdir()
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_an_answer_is_entered_with_what_it_took(scene: Scene) -> None:
    id = scene.submit("--metadata", "required_vendor=claude", "--metadata", "thread_id=th-9")
    scene.run("work", "--vendor", "claude", "--once", env=claude(scene, {**TOLD, **USAGE}))
    (line,) = lines(scene)
    assert (line["task_id"], line["epoch"], line["lane"], line["vendor"]) == (id, 1, "default", "claude")
    assert (line["thread"], line["outcome"], line["cost_usd"]) == ("th-9", "answered", 0.125)
    assert (line["tokens_in"], line["tokens_out"]) == (11, 7)
    assert scene.answer(id)["metadata"]["cost_usd"] == 0.125
    report = json.loads(scene.run("costs", "--by", "thread", "--json").out)
    assert [(one["thread"], one["attempts"], one["cost_usd"]) for one in report["costs"]] == [("th-9", 1, 0.125)]
    head, row, total = scene.run("costs").out.decode().splitlines()
    assert head.split() == ["VENDOR", "ATTEMPTS", "ANSWERED", "TOKENS", "IN", "TOKENS", "OUT", "USD", "UNKNOWN", "TIME"]
    assert row.split()[:3] == ["claude", "1", "1"] and total.split()[:3] == ["total", "1", "1"]


def test_failed_and_stopped_attempts_are_entered_too(scene: Scene) -> None:
    scene.submit()
    scene.handle("fail", "3")
    scene.submit()
    scene.handle("hang", scene.tmp / "own-begun", flags=("--max-run-seconds", "1"))
    assert [line["outcome"] for line in lines(scene)] == ["failed", "timeout"]
    assert all(line["cost_usd"] is None for line in lines(scene))


def test_where_no_attempt_told_its_cost_no_sum_is_made_up(scene: Scene) -> None:
    scene.submit()
    scene.handle("echo")
    report = json.loads(scene.run("costs", "--json").out)
    assert [(one["cost_usd"], one["unknown_cost"]) for one in (*report["costs"], report["total"])] == [(None, 1)] * 2
    assert [(one["tokens_in"], one["tokens_out"]) for one in (*report["costs"], report["total"])] == [(None, None)] * 2
    shown = [line.split()[3:7] for line in scene.run("costs").out.decode().splitlines()[1:]]
    assert shown == [["?", "?", "?", "1"]] * 2
    scene.submit("--metadata", "required_vendor=claude")
    scene.run("work", "--vendor", "claude", "--once", env=claude(scene, {**TOLD, **USAGE}))
    _, known, unknown, total = scene.run("costs").out.decode().splitlines()
    assert [line.split()[5:7] for line in (known, unknown, total)] == [["0.1250", "-"], ["?", "1"], ["0.1250", "1"]]
    assert [line.split()[3:5] for line in (known, unknown, total)] == [["11", "7"], ["?", "?"], ["11", "7"]]


def test_nothing_spent_is_known_to_cost_nothing(scene: Scene) -> None:
    assert json.loads(scene.run("costs", "--json").out)["total"]["cost_usd"] == 0.0
    assert scene.run("costs").out == b"nothing was spent\n"


def test_a_ledger_that_cannot_be_written_costs_no_answer(scene: Scene) -> None:
    id = scene.submit()
    (scene.store / "ledger").write_text("")
    assert "not entered in the ledger" in scene.handle("echo")
    assert scene.answer(id)["status"] == "completed"
    assert json.loads(scene.run("costs", "--json").out)["total"]["attempts"] == 1
