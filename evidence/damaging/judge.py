"""What commands make of a store in which one thing is damaged."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
from pathlib import Path
from types import FrameType
from typing import Any

from ending import Told
from errnos import CODES
from scene import Ended, Scene, plain

from damaging.everything import Everything
from damaging.kinds import Kind

OF_THE_CLOCK = "seconds"  # stands in the names of the fields that go on by themselves
DEFECTS = ("Traceback", "a defect of agent-lanes")
REFUSING = (6, 65, 74)  # a shared place that cannot be used: said, and nothing changed
FACTS = ("task.json", "claim.json", "response.json")
HINTS = ("ready", "timers", "delayed", "blocked", "held", "dependants")
HANGS_SECONDS = 30
Outcomes = dict[str, int]


class Hangs(BaseException):
    """A command has not ended. No OSError, nor any other Exception: the command would take it for one of its own."""


def _hangs(number: int, frame: FrameType | None) -> None:
    raise Hangs(f"it hangs, for {HANGS_SECONDS} s now")


class Judge:
    """Of one scene, which it puts back before each look."""

    def __init__(self, scene: Scene, stand: Everything) -> None:
        signal.signal(signal.SIGALRM, _hangs)
        self.scene, self.stand = scene, stand
        self.root = scene.store
        self.template = scene.keep()
        self.names = {id: name for name, id in stand.ids.items()}
        self.shown = self._all_shown()
        self.offered = self._go_on(Told(), set())
        scene.put_back(self.template)

    def paths(self) -> dict[str, bool]:
        """Everything in the store, and whether it is a folder."""
        inside = str(self.root.relative_to(self.scene.root)) + "/"
        return {
            path.removeprefix(inside): stat.S_ISDIR(item.mode)
            for path, item in self.template.items()
            if path.startswith(inside)
        }

    def plain(self, text: str) -> str:
        """A text without what chance gave."""
        for id, name in self.names.items():
            text = text.replace(id, f"<{name}>")
        return plain(text.replace(str(self.scene.root), "").encode()).decode()

    def class_of(self, path: str) -> str:
        """The name that it has in the contract."""
        parts = re.sub(r"[0-9a-f]{40,}", "<hash>", path).split("/")
        for id in self.names:
            parts = [
                re.sub(
                    rf"(\d+-\d+-|\d+-)?{re.escape(id)}$", lambda found: ("<place>-" if found[1] else "") + "<id>", part
                )
                for part in parts
            ]
        parts = ["<bucket>" if re.fullmatch(r"[0-9a-f]{11,}", part) else part for part in parts]
        if parts[0] in ("ready", "timers", "delayed", "held", "blocked", "signals") and len(parts) > 1:
            parts[1] = "<lane>"
        if parts[0] == "indexes" and len(parts) > 2:
            parts[2] = "<correlation>.json"
        if parts[0] == "archive":
            parts[1:3] = ("<month>", "<pack>")[: len(parts[1:3])]
        return "/".join(parts)

    def look(self, path: str, kind: Kind) -> tuple[bool, Outcomes, Told]:
        """Damage it and look; False where that kind changes nothing here."""
        place, told = self.root / path, Told()
        self._put_back()
        if kind.do(place) is False:
            return False, {}, []
        own = self._concerned(path)
        fact = path.startswith("tasks/") and path.count("/") == 2 and place.name in FACTS
        outcomes: Outcomes = {}
        affected = self._looked_at(own, told)
        named = self._named(own, path, told)
        if fact and affected and not named and not self._superseded(path, place):
            told.append("doctor names neither the task nor the file")
        offered = self._go_on(told, own)
        missing = [id for id in self.offered if id not in offered]
        refused = not offered and self._last.code in REFUSING
        others = [self.names[id] for id in missing if id not in own]
        hint = path.split("/")[0] in HINTS
        found_again = bool(others) and named and hint  # by `_repaired`, which looks whether it is so
        if others and not refused and not found_again:
            told.append(f"not offered any more: {', '.join(others)} ({self._last})")
        if refused and path.startswith("tasks/"):
            told.append(f"a damaged task keeps all others back: {self._last}")
        own_only = "own" if affected or missing else "as before"
        outcomes["refused" if refused else "until repaired" if found_again else own_only] = 1
        outcomes["named"] = named
        self._put_back()
        kind.do(place)
        outcomes["mended"] = self._repaired(own, kind, place, told, fact=fact, hint=hint)
        return True, outcomes, told

    # --- inside ----------------------------------------------------------------------------------------------

    def _put_back(self) -> None:
        for folder, names, files in os.walk(self.root):
            for name in (*names, *files):
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    os.chmod(path, stat.S_IMODE(os.stat(path).st_mode) | 0o700)
        self.scene.put_back(self.template)

    def _concerned(self, path: str) -> set[str]:
        """The tasks that may be affected."""
        own = {id for id in self.names if id in path}
        if path in ("tasks", "archive") or path.startswith("archive/"):
            own |= set(self.names) if path == "tasks" else {self.stand.ids["archived"], self.stand.ids["archived too"]}
        return own | {
            self.stand.ids[name] for name, other in self.stand.waits_for.items() if self.stand.ids[other] in own
        }

    def _run(self, told: Told, *words: str, stdin: bytes = b"") -> Ended:
        signal.alarm(HANGS_SECONDS)
        try:
            ended = self.scene.run(*words, stdin=stdin)
        except (Exception, Hangs) as wrong:
            told.append(f"{words[0]}: {type(wrong).__name__}: {wrong}")
            return Ended(1, b"", b"")
        finally:
            signal.alarm(0)
        said = ended.err.decode(errors="replace")
        if any(word in said for word in DEFECTS):
            told.append(f"{words[0]}: a defect shows: {said.strip()[-300:]}")
        if ended.code not in CODES:
            told.append(f"{words[0]}: {ended}")
        return ended

    def _all_shown(self) -> dict[str, Any]:
        told = Told()
        return {id: self._shown(id, told) for id in self.names}

    def _shown(self, id: str, told: Told) -> Any:
        found = []
        for words in (("status", id), ("show", id, "--json"), ("wait", id, "--timeout", "0", "--json")):
            ended = self._run(told, *words)
            found.append((ended.code, _without_clock(_json(ended.out))))
        return found

    def _looked_at(self, own: set[str], told: Told) -> bool:
        """Every command that only looks; whether what it shows of the tasks concerned has changed."""
        for words in (("status", "--all"), ("list",)):
            ended = self._run(told, *words)
            listed = {task["id"] for task in (_json(ended.out) or {}).get("tasks", ())}
            if lost := [
                self.names[id] for id in self.names if id not in own and id not in listed and not self._away(id)
            ]:
                told.append(f"{words[0]} does not show: {', '.join(lost)} ({ended})")
        affected = False
        for id in self.names:
            now = self._shown(id, told)
            if now == self.shown[id]:
                continue
            affected = True
            if id not in own:
                told.append(f"{self.names[id]} is shown otherwise: {_difference(self.shown[id], now)}")
        return affected

    def _away(self, id: str) -> bool:
        return self.names[id].startswith("archived")

    def _named(self, own: set[str], path: str, told: Told) -> bool:
        """Whether doctor finds something."""
        ended = self._run(told, "doctor", "--json")
        if ended.code not in (0, 1) and ended.code not in CODES:
            told.append(f"doctor: {ended}")
        return ended.code != 0

    def _superseded(self, path: str, place: Path) -> bool:
        """A claim that is gone where there is an answer: it is not synced, so a power cut may do that at any time."""
        return path.endswith("/claim.json") and not os.path.lexists(place) and (place.parent / "response.json").exists()

    def _go_on(self, told: Told, own: set[str]) -> list[str]:
        """Take and answer all that is offered, and something new; which tasks were offered."""
        offered: list[str] = []
        new = self._run(told, "submit", "--lane", "work", "--prompt", "New.")
        for _ in range(2 * len(self.names)):
            taken = self._run(told, "claim", "--lane", "work", "--json")
            found = _json(taken.out) or {}
            if found.get("status") != "claimed":
                break
            offered.append(found["task_id"])
            answer = ("respond", found["task_id"], "--claim-token", found["claim_token"], "--body", "Done.")
            ended = self._run(told, *answer)
            if ended.code != 0 and not (ended.code in REFUSING and found["task_id"] in own):
                told.append(f"respond: {ended}")
        id = new.out.decode().strip()
        self._last = taken
        if new.code == 0 and id not in offered and taken.code not in REFUSING:
            told.append(f"a new task is not offered: {taken}")
        return [id for id in offered if id in self.names]

    def _repaired(self, own: set[str], kind: Kind, place: Path, told: Told, *, fact: bool, hint: bool) -> bool:
        """doctor --repair, and all goes on; whether nothing is wrong any more."""
        damaged = _left(place) if fact and not kind.unreadable else None
        self._run(told, "doctor", "--repair")
        after = self._run(told, "doctor", "--json")
        problems = [one for one in (_json(after.out) or {}).get("findings", ()) if one["level"] == "problem"]
        stays = kind.unreadable or kind.name == "a later format"  # whose it is, or what it means, no program can know
        if not stays:
            told += [f"after doctor --repair, doctor: {one['code']}: {one['message']}" for one in problems]
        if damaged and not any(
            _left(Path(folder) / name) == damaged for folder, _, files in os.walk(self.root) for name in files
        ):
            told.append("what was damaged is gone")
        offered = self._go_on(told, own)
        if stays and (hint or self._last.code in REFUSING):
            return False
        if others := [self.names[id] for id in self.offered if id not in own and id not in offered]:
            told.append(f"not offered after doctor --repair: {', '.join(others)} ({self._last})")
        return not problems


def _left(path: Path) -> bytes | None:
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode) or os.path.getsize(path) > 1 << 20:
            return None
        return path.read_bytes()
    except OSError:
        return None


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _without_clock(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_clock(one) for key, one in value.items() if OF_THE_CLOCK not in key}
    return [_without_clock(one) for one in value] if isinstance(value, list) else value


def _difference(before: Any, now: Any) -> str:
    """The first thing that differs, with where it stands."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            if before.get(key) != now.get(key):
                return f"{key}: {_difference(before.get(key), now.get(key))}"
    if isinstance(before, (list, tuple)) and isinstance(now, (list, tuple)) and len(before) == len(now):
        return next(_difference(was, one) for was, one in zip(before, now, strict=True) if was != one)
    return f"{str(now)[:150]}, not {str(before)[:150]}"
