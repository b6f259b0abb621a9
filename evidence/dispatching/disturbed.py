"""What happens to the task, or the store, while an agent works."""

from __future__ import annotations

import json
import time
from pathlib import Path

from holding.place import Case, expect

from agent_lanes import Queue
from dispatching.hall import Hall, alive


def _token(hall: Hall, id: str) -> str:
    return str(json.loads((hall.store / "tasks" / id / "claim.json").read_text())["token"])


def _goes_on(hall: Hall, dispatcher: object, go: Path) -> None:
    """The dispatcher has survived: it takes another task and answers it."""
    hall.begun().unlink(missing_ok=True)
    go.touch()
    id = hall.asked()
    hall.until(lambda: hall.task(id)["state"] == "completed", f"it goes on: {hall.said(dispatcher)}")  # type: ignore[arg-type]


def _cancelled(hall: Hall) -> str:
    id, go = hall.asked(), hall.root / "go"
    dispatcher = hall.work("until", hall.begun(), go)
    agent = hall.pid()
    hall.call("cancel", id, "--reason", "no longer needed")
    seconds = hall.until(lambda: not alive(agent), "the agent ends")
    _goes_on(hall, dispatcher, go)
    return f"the agent was stopped after {seconds:.1f} s; the dispatcher goes on"


def _released_by_another(hall: Hall) -> str:
    id, go = hall.asked(), hall.root / "go"
    dispatcher = hall.work("until", hall.begun(), go)
    agent = hall.pid()
    queue = Queue.open(str(hall.store))
    queue.release(id, _token(hall, id))
    queue.claim_task(id, owner="somebody else")  # before the dispatcher has noticed, and could take it anew
    hall.until(lambda: not alive(agent), "the agent ends")
    expect(hall.task(id)["claim_owner"] == "somebody else", "the dispatcher said something about it")
    _goes_on(hall, dispatcher, go)
    return "the agent was stopped, nothing said about the task; the dispatcher goes on"


def _edited(hall: Hall) -> str:
    request, go = hall.project / "request.md", hall.root / "go"
    request.write_text("please\n")
    id = hall.asked("--request-from", str(request))
    dispatcher = hall.work("until", hall.begun(), go)
    hall.pid()
    request.write_text("something else\n")
    go.touch()
    hall.until(lambda: hall.task(id)["state"] == "failed", "it is answered")
    answer = json.loads((hall.store / "tasks" / id / "response.json").read_text())
    expect("finished" in answer["body"] and answer["request_changed_before_response"], str(answer))
    _goes_on(hall, dispatcher, go)
    return f"failed, with the answer in it: {answer['body'].splitlines()[0]}"


def _edited_before(hall: Hall) -> str:
    request = hall.project / "request.md"
    request.write_text("please\n")
    id = hall.asked("--request-from", str(request))
    request.write_text("something else\n")
    other = hall.asked()
    hall.once("print", "x")
    expect(hall.task(other)["state"] == "completed", "the task behind it was not done")
    expect(hall.task(id)["parked_reason"], "it is not parked")
    return "parked; the task behind it was done"


def _damaged(hall: Hall) -> str:
    id, go = hall.asked(), hall.root / "go"
    dispatcher = hall.work("until", hall.begun(), go)
    agent = hall.pid()
    (hall.store / "tasks" / id / "claim.json").write_bytes(b"\0\0garbage")
    time.sleep(1.5)
    expect(alive(agent), "the agent was stopped on account of a record that nobody could read")
    go.touch()
    hall.until(lambda: "the answer is kept in" in hall.said(dispatcher), "the answer is kept")
    (kept,) = hall.tmp.glob("agent-lanes-answer-*")
    expect(kept.read_text() == "finished" and kept.stat().st_mode & 0o777 == 0o600, "not the answer, or not private")
    _goes_on(hall, dispatcher, go)
    return "the agent finished, its answer is kept in a private file; the dispatcher goes on"


def _removed(hall: Hall) -> str:
    hall.asked()
    go = hall.root / "go"
    dispatcher = hall.work("until", hall.begun(), go)
    agent = hall.pid()
    hall.store.rename(hall.root / "gone")
    hall.until(lambda: not alive(agent), "the agent ends")
    _goes_on(hall, dispatcher, go)
    return "the agent was stopped; the dispatcher waits on, and takes what comes into the new store"


def _removed_while_idle(hall: Hall) -> str:
    hall.asked(lane="other")
    dispatcher = hall.work("print", "x")
    hall.until(lambda: "waits on lane" in hall.said(dispatcher), "it waits")
    hall.store.rename(hall.root / "gone")
    id = hall.asked()
    hall.until(lambda: hall.task(id)["state"] == "completed", "it goes on")
    return "it waits on, and takes what comes"


def _unwritable(hall: Hall) -> str:
    id = hall.asked()
    (hall.store / "tmp").rename(hall.store / "tmp-away")
    (hall.store / "tmp").write_bytes(b"")
    dispatcher = hall.work("print", "x")
    hall.until(lambda: hall.said(dispatcher).count("cannot claim") >= 2, "it says so")
    (hall.store / "tmp").unlink()
    (hall.store / "tmp-away").rename(hall.store / "tmp")
    hall.until(lambda: hall.task(id)["state"] == "completed", "it goes on")
    return f"it tried {hall.said(dispatcher).count('cannot claim')} times, with pauses, and went on once it could"


def _private(hall: Hall) -> str:
    go = hall.root / "go"
    hall.asked("--prompt", "a secret")
    dispatcher = hall.work("until", hall.begun(), go, flags=("--once",))
    hall.pid()
    names = sorted(path.name for path in hall.tmp.rglob("*") if path.is_file())
    expect("input" in names, f"only {names}")
    hall.private()
    go.touch()
    hall.ended(dispatcher, 0)
    hall.nothing_left()
    return f"during the run {', '.join(names)} in a folder of mode 0700; nothing after it"


def _limited(hall: Hall) -> str:
    programs = hall.root / "programs"
    programs.mkdir()
    told: dict[str, object] = {"type": "result", "subtype": "success", "is_error": True, "num_turns": 1}
    told |= {"result": "You've hit your limit", "api_error_status": 429}
    program = programs / "claude"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\ncat <<'E'\n{json.dumps(told)}\nE\nexit 1\n")
    program.chmod(0o700)
    id, anybody = hall.asked("--metadata", "required_vendor=claude"), hall.asked()
    path = f"{programs}:{hall.environment['PATH']}"
    said = hall.call("work", "--vendor", "claude", "--once", "--wait", "5", PATH=path).err.decode()
    expect(hall.task(id)["attempts"] == 0 and hall.task(id)["state"] == "queued", said)
    for_claude = hall.call("claim", "--lane", "default", "--vendor", "claude").values
    expect(for_claude.get("status") == "idle", f"offered to claude: {for_claude}")
    for_codex = hall.call("claim", "--lane", "default", "--vendor", "codex").values
    expect(for_codex.get("task_id") == anybody, f"offered to codex: {for_codex}")
    hall.call("resume", "--vendor", "claude")
    expect(hall.claim(id)[0] == id, "resumed, it is not offered")
    return "released, no attempt counted; claude on hold until the reset, what is for anybody goes on with codex"


def _breaker(hall: Hall) -> str:
    ids = [hall.asked("--metadata", "required_vendor=mine") for _ in range(5)]
    dispatcher = hall.work("fail", "1", flags=("--vendor", "mine"))
    hall.until(lambda: "is on hold until" in hall.said(dispatcher), "the vendor is put on hold")
    told = hall.call("status", "--all").out.decode()
    expect("3 failures of mine in a row" in told, f"status does not say so: {told[:2000]}")
    tried = sum(hall.task(id)["attempts"] for id in ids)
    expect(tried == 3, f"{tried} attempts")
    return "on hold after the third, for all dispatchers of the lane; status --all says so and why"


CASES = [
    Case("The task is cancelled", "its agent is stopped", _cancelled),
    Case("The task gets into other hands", "the agent is stopped, and nothing said", _released_by_another),
    Case("The request is edited while the agent works", "no answer to another request; the work not lost", _edited),
    Case("The request is edited before", "parked, and the lane goes on", _edited_before),
    Case("claim.json is overwritten with garbage", "the answer is not lost, the dispatcher goes on", _damaged),
    Case("The store is removed while an agent works", "the agent is stopped, the dispatcher goes on", _removed),
    Case("The store is removed while nothing is to do", "the dispatcher goes on", _removed_while_idle),
    Case("The store cannot be written", "no hot loop; it goes on once it can", _unwritable),
    Case("A shared temp folder", "nobody else can read anything in it", _private),
    Case("A usage limit", "no attempt is counted; the vendor waits for the reset, others go on", _limited),
    Case("Agents of a vendor that always fail", "after three in a row the vendor is on hold", _breaker),
]
