"""A line of the log of the whole store: an event, its task, and the cursor from which reading goes on after it."""

from __future__ import annotations

from agent_lanes.core.codec import decode_event, encode_event
from agent_lanes.core.fields import text
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject


class Logged(Frozen):
    """One event of one task. `cursor` is empty where it was not read from the log."""

    task_id: str
    lane: str
    event: Event
    cursor: str = ""


def is_cursor(value: str) -> bool:
    """Whether a text has the form of a cursor: `<segment>:<offset>`."""
    segment, colon, offset = value.partition(":")
    return bool(colon) and all(part.isascii() and part.isdigit() and len(part) < 16 for part in (segment, offset))


def encode_logged(one: Logged) -> JsonObject:
    """A line of the log's files."""
    return {"task_id": one.task_id, "lane": one.lane, **encode_event(one.event)}


def decode_logged(record: JsonObject, cursor: str) -> Logged:
    """The Logged of a line. Raises Malformed."""
    return Logged(task_id=text(record, "task_id"), lane=text(record, "lane"), event=decode_event(record), cursor=cursor)


def public_logged(one: Logged) -> JsonObject:
    """A line as commands and routes show it."""
    return {"cursor": one.cursor or None, **encode_logged(one)}
