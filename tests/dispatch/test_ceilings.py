"""Ceilings on cost: of a task, of a lane and day, of all lanes and day."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent_lanes.wiring import Session
from dispatch.conftest import Scene
from dispatch.test_costs import TOLD, claude

FAILED = {**TOLD, "is_error": True, "subtype": "error_during_execution", "result": "no"}
SPENT = {**TOLD, "total_cost_usd": 1.5}
WORK = ("work", "--lane", "default", "--vendor", "claude", "--once", "--wait", "0")


def work(scene: Scene, told: dict[str, object], code: int = 0, exit_code: int = 0) -> str:
    return scene.run(*WORK, env=claude(scene, told, code), code=exit_code).err.decode()


def submitted(scene: Scene, *words: str) -> str:
    return scene.submit("--metadata", "required_vendor=claude", "--backoff", "0", *words, attempts=5)


def configure(scene: Scene, text: str) -> None:
    (scene.project / "handoff" / "handoff.yaml").write_text(f"workspace_id: kettle\n{text}\n")


def test_a_task_that_has_cost_its_ceiling_is_on_hold_until_it_is_resumed(scene: Scene) -> None:
    id = submitted(scene, "--max-cost-usd", "0.20")
    work(scene, FAILED, 1)
    assert scene.status(id)["on_hold"] is False
    work(scene, FAILED, 1)
    status = scene.status(id)
    assert status["on_hold"] and status["max_cost_usd"] == 0.2 and status["attempts"] == 2
    assert status["hold_reason"].startswith(
        "the task cost 0.25 USD, of 0.2 USD that may be spent (max_cost_usd; 2 attempts"
    )
    assert status["hold_reason"] in scene.run("show", id).out.decode()
    work(scene, TOLD, exit_code=2)
    scene.run("resume", id)
    work(scene, TOLD)
    assert scene.status(id)["state"] == "completed"


def test_what_is_left_is_passed_on_to_an_agent_that_takes_a_ceiling(scene: Scene) -> None:
    submitted(scene, "--max-cost-usd", "0.20")
    env = claude(scene, FAILED, 1)
    program = scene.project.parent / "programs" / "claude"
    program.write_text(program.read_text().replace("cat >/dev/null", 'cat >/dev/null; echo "$@" >>"$TMPDIR/own-words"'))
    for _ in range(2):
        scene.run(*WORK, env=env)
    told = [
        line.split("--max-budget-usd ")[1].split()[0] for line in (scene.tmp / "own-words").read_text().splitlines()
    ]
    assert told == ["0.2", "0.075"]


def test_a_lane_that_has_cost_its_ceiling_is_on_hold_until_midnight(scene: Scene) -> None:
    configure(scene, "lanes: {default: {max_cost_usd_per_day: 2}}")
    ids = [submitted(scene) for _ in range(3)]
    work(scene, SPENT)
    work(scene, SPENT)
    (hold,) = json.loads(scene.run("status", "--all").out)["holds"]
    assert (hold["lane"], hold["vendor"], hold["by"], hold["until"][10:]) == (
        *("default", None, "ceiling"),
        "T00:00:00.000000Z",
    )
    assert "lane default cost 3.00 USD, of 2 USD" in hold["reason"]
    assert "max_cost_usd_per_day" in scene.run("show", ids[2]).out.decode()
    work(scene, SPENT, exit_code=2)


def test_a_lane_that_is_resumed_under_its_ceiling_is_held_again_and_costs_no_attempt(scene: Scene) -> None:
    configure(scene, "max_cost_usd_per_day: 1")
    ids = [submitted(scene) for _ in range(2)]
    work(scene, SPENT)
    scene.run("resume", "--lane", "default")
    said = work(scene, SPENT)
    assert "all lanes together cost 1.50 USD, of 1 USD" in said
    assert (scene.status(ids[1])["state"], scene.status(ids[1])["attempts"]) == ("queued", 0)
    scene.run("resume", "--lane", "default")
    configure(scene, "max_cost_usd_per_day: 10")
    work(scene, SPENT)
    assert scene.status(ids[1])["state"] == "completed"


def test_a_config_that_cannot_be_read_leaves_the_ceilings_as_they_were(tmp_path: Path) -> None:
    path, said = tmp_path / "handoff.yaml", list[str]()
    path.write_text("workspace_id: kettle\nmax_cost_usd_per_day: 1\n")
    session = Session(config=str(path), warn=said.append)
    assert session.lanes.max_cost_usd_per_day == 1
    path.write_text("workspace_id: kettle\nmax_cost_usd_per_day: 10 dollars\n")
    session.reread()
    assert session.lanes.max_cost_usd_per_day == 1 and "max_cost_usd_per_day" in said[0]
    path.write_text("workspace_id: kettle\nmax_cost_usd_per_day: 10\n")
    session.reread()
    assert session.lanes.max_cost_usd_per_day == 10


def test_attempts_of_unknown_cost_count_as_nothing_and_the_reason_says_how_many(scene: Scene) -> None:
    configure(scene, "max_cost_usd_per_day: 1")
    scene.submit()
    scene.handle("echo")
    submitted(scene)
    work(scene, SPENT)
    (hold,) = json.loads(scene.run("status", "--all").out)["holds"]
    assert hold["reason"].endswith("2 attempts; not counted: 1 of unknown cost)")


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "much", "1e9", ""])
def test_a_ceiling_that_is_no_sum_of_money_is_refused(scene: Scene, value: str) -> None:
    words = ("submit", "--lane", "default", "--prompt", "x", "--max-cost-usd", value)
    assert "--max-cost-usd" in scene.run(*words, code=64).err.decode()
    assert json.loads(scene.run("list", "--json").out)["count"] == 0
