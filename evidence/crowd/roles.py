"""What the clients of a storm do: programs that go on where a former life of theirs was killed.

    submitter   submits, on all kinds of terms, and waits for what comes of it
    worker      claims, works, answers, fails, releases
    waiter      waits for tasks of others
    overseer    cancels, holds and resumes tasks of others, and lanes

    python roles.py ROLE DOOR STORE JOURNALS CLIENT PROCESS SEED UNTIL

CLIENT has one journal for each PROCESS (1, 2 ...). UNTIL, in seconds of CLOCK_BOOTTIME, ends a submitter.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from crowd.client import Client
from crowd.doors import Terms
from crowd.journal import INFO, OK, Operation, now

LANES = ("storm", "thunder")
LEASE_SECONDS = 1.0
RETRY = {"busy"}
RECENT, NEWEST = 60, 15
UNIQUE_KEYS = 12


def submitter(me: Client, until: float) -> None:
    """Submit a few, wait for all of them, and again, until it is time."""
    tries = {one.prompt: one for one in me.past if one.f == "submit" and one.key is not None}
    named = [name for one in me.past if one.f == "submit" for name in _names(one)]
    mine = {one.id for one in me.past if one.f == "submit" and one.type == OK}
    mine -= {one.id for one in me.past if one.f == "wait" and one.type == OK}
    unknown = [one for one in tries.values() if one.type == INFO]
    while True:
        while unknown:
            one = unknown.pop()
            _submitted(me.submit(one.lane, one.prompt, one.stored, one.terms), mine, unknown)
        for id in sorted(mine):
            if me.wait(id, 60).type == OK:
                mine.discard(id)
        if now() / 1e6 >= until and not mine and not unknown:
            return
        if now() / 1e6 < until:
            for _ in range(me.chance.randint(1, 6)):
                name = me.next_name()
                terms = _terms(me, name, named)
                done = me.submit(me.chance.choice(LANES), f"task {name}", me.chance.random() < 0.2, terms)
                _submitted(done, mine, unknown)
                named += _names(done)


def _terms(me: Client, name: str, named: list[str]) -> Terms:
    """On which terms a task is submitted; `named` are those that it may depend on."""
    chance = me.chance
    terms: Terms = {"max_attempts": chance.choice([0, 0, 0, 1, 2, 3]), "backoff_seconds": 1}
    if chance.random() < 0.6:
        terms["idempotency_key"] = f"key of {name}"
    if chance.random() < 0.3:
        terms["priority"] = chance.randint(0, 9)
    if chance.random() < 0.15:
        terms["delay_seconds"] = round(chance.uniform(0.1, 1.5), 3)
    if chance.random() < 0.15:
        terms["unique_key"] = f"unique {chance.randrange(UNIQUE_KEYS)}"
    if named and chance.random() < 0.3:
        of_late = named[-12:]
        terms["depends_on"] = chance.sample(of_late, min(len(of_late), chance.randint(1, 3)))
        terms["on_failure"] = chance.choice(["fail", "run"])
    return terms


def _names(done: Operation) -> list[str]:
    """By what a task that was submitted may be named: one with a unique key may not have used its own."""
    if done.type != OK:
        return []
    return [done.id] if done.key is None or "unique_key" in done.terms else [done.id, f"key:{done.key}"]


def _submitted(done: Operation, mine: set[str], unknown: list[Operation]) -> None:
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
            lane=lane,
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
    """Repeat the answer, or the failure, whose fate is unknown; or say which request id has a claim of unknown fate."""
    last = me.past[-1] if me.past else None
    if last is not None and last.f == "respond" and last.type == INFO:
        me.held("respond", last, last.body, last.status, body=last.body, status=last.status)
    if last is not None and last.f == "fail" and last.type == INFO:
        me.held("fail", last, last.reason, reason=last.reason)
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
    if chance.random() < 0.15:
        reason = f"failed by {me.next_name()} in epoch {claim.epoch}"
        failed = me.held("fail", claim, reason, reason=reason)
        if failed.type == INFO or chance.random() < 0.1:
            me.held("fail", claim, reason, reason=reason)
        if chance.random() < 0.8:
            return  # the others try to answer nevertheless
    status = chance.choice(["completed"] * 9 + ["failed"])
    body = f"{claim.prompt}, answered by {me.next_name()} in epoch {claim.epoch}"
    done = me.held("respond", claim, body, status, body=body, status=status)
    if done.type == INFO or chance.random() < 0.05:
        me.held("respond", claim, body, status, body=body, status=status)  # repeated: confirmed, or refused as before


def waiter(me: Client, _: float) -> None:
    """Wait for tasks of others, for ever."""
    while True:
        ids = me.newest(RECENT)
        if ids:
            me.wait(me.chance.choice(ids), 30)
        time.sleep(me.chance.uniform(0, 1))


def overseer(me: Client, _: float) -> None:
    """Cancel, hold and resume, for ever, whatever state it is in."""
    deeds = {_cancel: 3, _hold: 6, _resume: 3, _hold_lane: 1, _resume_lane: 1}
    while True:
        time.sleep(me.chance.uniform(0.1, 0.8))
        ids = me.newest(NEWEST)
        if ids:
            [deed] = me.chance.choices(list(deeds), list(deeds.values()))
            deed(me, me.chance.choice(ids))


def _cancel(me: Client, id: str) -> None:
    by, reason = me.next_name(), f"cancelled by {me.next_name()}"
    me.do("cancel", id, by, reason, id=id, by=by, reason=reason)


def _hold(me: Client, id: str) -> None:
    seconds, reason = _a_while(me), f"held by {me.next_name()}"
    me.do("hold", id, seconds, reason, id=id, seconds=seconds, reason=reason)


def _resume(me: Client, id: str) -> None:
    by = me.next_name()
    me.do("resume", id, by, id=id, by=by)


def _hold_lane(me: Client, _: str) -> None:
    lane, seconds, reason = me.chance.choice(LANES), _a_while(me), f"held by {me.next_name()}"
    me.do("hold_lane", lane, seconds, reason, lane=lane, seconds=seconds, reason=reason)


def _resume_lane(me: Client, _: str) -> None:
    lane = me.chance.choice(LANES)
    me.do("resume_lane", lane, lane=lane)


def _a_while(me: Client) -> float:
    return round(me.chance.uniform(0.5, 2.5), 3)


ROLES = {"submitter": submitter, "worker": worker, "waiter": waiter, "overseer": overseer}


if __name__ == "__main__":
    role, door, store, journals, client, process, seed, until = sys.argv[1:]
    ROLES[role](Client(door, store, journals, client, process, seed), float(until))
