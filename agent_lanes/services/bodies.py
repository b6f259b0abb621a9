"""What an answer, or a request on stdin, may hold: whole UTF-8, within a stated limit, kept byte for byte."""

from __future__ import annotations

from agent_lanes.core.names import agent, event_type, metadata, shown, whole_text
from agent_lanes.core.task import COMPLETED, FAILED, VERDICTS
from agent_lanes.errors import BadData, BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

MOST_COUNTS = 1_000_000
MAX_BODY_BYTES = 32 << 20
MAX_PROMPT_BYTES = 4 << 20
UNREADABLE = "send UTF-8 text; put other data into a file and answer with its path"


def text(field: str, data: bytes) -> str:
    """The text of a body, unchanged: NUL and CRLF stay. Raises BadData: too large, not UTF-8."""
    size(field, len(data))
    try:
        return data.decode()
    except UnicodeDecodeError as wrong:
        raise BadData(f"{field}: not UTF-8 at byte {wrong.start}", hint=UNREADABLE) from None


def given(field: str, body: str, limit: int = MAX_BODY_BYTES) -> str:
    """The same for a text that came as one. Raises BadData: too large, half characters."""
    try:
        size(field, len(whole_text(field, body)), limit)
    except BadUsage as wrong:
        raise BadData(wrong.message, hint=UNREADABLE) from None
    return body


def size(field: str, count: int, limit: int = MAX_BODY_BYTES) -> None:
    """Refuse what is larger than the limit. Raises BadData."""
    if count > limit:
        most = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit >> 10} KiB"
        raise BadData(f"{field}: more than {most}, which is the limit", hint="put it into a file and send the path")


def line(type: str, message: str, data: JsonObject | None) -> JsonObject:
    """A line of history: its type, its message; its data, checked. Raises BadUsage, BadData."""
    event_type(type)
    given("message", message, 1 << 16)
    return metadata("data", data or {})


def sha256(field: str, digest: str | None) -> None:
    """64 lower-case hex digits, or nothing. Raises BadUsage."""
    if digest is not None and (len(digest) != 64 or set(digest) - set("0123456789abcdef")):
        raise BadUsage(f"{field}: {shown(digest)} is not a SHA-256 in 64 lower-case hex digits")


def answer(reviewer: str, status: str, verdict: str | None, blocking: int | None, nonblocking: int | None) -> None:
    """What stands around a body: who answers, how it ended, the verdict and its counts. Raises BadUsage."""
    agent("reviewer", reviewer)
    if status not in (COMPLETED, FAILED):
        raise BadUsage(f"status: {shown(status)} is neither {COMPLETED} nor {FAILED}")
    if verdict is not None and verdict not in VERDICTS:
        raise BadUsage(f"verdict: {shown(verdict)} is not one of {', '.join(VERDICTS)}")
    for field, count in (("blocking_count", blocking), ("nonblocking_count", nonblocking)):
        whole = isinstance(count, int) and not isinstance(count, bool)
        if count is not None and not (whole and 0 <= count <= MOST_COUNTS):
            raise BadUsage(f"{field}: {shown(count)} is not a whole number from 0 to {MOST_COUNTS}")
    if blocking and verdict != "needs-revision":
        raise BadUsage(f"blocking_count: {blocking} needs verdict needs-revision")
