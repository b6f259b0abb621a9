"""Reading YAML, strictly: the only `import yaml`.

Dates stay texts as they are written, a key may stand once, tags are refused, and a file whose aliases multiply is
refused before anything walks over it. Errors name the file and the line.
"""

from __future__ import annotations

import os
import stat

import yaml

from agent_lanes.config import model
from agent_lanes.errors import BadData, NotFound, StorageFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from agent_lanes.config.model import Config

MAX_BYTES = 8 << 20
MAX_VALUES = 100_000
MAX_DEPTH = 32


class StrictLoader(yaml.SafeLoader):
    """SafeLoader without dates, with an error for a key that stands twice, and with a limit to merge keys (`<<`)."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """As SafeLoader, then a look for keys that stand twice: here, because a merge later adds some on purpose."""
        found = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in found.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.value != "<<":
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} stands twice", key.start_mark
                    )
                seen.add(key.value)
        return found

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """As SafeLoader, which copies what is merged: a chain of merges doubles with each link."""
        super().flatten_mapping(node)
        if len(node.value) > MAX_VALUES:
            raise yaml.constructor.ConstructorError(
                None, None, f"its merge keys expand to more than {MAX_VALUES} values", node.start_mark
            )


def config(path: str) -> Config:
    """The engine config of a file. Raises NotFound, BadData, StorageFailed."""
    return model.parse(document(path, "config file"), path)


def document(path: str, what: str) -> object:
    """The value of a YAML or JSON file. Raises NotFound, BadData that names file and line, StorageFailed."""
    try:
        text = content(path, what).decode()
        value = yaml.load(text, StrictLoader)  # noqa: S506 - a SafeLoader, made stricter
        _measure(value, path)
    except UnicodeDecodeError as wrong:
        raise BadData(f"{path}: not UTF-8 at byte {wrong.start}") from None
    except RecursionError:
        raise BadData(f"{path}: nested deeper than {MAX_DEPTH} levels") from None
    except (yaml.YAMLError, ValueError) as wrong:
        raise BadData(f"{path}: {_one_line(wrong)}") from None
    return value


def content(path: str, what: str) -> bytes:
    """The bytes of a regular file of sane size. Raises NotFound, BadData, StorageFailed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"{what} does not exist: {path}") from None
    except OSError as wrong:
        raise StorageFailed(f"{what} cannot be read: {path}: {wrong.strerror}") from wrong
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise BadData(f"{what} is not a file: {path}")
        if status.st_size > MAX_BYTES:
            raise BadData(f"{what} is larger than {MAX_BYTES >> 20} MiB: {path}")
        parts = []
        while chunk := os.read(descriptor, 1 << 20):
            parts.append(chunk)
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
    line = "".join(char if char.isprintable() else "?" for char in str(problem))[:300]
    return f"line {mark.line + 1}: {line}" if mark is not None else line
