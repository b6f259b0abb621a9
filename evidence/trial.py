"""One command of the sweep: what stands before it, what it does undisturbed, and what follows a disturbed run.

What follows depends on nothing but what lies on the disk. So states that differ in nothing but chance and the clock
are followed once: by the same call made again, and by nobody making it again; either way everything is then driven
to its end.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import commands
import invariants
import strace
from commanding.case import AGAIN, EITHER, REFUSAL, REFUSED, SAME, Case, Stand
from companions import Beside
from ending import Ending, Told
from leftovers import Leftovers
from scene import Ended, Kept, Scene, digest, plain

DONE, NOT_DONE, BETWEEN = "done", "not done", "in between"
SEQUENCE = re.compile(rb'"sequence": \d+')  # a number that a killed submit used up is not given again
FACT = re.compile(r"tasks/[^/]+/(task\.json|claim\.json|response\.json|request\.md)")


class Trial:
    """A case on a scene of its own; making it sees what the command does undisturbed."""

    def __init__(self, case: Case, scene: Scene) -> None:
        self.case, self.scene = case, scene
        self.stand: Stand = case.before(scene)
        self.words = commands.words(case, self.stand)
        self.store: Path = scene.project / case.store
        self.template = scene.keep()
        self.litter: dict[str, str] = {}
        """What disturbed runs left over, and what removes it."""
        self.repeated = Counter[str]()
        """What the same call made again did where it had been done."""
        self._path = str(self.store.relative_to(scene.root))
        self._seen: dict[str, str] = {}
        self._wrong = set(invariants.problems(self.template, self._path))
        self._leftovers = Leftovers(scene, self.store, case.lane, self.call)
        self._before = [self._view(self.template)]
        self.undisturbed = self.call()
        if self.undisturbed.code != case.code:
            raise AssertionError(f"{case.name}: {self.undisturbed}")
        self._after = self._view(scene.keep())
        self._learn(self._again())
        self.reset()
        self._learn(Ended(0, b"", b""))
        self.reset()
        if case.companion is not None:  # what that one does alone is not what the command does
            case.companion(scene, self.store)
            self._before.append(self._view(scene.keep()))
            self.reset()
        self.call(("env",))  # a process of its own: it leaves its modules compiled
        self.reset()
        self.calls = strace.calls(self.call, scene.root)

    @property
    def states(self) -> int:
        """How many different states were followed."""
        return len(self._seen)

    def call(self, before: tuple[str, ...] = ()) -> Ended:
        """The command; `before` stands in front of it, and may disturb it."""
        case, scene = self.case, self.scene
        with Beside(case.companion, scene, self.store) as beside:
            started = beside.started if case.companion is not None else None
            how = {"stdin": case.stdin, "environment": case.environment, "started": started}
            return scene.run(*self.words, before=before, **how)

    def reset(self) -> None:
        """What stands before."""
        self.scene.put_back(self.template)

    def state(self, kept: Kept) -> str:
        """Whether it was done."""
        view = self._view(kept)
        if view == self._after:
            return DONE
        return NOT_DONE if view in self._before else BETWEEN

    def wrong(self, kept: Kept) -> Told:
        """What is illegal about a state, and was not before."""
        told = [line for line in invariants.problems(kept, self._path) if line not in self._wrong]
        gone = self.tasks(self.template) - self.tasks(kept) - invariants.archived(kept, self._path)
        return told + [f"{id} is gone" for id in sorted(gone) if not any(id in line for line in self._wrong)]

    @property
    def changes_nothing(self) -> bool:
        """Undisturbed, it leaves everything as it was: a wait that prints, a key that was used before."""
        return self._after in self._before

    def tasks(self, kept: Kept) -> set[str]:
        """The ids that there are."""
        return invariants.ids(kept, self._path)

    def facts(self, kept: Kept) -> dict[str, bytes]:
        """Every fact, by its path."""
        found = invariants.below(kept, self._path)
        return {path: item.content for path, item in found.items() if FACT.fullmatch(path)}

    def follow(self, kept: Kept) -> tuple[str, Told]:
        """Whether it was done, and each promise that is broken from here on; nothing where the state is known."""
        key = digest(kept)
        if key in self._seen:
            return self._seen[key], []
        state = self._seen[key] = self.state(kept)
        told = [f"{line} (after the same call again)" for line in self._by_the_same_call(kept, state)]
        if not self.case.alone:
            self.scene.put_back(kept)
            told += [f"{line} (nobody repeated the call)" for line in self._to_the_end({})]
        return state, told

    # --- inside ----------------------------------------------------------------------------------------------

    def _by_the_same_call(self, kept: Kept, state: str) -> Told:
        """The same call again: it must end as it should, and say what it should; then all goes on."""
        case, told = self.case, Told()
        again = self._again()
        now = self.scene.keep()
        refused = case.again == REFUSED and (state == DONE or (case.view != "facts" and state == BETWEEN))
        seen_to = case.again == EITHER and state == DONE and again.code == REFUSAL
        if again.code != (REFUSAL if refused else case.code) and not seen_to:
            told.append(f"the same call again: {again}")
        elif state == DONE:
            self.repeated[case.again] += 1
            if case.says not in again.said:
                told.append(f"the same call again does not say that it had been done: {again.said!r}")
            if case.again == SAME and self.facts(now) != self.facts(kept):
                told.append("the same call again changes what had been done")
        taken = "claim_token" in again.values  # what could not be printed was released: under another epoch by now
        if case.again != AGAIN and self.state(now) != DONE and not refused and not taken:
            told.append("the same call again does not do it")
        return told + self.wrong(now) + self._to_the_end(again.values)

    def _again(self) -> Ended:
        """The same call; a claim that takes what the first one took comes after its lease."""
        if self.case.command == "claim" and self.case.again == AGAIN:
            Ending(self.scene, self.store, {}, {}).let_leases_end()
        return self.call()

    def _to_the_end(self, printed: dict[str, str]) -> Told:
        told = self._ending(printed).reach()
        told += self.wrong(self.scene.keep())
        by, left = self._leftovers.removed()
        self.litter.update(by)
        return told + left

    def _learn(self, last: Ended) -> None:
        """What an undisturbed life leaves behind."""
        self._leftovers.learn()
        told = self._ending(last.values).reach()
        if told and not self._wrong:
            raise AssertionError(f"{self.case.name}, undisturbed: {told}")
        self._leftovers.learn()

    def _ending(self, printed: dict[str, str]) -> Ending:
        """The way to the end, for who knows the tokens that were known before and what the last call printed."""
        for path, content in self.stand.files.items():
            (self.scene.project / path).write_bytes(content)
        known = {printed["task_id"]: printed["claim_token"]} if "claim_token" in printed else {}
        return Ending(self.scene, self.store, {**self.stand.tokens, **known}, self.case.environment)

    def _view(self, kept: Kept) -> object:
        """What shows whether it was done."""
        if self.case.view.startswith("facts"):
            facts = sorted(SEQUENCE.sub(b"", plain(text)) for text in self.facts(kept).values())
            return facts if self.case.view == "facts" else (facts, invariants.markers(kept, self._path))
        if self.case.view == "history":
            return self._history(kept)
        item = kept.get(f"project/{self.case.view}")
        return None if item is None else plain(item.content)

    def _history(self, kept: Kept) -> list[list[str]]:
        found = invariants.below(kept, self._path)
        histories = (item.content for path, item in found.items() if path.endswith("/events.jsonl"))
        return sorted([json.loads(line)["type"] for line in text.split(b"\n")[:-1]] for text in histories)
