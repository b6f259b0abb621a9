"""What a client began and how it ended, written down outside of the store, as Jepsen's histories are.

One file for each process, one line for each invocation and each completion, each one write: a process that is killed
leaves an invocation without a completion, and then nobody knows whether the operation took place (`info`).

    ok    it took place, once, between `begin` and `end`
    fail  it did not take place, and never will
    info  it may have taken place, once, at any time after `begin`

Times are microseconds of CLOCK_BOOTTIME, which all processes of a boot share and by which leases are judged.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OK, FAIL, INFO = "ok", "fail", "info"
NEVER = 1 << 62
FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


def now() -> int:
    """Microseconds since the boot."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


@dataclass
class Operation:
    """One call of one client, and what became of it."""

    f: str
    client: str
    begin: int
    end: int = NEVER
    type: str = INFO
    values: dict[str, Any] = field(default_factory=dict)
    """What it was called with, and what it gave back."""

    def __getattr__(self, name: str) -> Any:
        """A value by its name; None if it has none."""
        return self.values.get(name)

    def __str__(self) -> str:
        shown = " ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"{self.client} {self.f} {self.type} [{self.begin}, {self.end if self.end < NEVER else ''}] {shown}"


class Journal:
    """The file of one process of one client."""

    def __init__(self, path: Path, client: str) -> None:
        self._file = os.open(path, FLAGS, 0o600)
        self.client = client
        self._number = 0

    def invoke(self, f: str, **values: Any) -> int:
        """Before anything is done."""
        self._number += 1
        self._write({"op": self._number, "type": "invoke", "f": f, "client": self.client, "at": now(), **values})
        return self._number

    def complete(self, operation: int, type: str, **values: Any) -> None:
        """Once the outcome is known."""
        self._write({"op": operation, "type": type, "at": now(), **values})

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")


def read(*paths: Path) -> list[Operation]:
    """Everything that these journals tell, in order of invocation. A process may be killed before it has one."""
    there = [path for path in paths if path.exists()]
    return sorted((operation for path in there for operation in _read(path)), key=lambda one: one.begin)


def _read(path: Path) -> Iterator[Operation]:
    open_ones: dict[int, Operation] = {}
    for line in path.read_bytes().splitlines():
        values = json.loads(line)
        number, type, at = values.pop("op"), values.pop("type"), values.pop("at")
        if type == "invoke":
            open_ones[number] = Operation(values.pop("f"), values.pop("client"), at, values=values)
            continue
        done = open_ones.pop(number)
        done.type, done.end = type, NEVER if type == INFO else at
        done.values |= values
        yield done
    yield from open_ones.values()
