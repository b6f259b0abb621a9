"""What an answer or a request on stdin may hold: whole UTF-8, within a stated limit, kept byte for byte."""

from __future__ import annotations

from agent_lanes.core.names import whole_text
from agent_lanes.errors import BadData, BadUsage

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
