"""tree, and list --ready: drawn for people, listed for programs."""

from __future__ import annotations

from typing import Any

import pytest

from agent_lanes.core.names import short_id
from cli.process import NOT_FOUND, USAGE, Command

UTF8 = {"LC_ALL": "C.UTF-8"}


def asked(run: Command, *words: str) -> str:
    return run("submit", "--lane", "default", "--prompt", "p", *words).line


@pytest.fixture
def graph(run: Command) -> dict[str, str]:
    """One task, two that wait for it, one that waits for both, and one that does the first again."""
    ids = {"plan": asked(run, "--task-id", "plan")}
    for name in ("left", "right"):
        ids[name] = asked(run, "--task-id", name, "--depends-on", ids["plan"])
    ids["join"] = asked(run, "--task-id", "join", "--depends-on", ids["left"], "--depends-on", ids["right"])
    run("respond", ids["plan"], "--body", "x", "--verdict", "accept")
    ids["again"] = run("retry", ids["plan"]).line
    return ids


def test_it_is_drawn_with_states(run: Command, graph: dict[str, str]) -> None:
    run("claim", graph["left"], "--owner", "ann")
    short = {name: short_id(id) for name, id in graph.items()}
    assert run("tree", graph["plan"], env=UTF8).text.splitlines() == [
        f"{short['plan']}  completed  default  plan  accept",
        f"├─ {short['left']}  claimed  default  left  by ann",
        f"│  └─ {short['join']}  queued  default  join  ^ also after {short['right']}  waits for 2",
        f"├─ {short['right']}  queued  default  right",
        f"└─ {short['again']}  queued  default  plan  does it again",
    ]
    assert run("tree", graph["right"], "--ascii", env=UTF8).text.splitlines() == [
        f"^ after {short['plan']}",
        f"{short['right']}  queued  default  right",
        f"`- {short['join']}  queued  default  join  ^ also after {short['left']}  waits for 2",
    ]
    assert "`- " in run("tree", graph["plan"], env={"LC_ALL": "C"}).text


def test_for_programs_it_is_a_list_parents_first(run: Command, graph: dict[str, str]) -> None:
    found = run("tree", graph["plan"], "--json").json
    assert (found["root"], found["thread"], found["count"], found["left_off"]) == (graph["plan"], None, 5, 0)
    nodes: dict[str, dict[str, Any]] = {node["task_id"]: node for node in found["tasks"]}
    assert nodes[graph["join"]]["under"] == graph["left"]
    assert nodes[graph["join"]]["waits_for"] == [graph["left"], graph["right"]]
    assert nodes[graph["right"]]["children"] == [graph["join"]]
    assert nodes[graph["plan"]]["verdict"] == "accept"
    assert run("tree", graph["plan"], "--limit", "2", "--json").json["count"] == 2


def test_a_thread_is_drawn_too(run: Command) -> None:
    one = asked(run, "--metadata", "thread_id=t", "--task-id", "one")
    two = asked(run, "--metadata", "thread_id=t", "--metadata", f"parent_task_id={one}", "--task-id", "two")
    assert run("tree", "--thread", "t", env=UTF8).text.splitlines() == [
        f"{short_id(one)}  queued  default  one",
        f"└─ {short_id(two)}  queued  default  two  follows from it",
    ]


def test_what_makes_no_sense_is_refused_by_name(run: Command) -> None:
    assert "--thread" in run("tree", code=USAGE).why
    assert "--thread" in run("tree", "a", "--thread", "t", code=USAGE).why
    assert "limit" in run("tree", asked(run), "--limit", "0", code=USAGE).why
    assert "nobody" in run("tree", "nobody", code=NOT_FOUND).why
    assert "'t'" in run("tree", "--thread", "t", code=NOT_FOUND).why


def test_the_ready_are_listed_in_the_order_in_which_they_are_offered(run: Command) -> None:
    later = asked(run)
    urgent = asked(run, "--priority", "1")
    codex = asked(run, "--metadata", "required_vendor=codex")
    asked(run, "--depends-on", later)
    asked(run, "--delay", "1h")

    def ready(*words: str) -> list[str]:
        return [task["id"] for task in run("list", "--ready", "--lane", "default", *words).json["tasks"]]

    assert ready() == [urgent, later, codex]
    assert ready("--vendor", "claude") == [urgent, later]
    assert ready("--limit", "1") == [urgent]
    assert ready("--match", "required_vendor=codex") == [codex]
    run("claim", urgent)
    assert ready() == [later, codex]
    assert "--lane" in run("list", "--ready", code=USAGE).why
    assert "--ready" in run("list", "--vendor", "x", code=USAGE).why
    assert "--state" in run("list", "--ready", "--lane", "default", "--state", "queued", code=USAGE).why


def test_a_list_may_be_of_one_state_or_of_some_metadata(run: Command) -> None:
    one, two = asked(run, "--metadata", "k=1"), asked(run, "--metadata", "k=2")
    run("respond", one, "--body", "x")

    def listed(*words: str) -> list[str]:
        return [task["id"] for task in run("list", *words).json["tasks"]]

    assert listed("--state", "completed") == [one]
    assert listed("--state", "queued") == [two]
    assert listed("--match", "k=2") == [two]
    assert listed("--match", "k=1", "--limit", "1") == [one]
    assert "--state" in run("list", "--state", "done", code=USAGE).why
