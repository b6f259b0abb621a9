"""Everything about one task in one JSON object: a line of an export, and of an archive.

    {"task": ..., "claim": ..., "response": ..., "events": [...], "request": ...}

The records are those of the state folder (CONTRACT.md). `request` is the text of a request that the store keeps.
"""

from __future__ import annotations

from agent_lanes.core import codec, fields, names
from agent_lanes.core.answers import decode_response, encode_response
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.jsontext import dumps_line, loads_object
from agent_lanes.core.task import Event, Snapshot
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject


class Parcel(Frozen):
    """Everything about one task."""

    snapshot: Snapshot
    events: tuple[Event, ...]
    request: bytes | None = None

    @property
    def id(self) -> str:
        """The task's id."""
        return self.snapshot.id


def encode(parcel: Parcel) -> str:
    """The line, without its newline. Raises UnicodeDecodeError for a request that is no text."""
    claim, response = parcel.snapshot.claim, parcel.snapshot.response
    return dumps_line(
        {
            "task": codec.encode_task(parcel.snapshot.task),
            "claim": codec.encode_claim(claim) if claim else None,
            "response": encode_response(response) if response else None,
            "events": [codec.encode_event(event) for event in parcel.events],
            "request": None if parcel.request is None else parcel.request.decode(),
        }
    )


def decode(line: str) -> Parcel:
    """The parcel of a line. Raises ValueError."""
    return decoded(loads_object(line))


def decoded(record: JsonObject) -> Parcel:
    """The parcel of a JSON object. Raises ValueError."""
    task = codec.decode_task(fields.mapping(record, "task"))
    try:
        names.task_id(task.id)  # it becomes a folder's name: an id that climbs would leave the store
    except BadUsage as wrong:
        raise ValueError(wrong.message) from None
    claim, response, events = record.get("claim"), record.get("response"), record.get("events")
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise ValueError("events is not a list of objects")
    request = fields.maybe_text(record, "request")
    if task.request_stored != (request is not None):
        raise ValueError("request_stored and request do not agree")
    return Parcel(
        snapshot=Snapshot(
            task=task,
            claim=codec.decode_claim(fields.mapping(record, "claim")) if claim is not None else None,
            response=decode_response(fields.mapping(record, "response")) if response is not None else None,
        ),
        events=tuple(codec.decode_event(event) for event in events if isinstance(event, dict)),
        request=None if request is None else request.encode(),
    )
