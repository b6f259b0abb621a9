"""What is so: every commit, seen in the moment it takes place, and judged by what the contract says about it.

The truth is read from the calls that clients make, not from what they say: a rename to tasks/<id>, a rename to
claim.json, a link to response.json. What a command says is compared with it later (said.py).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulated.world import Client, World

ENDLESS = 1 << 62


@dataclass
class Version:
    """How a task stood from one step to another."""

    since: int
    at: int
    """The moment, on the clock of the world."""
    state: str
    epoch: int
    parked: bool = False
    until: int = ENDLESS
    expires: tuple[str, int] | None = None
    """The boot and the moment of that boot in which its lease ends."""


@dataclass
class Known:
    """One task."""

    id: str
    born: int
    record: dict[str, Any]
    claim: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    answered: int = ENDLESS
    versions: list[Version] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)
    """Every token that was ever given, and its epoch."""
    commits: list[str] = field(default_factory=list)
    """What happened to it, in order."""
    locked: list[tuple[str, int, int]] = field(default_factory=list)
    """Who held its lock, from which step to which."""


@dataclass
class Op:
    """One command of a client."""

    client: str
    words: tuple[str, ...]
    begun: int
    """The step at which it began."""
    at: int
    """The moment, on the clock of the world."""
    boot_id: str
    boottime: int
    """And on the clock of leases."""
    id: str | None = None
    token: str | None = None
    commits: list[tuple[str, str]] = field(default_factory=list)
    """What took effect by it, and on which task."""
    ended: int = ENDLESS
    ended_at: int = 0
    code: int | None = None
    """None: it was killed."""
    out: bytes = b""
    err: str = ""

    @property
    def verb(self) -> str:
        """Which command it is."""
        return self.words[0]

    @property
    def json(self) -> dict[str, Any]:
        """What it printed with --json."""
        found: dict[str, Any] = json.loads(self.out)
        return found


class Truth:
    """All tasks of one run."""

    def __init__(self, world: World, state: str) -> None:
        self.world, self.state = world, state
        self.tasks: dict[str, Known] = {}
        self.keys: dict[str, str] = {}
        self.sequences: dict[tuple[str, int], str] = {}
        self.ops: dict[str, Op] = {}
        self.watches: list[Any] = []
        self.held: dict[tuple[str, str], int] = {}
        """Who holds the lock of which task, since which step."""
        self.inodes: dict[tuple[str, str], int] = {}
        """The folder that this lock is on."""
        self.listed: Callable[[Known], str | None] = lambda task: None

    def after(self, client: Client, call: str, place: str) -> None:
        """A call of a client has succeeded."""
        for watch in self.watches:
            watch.notice(call, place)
        if not place.startswith(self.state + "/"):
            return
        parts = place[len(self.state) + 1 :].split("/")
        if parts[0] == "tasks" and len(parts) > 1:
            self._in_tasks(client, call, parts[1:], place)
        elif parts[0] in ("ready", "timers", "held") and call in ("unlink", "remove"):
            for task in self.tasks.values():
                if parts[-1].endswith(task.id):
                    self.check_listed(task, f"{client.name} dropped {'/'.join(parts)}")

    def op_of(self, client: Client) -> Op | None:
        """The command that this client runs now."""
        return self.ops.get(client.name)

    def expired(self, claim: dict[str, Any]) -> bool:
        """Whether the lease of a claim has run out at this moment, by the clock that counts."""
        if claim["lease_boot_id"] != self.world.boot_id:
            return True
        return bool(self.world.boottime >= claim["lease_ends_boottime_us"])

    def check_listed(self, task: Known, when: str) -> None:
        """Hints are a superset: whoever looks for work now finds this task."""
        lacks = self.listed(task) if task.response is None else None
        if lacks:
            self.world.problem(f"{task.id} is claimable and nobody can find it: {lacks} ({when})")

    # --- commits -----------------------------------------------------------------------------------------------

    def _in_tasks(self, client: Client, call: str, parts: list[str], place: str) -> None:
        id = parts[0]
        if call in ("flock", "close") and len(parts) == 1:
            self._lock(client, id, call, place)
        elif len(parts) == 1 and call in ("rename", "replace", "mkdir"):
            self._birth(client, id)
        elif len(parts) == 1 or parts[1] in ("task.json", "claim.json", "response.json"):
            if call in ("unlink", "remove", "rmdir"):
                self.world.problem(f"{client.name} removed a fact: {'/'.join(parts)}")
            elif call in ("rename", "replace", "link", "write", "create") and len(parts) == 2:
                self._fact(client, id, parts[1], call)

    def _lock(self, client: Client, id: str, call: str, place: str) -> None:
        whose = client.name, id
        if call == "flock":
            self.held[whose] = self.world.steps
            self.inodes[whose] = next(os.fstat(n).st_ino for n, path in client.descriptors.items() if path == place)
        elif whose in self.held and id in self.tasks:
            self.tasks[id].locked.append((client.name, self.held.pop(whose), self.world.steps))

    def _check_lock(self, client: Client, id: str, kind: str) -> None:
        """Whoever changes a task holds the lock on the very folder that has its name."""
        inode = self.inodes.get((client.name, id)) if (client.name, id) in self.held else None
        if inode != os.stat(f"{self.state}/tasks/{id}").st_ino:
            self.world.problem(f"{client.name}: {kind} of {id} without the lock of its folder")

    def _read(self, id: str, file: str) -> dict[str, Any] | None:
        try:
            found = json.loads(Path(f"{self.state}/tasks/{id}/{file}").read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            self.world.problem(f"{id}: {file} is not whole at the moment it gets its name")
            return None
        return dict(found)

    def _birth(self, client: Client, id: str) -> None:
        record = self._read(id, "task.json")
        if id in self.tasks:
            self.world.problem(f"{client.name} replaced the task {id}")
            return
        if record is None:
            self.world.problem(f"{client.name} made the task {id} without its task.json")
            record = {"lane": "?", "sequence": -1, "metadata": {}, "idempotency_key": None}
        task = Known(id, self.world.steps, record)
        task.versions.append(Version(self.world.steps, self.world.elapsed, "queued", 0))
        self.tasks[id] = task
        self._note(client, "submit", id)
        key, place = record.get("idempotency_key"), (record["lane"], record["sequence"])
        if key is not None and self.keys.setdefault(key, id) != id:
            self.world.problem(f"the key {key} stands for two tasks: {self.keys[key]} and {id}")
        former = self.tasks.get(self.sequences.get(place, ""))
        if former is not None and former.response is None and not self.world.boot:
            self.world.problem(f"{id} and {former.id} have the same place {place} in their lane")
        self.sequences[place] = id
        self.check_listed(task, "it was just submitted")

    def _fact(self, client: Client, id: str, file: str, call: str) -> None:
        task = self.tasks.get(id)
        if task is None:
            return
        if file == "task.json":
            self.world.problem(f"{client.name} changed what was asked: {id}")
        elif file == "claim.json":
            new = self._read(id, file)
            if new is not None:
                self._claim(client, task, new)
        elif call == "create":
            self.world.problem(f"{client.name} made response.json of {id} before it was whole")
        else:
            self._response(client, task)

    def _claim(self, client: Client, task: Known, new: dict[str, Any]) -> None:
        old, id = task.claim, task.id
        before = old["epoch"] if old else 0
        op = self.op_of(client)
        said = op.token if op else None
        if task.response is not None:
            self.world.problem(f"{client.name} changed the claim of {id}, which is answered")
        kind = "park" if new["parked"] else "release" if new["released_at"] else "renew"
        if old and old["token"] != new["token"] and new["epoch"] == before:
            self.world.problem(f"{client.name} claimed {id} under the epoch {before}, which is another's")
        elif new["epoch"] == before + 1:
            kind = "claim"
            if old and old["released_at"] is None and not self.expired(old):
                self.world.problem(f"{client.name} claimed {id} while {old['owner']} holds it under a live lease")
            if new["token"] in task.tokens:
                self.world.problem(f"{id}: a token was given twice")
            task.tokens[new["token"]] = new["epoch"]
        elif new["epoch"] != before:
            self.world.problem(f"{client.name} put the epoch of {id} from {before} to {new['epoch']}")
        elif kind != "park":
            if old is None or old["token"] != new["token"] or old["released_at"] is not None:
                self.world.problem(f"{client.name}: {kind} of {id} on top of a claim that is not held by its token")
            if said != new["token"]:
                self.world.problem(f"a stale holder's {kind} of {id} took effect: {client.name}, token {said}")
        elif old and old["released_at"] is None and not self.expired(old):
            self.world.problem(f"{client.name} parked {id} while {old['owner']} holds it under a live lease")
        task.claim = new
        self._note(client, kind, id)
        self._next(task)
        self.check_listed(task, f"{client.name}: {kind}")

    def _response(self, client: Client, task: Known) -> None:
        given, claim, id = self._read(task.id, "response.json"), task.claim, task.id
        if task.response is not None:
            self.world.problem(f"{client.name} replaced the answer to {id}")
        if given is None:
            return
        op = self.op_of(client)
        held = claim is not None and claim["released_at"] is None
        token = op.token if op else None
        if held and claim is not None and token != claim["token"]:
            self.world.problem(f"{client.name} answered {id} with {token}, which does not hold it")
        if not held and token is not None:
            self.world.problem(f"{client.name} answered {id}, which nobody holds, with a token")
        if held and given["token_sha256"] != hashlib.sha256(str(token).encode()).hexdigest():
            self.world.problem(f"the answer to {id} does not say which token gave it")
        if given["epoch"] != (claim["epoch"] if claim else 0):
            self.world.problem(f"the answer to {id} says epoch {given['epoch']}, its claim says another")
        task.response, task.answered = given, self.world.steps
        self._note(client, "respond", id)
        self._next(task)

    def _note(self, client: Client, kind: str, id: str) -> None:
        if kind != "submit":
            self._check_lock(client, id, kind)
        op = self.op_of(client)
        self.world.tell(client, "COMMIT", f"{kind} {id}")
        self.tasks[id].commits.append(kind)
        if op is not None:
            op.commits.append((kind, id))

    def _next(self, task: Known) -> None:
        claim, step = task.claim, self.world.steps
        held = claim is not None and claim["released_at"] is None
        state = task.response["status"] if task.response else "claimed" if held else "queued"
        expires = (claim["lease_boot_id"], claim["lease_ends_boottime_us"]) if claim and held else None
        task.versions[-1].until = step
        epoch, parked = (claim["epoch"], claim["parked"]) if claim else (0, False)
        task.versions.append(Version(step, self.world.elapsed, state, epoch, parked, expires=expires))


def during(task: Known, begin: int, end: int) -> list[Version]:
    """The versions of a task that stood at some step from `begin` to `end`."""
    return [version for version in task.versions if version.since <= end and version.until >= begin]
