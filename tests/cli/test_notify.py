"""notify: in handoff.yaml: programs that are started when something happened."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from agent_lanes import Queue
from agent_lanes.config.check import parse
from agent_lanes.config.model import dump, restore
from agent_lanes.core.notices import Notice
from agent_lanes.errors import BadData
from cli.loading import compiled, loaded
from cli.process import BAD_DATA, PATIENCE_SECONDS, Command

TOLD = 'cat > "told-$AGENT_LANES_ON.part"; mv "told-$AGENT_LANES_ON.part" "told-$AGENT_LANES_ON"'


def rules(run: Command, *notify: dict[str, Any]) -> None:
    """Let the project's config have these (a JSON list is YAML)."""
    path = run.folder / "handoff" / "handoff.yaml"
    path.write_text(f"workspace_id: w\nnotify: {json.dumps(notify)}\n")


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def submitted(run: Command, lane: str = "default") -> str:
    return run("submit", "--lane", lane, "request.md", "--quiet").line


def content(path: Path) -> str:
    """The content of a file, once it is there."""
    for _ in range(PATIENCE_SECONDS * 50):
        if path.exists():
            return path.read_text()
        time.sleep(0.02)
    raise AssertionError(f"{path} never came")


def test_a_command_is_told_of_the_task_on_stdin_and_by_its_environment(run: Command, store: Path) -> None:
    rules(run, {"on": ["failed"], "command": shell(f"env > environment; {TOLD}")})
    id = submitted(run)
    held = run("claim", id).values
    run("respond", id, "--claim-token", held["claim_token"], "--status", "failed", "--body", "no network")
    told = json.loads(content(run.folder / "told-failed"))
    assert (told["on"], told["store"], told["event"]["type"]) == (["failed"], str(store), "response")
    assert (told["task"]["id"], told["task"]["state"], told["response"]["body"]) == (id, "failed", "no network")
    assert held["claim_token"] not in json.dumps(told)
    lines = (run.folder / "environment").read_text().splitlines()
    config = run.folder / "handoff" / "handoff.yaml"
    for name, value in {
        "TASK_ID": id, "LANE": "default", "STATE": "failed", "ON": "failed", "STORE": store, "CONFIG": config,
    }.items():  # fmt: skip
        assert f"AGENT_LANES_{name}={value}" in lines


def test_only_the_occasions_and_the_lane_that_were_named_start_something(run: Command) -> None:
    rules(
        run,
        {"on": ["completed"], "lane": "other", "command": shell(TOLD)},
        {"on": "cancelled", "command": shell(TOLD)},
    )
    run("respond", submitted(run), "--body", "ok")
    run("cancel", submitted(run, "other"))
    content(run.folder / "told-cancelled")
    run("respond", submitted(run, "other"), "--body", "ok")
    content(run.folder / "told-completed")


def test_a_command_that_hangs_delays_nobody_and_one_that_fails_says_so_in_the_log(run: Command, store: Path) -> None:
    os.mkfifo(run.folder / "gate")
    rules(run, {"on": ["submitted"], "command": shell("cat gate > /dev/null; echo no such host >&2; : > gone")})
    id = submitted(run)
    assert run("respond", id, "--body", "ok").values["status"] == "completed"
    (run.folder / "gate").write_text("now")
    content(run.folder / "gone")
    assert (store / "notify.log").read_text() == "no such host\n"


def test_a_program_that_is_missing_is_a_warning(run: Command) -> None:
    rules(run, {"on": ["submitted"], "command": ["/nothing/here"]})
    result = run("submit", "--lane", "default", "request.md", "--quiet")
    assert "notify: /nothing/here could not be started" in "".join(result.said)
    assert run("status", result.line).json["task"]["state"] == "queued"


def test_a_command_can_be_ended_though_its_starter_was_shielded(run: Command) -> None:
    script = "grep SigBlk /proc/self/status > mask.part && mv mask.part mask"
    rules(run, {"on": ["claimed"], "command": shell(script)})
    if not os.path.isdir("/proc/self"):
        pytest.skip("no /proc")
    run("claim", submitted(run))
    assert int(content(run.folder / "mask").split()[1], 16) & (1 << 14) == 0  # SIGTERM


def test_commands_that_set_each_other_off_come_to_an_end(run: Command) -> None:
    again = 'n=$AGENT_LANES_NOTIFY_DEPTH; agent-lanes submit --lane default --prompt again --quiet; : > "done-$n"'
    rules(run, {"on": ["submitted"], "command": shell(again)})
    bin = os.path.dirname(run.program)
    run("submit", "--lane", "default", "request.md", "--quiet", env={"PATH": f"{bin}:{os.environ['PATH']}"})
    content(run.folder / "done-3")
    assert run("status", "--all").json["count"] == 4
    assert not (run.folder / "done-4").exists()


def test_the_desktop_is_told_by_the_program_that_is_there(run: Command, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "notify-send"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > shown.part\nmv shown.part shown\n')
    fake.chmod(0o755)
    rules(run, {"on": ["completed"], "desktop": True})
    id = submitted(run)
    run("respond", id, "--body", "<b>5 > 4", env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"})
    shown = content(run.folder / "shown").splitlines()
    assert shown == [
        "--app-name=agent-lanes", "--", "agent-lanes: default: completed", f"default ({id[-12:]}): &lt;b&gt;5 &gt; 4",
    ]  # fmt: skip


def test_where_nothing_can_show_a_notification_nothing_is_said(run: Command, tmp_path: Path) -> None:
    rules(run, {"on": ["submitted"], "desktop": True})
    assert run("submit", "--lane", "default", "request.md", "--quiet", env={"PATH": str(tmp_path)}).said == []


def test_a_python_program_starts_them_too(run: Command) -> None:
    rules(run, {"on": ["submitted"], "command": shell(TOLD)})
    queue = Queue.open(config=str(run.folder / "handoff" / "handoff.yaml"))
    id = queue.submit("default", prompt="x")
    assert json.loads(content(run.folder / "told-submitted"))["task"]["id"] == id


def test_a_store_that_the_config_does_not_name_has_no_rules(run: Command, tmp_path: Path) -> None:
    rules(run, {"on": ["submitted"], "command": ["/nothing/here"]})
    assert run("--store", str(tmp_path / "s"), "submit", "--lane", "a", "--prompt", "x", "--quiet").said == []


def test_who_meets_no_rule_loads_nothing_for_it(run: Command) -> None:
    rules(run, {"on": ["dead"], "command": ["true"]})
    compiled(run)
    submitted(run)
    found = loaded(run, "submit", "--lane", "default", "request.md", "--quiet")
    assert not {"subprocess", "tempfile", "signal"} & found


WRONG: list[tuple[Any, str]] = [
    ("all", "notify: 'all' is not a list"),
    (["x"], "rule 1: 'x' is not a mapping"),
    ([{"command": ["true"]}], "rule 1: on: "),
    ([{"on": [], "desktop": True}], "rule 1: on: "),
    ([{"on": ["finished"], "desktop": True}], "rule 1: on: 'finished' is not one of submitted, claimed"),
    ([{"on": "failed"}], "rule 1: it needs command"),
    ([{"on": "failed", "desktop": True, "command": ["x"]}], "rule 1: it needs command"),
    ([{"on": "failed", "desktop": "yes"}], "rule 1: desktop: "),
    ([{"on": "failed", "command": "mail me"}], "rule 1: command: 'mail me' is not a list of texts"),
    ([{"on": "failed", "command": ["a", 1]}], "rule 1: command: "),
    ([{"on": "failed", "command": [""]}], "rule 1: command: "),
    ([{"on": "failed", "desktop": True}, {"on": "failed", "desktop": True, "lane": " "}], "rule 2: lane: "),
]


@pytest.mark.parametrize(("value", "problem"), WRONG, ids=str)
def test_a_wrong_rule_is_refused_by_file_rule_and_key(value: object, problem: str) -> None:
    with pytest.raises(BadData) as caught:
        parse({"workspace_id": "w", "notify": value}, "/x/handoff.yaml")
    assert caught.value.message.startswith("/x/handoff.yaml: notify") and problem in caught.value.message


def test_a_config_with_a_wrong_rule_changes_nothing(run: Command, store: Path) -> None:
    rules(run, {"on": "finished", "desktop": True})
    assert "finished" in run("submit", "--lane", "default", "request.md", code=BAD_DATA).why
    assert not (store / "tasks").exists()


def test_on_without_quotes_is_the_word_and_rules_survive_the_compiled_copy(run: Command) -> None:
    path = run.folder / "handoff" / "handoff.yaml"
    path.write_text(
        "workspace_id: w\nnotify:\n  - {on: [dead], lane: a, command: [mail, me]}\n  - {on: failed, desktop: on}\n"
    )
    from agent_lanes.config.load import config

    found = config(str(path))
    assert found.notify == (
        Notice(on=("dead",), lane="a", command=("mail", "me")),
        Notice(on=("failed",), desktop=True),
    )
    assert found.warnings == () and restore(json.loads(json.dumps(dump(found)))) == found
    assert parse({"workspace_id": "w", "notify": [{"on": "dead", "desktop": True, "to": 1}]}, "/x").warnings
