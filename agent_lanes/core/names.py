"""What may be called what: ids, lanes, agents, metadata; and how a name becomes a file name.

Every check returns the value it was given, or raises BadUsage with one line that names the field, the value and
what would be right (the callers that read files turn it into BadData). The rules are CONTRACT.md, "Names".
"""

from __future__ import annotations

from agent_lanes.core.times import compact
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.core.jsontext import JsonObject

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS = frozenset("0123456789")
HEX = DIGITS | frozenset("abcdef")
PLAIN = LETTERS | DIGITS | frozenset("-_.")
MAX_ID = 236  # what a file name of 255 bytes leaves beside the 19 of a timer marker
MAX_NAME_BYTES = 200
MAX_AGENT = 200
MAX_KEY = 100
CHANCE = 12  # hex digits at the end of an id: what people call a task by
MAX_METADATA_BYTES = 256 * 1024
MAX_METADATA_DEPTH = 16
ANY_VENDOR = "any"


def shown(value: object, limit: int = 60) -> str:
    """A value as it may stand in an error line: quoted, escaped, cut."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except ValueError:  # Python refuses to write numbers of more than 4300 digits
        text = "an endless number"
    return ascii(text[:limit] + ("..." if len(text) > limit else ""))


def some(values: Iterable[object], most: int = 10) -> str:
    """Values as they may stand in a warning: plain where they are plain, and not more than a few of them."""
    texts = [value if isinstance(value, str) and value.isprintable() else shown(value) for value in values]
    return ", ".join(sorted(texts)[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


def task_id(value: object, field: str = "task id") -> str:
    """A task id: letters, digits, `.`, `_`, `-`; begins with a letter or digit; no `..`; at most 180."""
    if not isinstance(value, str) or not is_task_id(value):
        raise BadUsage(
            f"{field}: {shown(value)} is no task id; those are letters, digits, '.', '_' and '-', at most {MAX_ID}",
            hint="`agent-lanes list` shows the ids of this store",
        )
    return value


def is_task_id(name: str) -> bool:
    """Whether a name may be a task id."""
    return 0 < len(name) <= MAX_ID and PLAIN.issuperset(name) and ".." not in name and name[0] not in "-_."


def lane(value: object) -> str:
    """A lane's name: any printable text without blanks at its ends, at most 200 bytes as a file name."""
    return _name("lane", value)


def vendor(value: object) -> str:
    """A vendor's name (`claude`, `codex`, ...): the same rule as for lanes."""
    return _name("vendor", value)


def agent(field: str, value: object) -> str:
    """The name of an owner, a reviewer or a source agent: printable, one line, at most 200 characters."""
    _printable(field, value, MAX_AGENT)
    return value  # type: ignore[return-value]


def correlation_id(value: object) -> str:
    """A correlation id: printable, one line, at most 200 characters."""
    _printable("correlation_id", value, MAX_AGENT)
    return value  # type: ignore[return-value]


def workspace_id(value: object) -> str:
    """A workspace id: printable, one line, at most 200 characters."""
    _printable("workspace_id", value, MAX_AGENT)
    return value  # type: ignore[return-value]


def counted(number: int, what: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def key(field: str, value: object) -> str:
    """A key of the caller's choice, for repeating a call safely: printable, one line, at most 200 characters."""
    _printable(field, value, MAX_AGENT)
    return value  # type: ignore[return-value]


def event_type(value: object) -> str:
    """The type of an event: printable, one line, at most 100 characters."""
    _printable("type", value, MAX_KEY)
    return value  # type: ignore[return-value]


def path(field: str, value: object) -> str:
    """A text that can name a file: not empty, without NUL, of whole characters. Where it leads is another question."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise BadUsage(f"{field}: {shown(value)} is not a path")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadUsage(f"{field}: {shown(value)} is not UTF-8; the store could not name it") from None
    return value


def metadata(field: str, value: object) -> JsonObject:
    """A JSON object with printable keys, finite numbers, whole characters, at most 256 KiB and 16 levels."""
    if not isinstance(value, dict):
        raise BadUsage(f"{field}: {shown(value)} is not a mapping of names to values")
    size = _check_json(field, value, 0)
    if size > MAX_METADATA_BYTES:
        raise BadUsage(f"{field}: {size} bytes are too many; at most {MAX_METADATA_BYTES}")
    wanted = value.get("required_vendor")
    if wanted is not None:
        _name(f"{field}.required_vendor", wanted)
    return value


def required_vendor(metadata_of_task: JsonObject) -> str:
    """The vendor a task is meant for; `any` when it names none."""
    wanted = metadata_of_task.get("required_vendor")
    return wanted if isinstance(wanted, str) and wanted else ANY_VENDOR


def new_task_id(created_at: int, correlation: str, chance: str) -> str:
    """`<time>-<slug of the correlation id>-<12 hex digits of chance>`: sorts by creation, never repeats."""
    return f"{compact(created_at)}-{slug(correlation)}-{chance}"


def is_whole_id(id: str) -> bool:
    """Whether this is an id as `new_task_id` makes it, and so no part of another."""
    head, tail = id[:22], id[-CHANCE - 1 :]
    digits = head[:8] + head[9:21]
    shaped = len(id) > len(head) + 1 + len(tail) and head[8:9] == "T" and head[21:] == "Z" and id[22] == "-"
    return shaped and DIGITS.issuperset(digits) and tail[0] == "-" and HEX.issuperset(tail[1:])


def short_id(id: str) -> str:
    """What people call a task: the chance at the end of its id; all of an id that was made elsewhere."""
    return id[-CHANCE:] if is_whole_id(id) else id


def slug(text: str) -> str:
    """The part of a text that may stand in an id: at most 60 characters, never empty."""
    plain = "".join(char if char in PLAIN else "-" for char in text)
    while ".." in plain or "--" in plain:
        plain = plain.replace("..", ".").replace("--", "-")
    return plain[:60].strip("-_.") or "task"


def escape(name: str) -> str:
    """A name as one file name: what is not a letter, digit, `-`, `_` or `.` becomes %XX; never begins with a dot."""
    if PLAIN.issuperset(name) and name[:1] != ".":
        return name
    plain = PLAIN - {"."} if name[:1] == "." else PLAIN
    return "".join(char if char in plain else "".join(f"%{byte:02X}" for byte in char.encode()) for char in name)


def unescape(file_name: str) -> str:
    """The name that `escape` made this file name of. Raises ValueError on anything else."""
    head, *rest = file_name.split("%")
    raw = head.encode() + b"".join(bytes.fromhex(part[:2]) + part[2:].encode() for part in rest)
    name = raw.decode()
    if escape(name) != file_name:
        raise ValueError(f"not a file name of ours: {shown(file_name)}")
    return name


def _name(field: str, value: object) -> str:
    _printable(field, value, MAX_NAME_BYTES)
    if len(escape(value)) > MAX_NAME_BYTES:  # type: ignore[arg-type]
        raise BadUsage(f"{field}: {shown(value)} is too long; at most {MAX_NAME_BYTES} bytes as a file name")
    return value  # type: ignore[return-value]


def _printable(field: str, value: object, limit: int) -> None:
    if not isinstance(value, str):
        raise BadUsage(f"{field}: {shown(value)} is not a text")
    if not value or value != value.strip():
        raise BadUsage(f"{field}: {shown(value)} is empty or has blanks at its ends")
    if len(value) > limit:
        raise BadUsage(f"{field}: {len(value)} characters are too many; at most {limit}")
    if not value.isprintable():
        raise BadUsage(f"{field}: {shown(value)} has characters that cannot be printed; use plain text on one line")


def _check_json(field: str, value: object, depth: int) -> int:
    """The size of a JSON value in bytes, about; raises on what JSON cannot carry."""
    if depth > MAX_METADATA_DEPTH:
        raise BadUsage(f"{field}: nested deeper than {MAX_METADATA_DEPTH} levels")
    if isinstance(value, str):
        return len(whole_text(field, value)) + 2
    if value is None or isinstance(value, bool):
        return 5
    if isinstance(value, int):
        if value.bit_length() > 1024:
            raise BadUsage(f"{field}: a number of {value.bit_length()} bits is too large")
        return 8
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise BadUsage(f"{field}: {value} is not a number that JSON can carry")
        return 8
    if isinstance(value, dict):
        for key in value:
            _printable(f"{field} key", key, MAX_KEY)
        return sum(len(key) + 4 + _check_json(f"{field}.{key}", item, depth + 1) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return sum(2 + _check_json(f"{field}[{index}]", item, depth + 1) for index, item in enumerate(value))
    raise BadUsage(f"{field}: {shown(value)} is not a JSON value")


def whole_text(field: str, value: object) -> bytes:
    """The UTF-8 of a text; refuses half characters (lone surrogates), which no file can hold."""
    if not isinstance(value, str):
        raise BadUsage(f"{field}: {shown(value)} is not a text")
    try:
        return value.encode()
    except UnicodeEncodeError as wrong:
        raise BadUsage(f"{field}: character {wrong.start} is half a character (a lone surrogate)") from None
