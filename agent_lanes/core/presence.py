"""Who waits for work: the sign that a listener leaves for as long as it lives."""

from __future__ import annotations

from agent_lanes.core.fields import Malformed, instant, text, whole
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.names import ANY_VENDOR
from agent_lanes.core.times import iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

CLAIM, WAIT, API, HTTP, MCP, DISPATCHER = "claim", "wait", "api", "http", "mcp", "dispatcher"
KINDS = (CLAIM, WAIT, API, HTTP, MCP, DISPATCHER)
MAX_PID = 2**32


class Sign(Frozen):
    """One listener: a process, or one of its threads. A `vendor` of `any` takes tasks of every vendor.

    `since` is when it began to listen; `pid` is of `host` and `boot_id`.
    """

    lane: str
    vendor: str
    owner: str
    kind: str
    pid: int
    host: str
    boot_id: str
    since: int


def takes(taker: str, vendor: str) -> bool:
    """Whether who listens for `taker` is offered tasks for `vendor`."""
    return taker in (ANY_VENDOR, vendor) or vendor == ANY_VENDOR


def encode_sign(sign: Sign) -> JsonObject:
    """A sign as files, commands and routes show it."""
    return {**sign.__dict__, "since": iso(sign.since)}


def decode_sign(record: JsonObject) -> Sign:
    """The Sign of a record. Raises Malformed."""
    kind = text(record, "kind")
    if kind not in KINDS:
        raise Malformed(f"kind is not one of {', '.join(KINDS)}")
    return Sign(
        lane=text(record, "lane"),
        vendor=text(record, "vendor"),
        owner=text(record, "owner", empty=True),
        kind=kind,
        pid=whole(record, "pid", MAX_PID),
        host=text(record, "host", empty=True),
        boot_id=text(record, "boot_id", empty=True),
        since=instant(record, "since"),
    )
