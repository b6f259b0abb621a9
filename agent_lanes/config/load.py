"""Reading YAML, strictly: the only `import yaml`.

Size, number of values and depth are limited while they are read, not after. Dates and clock times stay texts as they
are written, a key may stand once, every tag is refused, and a file whose aliases multiply is refused before anything
walks over it. Errors name the file and the line.
"""

from __future__ import annotations

import os
import re
import stat

import yaml

from agent_lanes.config import check
from agent_lanes.errors import BadData, NotFound, of_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from agent_lanes.config.model import Config

MAX_YAML_BYTES = 256 << 10  # half a second of this parser
MAX_PROMPT_BYTES = 4 << 20
MAX_VALUES = 10_000
MAX_DEPTH = 32
MAX_DIGITS = 300  # more than any number has that JSON programs agree on

INT, FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
BOOL = "yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF"
WHOLE = r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)"
NAMED = re.compile(r"(alias|anchor|tag handle) '[^']*'")  # words of a file that may be none of ours
DECIMAL = r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
# Plain scalars that are no texts, and their first characters: YAML 1.1 without dates, and without 12:30 as 750.
PLAIN = (
    ("tag:yaml.org,2002:bool", BOOL, list("yYnNtTfFoO")),
    ("tag:yaml.org,2002:null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:merge", "<<", ["<"]),
    (INT, WHOLE, list("-+0123456789")),
    (FLOAT, DECIMAL, list("-+.0123456789")),
)


class StrictLoader(yaml.SafeLoader):
    """SafeLoader without tags, dates and base 60, with limits, and with an error for a key that stands twice."""

    yaml_implicit_resolvers = {}  # those of PLAIN, below

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.values = self.depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As SafeLoader, which recurses and builds before anybody could count."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self.values += 1
        if self.values > MAX_VALUES:
            raise refused(f"more than {MAX_VALUES} values", event)
        if self.depth > MAX_DEPTH:
            raise refused(f"nested deeper than {MAX_DEPTH} levels", event)
        if getattr(event, "tag", None) is not None:
            raise refused("tags are not taken", event)
        self.depth += 1
        found = super().compose_node(parent, index)
        self.depth -= 1
        return found

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """As SafeLoader, then a look for keys that stand twice: here, because a merge later adds some on purpose."""
        found = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in found.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.value != "<<":
                    raise refused(f"the key {key.value!r} stands twice", key)
                seen.add(key.value)
        return found

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """As SafeLoader, which copies what is merged: a chain of merges doubles with each link."""
        super().flatten_mapping(node)
        if len(node.value) > MAX_VALUES:
            raise refused(f"its merge keys expand to more than {MAX_VALUES} values", node)

    def number(self, node: yaml.ScalarNode) -> int | float:
        """A number of a size that can be computed with, and written again."""
        if len(node.value) > MAX_DIGITS:
            raise refused(f"a number of more than {MAX_DIGITS} digits", node)
        make = self.construct_yaml_int if node.tag == INT else self.construct_yaml_float
        found: int | float = make(node)
        return found


for tag, pattern, first in PLAIN:
    StrictLoader.add_implicit_resolver(tag, re.compile(f"^(?:{pattern})$"), first)
for tag in (INT, FLOAT):
    StrictLoader.add_constructor(tag, StrictLoader.number)


def refused(problem: str, where: Any) -> yaml.MarkedYAMLError:
    """The error that names the line of a node or an event."""
    return yaml.constructor.ConstructorError(None, None, problem, where.start_mark)


def config(path: str) -> Config:
    """The engine config of a file. Raises NotFound, BadData, StorageFailed."""
    return check.parse(document(path, "config file"), path)


def document(path: str, what: str) -> object:
    """The value of a YAML or JSON file. Raises NotFound, BadData that names file and line, StorageFailed."""
    try:
        text = content(path, what, MAX_YAML_BYTES).decode()
        value = yaml.load(text, StrictLoader)  # noqa: S506 - a SafeLoader, made stricter
        _measure(value, path)
    except UnicodeDecodeError as wrong:
        raise BadData(f"{path}: not UTF-8 at byte {wrong.start}") from None
    except RecursionError:
        raise BadData(f"{path}: nested deeper than {MAX_DEPTH} levels") from None
    except (yaml.YAMLError, ValueError, OverflowError) as wrong:
        raise BadData(f"{path}: {_one_line(wrong)}") from None
    return value


def content(path: str, what: str, limit: int) -> bytes:
    """The bytes of a regular file of at most that size. Raises NotFound, BadData, StorageFailed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"{what} does not exist: {path}") from None
    except OSError as wrong:
        raise of_system(f"{what} cannot be read: {path}: {wrong.strerror}", wrong) from wrong
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadData(f"{what} is not a file: {path}")
        parts, left = [], limit + 1
        while left and (chunk := os.read(descriptor, left)):
            parts.append(chunk)
            left -= len(chunk)
        if not left:
            raise BadData(f"{what} is larger than {limit >> 10} KiB: {path}")
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _measure(value: object, path: str) -> None:
    """Walk over the value as its readers will, with a limit: aliases share what they repeat."""
    pending, count = [(value, 0)], 0
    while pending:
        item, depth = pending.pop()
        count += 1
        if count > MAX_VALUES:
            raise BadData(f"{path}: its aliases expand to more than {MAX_VALUES} values; write less, or out in full")
        if depth > MAX_DEPTH:
            raise BadData(f"{path}: nested deeper than {MAX_DEPTH} levels")
        if isinstance(item, dict):
            pending.extend((part, depth + 1) for pair in item.items() for part in pair)
        elif isinstance(item, list):
            pending.extend((part, depth + 1) for part in item)


def _one_line(wrong: Exception) -> str:
    mark = getattr(wrong, "problem_mark", None)
    problem = getattr(wrong, "problem", None) or str(wrong).splitlines()[0]
    problem = NAMED.sub(r"\1", str(problem))
    line = "".join(char if char.isprintable() else "?" for char in str(problem))[:300]
    return f"line {mark.line + 1}: {line}" if mark is not None else line
