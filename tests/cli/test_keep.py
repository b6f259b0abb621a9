"""keep: a claim that stays alive while a chat works on its task."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from cli.process import DONE, REFUSED, TASK_CANCELLED, Command, Result, check


def claimed(run: Command) -> tuple[str, str]:
    id = run("submit", "--lane", "default", "request.md").line
    return id, run("claim", id, "--lease-seconds", "600").values["claim_token"]


def renewals(run: Command, id: str) -> int:
    return sum(event["type"] == "renewed" for event in run("show", id, "--json").json["events"])


def until(true: object, *, tries: int = 3000) -> None:
    for _ in range(tries):
        if true():  # type: ignore[operator]
            return
        time.sleep(0.02)
    raise AssertionError("never")


def test_a_claim_is_renewed_until_its_task_is_answered(run: Command) -> None:
    id, token = claimed(run)
    with run.start("keep", id, "--claim-token", token, "--lease-seconds", "0.6") as keep:
        until(lambda: renewals(run, id) >= 4)
        run("respond", id, "--claim-token", token, "--body", "done")
        assert keep.end(DONE).values["status"] == "answered"


def test_a_claim_that_is_lost_or_cancelled_ends_it(run: Command) -> None:
    id, token = claimed(run)
    with run.start("keep", id, "--claim-token", token) as keep:
        until(lambda: renewals(run, id) >= 1)
        run("cancel", id)
        assert "was cancelled" in keep.end(TASK_CANCELLED).why
    id, token = claimed(run)
    with run.start("keep", id, "--claim-token", token, "--lease-seconds", "0.6") as keep:
        until(lambda: renewals(run, id) >= 1)
        run("release", id, "--claim-token", token)
        assert "the claim of" in keep.end(REFUSED).why


def test_a_wrong_token_is_refused_at_once(run: Command) -> None:
    id, _ = claimed(run)
    assert "this token does not hold it" in run("keep", id, "--claim-token", "f" * 32, code=REFUSED).why


def test_it_ends_after_the_time_it_was_given(run: Command) -> None:
    id, token = claimed(run)
    assert run("keep", id, "--claim-token", token, "--for", "0.2s").values["status"] == "left"
    assert run("status", id).json["task"]["state"] == "claimed"


def test_it_ends_with_the_program_that_started_it_past_the_shells_in_between(run: Command) -> None:
    """A chat runs each command in a shell, which waits for it; killed, it leaves the shell behind."""
    id, token = claimed(run)
    out = run.folder / "keep.out"
    line = f"'{run.program}' keep {id} --claim-token {token} --lease-seconds 30 > '{out}' 2>&1; true"
    code = f"import subprocess\nsubprocess.run(['sh', '-c', {line!r}])\n"
    chat = subprocess.Popen([sys.executable, "-c", code], cwd=run.folder, env=run.environment())
    try:
        until(lambda: renewals(run, id) >= 1)
        assert out.read_bytes() == b""
    finally:
        chat.send_signal(signal.SIGKILL)
        chat.wait()
    until(lambda: b"the program that started this has ended" in out.read_bytes())
    assert check(Result(("keep",), 0, out.read_bytes(), b"")).values["status"] == "left"
