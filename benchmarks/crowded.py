"""A crowd of blocked waits, each a process of its own: memory, CPU while nothing happens, and one wake-up of all.

python benchmarks/crowded.py [NUMBER [PART ...]]      prints a line of JSON for each part; 1000, and both, by default

    answer    `wait ID`: one answer wakes all of them, and all of them end
    claim     `claim --lane --wait`: one task wakes all of them, one gets it, the others sleep on
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from measure import cpu_of

IDLE_SECONDS = 20
SETTLED_SECONDS = 1.0
IDLE_SHARE = 0.0002  # of a processor: six times what a blocked wait takes
COMMAND = [os.path.join(os.path.dirname(sys.executable), "agent-lanes")]
Children = list["subprocess.Popen[bytes]"]
started: Children = []


def main(number: int, parts: list[str]) -> None:
    for part in parts:
        folder = tempfile.mkdtemp(prefix="agent-lanes-crowd-")
        try:
            measured = {"answer": answer, "claim": claim}[part](folder, number)
            print(json.dumps({"waits": number, "part": part, **measured}), flush=True)
        finally:
            for child in started:
                child.kill()
            shutil.rmtree(folder)


def answer(folder: str, number: int) -> dict[str, float]:
    """All wait for one answer."""
    id = call(folder, "submit", "--lane", "crowd", "--prompt", "p").strip()
    children = start(folder, number, "wait", id, "--timeout", "600", "--quiet")
    found = idle(children)
    before = time.perf_counter()
    call(folder, "respond", id, "--body", "ok")
    codes = [child.wait() for child in children]
    return {**found, "all_ended_seconds": time.perf_counter() - before, "wrong_ends": sum(code != 0 for code in codes)}


def claim(folder: str, number: int) -> dict[str, float]:
    """All wait for work; there is one task, in a store that is there: else each polls for that."""
    call(folder, "submit", "--lane", "another", "--prompt", "p")
    children = start(folder, number, "claim", "--lane", "work", "--wait", "600")
    found, cpu = idle(children), total_cpu(children)
    call(folder, "submit", "--lane", "work", "--prompt", "p")
    while all(child.poll() is None for child in children):
        time.sleep(0.001)
    taken, ended = time.perf_counter(), [child for child in children if child.poll() is not None]
    left = [child for child in children if child.poll() is None]
    settle(left)
    woken = total_cpu(left) - cpu * len(left) / number
    ended = [child for child in children if child.poll() is not None]
    for child in left:
        child.kill()
        child.wait()
    return {
        **found,
        "cpu_ms_of_each_that_went_empty": 1000 * woken / max(1, len(left)),
        "got_it": len(ended),
        "settled_after_seconds": time.perf_counter() - taken,
    }


def start(folder: str, number: int, *words: str) -> Children:
    """Start them, and wait until all are blocked."""
    made: Children = []
    for _ in range(number):
        made.append(
            subprocess.Popen([*COMMAND, "--store", f"{folder}/state", *words], cwd=folder, stdout=subprocess.DEVNULL)
        )
        started.append(made[-1])
    settle(made)
    return made


def settle(children: Children) -> None:
    """Until they have used next to no CPU for a second: some look again in each."""
    before = float("-inf")
    while (now := total_cpu(children)) - before > IDLE_SHARE * SETTLED_SECONDS * len(children):
        before = now
        time.sleep(SETTLED_SECONDS)


def idle(children: Children) -> dict[str, float]:
    """Memory of each, and CPU of each in a minute in which nothing happens."""
    before = total_cpu(children)
    time.sleep(IDLE_SECONDS)
    used = total_cpu(children) - before
    return {
        "own_memory_mib": sum(private(child.pid) for child in children[:20]) / min(20, len(children)) / 1024,
        "idle_cpu_seconds_a_minute_of_each": used / len(children) * 60 / IDLE_SECONDS,
    }


def private(pid: int) -> int:
    """KiB that belong to this process alone."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))


def total_cpu(children: Children) -> float:
    """CPU seconds of all that live."""
    total = 0.0
    for child in children:
        try:
            total += cpu_of(child.pid)
        except OSError:  # it has ended
            continue
    return total


def call(folder: str, *words: str) -> str:
    """One command; what it prints."""
    done = subprocess.run([*COMMAND, "--store", f"{folder}/state", *words], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, sys.argv[2:] or ["answer", "claim"])
