"""Agents that hang, flood, fork away, fail."""

from __future__ import annotations

import json
import time

from holding.place import Case, expect

from dispatching.hall import Hall, alive

MIB = 1 << 20


def _failed(hall: Hall, id: str, *words: str) -> str:
    """The one attempt has failed, and its answer says all this; its first line."""
    answer = json.loads((hall.store / "tasks" / id / "response.json").read_text())
    expect(answer["status"] == "failed", f"status {answer['status']}")
    for word in words:
        expect(word in answer["body"], f"the answer does not say {word!r}: {answer['body']}")
    hall.nothing_left()
    return str(answer["body"]).split("\n")[0]


def _hangs(hall: Hall) -> str:
    id = hall.asked(attempts=1)
    hall.once("hang", hall.begun(), flags=("--max-run-seconds", "1"))
    return _failed(hall, id, "took longer than 1 s")


def _deaf(hall: Hall) -> str:
    id = hall.asked(attempts=1)
    hall.once("deaf", hall.begun(), flags=("--max-run-seconds", "5"))  # it must have begun to ignore it
    expect(not alive(hall.pid()), "it still runs")
    return _failed(hall, id, "took longer than 5 s")


def _floods(hall: Hall) -> str:
    id = hall.asked(attempts=1)
    dispatcher = hall.work("flood", flags=("--once", "--max-output-bytes", str(8 * MIB)))
    most = 0
    while dispatcher.poll() is None:
        most = max([most, *(path.stat().st_size for path in hall.tmp.rglob("*") if path.exists())])
        time.sleep(0.01)
    hall.ended(dispatcher, 0)
    expect(most <= 8 * MIB, f"a file of {most} bytes")
    return f"{_failed(hall, id, 'printed more than')}; its file never had more than {most} bytes"


def _flood_of_stderr(hall: Hall) -> str:
    id = hall.asked(attempts=1)
    said = hall.once("complain", str(256 * MIB))
    expect(len(said) < 10_000, "the log has it all")
    hall.nothing_left()
    return f"256 MiB of it, and answered: {hall.answer(id)!r}"


def _not_utf8(hall: Hall) -> str:
    id = hall.asked()
    hall.once("bytes", "ff00fe41")
    kept = (hall.store / "tasks" / id / "answer.raw").read_bytes()
    expect(kept == b"\xff\0\xfeA", f"kept as {kept!r}")
    return f"answered with {hall.answer(id)!r}, the bytes themselves kept in answer.raw"


def _forks_away(*how: str) -> object:
    def play(hall: Hall) -> str:
        id = hall.asked()
        hall.once("leave", hall.begun(), *how)
        expect(not alive(hall.pid()), "what it left still runs")
        hall.nothing_left()
        return f"ended with it; answered: {hall.answer(id)!r}"

    return play


def _always_fails(hall: Hall) -> str:
    ids = [hall.asked(attempts=3) for _ in range(6)]
    dispatcher = hall.work("fail", "1")
    hall.until(lambda: "failures in a row" in hall.said(dispatcher), "it slows down")
    begin, before = time.monotonic(), sum(hall.types(id).count("claimed") for id in ids)
    time.sleep(6)
    claims = sum(hall.types(id).count("claimed") for id in ids) - before
    expect(claims <= 4, f"{claims} claims in {time.monotonic() - begin:.0f} s")
    return f"after two failures in a row, {claims} claims in 6 s"


def _exhausted(hall: Hall) -> str:
    id = hall.asked(attempts=1)
    hall.once("fail", "7")
    return _failed(hall, id, "exit code 7", "something is wrong")


def _no_memory(hall: Hall) -> str:
    id = hall.asked(attempts=1)
    hall.once("memory", flags=("--max-memory-bytes", str(256 * MIB)))
    return _failed(hall, id, "MemoryError")


def _gone_program(hall: Hall) -> str:
    id = hall.asked()
    program = hall.root / "agent"
    program.write_text("#!/nowhere/at/all\n")
    program.chmod(0o700)
    said = hall.call("work", "--once", "--wait", "5", "--", str(program)).err.decode()
    expect("cannot start" in said, said)
    hall.free_again(id)
    expect(hall.task(id)["attempts"] == 0, "it cost an attempt")
    return "released, no attempt counted: " + next(line for line in said.splitlines() if "cannot start" in line)[46:]


CASES = [
    Case("An agent that hangs", "it is stopped after --max-run-seconds", _hangs),
    Case("... and ignores SIGTERM", "it is killed", _deaf),
    Case("An agent that floods stdout without end", "it is stopped, the disk not filled", _floods),
    Case("An agent that floods stderr", "only the end of it is kept", _flood_of_stderr),
    Case("An answer that is no UTF-8", "the dispatcher goes on; nothing of it is lost", _not_utf8),
    Case("An agent that leaves a daemon in a session of its own", "the daemon ends", _forks_away()),
    Case("... with a clean environment and no parent", "the daemon ends", _forks_away("clean")),
    Case("An agent that always fails, six tasks", "no hot loop", _always_fails),
    Case("An agent that fails its last attempt", "the task has failed, and says why", _exhausted),
    Case("An agent that takes too much memory", "it fails, nothing else does", _no_memory),
    Case("A program that cannot be started", "no attempt is counted", _gone_program),
]
