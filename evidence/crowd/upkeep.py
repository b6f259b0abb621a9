"""What is done to the whole store in a storm: it is examined, exported, repaired, and must rebuild its hints."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections import Counter
from pathlib import Path

from crowd.doors import PROGRAM
from crowd.journal import now

OF_THE_MACHINE = {"disk_space", "inotify_exhausted", "no_boot_clock", "own_boot_clock"}
# What doctor may find, too, while others are at work. Everything else is a false alarm.
HARMLESS = OF_THE_MACHINE | {"hints_stale", "hints_of_another_boot", "litter"}
EVERY_SECONDS = 4.0
BUSY = 75
TURNS = ("doctor", "export", "gate emptied", "doctor", "repair", "gate deleted")


class Upkeep:
    """One thing after the other, each in a process beside the storm."""

    def __init__(self, store: Path, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []
        self._turns = itertools.cycle(TURNS)
        self._next = now() / 1e6 + EVERY_SECONDS
        self._running: tuple[str, subprocess.Popen[str]] | None = None

    def step(self) -> None:
        """Begin the next thing, if it is time and the one before has ended."""
        if self._running is not None:
            if self._running[1].poll() is None:
                return
            self.finish()
        if now() / 1e6 < self._next or not (self.store / "tasks").exists():
            return
        self._next = now() / 1e6 + EVERY_SECONDS
        what = next(self._turns)
        self.done[what] += 1
        if what == "gate emptied":
            (self.store / "gate").write_bytes(b"")  # as a power cut may leave it: the next change rebuilds
        elif what == "gate deleted":
            (self.store / "gate").unlink(missing_ok=True)
        else:
            words = {"doctor": ["doctor"], "repair": ["doctor", "--repair"], "export": ["export"]}[what]
            out, err = self.folder / "upkeep.out", self.folder / "upkeep.err"
            with out.open("w") as told, err.open("w") as said:
                command = [*PROGRAM, "--store", str(self.store), *words, *([] if what == "export" else ["--json"])]
                self._running = what, subprocess.Popen(command, stdout=told, stderr=said, text=True)

    def finish(self) -> None:
        """Wait for what is running, and look at what it said."""
        if self._running is None:
            return
        what, process = self._running
        self._running = None
        code = process.wait()
        out, err = ((self.folder / f"upkeep.{kind}").read_text() for kind in ("out", "err"))
        if code == BUSY:
            self.done[f"{what}, busy"] += 1
        elif err or code not in ((0,) if what == "export" else (0, 1)):
            self.problems.append(f"{what} in the storm: exit code {code}: {err or out}")
        elif what == "export":
            lines = [json.loads(line) for line in out.splitlines()]
            tasks = sum("task" in line for line in lines)
            if lines[-1].get("tasks") != tasks:
                self.problems.append(f"export in the storm: {tasks} tasks, and a last line {lines[-1]}")
        else:
            told = json.loads(out)
            self.problems += [
                f"{what} in the storm: a false alarm: {finding}"
                for finding in (*told["findings"], *told["repaired"])
                if finding["code"] not in HARMLESS
            ]
