"""One command of the sweep: what stands before it, what it does undisturbed, and what follows a disturbed run.

What follows depends on nothing but what lies on the disk. So states that differ in nothing but chance and the clock
are followed once: by the same call made again, and by nobody making it again; either way everything is then driven
to its end.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import commands
import invariants
import strace
from commands import Case, Stand
from companions import Beside
from ending import Told, cleaned, finish, names, use
from scene import Ended, Kept, Scene, digest, plain

DONE, NOT_DONE, BETWEEN = "done", "not done", "in between"


@dataclass
class Trial:
    """A case on a scene of its own."""

    case: Case
    scene: Scene
    told: Told = field(default_factory=list)
    litter: dict[str, str] = field(default_factory=dict)
    """What a disturbed run left over, and what removes it."""
    repeated: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Make what stands before, and see what the command does undisturbed."""
        case, scene = self.case, self.scene
        self.stand: Stand = case.before(scene)
        self.words = commands.words(case, self.stand)
        self.store: Path = commands.store_of(case, scene)
        self._path = str(self.store.relative_to(scene.root))
        scene.run(*self.words[:0], "--version")  # what it imports is compiled from here on
        self.template = scene.keep()
        self._seen: dict[str, str] = {}
        self._usual: set[str] = set()
        self._wrong = set(invariants.problems(self.template, self._path))
        self._before = self._view(self.template)
        self.undisturbed = self.call()
        if self.undisturbed.code != case.code:
            raise AssertionError(f"{case.name}: {self.undisturbed}")
        self._after = self._view(scene.keep())
        self._finish_usual(self.template, {})
        scene.put_back(self.template)
        self.call()
        self._finish_usual(scene.keep(), self.call().values)
        scene.put_back(self.template)
        self.calls, _ = strace.calls(
            scene, self.words, case.stdin, dict(case.environment), case.companion, self.store
        )

    def call(self) -> Ended:
        """The command, undisturbed."""
        case = self.case
        with Beside(case.companion, self.scene, self.store) as beside:
            return self.scene.run(
                *self.words, stdin=case.stdin, environment=case.environment, started=beside.started
            )

    def reset(self) -> None:
        """What stands before."""
        self.scene.put_back(self.template)

    def state(self, kept: Kept) -> str:
        """Whether it was done."""
        view = self._view(kept)
        if view == self._after:
            return DONE
        return NOT_DONE if view == self._before else BETWEEN

    def wrong(self, kept: Kept) -> Told:
        """What is illegal about a state, and was not before."""
        return [line for line in invariants.problems(kept, self._path) if line not in self._wrong]

    def follow(self, kept: Kept) -> tuple[str, Told]:
        """What follows from a state: the outcome in words, and each broken promise; nothing where it is known."""
        key = digest(kept)
        if key in self._seen:
            return self._seen[key], []
        self.told = []
        state = self.state(kept)
        self.told += self._by_the_same_call(kept, state)
        if (self.store / "tasks").is_dir() or self.case.view == "facts":
            self.scene.put_back(kept)
            self.told += self._by_others()
        self._seen[key] = state
        return state, self.told

    @property
    def states(self) -> int:
        """How many different states were followed."""
        return len(self._seen)

    # --- inside ----------------------------------------------------------------------------------------------

    def _by_the_same_call(self, kept: Kept, state: str) -> Told:
        """The same call again: it must end as it should, and say what it should; then all goes on."""
        case, told = self.case, Told()
        self._let_go(kept)
        again = self.call()
        now = self.scene.keep()
        refused = case.again == commands.REFUSED and state == DONE
        wanted = 4 if refused else case.code
        if again.code != wanted:
            told.append(f"the same call again: {again}")
        elif state == DONE and case.again in (commands.SAYS, commands.REFUSED) and case.says not in again.said:
            told.append(f"the same call again does not say that it had been done: {again.said!r}")
        elif state == DONE and case.again == commands.SAME and self._facts(now) != self._facts(kept):
            told.append("the same call again changes what had been done")
        if state == DONE:
            self.repeated[case.again] += 1
        if case.again != commands.AGAIN and self.state(now) != DONE:
            told.append("the same call again does not do it")
        told += self.wrong(now)
        told += self._to_the_end(again.values)
        return [f"{line} (after the same call again)" for line in told]

    def _by_others(self) -> Told:
        return [f"{line} (nobody repeated the call)" for line in self._to_the_end({})]

    def _to_the_end(self, printed: dict[str, str]) -> Told:
        self._put_files_back()
        told = finish(self.scene, self.store, self._tokens(printed), self.case.environment)
        told += self.wrong(self.scene.keep())
        by, left = cleaned(self.scene, self.store, self._usual, self.call)
        self.litter.update(by)
        return told + left

    def _finish_usual(self, kept: Kept, printed: dict[str, str]) -> None:
        """What an undisturbed life leaves behind: the names against which all others are compared."""
        self._usual |= names(self.scene.keep())
        self.scene.put_back(kept)
        self._put_files_back()
        told = finish(self.scene, self.store, self._tokens(printed), self.case.environment)
        if told and not self._wrong:
            raise AssertionError(f"{self.case.name}, undisturbed: {told}")
        if (self.store).is_dir():
            use(self.scene, self.store, self.case.environment)
        self._usual |= names(self.scene.keep())

    def _tokens(self, printed: dict[str, str]) -> dict[str, str]:
        """Who holds what, as far as anybody knows: also what the last call printed."""
        known = {printed["task_id"]: printed["claim_token"]} if "claim_token" in printed else {}
        return {**self.stand.tokens, **known}

    def _put_files_back(self) -> None:
        for path, content in self.stand.files.items():
            (self.scene.project / path).write_bytes(content)

    def _let_go(self, kept: Kept) -> None:
        """A call without a request id finds the task claimed by who was killed: until the short lease is over."""
        from ending import _Ending

        if self.case.again != commands.SAME and (self.store / "tasks").is_dir():
            ending = _Ending(self.scene, self.store, {})
            if self.case.command == "claim":
                ending.let_leases_end()

    def _view(self, kept: Kept) -> object:
        """What shows whether it was done."""
        if self.case.view == "facts":
            return self._plain_facts(kept)
        if self.case.view == "history":
            return self._history(kept)
        item = kept.get(f"project/{self.case.view}")
        return None if item is None else plain(item.content)

    def _plain_facts(self, kept: Kept) -> list[bytes]:
        return sorted(plain(text) for text in self._facts(kept).values())

    def _facts(self, kept: Kept) -> dict[str, bytes]:
        found = invariants.below(kept, self._path)
        wanted = ("/task.json", "/claim.json", "/response.json", "/request.md")
        return {path: item.content for path, item in found.items() if path.startswith("tasks/") and path.endswith(wanted)}

    def _history(self, kept: Kept) -> list[list[str]]:
        found = invariants.below(kept, self._path)
        histories = (item.content for path, item in found.items() if path.endswith("/events.jsonl"))
        return sorted([json.loads(line)["type"] for line in text.split(b"\n")[:-1]] for text in histories)
