"""A workspace in which things happen, told as steps: who submits, claims, answers; and what each was told.

How a step is run is the runner's: recorded, stopped at each call, or on a file system that will lose it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from disk.facts import NEVER, Answered, Asked, Claimed, Fact, Ledger, Written
from disk.program import Result

BODY = "An answer that fills more than two blocks of a disk.\n" + "".join(f"line {n} äöü\n" for n in range(700))
REQUEST = "Please read this carefully.\n"
BOOT, NEXT_BOOT = "boot-1", "boot-2"


class Runner(Protocol):
    """Runs commands, and knows when something was said."""

    def run(self, words: tuple[str, ...], stdin: bytes, boot: str) -> Result:
        """One call of the command, to its end."""
        ...

    def said_at(self) -> int:
        """The moment at which the last command wrote to its stdout."""
        ...


class World:
    """One workspace with its store, and all that was acknowledged there."""

    def __init__(self, folder: Path, home: Path, runner: Runner) -> None:
        self.folder, self.home, self.runner = folder, home, runner
        self.boot = BOOT
        self.ledger = Ledger()
        self.ids: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.first: tuple[tuple[str, ...], ...] = ()
        """What is called before the first look after the power cut."""
        self.use(folder / "state")

    def use(self, store: Path, *, config: bool = False) -> None:
        """Work on this store from now on; its address is given, or a config says it."""
        self.store = store
        self.flags = () if config else ("--store", str(store))

    def run(self, *words: str, stdin: bytes = b"", codes: tuple[int, ...] = (0,)) -> Result:
        """A call of the command; it must exit so."""
        done = self.runner.run((*self.flags, *words), stdin, self.boot)
        if done.code not in codes:
            raise AssertionError(f"while a story was told: {done}")
        return done

    def promise(self, *facts: Fact) -> None:
        """The last command acknowledged this."""
        for fact in facts:
            self.ledger.note(self.runner.said_at(), fact)

    def maybe(self, *facts: Fact) -> None:
        """A command that nobody heard of any more may have done this."""
        for fact in facts:
            self.ledger.note(NEVER, fact)

    def submit(self, name: str, *words: str, stdin: bytes = b"", lane: str = "default", asks: str = "") -> str:
        """Queue a task that goes by this name from now on."""
        full = ("submit", "--lane", lane, *words)
        id = self.run(*full, stdin=stdin).out.strip()
        self.ids[name] = id
        again = full if "--idempotency-key" in words else ()
        self.promise(Asked(id, (asks, stdin.decode()), again))
        return id

    def claim(self, name: str, *words: str) -> None:
        """Claim it by its id, or by its lane."""
        found = self.run("claim", *(words or (self.ids[name],)), "--owner", "before").values
        self.tokens[name] = found["claim_token"]
        self.promise(Claimed(found["task_id"], found["claim_token"]))

    def renew(self, name: str) -> None:
        """Lengthen its lease."""
        self.run("renew", self.ids[name], "--claim-token", self.tokens[name])

    def release(self, name: str) -> None:
        """Give it back."""
        self.run("release", self.ids[name], "--claim-token", self.tokens[name], "--reason", "lunch")

    def respond(self, name: str, body: str = BODY, status: str = "completed", *, token: bool = True) -> None:
        """Answer it."""
        words, fact = self.answer(name, body, status, token=token)
        self.run(*words, stdin=body.encode())
        self.promise(fact)

    def answer(
        self, name: str, body: str = BODY, status: str = "completed", *, token: bool = True
    ) -> tuple[tuple[str, ...], Answered]:
        """The call that answers it, with the body on stdin; and what is so after it."""
        held = self.tokens[name] if token else None
        proof = ("--claim-token", held) if held is not None else ()
        words = ("respond", self.ids[name], *proof, "--status", status, "--file", "-")
        return words, Answered(self.ids[name], body, status, held)

    def wait(self, name: str, path: str | None = None, body: str = BODY) -> None:
        """Read its answer, if there is one; where it has a response path, the file is written."""
        done = self.run("wait", self.ids[name], "--timeout", "0", codes=(0, 2))
        if done.code == 0:
            self.promise(Answered(self.ids[name], body))
            if path is not None:
                self.promise(Written(path, body.encode()))

    def take(self, lane: str = "default", body: str = BODY) -> None:
        """Take and answer whatever the lane offers, task by task."""
        while True:
            found = self.run("claim", "--lane", lane, "--owner", "taker").values
            if "claim_token" not in found:
                return
            id = found["task_id"]
            self.promise(Claimed(id, found["claim_token"]))
            proof = ("--claim-token", found["claim_token"])
            self.run("respond", id, *proof, "--file", "-", stdin=body.encode())
            self.promise(Answered(id, body, "completed", found["claim_token"]))
