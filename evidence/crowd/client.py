"""A client of the storm: its operations, written down before and after."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

from crowd.doors import DOORS, Failed, Terms, Unknown, Values
from crowd.journal import FAIL, INFO, OK, Journal, Operation, now, read


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

    def submit(self, lane: str, prompt: str, stored: bool, terms: Terms) -> Operation:
        """Journalled."""
        key = terms.get("idempotency_key")
        return self.do(
            "submit", lane, prompt, stored, terms, lane=lane, prompt=prompt, stored=stored, terms=terms, key=key
        )

    def wait(self, id: str, seconds: float) -> Operation:
        """Journalled."""
        return self.do("wait", id, seconds, id=id)

    def newest(self, most: int) -> list[str]:
        """The ids of so many tasks of anybody's, the newest there are."""
        try:
            return sorted(os.listdir(self.store / "tasks"))[-most:]
        except FileNotFoundError:
            return []

    def held(self, f: str, claim: Operation, *words: Any, **values: Any) -> Operation:
        """Something that the holder of a claim does, journalled."""
        return self.do(f, claim.id, claim.token, *words, id=claim.id, epoch=claim.epoch, token=claim.token, **values)
