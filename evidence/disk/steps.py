"""What the stories are told of: what stands before a change, and the changes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from disk.facts import Answered, Asked, Shows, Written
from disk.world import BODY, NEXT_BOOT, REQUEST, World

MANY = ("default", "other") * 3
ANSWER = "out/deep/answer.md"
KEYED = ("submit", "--lane", "default", "--prompt", "With a key.", "--idempotency-key", "key 1")

# --- what stands before ------------------------------------------------------------------------------------------


def nothing(world: World) -> None:
    """Nothing."""


def older(world: World) -> None:
    """A store at work: one task answered, one waiting."""
    world.submit("old", "--prompt", "An old question.", asks="An old question.")
    world.claim("old")
    world.respond("old", "An old answer.")
    world.submit("waiting", "--prompt", "A waiting question.", asks="A waiting question.")


def submitted(world: World) -> None:
    """A task that may be claimed, with a place for its answer."""
    world.submit("a", "request.md", "--response-to", ANSWER, asks=REQUEST)


def claimed(world: World) -> None:
    """A task at work."""
    submitted(world)
    claim(world)


def renewed(world: World) -> None:
    """A task at work for longer."""
    claimed(world)
    renew(world)


def answered(world: World) -> None:
    """A task that is answered."""
    renewed(world)
    respond(world)


def held(world: World) -> None:
    """A task on hold."""
    submitted(world)
    hold(world)


def run_out(world: World) -> None:
    """A task whose lease is over."""
    submitted(world)
    world.claim("a", world.ids["a"], "--lease-seconds", "0.1")
    time.sleep(0.11)  # the lease itself


def edited(world: World) -> None:
    """A task that is asked about a file which is not there any more as it was."""
    world.submit("a", "--prompt", "About a file.", "request.md", asks="About a file.")
    since, fact = world.ledger.entries.pop()
    assert isinstance(fact, Asked)
    world.ledger.note(since, replace(fact, parked=True))
    world.folder.joinpath("request.md").unlink()


# --- changes -----------------------------------------------------------------------------------------------------


def init_and_submit(world: World) -> None:
    """A project begins."""
    world.first = (("init", "."),)
    world.run("init", ".")
    for path in sorted(Path(world.folder, "handoff").rglob("*")):
        if path.is_file():
            world.promise(Written(str(path.relative_to(world.folder)), path.read_bytes()))
    submitted(world)


def submit(world: World) -> None:
    """One more task, its request kept by the store."""
    world.submit("b", "-", "--prompt", "Short.", stdin=BODY.encode(), asks="Short.")


def submit_with_key(world: World) -> None:
    """One that can be repeated."""
    world.submit("k", *KEYED[3:], asks="With a key.")


def claim(world: World) -> None:
    """By its id."""
    world.claim("a")


def claim_next(world: World) -> None:
    """By its lane."""
    world.claim("a", "--lane", "default")


def claim_with_request_id(world: World) -> None:
    """By its lane, so that it can be asked again."""
    world.claim("a", "--lane", "default", "--request-id", "r1")


def renew(world: World) -> None:
    """Its renewal is in no hurry to reach the disk."""
    world.renew("a")


def release(world: World) -> None:
    """Given back."""
    world.release("a")


def park(world: World) -> None:
    """The task is put aside, since its request is not what was submitted."""
    world.run("claim", "--lane", "default")


def event(world: World) -> None:
    """A line of history."""
    world.run("event", world.ids["a"], "--message", "half way", "--data", "k=v")


def respond(world: World) -> None:
    """Its answer."""
    world.respond("a")


def respond_failed(world: World) -> None:
    """A task that cannot be done."""
    world.respond("a", "It cannot be done.", "failed")


def respond_without_claim(world: World) -> None:
    """An answer to a queued task."""
    world.respond("a", "Unasked.", token=False)


def wait(world: World) -> None:
    """The answer, written where it is wanted."""
    world.wait("a", ANSWER)


def hold(world: World) -> None:
    """Not for now."""
    world.run("hold", world.ids["a"], "--reason", "later")
    world.promise(Shows(world.ids["a"], "on_hold", True))


def resume(world: World) -> None:
    """Now."""
    world.run("resume", world.ids["a"])
    world.promise(Shows(world.ids["a"], "on_hold", False))


def cancel(world: World) -> None:
    """Not any more."""
    world.run("cancel", world.ids["a"])
    world.promise(Answered(world.ids["a"], None, "cancelled"))


def fail_attempt(world: World) -> None:
    """This time it did not work."""
    proof = ("--claim-token", world.tokens["a"])
    world.run("respond", world.ids["a"], *proof, "--status", "failed", "--retry", "--retry-in", "1h", "--body", "no")
    world.promise(Shows(world.ids["a"], "attempts", 1))


def release_delayed(world: World) -> None:
    """Given back, for later."""
    world.run("release", world.ids["a"], "--claim-token", world.tokens["a"], "--delay", "1h")


def retry(world: World) -> None:
    """Once more, as another task."""
    id = world.run("retry", world.ids["a"]).out.strip()
    world.promise(Asked(id, (REQUEST,)))


def submit_many(world: World) -> None:
    """Several at once, so that they can be repeated."""
    words = ("submit", "--many", "many.jsonl", "--idempotency-key", "many")
    for id, lane in zip(world.run(*words).out.split(), MANY, strict=True):
        world.promise(Asked(id, (f"One of many: {lane}.", REQUEST), words))


def whole_cycle(world: World) -> None:
    """From the first command on a new store to the answer, and on."""
    submitted(world)
    submit_with_key(world)
    claim_with_request_id(world)
    renew(world)
    event(world)
    respond(world)
    wait(world)
    world.claim("k", "--lane", "default")
    world.release("k")
    world.submit("other", "--prompt", "Another lane.", lane="other", asks="Another lane.")


def export(world: World) -> None:
    """The whole store in a file."""
    world.run("export", "backup.jsonl")
    world.promise(Written("backup.jsonl", world.folder.joinpath("backup.jsonl").read_bytes()))


def restore(world: World) -> None:
    """And back."""
    entries, world.ledger.entries = world.ledger.entries, []
    world.run("import", "backup.jsonl")
    world.promise(*(fact for _, fact in entries))


def to_next_boot(world: World) -> None:
    """The machine was restarted."""
    world.boot = NEXT_BOOT


def reboot(world: World) -> None:
    """The first change of another boot."""
    to_next_boot(world)
    event(world)


def repair(world: World) -> None:
    """doctor sets aside what cannot be read."""
    world.run("doctor", "--repair", codes=(0, 1))


def upgrade(world: World) -> None:
    """The first change by this version."""
    event(world)
