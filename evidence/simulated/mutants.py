"""Builds that are broken on purpose: if the simulation did not catch them, it would prove nothing.

Most are broken where the store meets the system (a lock that is not taken, a rename that is no rename), so that they
stay broken in the same way however the store is rewritten; the rest in the pure core (core_mutants.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from simulated.core_mutants import CORES
from simulated.system import System
from simulated.world import Client

HINTS = ("ready/", "timers/", "held/", "delayed/", "blocked/")


class Broken(System):
    """A system with one thing wrong."""

    @property
    def state(self) -> str:
        """The state folder, with its slash."""
        return self.root + "state/"

    def within(self, place: object, *folders: str) -> bool:
        """Whether a path lies in one of these folders of the store."""
        return str(place).startswith(tuple(self.state + folder for folder in folders))

    def glob(self, pattern: str) -> list[str]:
        """Paths of the store; this look is the harness's own."""
        self.world.quiet = True
        try:
            return sorted(map(str, Path(self.state).glob(pattern)))
        finally:
            self.world.quiet = False

    def hint(self, name: str, args: tuple[Any, ...]) -> str | None:
        """The path of the marker that this call makes."""
        place = args[1] if name == "link" else args[0] if name == "open" and args[1] & os.O_CREAT else None
        return place if self.within(place, *HINTS) and not str(place).endswith(".sequence") else None


class Unlocked(Broken):
    """flock says yes without locking, on places that begin or end so."""

    begin, end = "tasks/", ""

    def does(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """See System."""
        place = client.descriptors.get(args[0], "") if name == "flock" else None
        if place is not None and self.within(place, self.begin) and place.endswith(self.end):
            return None
        return super().does(client, name, *args, **options)


class NoTaskLock(Unlocked):
    """A task is changed without its lock."""


class NoCounterLock(Unlocked):
    """The counter of a lane is raised without its lock."""

    begin, end = "ready/", ".sequence"


class NoInode(Broken):
    """A folder that was replaced between open and lock is not noticed."""

    def does(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """See System."""
        if name == "fstat" and self.within(client.descriptors.get(args[0]), "tasks/"):
            try:
                return self.real["stat"](client.descriptors[args[0]])
            except FileNotFoundError:
                pass
        return super().does(client, name, *args, **options)


class Blind(Broken):
    """Under the lock the facts are not looked at again: what was read before it is believed."""

    seen: dict[tuple[str, str], bytes | None] = {}
    answers = False

    def does(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """See System."""
        place = str(args[0]) if name in ("open", "stat") else ""
        if place.endswith("/response.json") and self.answers and self._locked(client, place):
            raise FileNotFoundError(2, "believed to be unanswered", place)
        if name == "open" and place.endswith("/claim.json"):
            if self._locked(client, place):
                return self._as_seen(client, place, args)
            try:
                self.seen[client.name, place] = Path(place).read_bytes()
            except FileNotFoundError:
                self.seen[client.name, place] = None
        return super().does(client, name, *args, **options)

    def _locked(self, client: Client, place: str) -> bool:
        return client.verb != "doctor" and os.path.dirname(place) in client.descriptors.values()

    def _as_seen(self, client: Client, place: str, args: tuple[Any, ...]) -> Any:
        content = self.seen.get((client.name, place))
        if content is None:
            raise FileNotFoundError(2, "believed to be unclaimed", place)
        copy = f"{self.root}seen-{client.name}"
        Path(copy).write_bytes(content)
        return self.real["open"](copy, *args[1:])


class BlindToAnswers(Blind):
    """The same, also for answers; the link that fails if there is one is all that is left."""

    answers = True


class AnswerByRename(Broken):
    """An answer takes the place of the one before it."""

    def does(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """See System."""
        if name == "link" and str(args[1]).endswith("/response.json") and self._there(args[1]):
            self.real["unlink"](args[1])
        return super().does(client, name, *args, **options)


class BlindAnswerByRename(AnswerByRename, BlindToAnswers):
    """Both: no second look, and no link that fails."""


class KeyByRename(Broken):
    """An idempotency key stands for whoever took it last."""

    def does(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """See System."""
        if name == "link" and self.within(args[1], "keys/") and self._there(args[1]):
            self.real["unlink"](args[1])
        return super().does(client, name, *args, **options)


class MarkerAfterCommit(Broken):
    """The new marker is made after the commit, not before it."""

    pending: dict[str, list[tuple[str, tuple[Any, ...]]]] = {}

    def does(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """See System."""
        place = self.hint(name, args)
        if place is not None and name == "link":
            if self._there(place):
                raise FileExistsError(17, "there already", place)
            self.pending.setdefault(client.name, []).append((name, args))
            return None
        return super().does(client, name, *args, **options)

    def after(self, client: Client, call: str, place: str) -> None:
        """See System."""
        super().after(client, call, place)
        if call == "flock" or (call in ("rename", "link") and self.within(place, "tasks/")):
            self._make(client)

    def _make(self, client: Client) -> None:
        for name, (source, target, *rest) in self.pending.pop(client.name, []):
            self.world.point(client, "late marker", target)
            home = self.glob(f"tasks/*{Path(target).name[-36:]}/task.json")
            found = source if self._there(source) else home[0] if home else None
            if found is not None and not self._there(target):
                Path(target).parent.mkdir(0o700, parents=True, exist_ok=True)
                self.real[name](found, target, *rest)


class DropBeforeMake(Broken):
    """The old marker is dropped before the new one is made."""

    def does(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """See System."""
        place = self.hint(name, args)
        if place is not None and not self._there(place):
            end = Path(place).name.split("-", 2 if "/ready/" in place else 1)[-1]
            for other in self.glob(f"[rth]*/*/**/*{end}"):
                self.real["unlink"](other)
                self.world.point(client, "dropped early", other)
                self.after(client, "unlink", other)
        return super().does(client, name, *args, **options)


class NoSignal(Broken):
    """Nobody is woken."""

    def after(self, client: Client, call: str, place: str) -> None:
        """See System."""
        if not self.within(place, "signals/"):
            super().after(client, call, place)


class ClaimInPlace(Broken):
    """claim.json is written where it stands, not renamed over."""

    def does(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """See System."""
        if name != "rename" or not str(args[1]).endswith("/claim.json"):
            return super().does(client, name, *args, **options)
        content = Path(args[0]).read_bytes()
        Path(args[1]).write_bytes(b"")
        self.world.point(client, "half written", args[1])
        Path(args[1]).write_bytes(content)
        return self.real["unlink"](args[0])


class TaskInPlace(Broken):
    """A task's folder is filled where it stands."""

    def does(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """See System."""
        if name != "rename" or not self.within(args[1], "tasks/") or str(args[1]).endswith(".json"):
            return super().does(client, name, *args, **options)
        self.real["mkdir"](args[1], 0o700)
        for file in sorted(self.real["listdir"](args[0])):
            self.world.point(client, "half made", args[1])
            self.real["rename"](f"{args[0]}/{file}", f"{args[1]}/{file}")
        return self.real["rmdir"](args[0])


class SweptWhileAtWork(Broken):
    """Litter is swept without the gate: that of a command that was stopped for an hour, too."""

    def does(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """See System."""
        if name == "flock" and client.descriptors.get(args[0]) == self.state + "gate":
            return None
        return super().does(client, name, *args, **options)


class ForgottenFiles(Broken):
    """A lock is never given back before the process ends."""

    def close(self, descriptor: int) -> None:
        """See System."""
        client = self.world.current()
        place = client.descriptors.get(descriptor, "") if client is not None else ""
        if not (self.within(place, "tasks/") and "." not in place.rpartition("/")[2]):
            super().close(descriptor)


SYSTEMS: dict[str, type[System]] = {
    "a task is changed without its lock": NoTaskLock,
    "a replaced folder is not noticed": NoInode,
    "no second look under the lock": Blind,
    "no second look, and an answer replaces the one before": BlindAnswerByRename,
    "claim.json is written in place": ClaimInPlace,
    "a task's folder is filled in place": TaskInPlace,
    "the new marker is made after the commit": MarkerAfterCommit,
    "the old marker is dropped before the new one is made": DropBeforeMake,
    "nobody is woken": NoSignal,
    "a key stands for whoever took it last": KeyByRename,
    "a lane's counter without its lock": NoCounterLock,
    "litter is swept while others are at work": SweptWhileAtWork,
    "a lock is kept until the process ends": ForgottenFiles,
}
MUTANTS = (*SYSTEMS, *CORES)


def system(mutant: str | None) -> type[System]:
    """The system that a mutant runs on."""
    return SYSTEMS.get(mutant or "", System)
