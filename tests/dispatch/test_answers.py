"""What an agent says becomes the answer, byte for byte; what it does not say well becomes a failed attempt."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dispatch.conftest import Scene


def test_an_agent_is_given_the_task_on_stdin_and_its_output_is_the_answer(scene: Scene) -> None:
    (scene.project / "plan.md").write_text("the plan\n")
    (scene.project / "more.md").write_text("more\n")
    made = scene.project / "task.yaml"
    made.write_text(
        "lane: default\nprompt: Review this.\nrequest_from: plan.md\nsupporting_paths: [more.md]\n"
        "metadata: {effort: high}\n"
    )
    id = scene.run("submit", "--task", str(made)).line
    (scene.project / "more.md").write_text("changed\n")
    scene.handle("echo")
    given = scene.answer(id)["body"]
    assert given.startswith(f"Task {id} on lane default.\n\nReview this.\n")
    assert "---\nthe plan\n--- end of the request ---\n" in given
    assert f"- {scene.project}/more.md (changed since the task was submitted)\n" in given
    assert "Effort asked for: high.\n" in given
    types = [event["type"] for event in scene.events(id)]
    assert types == [
        *("created", "claimed", "dispatcher_started", "headless_started", "headless_completed", "response"),
    ]


def test_a_thread_stands_in_front_oldest_first_and_a_circle_ends(scene: Scene) -> None:
    first = scene.submit(prompt="one")
    scene.handle("print", "first answer")
    second = scene.submit("--metadata", f"parent_task_id={first}", prompt="two")
    scene.handle("print", "second answer")
    third = scene.submit("--metadata", f"parent_task_id={second}", prompt="three")
    scene.handle("echo")
    given = scene.answer(third)["body"]
    assert given.index("first answer") < given.index("second answer") < given.index("Your answer")


@pytest.mark.parametrize(
    "raw", [b"line\r\nother\0nul \xc3\xa9\x1b[31m no newline", b"  \n\nblank around\n\n", b"VERDICT: accept? no\n"]
)
def test_an_answer_is_kept_byte_for_byte(scene: Scene, raw: bytes) -> None:
    id = scene.submit()
    scene.handle("bytes", raw.hex())
    assert scene.answer(id)["body"].encode() == raw
    assert scene.answer(id)["verdict"] is None


def test_an_answer_that_is_no_utf8_is_replaced_and_kept_as_it_came(scene: Scene) -> None:
    id, raw = scene.submit(), b"caf\xe9 \xff\xfe"
    scene.handle("bytes", raw.hex())
    answer = scene.answer(id)
    assert answer["body"] == "caf\ufffd \ufffd\ufffd"
    kept = scene.store / "tasks" / id / "answer.raw"
    assert answer["metadata"]["raw_answer"] == str(kept)
    assert kept.read_bytes() == raw and kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("fine\nVERDICT: accept\n", "accept"),
        ("**VERDICT: needs-revision**\n\n", "needs-revision"),
        ("VERDICT: accept-with-follow-ups", "accept-with-follow-ups"),
        ("VERDICT: accept\nbut then again", None),
        ("VERDICT: perhaps", None),
    ],
)
def test_a_last_line_becomes_the_verdict(scene: Scene, said: str, verdict: str | None) -> None:
    id = scene.submit()
    scene.handle("print", said)
    assert scene.answer(id)["verdict"] == verdict and scene.answer(id)["body"] == said


def test_a_failing_agent_costs_an_attempt_and_the_last_one_fails_the_task_with_its_stderr(scene: Scene) -> None:
    id = scene.submit(attempts=2)
    scene.handle("fail", "3")
    status = scene.status(id)
    assert (status["state"], status["attempts"]) == ("queued", 1)
    assert status["not_before"] is not None
    failed = next(event for event in scene.events(id) if event["type"] == "headless_failed")
    assert failed["data"]["exit_code"] == 3
    scene.until(lambda: scene.status(id)["offered"], "the pause is over")
    scene.handle("fail", "3")
    answer = scene.answer(id)
    assert (answer["status"], answer["cause"]) == ("failed", "attempts_exhausted")
    assert "exit code 3" in answer["body"] and "something is wrong" in answer["body"]


def test_without_a_limit_of_attempts_a_failing_agent_fails_the_task_as_in_v01(scene: Scene) -> None:
    id = scene.submit(attempts=0)
    scene.handle("fail", "1")
    assert (scene.answer(id)["status"], scene.answer(id)["cause"]) == ("failed", None)
    assert "something is wrong" in scene.answer(id)["body"]


def test_exit_code_0_without_an_answer_is_a_failure(scene: Scene) -> None:
    id = scene.submit()
    scene.handle("print", " \n")
    assert scene.answer(id)["status"] == "failed" and "answer is empty" in scene.answer(id)["body"]


def test_a_program_that_is_not_there_is_refused_before_anything_is_claimed(scene: Scene) -> None:
    id = scene.submit()
    gone = scene.run("work", "--once", "--", "no-such-program-here", code=5)
    assert "no-such-program-here is not on PATH" in gone.why
    assert scene.status(id)["state"] == "queued"


def test_once_says_when_no_task_came(scene: Scene) -> None:
    assert "no task came" in scene.handle("echo", flags=("--wait", "0"), code=2)


def test_an_agent_knows_its_task_and_works_in_the_folder_of_the_task(scene: Scene) -> None:
    (scene.project / "there").mkdir()
    id = scene.submit("--worktree-path", "there")
    scene.handle("where")
    assert scene.answer(id)["body"] == str(scene.project / "there")
    id = scene.submit()
    scene.handle("environment", "AGENT_LANES_TASK_ID", "HOME")
    assert scene.answer(id)["body"].split("\n") == [id, str(scene.run.home)]


def test_tasks_for_another_vendor_are_left_alone(scene: Scene) -> None:
    other = scene.submit("--metadata", "required_vendor=other")
    mine = scene.submit("--metadata", "required_vendor=mine")
    scene.handle("print", "x", flags=("--vendor", "mine"))
    assert scene.status(mine)["state"] == "completed" and scene.status(other)["state"] == "queued"
    assert scene.answer(mine)["metadata"]["vendor"] == "mine"


def test_a_program_of_ones_own_takes_what_is_for_anybody_or_for_its_name_and_with_vendor_any_everything(
    scene: Scene,
) -> None:
    program = Path(sys.executable).name
    other = scene.submit("--metadata", "required_vendor=other")
    by_name, anybodys = scene.submit("--metadata", f"required_vendor={program}"), scene.submit()
    assert f"for tasks for {program} or anybody" in scene.handle("print", "x")
    scene.handle("print", "x")
    said = scene.handle("print", "x", flags=("--wait", "0"), code=2)
    assert "no task came" in said and "Tasks wait on lane default, but none of the vendor" in said
    assert [scene.status(id)["state"] for id in (by_name, anybodys, other)] == ["completed", "completed", "queued"]
    assert "for tasks for any vendor" in scene.handle("print", "x", flags=("--vendor", "any"))
    assert scene.answer(other)["metadata"]["vendor"] == program


def test_a_program_whose_name_means_every_vendor_takes_nothing_unless_told_whose(scene: Scene) -> None:
    program = scene.project / "any"
    program.write_text("#!/bin/sh\necho x\n")
    program.chmod(0o700)
    id = scene.submit("--metadata", "required_vendor=other")
    assert "--vendor any" in scene.run("work", "--once", "--wait", "0", "--", str(program), code=64).why
    assert scene.status(id)["state"] == "queued"
