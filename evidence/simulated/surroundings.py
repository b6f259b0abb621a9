"""What a client sees of time, chance and itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from simulated.world import World


class Surroundings:
    """Stands in for the calls that touch no file; threads that are no clients see the real ones."""

    def __init__(self, world: World, home: str) -> None:
        self.world, self.home = world, home
        self.real: dict[str, Callable[..., Any]] = world.real

    def urandom(self, size: int) -> bytes:
        """os.urandom: chance of the seed."""
        client = self.world.current()
        return bytes(self.real["urandom"](size)) if client is None else client.chance.randbytes(size)

    def getpid(self) -> int:
        """os.getpid: a number for each process of a client."""
        client = self.world.current()
        return int(self.real["getpid"]()) if client is None else 1000 + client.processes

    def getcwd(self) -> str:
        """os.getcwd: the project folder of the run."""
        return str(self.real["getcwd"]()) if self.world.current() is None else self.home

    def isatty(self, descriptor: int) -> bool:
        """os.isatty: nobody looks."""
        return bool(self.real["isatty"](descriptor)) if self.world.current() is None else False

    def sleep(self, seconds: float) -> None:
        """time.sleep: others go on."""
        client = self.world.current()
        if client is None:
            return self.real["sleep"](seconds)
        return self.world.sleep(client, round(seconds * 1_000_000))

    def monotonic(self) -> float:
        """time.monotonic."""
        return float(self.real["monotonic"]()) if self.world.current() is None else self.world.elapsed / 1_000_000

    def time_ns(self) -> int:
        """time.time_ns: the wall clock, which may be set."""
        return int(self.real["time_ns"]()) if self.world.current() is None else self.world.wall * 1000

    def clock_gettime_ns(self, clock: int) -> int:
        """time.clock_gettime_ns: of CLOCK_BOOTTIME."""
        if self.world.current() is None or clock != time.CLOCK_BOOTTIME:
            return int(self.real["clock_gettime_ns"](clock))
        return self.world.boottime * 1000
