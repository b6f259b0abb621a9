"""The dispatcher, and its guard, end in every way."""

from __future__ import annotations

import os
import signal

from holding.place import REFUSED, Case, expect

from dispatching.hall import Hall, alive

KILL, TERM, INT, HUP = signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP


def _killed(hall: Hall) -> str:
    id = hall.asked()
    dispatcher = hall.work("hang", hall.begun())
    agent = hall.pid()
    hall.private()
    os.kill(dispatcher.pid, KILL)
    seconds = hall.until(lambda: not alive(agent), "the agent ends")
    hall.free_again(id)
    hall.nothing_left()
    expect(hall.task(id)["attempts"] == 0, "it cost an attempt")
    return f"the agent was gone after {seconds:.1f} s, the task released, the temp folder empty"


def _killed_with_tools(hall: Hall) -> str:
    hall.asked()
    dispatcher = hall.work("leave", hall.begun(), "stay")
    tool = hall.pid()
    os.kill(dispatcher.pid, KILL)
    hall.until(lambda: not alive(tool), "the tool ends")
    hall.nothing_left()
    return "agent and tool were gone"


def _three_killed(hall: Hall) -> str:
    ids = [hall.asked() for _ in range(3)]
    dispatcher = hall.work("hang", hall.root / "any", flags=("--concurrency", "3"))
    hall.until(lambda: len(hall.agents()) == 3, "three agents run")
    os.kill(dispatcher.pid, KILL)
    hall.nothing_left()
    for id in ids:
        hall.free_again(id)
    return "three agents were gone, three tasks offered"


def _both_killed(hall: Hall) -> str:
    id = hall.asked()
    dispatcher = hall.work("deaf", hall.begun(), flags=("--lease-seconds", "1"))
    agent = hall.pid()
    for pid in (dispatcher.pid, *hall.guards()):
        os.kill(pid, KILL)
    hall.lapse(id)
    expect(alive(agent), "the agent has ended, and nothing was shown")
    said = hall.refused("claim", id, names=("its agent still runs",), code=REFUSED)
    hall.call("claim", "--lane", "default")
    expect(hall.task(id)["epoch"] == 1, "the task was claimed while its agent ran")
    os.kill(agent, KILL)
    hall.free_again(id)
    return (
        f"while the agent runs, also after the lease: {said.partition(' (end')[0]}; once it is gone the task is offered"
    )


def _both_killed_next(hall: Hall) -> str:
    id = hall.asked()
    dispatcher = hall.work("deaf", hall.begun(), flags=("--lease-seconds", "1"))
    agent = hall.pid()
    for pid in (dispatcher.pid, *hall.guards()):
        os.kill(pid, KILL)
    hall.lapse(id)
    for folder in hall.tmp.iterdir():
        os.utime(folder, (0, 0))  # a young folder is left alone: it may be one that is just being made
    said = hall.once("print", "answered by the next")
    expect(not alive(agent), "the agent of the killed one still runs")
    expect("ended what was left running" in said, said)
    hall.nothing_left()
    return f"the next dispatcher ended the agent, removed the folder, and took the task: {hall.answer(id)!r}"


def _outlived(hall: Hall) -> str:
    id = hall.asked()
    flags = ("--lease-seconds", "0.5", "--max-run-seconds", "1")
    dispatcher = hall.work("deaf", hall.begun(), flags=flags)
    agent = hall.pid()
    for pid in (dispatcher.pid, *hall.guards()):
        os.kill(pid, KILL)
    hall.until(lambda: hall.task(id)["offered"], "the stated time is over", within=120)
    expect(alive(agent), "the agent has ended, and nothing was shown")
    hall.once("print", "second")
    expect(not alive(agent), "two agents ran on one task")
    return f"after the stated time it is taken over, and the old agent ended first: {hall.answer(id)!r}"


def _guard_killed(hall: Hall) -> str:
    id = hall.asked()
    dispatcher = hall.work("deaf", hall.begun(), flags=("--once",))
    agent = hall.pid()
    (guard,) = hall.guards()
    os.kill(guard, KILL)
    hall.ended(dispatcher, 0)
    expect(not alive(agent), "the agent still runs")
    hall.free_again(id)
    hall.nothing_left()
    return "the dispatcher ended the agent itself, and released the task"


def _drained(number: signal.Signals, hall: Hall) -> str:
    id, go = hall.asked(), hall.root / "go"
    dispatcher = hall.work("until", hall.begun(), go)
    hall.pid()
    later = hall.asked()
    os.kill(dispatcher.pid, number)
    hall.until(lambda: "told to leave" in hall.said(dispatcher), "it notices")
    expect(dispatcher.poll() is None, "it left its agent")
    go.touch()
    hall.ended(dispatcher, 0)
    expect(hall.answer(id) == "finished", "the answer is not there")
    expect(hall.task(later)["epoch"] == 0, "it claimed another task")
    hall.nothing_left()
    return "the task in hand was answered, the next one not begun; exit code 0"


def _idle(hall: Hall) -> str:
    dispatcher = hall.work("print", "x")
    hall.until(lambda: "waits on lane" in hall.said(dispatcher), "it waits")
    os.kill(dispatcher.pid, TERM)
    hall.ended(dispatcher, 0)
    return "it left at once, with exit code 0"


def _told_twice(number: signal.Signals, kind: str, hall: Hall) -> str:
    id = hall.asked()
    dispatcher = hall.work(kind, hall.begun())
    agent = hall.pid()
    for _ in range(1 if number == HUP else 2):
        os.kill(dispatcher.pid, number)
        hall.until(lambda: "told to leave" in hall.said(dispatcher), "it notices")
    hall.ended(dispatcher, 128 + number)
    expect(not alive(agent), "the agent still runs")
    hall.free_again(id)
    hall.nothing_left()
    expect(hall.task(id)["attempts"] == 0, "it cost an attempt")
    return f"the agent was stopped, the task released, exit code {128 + number}"


def _whole_service(hall: Hall) -> str:
    id = hall.asked()
    dispatcher = hall.work("hang", hall.begun())
    os.kill(hall.pid(), TERM)
    os.kill(dispatcher.pid, TERM)
    hall.ended(dispatcher, 0)
    hall.free_again(id)
    expect(hall.task(id)["attempts"] == 0, "it cost an attempt")
    return "taken for what it is: released, no attempt counted"


def _suspended(hall: Hall) -> str:
    id, go = hall.asked(), hall.root / "go"
    dispatcher = hall.work("until", hall.begun(), go, flags=("--lease-seconds", "1", "--once"))
    hall.pid()
    os.kill(dispatcher.pid, signal.SIGSTOP)
    hall.lapse(id)
    hall.call("claim", "--lane", "default")
    expect(hall.task(id)["epoch"] == 1, "the task was taken over")
    go.touch()
    os.kill(dispatcher.pid, signal.SIGCONT)
    hall.ended(dispatcher, 0)
    return f"nobody took the task over; woken, it answered: {hall.answer(id)!r}"


def _told(number: signal.Signals, kind: str = "hang") -> object:
    return lambda hall: _told_twice(number, kind, hall)


CASES = [
    Case("`kill -9` of the dispatcher", "its agent ends, its task is offered at once", _killed),
    Case("... whose agent's tool has a session of its own", "the tool ends, too", _killed_with_tools),
    Case("... that runs three agents", "all of them end", _three_killed),
    Case(
        "`kill -9` of dispatcher and guard; the agent ignores SIGTERM",
        "no second agent while it runs, though the lease is over",
        _both_killed,
    ),
    Case("... and then another dispatcher starts", "it ends what was left, and takes the task", _both_killed_next),
    Case(
        "... and the agent outlives the time it was given",
        "it is ended before a second one starts",
        _outlived,
        long=True,
    ),
    Case("`kill -9` of the guard alone", "the agent ends, the task is offered", _guard_killed),
    Case("SIGTERM to the dispatcher", "it finishes what it has, and begins nothing", lambda hall: _drained(TERM, hall)),
    Case("SIGINT to the dispatcher", "the same", lambda hall: _drained(INT, hall)),
    Case("SIGTERM while it waits for work", "it leaves", _idle),
    Case("SIGTERM twice", "the agent is stopped, its task released", _told(TERM)),
    Case("SIGINT twice", "the same", _told(INT)),
    Case("SIGHUP: the terminal is closed", "the same, at once", _told(HUP)),
    Case("SIGTERM twice, and the agent ignores it", "it is killed after 5 s", _told(TERM, "deaf")),
    Case("SIGTERM to the agent and the dispatcher, as service managers do", "no failed attempt", _whole_service),
    Case("The dispatcher is suspended for longer than its lease", "nobody takes the task over", _suspended),
]
