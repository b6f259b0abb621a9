"""The clients, of which exactly one runs at a time, and the clocks that all of them see."""

from __future__ import annotations

import gc
import hashlib
import os
import threading
import traceback
from collections import deque
from collections.abc import Callable
from random import Random

from simulated.fate import Fate
from simulated.scenario import MICROS, Scenario

FIRST_WALL = 1_790_000_000 * MICROS
MOST_STEPS = 300_000
NEVER = 1 << 62


class Crash(BaseException):
    """This client is dead. Nothing may catch it; whatever runs on the way out cannot touch a file any more."""


class Client:
    """A script of somebody's, and the process that it runs at the moment (if any)."""

    def __init__(self, world: World, name: str) -> None:
        seed = world.scenario.seed
        self.world, self.name = world, name
        self.random = Random(f"{name} {seed}")
        self.chance = Random(f"chance {name} {seed}")
        self.baton = threading.Lock()
        self.baton.acquire()
        self.awake_at = 0
        self.steps = 0
        self.processes = 0
        self.ended = False
        self.verb = ""
        self.running = False
        """Inside a command: then it can be killed."""
        self.dead = False
        self.descriptors: dict[int, str] = {}
        self.stdin, self.out, self.err = b"", bytearray(), bytearray()

    def open_files_close(self) -> None:
        """As the kernel does when a process ends: with them go its locks."""
        for descriptor, place in self.descriptors.items():
            self.world.real["close"](descriptor)
            self.world.on_close(self, place)
        self.descriptors.clear()


class World:
    """One run."""

    def __init__(self, scenario: Scenario, fate: Fate, root: str) -> None:
        self.scenario, self.fate, self.root = scenario, fate, root
        self.clients: list[Client] = []
        self.by_thread: dict[int, Client] = {}
        self.real: dict[str, Callable[..., object]] = {}
        self.elapsed, self.steps = 0, 0
        self.wall_offset, self.boot, self.booted_at = FIRST_WALL, 0, -5000 * MICROS
        self.highest_wall = 0
        self.counts = {"crash": 0, "stall": 0, "jump": 0, "reboot": 0, "exchange": 0, "next": 0}
        self.problems: list[str] = []
        self.story: deque[str] = deque(maxlen=100000)
        self.trace = hashlib.blake2b(digest_size=16)
        self.on_reboot: Callable[[], None] = lambda: None
        self.on_close: Callable[[Client, str], None] = lambda client, place: None
        self.quiet = False
        """The harness itself is at work in a client's thread."""
        self.buried = False
        """What the dead left is collected: their files are closed already, and their numbers may be others' by now."""
        self.over = threading.Lock()
        self.over.acquire()
        os.environ["AGENT_LANES_BOOT_ID"] = self.boot_id

    # --- clocks --------------------------------------------------------------------------------------------------

    @property
    def boot_id(self) -> str:
        """Of this boot."""
        return f"boot-{self.boot}"

    @property
    def boottime(self) -> int:
        """Microseconds since this boot."""
        return self.elapsed - self.booted_at

    @property
    def wall(self) -> int:
        """Microseconds since 1970, as somebody may have set them."""
        return max(0, self.elapsed + self.wall_offset)

    # --- clients -------------------------------------------------------------------------------------------------

    def current(self) -> Client | None:
        """The client whose thread this is."""
        return None if self.quiet else self.by_thread.get(threading.get_ident())

    def run(self, scripts: dict[str, Callable[[Client], None]]) -> None:
        """Let these clients run until all have ended."""
        gc.disable()  # a generator that is collected in another client's thread would close files in its name
        try:
            fresh = [Client(self, name) for name in scripts]
            self.clients = fresh
            threads = [
                threading.Thread(target=self._live, args=(client, scripts[client.name]), daemon=True)
                for client in fresh
            ]
            for thread in threads:
                thread.start()
            fresh[0].baton.release()
            self.over.acquire()
            for thread in threads:
                thread.join()
        finally:
            self.buried = True
            gc.collect()
            self.buried = False
            gc.enable()

    def _live(self, client: Client, script: Callable[[Client], None]) -> None:
        client.baton.acquire()
        self.by_thread[threading.get_ident()] = client
        try:
            script(client)
        except Exception:
            self.problem(f"the script of {client.name} came to: {traceback.format_exc()}")
        finally:
            client.ended, client.awake_at = True, NEVER
            client.steps += 1
            self.by_thread.pop(threading.get_ident())
            self._leave(client)

    def point(self, client: Client, call: str, place: str) -> None:
        """Before a call that touches the store: here everything may happen."""
        if client.dead:
            raise Crash
        client.steps += 1
        self.steps += 1
        self.elapsed += self.scenario.pace
        self.tell(client, call, place)
        if self.steps > MOST_STEPS:
            client.dead = True
            self.problem(f"no end after {MOST_STEPS} steps: {client.name} is at {call} {place}")
            raise Crash
        now = self.elapsed
        others = [other.name for other in self.clients if other.awake_at <= now and other is not client]
        decision = self.fate.at((client.name, client.steps), call, others, mortal=client.running)
        if decision is None:
            return
        kind, *values = decision
        if kind == "next":
            if values[0] in others:
                self.counts["next"] += 1
                self._hand_over(client, self._named(values[0]))
        else:
            self.counts[str(kind)] += 1
            self.tell(client, str(kind).upper(), " ".join(map(str, values)))
            self._strike(client, str(kind), values)
        if client.dead:
            raise Crash

    def sleep(self, client: Client, micros: int) -> None:
        """Let others go on for so long."""
        if client.dead:
            raise Crash
        client.steps += 1
        client.awake_at = self.elapsed + max(0, micros)
        self._leave(client)
        client.awake_at = min(client.awake_at, self.elapsed)
        if client.dead:
            raise Crash

    def set_wall_right(self) -> None:
        """The wall clock shows a time that it has not shown before."""
        self.wall_offset += max(0, self.highest_wall - self.wall)

    def kill(self, client: Client) -> None:
        """Its process ends here, wherever that is."""
        client.dead = True
        client.awake_at = self.elapsed
        client.open_files_close()

    def problem(self, line: str) -> None:
        """A broken promise."""
        if line not in self.problems:
            self.problems.append(line)
            self.story.append(f"{self.steps:6} !!! {line}")

    def tell(self, client: Client, call: str, place: str) -> None:
        """A line of the story; all of them together are the trace."""
        line = f"{self.steps:6} {client.name:12} {call} {place}".replace(self.root, "")
        self.story.append(line)
        self.trace.update(line.encode("utf-8", "backslashreplace"))

    # --- inside --------------------------------------------------------------------------------------------------

    def _named(self, name: object) -> Client:
        return next(client for client in self.clients if client.name == name)

    def _strike(self, client: Client, kind: str, values: list[object]) -> None:
        if kind == "crash":
            self.kill(client)
        elif kind == "stall":
            self.sleep(client, int(str(values[0])))
        elif kind == "jump":
            self.highest_wall = max(self.highest_wall, self.wall)
            self.wall_offset += int(str(values[0]))
        else:
            self.reboot()

    def reboot(self) -> None:
        """All processes die; the boot has another id, its clock begins at nought, hints may be lost."""
        for client in self.clients:
            if client.running:
                self.kill(client)
        self.boot += 1
        self.booted_at = self.elapsed
        os.environ["AGENT_LANES_BOOT_ID"] = self.boot_id
        self.on_reboot()

    def _leave(self, client: Client) -> None:
        """Somebody else goes on; the clock jumps to where somebody can."""
        ready = [other for other in self.clients if other.awake_at <= self.elapsed]
        if not ready:
            earliest = min(other.awake_at for other in self.clients)
            if earliest == NEVER:
                self.over.release()
                return
            self.elapsed = earliest
            ready = [other for other in self.clients if other.awake_at <= earliest]
        name = self.fate.next((client.name, client.steps), [other.name for other in ready])
        chosen = self._named(name)
        if chosen is not client:
            self._hand_over(client, chosen)

    def _hand_over(self, client: Client, other: Client) -> None:
        other.baton.release()
        if not client.ended:
            client.baton.acquire()
