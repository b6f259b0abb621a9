"""What a disturbed command leaves lying about, once everything is answered, and who removes it.

In the store: anything in tmp/, any marker (an answered task has none), the note of a request id that holds nothing, a
key that stands for no task, a unique key for none that is open, the name of a task that is not there. Elsewhere: every
name that an undisturbed run does not leave.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ending import Told
from invariants import below
from scene import Kept, Scene, plain

LEFT = re.compile(
    r"tmp/.*|ready/[^/]+/[^/]+/[^/]+/.*|(timers|delayed)/[^/]+/[^/]+/.*|(held|blocked)/[^/]+/.*|claims/.*"
)
KIN = re.compile(r"(children|threads)/[^/]+/[^/]+")  # a task that follows from another, or is in a thread
AGE_SECONDS = 7200
LATER = {"AGENT_LANES_BOOT_ID": "yet-another-boot"}
KEYED = ("submit", "--lane", "sweep", "--prompt", "x", "--idempotency-key", "k")  # the one key of commands.py
Again = Callable[[], object]


class Leftovers:
    """Of one scene and its store; `usual` are the names outside the store that belong there."""

    def __init__(self, scene: Scene, store: Path, lane: str, again: Again) -> None:
        self._scene, self._store, self._lane, self._again = scene, store, lane, again
        self._below = str(store.relative_to(scene.root))
        self.usual: set[str] = set()

    def learn(self) -> None:
        """What lies there now is what an undisturbed life leaves."""
        self.usual |= {plain(os.fsencode(path)).decode() for path in self._scene.keep() if not self._in_store(path)}

    def removed(self) -> tuple[dict[str, str], Told]:
        """What is there, once it is older than an hour, and by what it is removed; and what nothing removes."""
        by: dict[str, str] = {}
        left = self._left(self._scene.keep())
        self._age(left)
        for cleaner, clean in self._cleaners():
            if not left:
                break
            clean()
            still = self._left(self._scene.keep())
            by.update({shape: cleaner for path, shape in left.items() if path not in still})
            left = {path: shape for path, shape in left.items() if path in still}
        shapes = ", ".join(sorted(set(left.values())))
        return by, [f"left over, and nothing removes it: {shapes}"] if left else []

    def _left(self, kept: Kept) -> dict[str, str]:
        """The paths of what is left over, and what they look like without chance."""
        store = below(kept, self._below)
        tasks = {path[6:] for path in store if path.startswith("tasks/")}
        answered = {id for id in tasks if f"tasks/{id}/response.json" in store}
        waiting = tuple(f"-{id}" for id in tasks - answered)  # the same call again may have made what a marker names
        found = [path for path in store if LEFT.fullmatch(path) and not path.endswith(waiting)]
        keys = {path: item.content for path, item in store.items() if path.startswith("keys/")}
        found += [path for path, content in keys.items() if content.decode().split("\n")[0] not in tasks]
        named = {path: item.content.decode().strip() for path, item in store.items() if path.startswith("unique/")}
        found += [path for path, id in named.items() if id not in tasks - answered]
        found += [path for path in store if KIN.fullmatch(path) and path.rpartition("/")[2] not in tasks]
        paths = {f"{self._below}/{path}" for path in found}
        paths |= {
            path for path in kept if not self._in_store(path) and plain(os.fsencode(path)).decode() not in self.usual
        }
        return {path: plain(os.fsencode(path)).decode().removeprefix(self._below + "/") for path in sorted(paths)}

    def _in_store(self, path: str) -> bool:
        return path == self._below or path.startswith(self._below + "/")

    def _age(self, left: Mapping[str, str]) -> None:
        """The leftovers have lain there for two hours."""
        old = time.time() - AGE_SECONDS
        for path in left:
            os.utime(self._scene.root / path, (old, old), follow_symlinks=False)

    def _cleaners(self) -> tuple[tuple[str, Again], ...]:
        return (
            ("the next submit", self._use),
            (
                "the next claim of its lane",
                lambda: self._scene.run("--store", str(self._store), "claim", "--lane", self._lane),
            ),
            ("the same call, whenever it comes", self._again),
            ("the next boot", lambda: self._use(LATER)),
            ("doctor --repair", lambda: self._scene.run("--store", str(self._store), "doctor", "--repair")),
            ("a submit with that key", lambda: self._scene.run("--store", str(self._store), *KEYED)),
        )

    def _use(self, environment: Mapping[str, str] | None = None) -> None:
        """An ordinary piece of work of somebody else's: what cleans up in passing does so now."""
        where = ("--store", str(self._store))
        submitted = self._scene.done(*where, "submit", "--lane", "sweep", "--prompt", "x", environment=environment)
        self._scene.done(*where, "respond", submitted.out.decode().strip(), "--body", "y", environment=environment)
