"""Submitters, workers and waiters, as programs. Each goes on where an earlier process of the same client was killed.

    python roles.py ROLE DOOR STORE JOURNALS CLIENT PROCESS SEED UNTIL

CLIENT has one journal for each PROCESS (1, 2 ...). UNTIL, in seconds of CLOCK_BOOTTIME, ends a submitter.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from crowd.doors import DOORS, Failed, Unknown, Values
from crowd.journal import FAIL, INFO, OK, Journal, Operation, now, read

LANES = ("storm", "thunder")
LEASE_SECONDS = 1.0
RETRY = {"busy"}
RECENT = 60


class Client:
    """What every role can do: an operation, written down before and after; and what it did in former lives."""

    def __init__(self, door: str, store: str, journals: str, client: str, process: str, seed: str) -> None:
        self.name, self.store = client, Path(store)
        self.serial = f"{client}.{process}"
        self.chance = random.Random(f"{seed} {self.serial}")
        self.door = DOORS[door](store)
        folder = Path(journals)
        self.past = read(*(folder / f"{client}.{number}.jsonl" for number in range(1, int(process))))
        self.journal = Journal(folder / f"{self.serial}.jsonl", client)
        self.made = 0

    def next_name(self) -> str:
        """A text that no other client makes, nor this one in another life."""
        self.made += 1
        return f"{self.serial}-{self.made}"

    def do(self, f: str, *words: Any, **values: Any) -> Operation:
        """One operation through the door, journalled; `values` are written down with it."""
        operation = Operation(f, self.name, now(), values=values)
        number = self.journal.invoke(f, **values)
        try:
            came: Values = getattr(self.door, f)(*words)
        except Failed as wrong:
            operation.type, came = FAIL, {"code": str(wrong)}
        except Unknown as wrong:
            operation.type, came = INFO, {"code": str(wrong)}
        else:
            operation.type = OK
        self.journal.complete(number, operation.type, **came)
        operation.values |= came
        return operation

    def submit(self, lane: str, prompt: str, key: str | None, stored: bool) -> Operation:
        """Journalled."""
        return self.do("submit", lane, prompt, key, stored, lane=lane, prompt=prompt, key=key, stored=stored)

    def wait(self, id: str, seconds: float) -> Operation:
        """Journalled."""
        return self.do("wait", id, seconds, id=id)

    def held(self, f: str, claim: Operation, *words: Any, **values: Any) -> Operation:
        """Something that the holder of a claim does, journalled."""
        return self.do(f, claim.id, claim.token, *words, id=claim.id, epoch=claim.epoch, token=claim.token, **values)


def submitter(me: Client, until: float) -> None:
    """Submit a few, wait for all of them, and again, until it is time."""
    tries: dict[str, Operation] = {}
    for one in me.past:
        if one.f == "submit" and one.key is not None:
            tries[one.prompt] = one
    mine = {one.id for one in me.past if one.f == "submit" and one.type == OK}
    mine -= {one.id for one in me.past if one.f == "wait" and one.type == OK}
    unknown = [one for one in tries.values() if one.type == INFO]
    while True:
        while unknown:
            one = unknown.pop()
            _submitted(me, me.submit(one.lane, one.prompt, one.key, one.stored), mine, unknown)
        for id in sorted(mine):
            if me.wait(id, 60).type == OK:
                mine.discard(id)
        if now() / 1e6 >= until and not mine and not unknown:
            return
        if now() / 1e6 < until:
            for _ in range(me.chance.randint(1, 6)):
                name = me.next_name()
                key = f"key of {name}" if me.chance.random() < 0.6 else None
                done = me.submit(me.chance.choice(LANES), f"task {name}", key, me.chance.random() < 0.2)
                _submitted(me, done, mine, unknown)


def _submitted(me: Client, done: Operation, mine: set[str], unknown: list[Operation]) -> None:
    if done.type == OK:
        mine.add(done.id)
    elif done.key is not None and (done.type == INFO or done.code in RETRY):
        unknown.append(done)


def worker(me: Client, _: float) -> None:
    """Claim, work, answer, for ever; sometimes for longer than the lease, and then try to go on all the same."""
    request_id = _finish_old_work(me)
    while True:
        lane = me.chance.choice(LANES)
        if request_id is None and me.chance.random() < 0.5:
            request_id = me.next_name()
        owner = request_id or me.next_name()
        wait = me.chance.choice([0, 1, 30])
        claim = me.do(
            "claim",
            lane,
            owner,
            LEASE_SECONDS,
            wait,
            request_id,
            owner=owner,
            lease=LEASE_SECONDS,
            request_id=request_id,
        )
        if claim.type == INFO and request_id is not None:
            continue  # the same again, to the same token
        request_id = None
        if claim.id is not None:
            _work(me, claim)


def _finish_old_work(me: Client) -> str | None:
    """Repeat the answer whose fate is unknown; or say which request id has a claim whose fate is unknown."""
    last = me.past[-1] if me.past else None
    if last is not None and last.f == "respond" and last.type == INFO:
        me.held("respond", last, last.body, last.status, body=last.body, status=last.status)
    if last is not None and last.f == "claim" and last.type == INFO and last.request_id is not None:
        return str(last.request_id)
    return None


def _work(me: Client, claim: Operation) -> None:
    chance = me.chance
    if chance.random() < 0.3:
        message = me.next_name()
        me.held("event", claim, message, message=message)
    time.sleep(chance.choice([0, 0, 0, 0.02, 0.1, 0.3, 1.3]))  # the work
    if chance.random() < 0.3:
        me.held("renew", claim, LEASE_SECONDS, lease=LEASE_SECONDS)
        time.sleep(chance.choice([0, 0, 0.2]))
    if chance.random() < 0.1:
        me.held("release", claim)
        if chance.random() < 0.7:
            return  # the others try to answer what they gave away
    status = chance.choice(["completed"] * 9 + ["failed"])
    body = f"{claim.prompt}, answered by {me.next_name()} in epoch {claim.epoch}"
    done = me.held("respond", claim, body, status, body=body, status=status)
    if done.type == INFO or chance.random() < 0.05:
        me.held("respond", claim, body, status, body=body, status=status)  # repeated: confirmed, or refused as before


def waiter(me: Client, _: float) -> None:
    """Wait for tasks of others, for ever."""
    while True:
        try:
            ids = sorted(os.listdir(me.store / "tasks"))[-RECENT:]
        except FileNotFoundError:
            ids = []
        if ids:
            me.wait(me.chance.choice(ids), 30)
        time.sleep(me.chance.uniform(0, 1))


ROLES = {"submitter": submitter, "worker": worker, "waiter": waiter}


if __name__ == "__main__":
    role, door, store, journals, client, process, seed, until = sys.argv[1:]
    ROLES[role](Client(door, store, journals, client, process, seed), float(until))
