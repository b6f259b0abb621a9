"""What must hold of a store at every moment, looked at from outside, with the words of CONTRACT.md and no code of ours.

    problems(kept, "project/handoff/state")     one line for each thing that is not as the contract says

Facts are whole and legal; every task that may be claimed is listed where claimers look; nothing has a name that the
contract does not know; nobody else may read it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scene import Item, Kept

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,235}")
HEX = r"[0-9a-f]+"
CONTRACT = Path(__file__).parent.parent / "CONTRACT.md"
PLACES = tuple(
    re.compile(pattern)
    for pattern in (
        "|".join(re.findall(r"(?m)^  ([a-z.]+)", CONTRACT.read_text().split("<queue_root>/\n")[1].split("```")[0])),
        r"indexes/correlations",
        r"lock(/NOTE\.txt)?",
        r"blocked(/[^/]+(/[^/]+)?)?",
        r"dependants(/[^/]+(/[^/]+(/[^/]+(/[^/]+)?)?)?)?",
        r"tmp/.*",
        r"tasks/[^/]+",
        r"tasks/[^/]+/(task\.json|claim\.json|response\.json|events\.jsonl|request\.md|run\.lock|answer\.raw)",
        r"ready/[^/]+(/\.sequence)?",
        rf"ready/[^/]+/[^/.][^/]*(/[0-9]{HEX}(/\d-\d{{12}}-[^/]+)?)?",
        rf"(timers|delayed)/[^/]+(/{HEX}(/\d{{18}}-[^/]+)?)?",
        r"held/[^/]+(/[^/]+)?",
        r"signals/[^/]+",
        r"holds(/[^/]+(/[^/]+\.json)?)?",
        r"dead(/[^/]+(/[^/]+)?)?",
        r"presence(/[^/]+(/[^/]+\.json)?)?",
        r"log/[^/]+",
        r"archive/\d{4}-\d\d(/[^/]+(/(index|about\.json|tasks\.jsonl\.gz|unfinished))?)?",
        r"tally/[^/]+(/\d{8})?",
        rf"(keys|claims|unique)/{HEX}",
        r"children(/[^/]+(/[^/]+)?)?",
        rf"threads(/{HEX}(/[^/]+)?)?",
        r"quarantine/.*",
        r"indexes/correlations/[^/]+\.json",
    )
)
TASK = {"id": str, "lane": str, "prompt": str, "created_at": str, "sequence": int, "metadata": dict}
CLAIM = {"epoch": int, "owner": str, "token": str, "lease_ends_boottime_us": int, "lease_boot_id": str, "parked": bool}
RESPONSE = {"task_id": str, "status": str, "body": str, "created_at": str}
ENDS = ("completed", "failed", "cancelled")
MARKERS = ("ready", "timers", "delayed", "blocked", "held")
BUCKET, TIMER_SHIFT = 512, 26
Record = dict[str, Any]


class Illegal(Exception):
    """A record is not what the contract says."""


def below(kept: Kept, store: str) -> Kept:
    """What lies in a store, by its path in it."""
    return {path[len(store) + 1 :]: item for path, item in kept.items() if path.startswith(store + "/")}


def problems(kept: Kept, store: str) -> list[str]:
    """Everything that is not as it must be at every moment; nothing if there is no store."""
    found = below(kept, store)
    return [*_names(found), *_facts(found), *_hints(found)]


def ids(kept: Kept, store: str) -> set[str]:
    """The tasks that there are."""
    return {path.split("/")[1] for path in below(kept, store) if re.fullmatch(r"tasks/[^/]+", path)}


def archived(kept: Kept, store: str) -> set[str]:
    """The tasks that can be read in the archive."""
    packs = [item.content for path, item in below(kept, store).items() if path.endswith("/tasks.jsonl.gz")]
    lines = [line for pack in packs for line in gzip.decompress(pack).splitlines()]
    return {json.loads(line)["task"]["id"] for line in lines}


def markers(kept: Kept, store: str) -> set[str]:
    """Every marker that there is."""
    return {path for path in below(kept, store) if path.split("/")[0] in MARKERS and ID.fullmatch(path.split("/")[-1])}


def record(found: Kept, path: str, fields: dict[str, type]) -> Record | None:
    """A JSON record; None where there is none. Raises Illegal."""
    item = found.get(path)
    if item is None:
        return None
    try:
        value = json.loads(item.content.decode())
    except ValueError as wrong:
        raise Illegal(f"{path}: {wrong}") from None
    if not isinstance(value, dict):
        raise Illegal(f"{path}: no object")
    for name, kind in fields.items():
        if type(value.get(name)) is not kind:
            raise Illegal(f"{path}: {name} is {value.get(name)!r}")
    return value


def _names(found: Kept) -> Iterator[str]:
    for path, item in found.items():
        if not any(place.fullmatch(path) for place in PLACES):
            yield f"{path}: a name that the contract does not know"
        if stat.S_IMODE(item.mode) & 0o077:
            yield f"{path}: others may reach it: mode {stat.S_IMODE(item.mode):04o}"


def _tasks(found: Kept) -> Iterator[str]:
    for path in found:
        if re.fullmatch(r"tasks/[^/]+", path):
            yield path[6:]


def _facts(found: Kept) -> Iterator[str]:
    for id in _tasks(found):
        for check in (_asked, _answered, _history):
            try:
                check(found, id)
            except Illegal as wrong:
                yield str(wrong)


def _asked(found: Kept, id: str) -> None:
    task = record(found, f"tasks/{id}/task.json", TASK)
    if task is None:
        raise Illegal(f"tasks/{id}: no task.json")
    if task["id"] != id or not ID.fullmatch(id):
        raise Illegal(f"tasks/{id}: its id is {task['id']!r}")
    if task["request_stored"]:
        request = found.get(f"tasks/{id}/request.md", Item(0))
        if hashlib.sha256(request.content).hexdigest() != task["request_sha256"]:
            raise Illegal(f"tasks/{id}/request.md: not what was submitted")


def _answered(found: Kept, id: str) -> None:
    claim = record(found, f"tasks/{id}/claim.json", CLAIM)
    response = record(found, f"tasks/{id}/response.json", RESPONSE)
    if response is None:
        return
    if response["task_id"] != id or response["status"] not in ENDS:
        raise Illegal(f"tasks/{id}/response.json: {response['task_id']!r} is {response['status']!r}")
    if response.get("epoch", 0) != (claim["epoch"] if claim else 0) and response.get("epoch") != 0:
        raise Illegal(f"tasks/{id}/response.json: it answers epoch {response.get('epoch')}, not the last claim's")


def _history(found: Kept, id: str) -> None:
    item, last = found.get(f"tasks/{id}/events.jsonl"), 0
    *lines, _torn = (item.content if item else b"").split(b"\n")
    for line in lines:
        try:
            number = json.loads(line)["number"]
        except (ValueError, KeyError, TypeError):
            continue  # a line that a crash cut off, closed by the next writer
        if number != last + 1:
            raise Illegal(f"tasks/{id}/events.jsonl: line {number} after {last}")
        last = number


def _hints(found: Kept) -> Iterator[str]:
    """Every task that may be claimed is listed; but for a store whose hints are still to be made."""
    if "gate" not in found or not found["gate"].content:
        return
    for id in _tasks(found):
        try:
            markers = _markers(found, id)
        except (Illegal, KeyError):
            continue  # damaged: told above
        if markers and not any(marker in found for marker in markers):
            yield f"tasks/{id}: not listed: {markers[0]} is missing"


def _markers(found: Kept, id: str) -> list[str]:
    """Where a task belongs, by CONTRACT.md, "Markers"; one of these there must be."""
    task, claim = record(found, f"tasks/{id}/task.json", TASK), record(found, f"tasks/{id}/claim.json", CLAIM)
    if task is None or f"tasks/{id}/response.json" in found:
        return []
    lane = _escaped(task["lane"])
    if any((claim or task).get(word) for word in ("not_before", "on_hold", "depends_on")):
        return [path for path in found if path.split("/")[0] in MARKERS and path.endswith(id)] or ["a marker"]
    if claim is not None and claim["parked"]:
        return [f"held/{lane}/{id}"]
    route, number = _escaped(str(task["metadata"].get("required_vendor", "any"))), task["sequence"]
    digit = task.get("priority", 5)
    ready = f"ready/{lane}/{route}/{digit}{number // BUCKET:010x}/{digit}-{number:012d}-{id}"
    if claim is None or claim["released_at"] is not None:
        return [ready]
    at = claim["lease_ends_boottime_us"]
    return [f"timers/{lane}/{at >> TIMER_SHIFT:012x}/{at:018d}-{id}", ready]  # the latter once the lease is over


def _escaped(name: str) -> str:
    def code(char: str) -> str:
        return "".join(f"%{byte:02X}" for byte in char.encode())

    return "".join(
        char if re.fullmatch(r"[A-Za-z0-9_-]|\.", char) and not (char == "." and name.startswith(".")) else code(char)
        for char in name
    )
