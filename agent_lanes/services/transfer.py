"""The whole store as one JSON-lines stream, and back: backup, moving, bug reports.

    {"export": 1, "exported_at": ...}                                              the first line
    {"task": ..., "claim": ..., "response": ..., "events": [...], "request": ...}  one line a task, by id; the archived
                                                                                   ones last
    {"hold": ...}                                                                  a line for each hold of a lane
    {"end": true, "tasks": N}                                                      the last line

The records are those of the state folder (CONTRACT.md). `request` is the text of a request that the store keeps.
Tasks that cannot be read are left out of the stream and named to the caller. A stream without its last line was cut
off, and is refused before anything is imported.
"""

from __future__ import annotations

from itertools import chain

from agent_lanes.core.fields import mapping
from agent_lanes.core.holds import Hold, decode_hold, encode_hold
from agent_lanes.core.jsontext import dumps_line, loads_object
from agent_lanes.core.parcel import Parcel, decoded, encode
from agent_lanes.core.task import Snapshot
from agent_lanes.core.times import iso
from agent_lanes.errors import AgentLanesError, BadData, Damaged, NotFound, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agent_lanes.ports import Backend

VERSION = 1


def export(backend: Backend, damaged: Callable[[AgentLanesError], None]) -> Iterator[str]:
    """The lines of the stream, without newlines; `damaged` is told what is left out. Raises StorageFailed."""
    yield dumps_line({"export": VERSION, "exported_at": iso(backend.now().wall)})
    ids = set[str]()
    for found in chain(backend.scan(), backend.archived()):
        if isinstance(found, Damaged):
            damaged(found)
        elif found.id not in ids:  # else it has been archived since it was read
            try:
                line = encode(_parcel(backend, found))
            except (Damaged, NotFound) as wrong:
                damaged(wrong)
            except UnicodeDecodeError:
                damaged(Damaged(f"task {found.id}: its request is not UTF-8"))
            else:
                ids.add(found.id)
                yield line
    for hold in backend.holds():
        yield dumps_line({"hold": encode_hold(hold)})
    yield dumps_line({"end": True, "tasks": len(ids)})


def restore(backend: Backend, lines: Iterable[str], source: str = "import") -> int:
    """Bring a stream into an empty store; returns how many tasks it held. All of it is checked before any is stored.

    Raises BadData (the `source` and the line are named), Refused where the store holds other tasks, StorageFailed,
    Busy. Interrupted, the same stream can be imported again: what is there already, the same, is left as it is.
    """
    holds = list[Hold]()
    parcels = list(_decoded(lines, holds, source))
    wanted = {parcel.snapshot.id: parcel.snapshot for parcel in parcels}
    for held in chain(backend.scan(), backend.archived()):
        found = held.snapshot if isinstance(held, Parcel) else held
        if isinstance(found, Damaged) or wanted.get(found.id) != found:
            raise Refused(
                "import: this store is not empty" + (f": it holds {found.id}" if isinstance(found, Snapshot) else ""),
                hint="import into a new folder: agent-lanes --store NEW_FOLDER import FILE",
            )
    for parcel in parcels:
        backend.restore(parcel.snapshot, parcel.events, parcel.request)
    for snapshot in wanted.values():
        if snapshot.task.depends_on and snapshot.response is None:
            backend.settle(snapshot.id)  # what it waits for may have come after it
    for hold in holds:
        backend.put_hold(hold)
    return len(parcels)


def _parcel(backend: Backend, snapshot: Snapshot | Parcel) -> Parcel:
    if isinstance(snapshot, Parcel):
        return snapshot
    request = backend.stored_request(snapshot.id) if snapshot.task.request_stored else None
    return Parcel(snapshot=snapshot, events=tuple(backend.events(snapshot.id)), request=request)


def _decoded(lines: Iterable[str], holds: list[Hold], source: str) -> Iterator[Parcel]:
    """The tasks of a stream; its holds go into `holds`. Raises BadData."""
    count, ended, number, seen = 0, False, 0, set[str]()
    for number, line in enumerate(lines, start=1):
        try:
            record = loads_object(line)
            if number == 1:
                if record.get("export") != VERSION:
                    raise ValueError(f"not an export of version {VERSION}")
            elif ended:
                raise ValueError("a line after the last")
            elif record.get("end") is True:
                ended = True
                if record.get("tasks") != count:
                    raise ValueError(f"{count} tasks, where the stream says {record.get('tasks')}")
            elif "hold" in record:
                holds.append(decode_hold(mapping(record, "hold")))
            else:
                count += 1
                parcel = decoded(record)
                if parcel.snapshot.id in seen:
                    raise ValueError(f"{parcel.snapshot.id} stands twice")
                seen.add(parcel.snapshot.id)
                yield parcel
        except ValueError as wrong:
            raise BadData(f"{source}: line {number}: {wrong}") from None
    if not ended:
        raise BadData(
            f"{source}: the stream was cut off after line {number}", hint="export again; nothing was imported"
        )
