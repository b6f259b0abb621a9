"""What reads input of others: each takes bytes, and may only refuse them as it says it does.

What is accepted must come back: a record that is read, written and read again is the same record.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

from agent_lanes.core import answers, codec, jsontext, legacy, names, parcel, terms, times
from agent_lanes.errors import AgentLanesError

SCRATCH = os.path.join(tempfile.gettempdir(), f"agent-lanes-fuzz-{os.getpid()}")
LATE = 1_780_000_000_000_000
DECODERS = (
    (codec.decode_task, codec.encode_task),
    (codec.decode_claim, codec.encode_claim),
    (codec.decode_event, codec.encode_event),
    (answers.decode_response, answers.encode_response),
)
NAMES: tuple[Callable[[str], object], ...] = (
    names.task_id,
    names.lane,
    names.vendor,
    names.correlation_id,
    names.workspace_id,
    names.event_type,
    lambda text: names.key("key", text),
    lambda text: names.agent("owner", text),
    lambda text: names.path("path", text),
)


def json_text(data: bytes) -> None:
    """JSON as the store reads it."""
    text = _text(data)
    try:
        value = jsontext.loads(text)
    except ValueError:
        return
    assert jsontext.loads(jsontext.dumps(value)) == value
    assert jsontext.loads(jsontext.dumps_line(value)) == value


def records(data: bytes) -> None:
    """The records of a task."""
    try:
        record = jsontext.loads_object(_text(data))
    except ValueError:
        return
    for decode, encode in DECODERS:
        try:
            value = decode(record)
        except ValueError:
            continue
        assert decode(jsontext.loads_object(jsontext.dumps(encode(value)))) == value  # type: ignore[arg-type]
    if legacy.is_legacy(record):
        try:
            legacy.decode(record, None)
        except ValueError:
            pass


def stream(data: bytes) -> None:
    """A line of an exported stream."""
    try:
        found = parcel.decode(_text(data))
    except ValueError:
        return
    assert parcel.decode(parcel.encode(found)) == found


def config(data: bytes) -> None:
    """A handoff.yaml."""
    from agent_lanes.config import load

    _with_file(data, load.config)


def task_file(data: bytes) -> None:
    """A task file, and a line of `submit --many`."""
    from agent_lanes.config import taskfile

    _with_file(data, taskfile.load)
    try:
        taskfile.line(_text(data), "line 1", SCRATCH)
    except AgentLanesError:
        pass


def words(data: bytes) -> None:
    """Durations, times and terms."""
    from agent_lanes.cli import when

    text = _text(data)
    for read in (
        terms.duration,
        times.parse_iso,
        lambda text: when.seconds("--delay", text),
        lambda text: when.instant("--until", text, LATE),
        lambda text: terms.stated({"delay": text, "expires": text, "priority": text, "depends_on": [text]}, LATE),
    ):
        try:
            read(text)
        except (ValueError, AgentLanesError):
            pass


def name(data: bytes) -> None:
    """Names of everything; and as files are called by them."""
    text = _text(data)
    for check in NAMES:
        try:
            check(text)
        except AgentLanesError:
            pass
    try:
        lane = names.lane(text)
    except AgentLanesError:
        return
    file = names.escape(lane)
    assert names.unescape(file) == lane
    assert "/" not in file and "\0" not in file and not file.startswith(".")
    names.slug(text)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "JSON": json_text,
    "records": records,
    "streams": stream,
    "config": config,
    "task files": task_file,
    "times and terms": words,
    "names": name,
}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _with_file(data: bytes, read: Callable[[str], object]) -> None:
    with open(SCRATCH, "wb") as file:
        file.write(data)
    try:
        read(SCRATCH)
    except AgentLanesError as refused:
        assert refused.message.isprintable(), repr(refused.message)
