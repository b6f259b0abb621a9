"""Drive everything that is open on a store to its end, with the real commands, as somebody would who knows nothing.

    ending = finish(scene, store, tokens)      claims what is offered, answers it, waits for it, answers it again
    left = cleaned(scene, store, extra)        what becomes of names that an undisturbed run does not leave

Nothing may be lost: every task must be offered to a fresh claim, at latest when its lease is over, get exactly one
answer, and keep it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from scene import Ended, Kept, Scene, plain

LEASE_GRACE_SECONDS = 0.05
LONGEST_LEASE_SECONDS = 15.0  # no lease that a trial leaves behind may hold for longer; the known tokens excepted
MOST_TASKS = 50
LATER = {"AGENT_LANES_BOOT_ID": "yet-another-boot"}
AGE_SECONDS = 7200
Told = list[str]


def finish(scene: Scene, store: Path, tokens: Mapping[str, str], boot: Mapping[str, str]) -> Told:
    """Bring every task to its one answer; what went wrong on the way."""
    end = _Ending(scene, store, dict(boot))
    if not (store / "tasks").is_dir():
        return []
    before = end.answers()
    end.take_all()
    for id, token in tokens.items():
        if not end.answered(id):
            end.expect(end.run("respond", id, "--claim-token", token, "--body", "By its holder."), f"respond of {id}")
    if end.open_tasks():
        end.let_leases_end()
        end.take_all()
    for id in end.open_tasks():
        end.told.append(f"{id} is never offered to a claim of its lane")
    end.look_at_answers(before)
    return end.told


class _Ending:
    def __init__(self, scene: Scene, store: Path, boot: dict[str, str]) -> None:
        self._scene, self._store, self._boot = scene, store, boot
        self.told: Told = []

    def run(self, *words: str) -> Ended:
        return self._scene.run("--store", str(self._store), *words, environment=self._boot)

    def expect(self, ended: Ended, what: str, *codes: int) -> bool:
        """Whether a call ended as it must; else it is told."""
        if ended.code in (codes or (0,)):
            return True
        self.told.append(f"{what}: {ended}")
        return False

    def answers(self) -> dict[str, bytes]:
        """Every answer that there is."""
        return {path.parent.name: path.read_bytes() for path in self._store.glob("tasks/*/response.json")}

    def answered(self, id: str) -> bool:
        return (self._store / "tasks" / id / "response.json").exists()

    def open_tasks(self) -> list[str]:
        return sorted(task.name for task in (self._store / "tasks").iterdir() if not self.answered(task.name))

    def take_all(self) -> None:
        """Claim and answer whatever the lanes offer; what was parked, by its id."""
        for id in self.open_tasks():
            if self._claim(id).get("parked"):
                self._answer(self.run("claim", id, "--owner", "the-end"), id)
        for lane in self._lanes():
            for _ in range(MOST_TASKS):
                taken = self.run("claim", "--lane", lane, "--owner", "the-end")
                if not self.expect(taken, f"claim of lane {lane}") or "claim_token" not in taken.values:
                    break
                self._answer(taken, taken.values["task_id"])

    def _answer(self, taken: Ended, id: str) -> None:
        if self.expect(taken, f"claim of {id}"):
            token = taken.values["claim_token"]
            self.expect(self.run("respond", id, "--claim-token", token, "--body", "At last."), f"respond of {id}")

    def let_leases_end(self) -> None:
        """Sleep until every claim that is left has run out; one that holds for longer is told."""
        for id in self.open_tasks():
            claim = self._claim(id)
            ends = claim.get("lease_ends_boottime_us", 0) / 1_000_000 - time.clock_gettime(time.CLOCK_BOOTTIME)
            if claim.get("released_at") is not None or claim.get("lease_boot_id") in LATER.values():
                continue
            if ends > LONGEST_LEASE_SECONDS:
                self.told.append(f"{id} stays claimed for {ends:.0f} s by nobody who knows it")
            elif ends > 0:
                time.sleep(ends + LEASE_GRACE_SECONDS)

    def look_at_answers(self, before: Mapping[str, bytes]) -> None:
        """Every answer can be had, and not be replaced."""
        now = self.answers()
        for id in sorted(before.keys() - now.keys()):
            self.told.append(f"the answer of {id} is gone")
        for id, answer in sorted(now.items()):
            if before.get(id, answer) != answer:
                self.told.append(f"the answer of {id} was replaced by another")
            try:
                body = json.loads(answer)["body"]
            except ValueError:
                self.told.append(f"the answer of {id} cannot be read")
                continue
            got = self.run("wait", id, "--timeout", "0", "--json")
            if self.expect(got, f"wait for {id}", 0, 8) and json.loads(got.out)["response"]["body"] != body:
                self.told.append(f"wait for {id} tells of another answer than the store")
            self.expect(self.run("respond", id, "--body", "Another answer."), f"a second answer to {id}", 4)
        if self.answers() != now:
            self.told.append("a second answer changed a first one")

    def _claim(self, id: str) -> dict[str, object]:  # type: ignore[override]
        try:
            claim = json.loads((self._store / "tasks" / id / "claim.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return claim if isinstance(claim, dict) else {}

    def _lanes(self) -> list[str]:
        lanes = set()
        for task in (self._store / "tasks").iterdir():
            try:
                lanes.add(json.loads((task / "task.json").read_bytes())["lane"])
            except (OSError, ValueError, KeyError):
                continue
        return sorted(lanes)


# --- what is left over --------------------------------------------------------------------------------------------


def names(kept: Kept) -> set[str]:
    """The names that there are, without what chance and the clock put into them."""
    return {plain(os.fsencode(path)).decode(errors="replace") for path in kept}


def use(scene: Scene, store: Path, environment: Mapping[str, str]) -> None:
    """An ordinary piece of work of somebody else's: what cleans up in passing does so now."""
    where = ("--store", str(store))
    id = scene.done(*where, "submit", "--lane", "sweep", "--prompt", "x", environment=environment).out.decode().strip()
    scene.done(*where, "respond", id, "--body", "y", environment=environment)


CLEANERS: tuple[tuple[str, Callable[[Scene, Path, Callable[[], object]], object]], ...] = (
    ("the next submit", lambda scene, store, again: use(scene, store, {})),
    ("the same call, whenever it comes", lambda scene, store, again: again()),
    ("the next boot", lambda scene, store, again: use(scene, store, LATER)),
    ("doctor --repair", lambda scene, store, again: scene.run("--store", str(store), "doctor", "--repair")),
)


def cleaned(scene: Scene, store: Path, usual: set[str], again: Callable[[], object]) -> tuple[dict[str, str], Told]:
    """What each leftover is removed by, once it is older than an hour; and those that nothing removes."""
    by: dict[str, str] = {}
    left = names(scene.keep()) - usual
    if left:
        _age(scene, left)
    for cleaner, clean in CLEANERS:
        if not left:
            break
        clean(scene, store, again)
        gone = left - names(scene.keep())
        by.update(dict.fromkeys(gone, cleaner))
        left -= gone
    return by, [f"left over, and nothing removes it: {name}" for name in sorted(left)]


def _age(scene: Scene, left: set[str]) -> None:
    """The leftovers have lain there for two hours."""
    old = time.time() - AGE_SECONDS
    for path in scene.keep():
        if plain(os.fsencode(path)).decode(errors="replace") in left:
            os.utime(scene.root / path, (old, old), follow_symlinks=False)
