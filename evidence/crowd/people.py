"""The processes of a storm: started, killed, stopped, and looked after until none is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from crowd.journal import now

MOST_DESCRIPTORS = 16
ROLES_PROGRAM = Path(__file__).with_name("roles.py")


@dataclass
class Deed:
    """Something done to the crowd, and when."""

    what: str
    whom: str
    at: int


@dataclass
class Person:
    """A client, and the process that it is at the moment."""

    role: str
    name: str
    door: str
    until: float
    process: subprocess.Popen[bytes]
    lives: int = 1
    stopped_until: float = 0.0

    @property
    def alive(self) -> bool:
        """Whether its process runs (or is stopped)."""
        return self.process.poll() is None

    @property
    def runs(self) -> bool:
        """Whether it is at work right now, or a command of its is: neither asleep nor stopped."""
        return any(_state(pid) in "RD" for pid in (self.process.pid, *commands_of(self.process.pid)))


class Crowd:
    """All clients of one store."""

    def __init__(self, store: Path, folder: Path, seed: str) -> None:
        self.store, self.seed = store, seed
        self.journals, self.said = folder / "journals", folder / "said"
        for made in (self.journals, self.said):
            made.mkdir(parents=True)
        self.people: list[Person] = []
        self.gone: list[Person] = []
        self.deeds: list[Deed] = []

    def start(self, role: str, name: str, door: str, until: float = 0.0) -> Person:
        """A new client."""
        person = Person(role, name, door, until, self._process(role, name, door, until, 1))
        self.people.append(person)
        return person

    def restart(self, person: Person) -> None:
        """The same client, in a new process that knows what the former ones wrote down."""
        person.lives += 1
        person.process = self._process(person.role, person.name, person.door, person.until, person.lives)

    def revive(self) -> None:
        """Everybody who was killed goes on in a new process."""
        for person in self.people:
            if not person.alive and person.process.returncode:
                self.restart(person)

    def overgrown(self) -> list[str]:
        """Those who have more files open than a client ever needs."""
        counts = {one.name: descriptors_of(one.process.pid) for one in self.of("worker", "waiter")}
        return [f"{name} has {n} files open" for name, n in counts.items() if n > MOST_DESCRIPTORS]

    def of(self, *roles: str) -> list[Person]:
        """Those who live."""
        return [person for person in self.people if person.role in roles and person.alive]

    def kill(self, person: Person) -> None:
        """kill -9, with the command that it runs."""
        self.note("kill", person)
        os.killpg(person.process.pid, signal.SIGKILL)
        person.process.wait()
        person.stopped_until = 0

    def kill_command(self, person: Person) -> bool:
        """kill -9 of the command alone that it runs, if it runs one."""
        children = commands_of(person.process.pid)
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                continue
            self.note("kill command", person)
        return bool(children)

    def stop(self, person: Person, seconds: float) -> None:
        """SIGSTOP, with its command; `resume` lets it go on after these seconds."""
        self.note("stop", person)
        os.killpg(person.process.pid, signal.SIGSTOP)
        person.stopped_until = now() / 1e6 + seconds

    def resume(self, *, all: bool = False) -> None:
        """SIGCONT for those who have been stopped for long enough."""
        for person in self.people:
            if person.stopped_until and person.alive and (all or person.stopped_until <= now() / 1e6):
                os.killpg(person.process.pid, signal.SIGCONT)
                person.stopped_until = 0

    def dismiss(self, *roles: str) -> None:
        """Let those who are left go."""
        for person in [one for one in self.people if one.role in roles]:
            if person.alive:
                os.killpg(person.process.pid, signal.SIGKILL)
            person.process.wait()
            self.people.remove(person)
            self.gone.append(person)

    def note(self, what: str, person: Person) -> None:
        """Write down a deed."""
        self.deeds.append(Deed(what, person.role, now()))

    def complaints(self) -> list[str]:
        """Whatever any of them said on stdout or stderr: nothing, if all is well."""
        return [
            f"{path.name}: {path.read_text()[-2000:]}" for path in sorted(self.said.iterdir()) if path.stat().st_size
        ]

    def _process(self, role: str, name: str, door: str, until: float, life: int) -> subprocess.Popen[bytes]:
        words = [sys.executable, str(ROLES_PROGRAM), role, door, str(self.store), str(self.journals), name]
        with (self.said / f"{name}.{life}").open("wb") as file:
            return subprocess.Popen(
                [*words, str(life), self.seed, str(until)], stdout=file, stderr=file, start_new_session=True
            )


def commands_of(pid: int) -> list[int]:
    """The children of a process."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def descriptors_of(pid: int) -> int:
    """How many files a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def left_over(store: Path) -> list[str]:
    """The command lines of all processes that name this store."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if os.fsencode(store) in words and path.parent.name != str(os.getpid()):
            found.append(f"{path.parent.name}: {words.replace(bytes(1), b' ').decode(errors='replace')}")
    return found
