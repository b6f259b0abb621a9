"""The whole store as one JSON-lines stream, and back: backup, moving, bug reports.

    {"export": 1, "exported_at": ...}                                              the first line
    {"task": ..., "claim": ..., "response": ..., "events": [...], "request": ...}  one line a task, by id
    {"end": true, "tasks": N}                                                      the last line

The records are those of the state folder (CONTRACT.md). `request` is the text of a request that the store keeps.
Tasks that cannot be read are left out of the stream and named to the caller. A stream without its last line was cut
off, and is refused before anything is imported.
"""

from __future__ import annotations

from agent_lanes.core import codec, names
from agent_lanes.core.answers import decode_response, encode_response
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.jsontext import dumps_line, loads_object
from agent_lanes.core.task import Event, Snapshot
from agent_lanes.core.times import iso
from agent_lanes.errors import BadData, BadUsage, Damaged, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.ports import Backend

VERSION = 1


class Parcel(Frozen):
    """Everything about one task."""

    snapshot: Snapshot
    events: tuple[Event, ...]
    request: bytes | None = None


def export(backend: Backend, damaged: Callable[[Damaged], None]) -> Iterator[str]:
    """The lines of the stream, without newlines; `damaged` is told what is left out. Raises StorageFailed."""
    yield dumps_line({"export": VERSION, "exported_at": iso(backend.now().wall)})
    count = 0
    for found in backend.scan():
        if isinstance(found, Damaged):
            damaged(found)
            continue
        count += 1
        yield dumps_line(_encoded(backend, found))
    yield dumps_line({"end": True, "tasks": count})


def restore(backend: Backend, lines: Iterable[str]) -> int:
    """Bring a stream into an empty store; returns how many tasks it held. All of it is checked before any is stored.

    Raises BadData (the line is named), Refused where the store holds other tasks, StorageFailed, Busy. Interrupted,
    the same stream can be imported again: what is there already, the same, is left as it is.
    """
    parcels = list(_decoded(lines))
    wanted = {parcel.snapshot.id: parcel.snapshot for parcel in parcels}
    for found in backend.scan():
        if isinstance(found, Damaged) or wanted.get(found.id) != found:
            raise Refused(
                "import: this store is not empty" + (f": it holds {found.id}" if isinstance(found, Snapshot) else ""),
                hint="import into a new folder: agent-lanes --store NEW_FOLDER import FILE",
            )
    for parcel in parcels:
        backend.restore(parcel.snapshot, parcel.events, parcel.request)
    return len(parcels)


def _encoded(backend: Backend, snapshot: Snapshot) -> JsonObject:
    task, claim, response = snapshot.task, snapshot.claim, snapshot.response
    request = backend.stored_request(task.id).decode() if task.request_stored else None
    return {
        "task": codec.encode_task(task),
        "claim": codec.encode_claim(claim) if claim else None,
        "response": encode_response(response) if response else None,
        "events": [codec.encode_event(event) for event in backend.events(task.id)],
        "request": request,
    }


def _decoded(lines: Iterable[str]) -> Iterator[Parcel]:
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
            else:
                count += 1
                parcel = _parcel(record)
                if parcel.snapshot.id in seen:
                    raise ValueError(f"{parcel.snapshot.id} stands twice")
                seen.add(parcel.snapshot.id)
                yield parcel
        except ValueError as wrong:
            raise BadData(f"import: line {number}: {wrong}") from None
    if not ended:
        raise BadData(f"import: the stream was cut off after line {number}", hint="export again; nothing was imported")


def _parcel(record: JsonObject) -> Parcel:
    task = codec.decode_task(codec.mapping(record, "task"))
    try:
        names.task_id(task.id)  # it becomes a folder's name: an id that climbs would leave the store
    except BadUsage as wrong:
        raise ValueError(wrong.message) from None
    claim, response, events = record.get("claim"), record.get("response"), record.get("events")
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise ValueError("events is not a list of objects")
    request = codec.maybe_text(record, "request")
    if task.request_stored != (request is not None):
        raise ValueError("request_stored and request do not agree")
    return Parcel(
        snapshot=Snapshot(
            task=task,
            claim=codec.decode_claim(codec.mapping(record, "claim")) if claim is not None else None,
            response=decode_response(codec.mapping(record, "response")) if response is not None else None,
        ),
        events=tuple(codec.decode_event(event) for event in events if isinstance(event, dict)),
        request=None if request is None else request.encode(),
    )
