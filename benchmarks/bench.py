"""What every figure is given, and what it gives back."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import stores
from builds import Build
from stores import Workspace

if TYPE_CHECKING:
    from queues.crowds import Crowds, Turns


@dataclass
class Row:
    """One line of a table. `this` must be at most `limit`, or at least `least`; `low` and `high` are its spread."""

    what: str
    unit: str
    this: float | None
    earlier: float | str | None = None
    limit: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""
    least: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether it is what it must be; None where nothing is asked."""
        if self.limit is None and self.least is None:
            return None
        if self.this is None:
            return False
        return self.this <= self.limit if self.limit is not None else self.this >= (self.least or 0)

    @property
    def times(self) -> float | None:
        """How many times better than earlier: less, or, of a rate, more."""
        if isinstance(self.earlier, str) or not self.earlier or not self.this:
            return None
        return self.this / self.earlier if self.unit.endswith("/s") else self.earlier / self.this


@dataclass
class Figure:
    """The outcome of one figure: rows for the table, raw samples, and series for the charts."""

    key: str
    title: str
    rows: list[Row] = field(default_factory=list)
    samples: dict[str, list[float]] = field(default_factory=dict)
    series: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def point(self, line: str, at: float, **values: float) -> None:
        """Add a point to a line of a chart."""
        known = self.series.setdefault(line, {"at": []})
        known["at"].append(at)
        for name, value in values.items():
            known.setdefault(name, []).append(value)


class Bench:
    """The two builds, a folder on the disk that is measured, one in memory, and how much to do."""

    def __init__(self, builds: list[Build], disk: str, memory: str | None, full: bool) -> None:
        self.builds, self.disk, self.memory, self.full = builds, disk, memory, full
        self.earlier, self.this = builds
        self._crowds: Crowds | None = None
        self._turns: Turns | None = None

    def turns(self) -> Turns:
        """The run over all queues, one process each, that T2, P1 and P2 look at; made when it is first asked for."""
        if self._turns is None:
            from queues.crowds import Turns

            self._turns = Turns(self)
        return self._turns

    def crowds(self) -> Crowds:
        """The run over all queues with several processes that T2, T3, P1 and P2 look at."""
        if self._crowds is None:
            from queues.crowds import Crowds

            self._crowds = Crowds(self)
        return self._crowds

    def choose(self, small: int, full: int) -> int:
        """A number of repeats, or a size, for --sizes small and full."""
        return full if self.full else small

    def sizes(self, *all: int) -> list[int]:
        """Numbers of stored tasks: without the largest, for --sizes small."""
        return list(all if self.full else all[:-1])

    def space(self, build: Build, name: str, *, memory: bool = False) -> Workspace:
        """A new workspace on the disk, or in memory, where fsync costs nothing."""
        base = self.memory if memory and self.memory else self.disk
        return stores.fresh(build, os.path.join(base, f"{name}-{build.key}"))

    def say(self, line: str) -> None:
        """Progress, for whoever watches."""
        print(f"  {line}", file=sys.stderr, flush=True)
