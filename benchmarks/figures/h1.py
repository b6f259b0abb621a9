"""H1: a task for claude at the head of a lane, a dispatcher for codex behind it.

As commands of this build: from the start of the codex task's submit to the first byte of a blocked
`claim --lane --vendor codex --wait`, with claude tasks ahead and without. As a user meets it, for both builds: the
wrapper dispatchers/codex.sh that `init-pool` scaffolds is started, and the time is taken from the start of submit
to the claim, which the task's history tells.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time

from bench import Bench, Figure, Row
from builds import Build
from measure import median, ratio
from stores import Workspace
from waits import Wait

LIMIT = 1.2
NEVER = "never"
SETTLED_SECONDS = 2  # a dispatcher waits by then, or turns in circles


def measure(bench: Bench) -> Figure:
    """First the commands, then the dispatchers."""
    figure = Figure("H1", "A codex task behind a claude task: until it is taken, over an empty lane")
    _commands(bench, figure)
    _dispatchers(bench, figure)
    return figure


def _commands(bench: Bench, figure: Figure) -> None:
    many = bench.choose(100, 1_000)
    space = bench.space(bench.this, "h1")
    space.submit("one", "--metadata", "required_vendor=claude")
    space.fill(many, lane="many", state="queued", vendor="claude")
    taken: dict[str, list[float]] = {"none": [], "one": [], "many": []}
    for _ in range(bench.choose(10, 40)):
        for lane, all in taken.items():
            all.append(_blocked_claim(space, lane))
    for lane, count in (("one", 1), ("many", many)):
        times, low, high = ratio(taken[lane], taken["none"])
        note = f"{1000 * median(taken[lane]):.1f} over {1000 * median(taken['none']):.1f} ms"
        figure.rows.append(
            Row(f"claim --vendor codex, {count:,} claude tasks ahead", "x", times, None, LIMIT, low, high, note)
        )
    figure.samples |= {f"claim, lane {lane} ms": [1000 * value for value in all] for lane, all in taken.items()}
    space.remove()


def _blocked_claim(space: Workspace, lane: str) -> float:
    worker = Wait(space, "claim", "--lane", lane, "--vendor", "codex", "--wait", "60", "--json").until_blocked()
    started = time.monotonic_ns()
    id = space.submit(lane, "--metadata", "required_vendor=codex")
    taken = worker.first_byte() - started
    claim = json.loads(worker.rest())
    if claim["task_id"] != id:
        raise RuntimeError(f"took {claim['task_id']}, not {id}")
    space.run("respond", id, "--claim-token", claim["claim_token"], "--body", "ok")
    return taken / 1e9


def _dispatchers(bench: Bench, figure: Figure) -> None:
    patience = bench.choose(10, 30)
    rounds = bench.choose(1, 3)
    found: dict[tuple[str, bool], list[float | None]] = {}
    for _ in range(rounds):
        for build in bench.builds:
            for behind in (False, True):
                found.setdefault((build.key, behind), []).append(_pool(bench, build, behind, patience))
    shown = {key: _shown(all) for key, all in found.items()}
    for behind, what in ((False, "nothing ahead"), (True, "a claude task ahead")):
        earlier, this = shown["earlier", behind], shown["this", behind]
        note = "" if this is not None else f"this: not within {patience} s"
        told = f"{NEVER} ({patience} s)" if earlier is None else 1000 * earlier
        row = Row(f"dispatchers/codex.sh, {what}", "ms", None if this is None else 1000 * this, told, None, note=note)
        figure.rows.append(row)
    alone, behind_one = shown["this", False], shown["this", True]
    times = behind_one / alone if alone and behind_one else None
    theirs = NEVER if shown["earlier", True] is None else None
    figure.rows.append(Row("dispatchers/codex.sh, behind over alone", "x", times, theirs, 2.0))
    figure.samples |= {
        f"{key} dispatcher{' behind' if behind else ''} ms": [1000 * value for value in all if value is not None]
        for (key, behind), all in found.items()
    }


def _shown(samples: list[float | None]) -> float | None:
    taken = [value for value in samples if value is not None]
    return median(taken) if len(taken) == len(samples) else None


def _pool(bench: Bench, build: Build, behind: bool, patience: float) -> float | None:
    """Seconds from submit to the claim, with a dispatcher that was there before; None if there is no claim."""
    folder = f"{bench.disk}/h1-pool-{build.key}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    pool = json.loads(build.run(folder, "--json", "init-pool", ".").out)
    with open(f"{folder}/request.md", "w") as file:
        file.write("Please look at this.\n")
    if behind:
        _submit(build, folder, pool["config"], "claude")
    wrapper = next(each["wrapper"] for each in pool["dispatchers"] if each["vendor"] == "codex")
    dispatcher = subprocess.Popen(
        ["bash", wrapper], cwd=folder, env={**build.env, "HEADLESS_AGENT_CMD": "cat"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        time.sleep(SETTLED_SECONDS)
        started = time.monotonic()
        id = _submit(build, folder, pool["config"], "codex")
        while time.monotonic() - started < patience:
            if _claimed(f"{pool['store']}/tasks/{id}/events.jsonl"):
                return time.monotonic() - started
            time.sleep(0.001)
        return None
    finally:
        os.killpg(dispatcher.pid, signal.SIGTERM)
        try:
            dispatcher.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(dispatcher.pid, signal.SIGKILL)
            dispatcher.wait()


def _claimed(history: str) -> bool:
    try:
        with open(history) as file:
            return '"type": "claimed"' in file.read()
    except FileNotFoundError:  # nothing but `created` has happened
        return False


def _submit(build: Build, folder: str, config: str, vendor: str) -> str:
    words = ["--lane", "default", "--request-from", "request.md", "--response-to", f"answer-{vendor}.md"]
    return build.run(
        folder, "--config", config, "submit", *words, "--metadata", f"required_vendor={vendor}"
    ).out.split()[0]
