"""What strace wrote, line by line: which calls a command made on files, in the order in which they ended.

strace is told to write every string and every path in hex (-xx) and the path of every descriptor (-y), so that
nothing in a name or in data can be taken for punctuation, and no bytes are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
DESCRIPTOR = re.compile(r"(-?\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})*)>(\(deleted\))?")
LINE = re.compile(r"(\d+) +(.*)")
IN_VAIN = re.compile(r"\) += -1 E\w+ \([^()]*\)$")
CALL = re.compile(r"(\w+)\((.*?)\)? += (-?\d+|\?)(.*)", re.DOTALL)
DELETED = b" (deleted)"


@dataclass(frozen=True)
class Call:
    """One call that succeeded."""

    process: int
    name: str
    words: str
    """Its arguments as strace shows them."""
    strings: tuple[bytes, ...]
    descriptors: tuple[tuple[int, bytes | None], ...]
    """Numbers and paths of the descriptors among them; the path is None where the file has no name any more."""
    result: int
    opened: tuple[int, bytes | None] | None
    """What a call that opens returned."""

    def number(self, position: int) -> int:
        """The argument at that place, which is a plain number; from the end if negative."""
        return int(self.words.split(", ")[position])


@dataclass(frozen=True)
class Ended:
    """A process that is no more; code is None if it was killed."""

    process: int
    code: int | None


def calls(text: str) -> Iterator[Call | Ended]:
    """All calls that succeeded, and the ends of processes."""
    begun: dict[int, str] = {}
    for line in text.splitlines():
        found = LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"not a line of strace: {line[:200]}")
        process, rest = int(found[1]), found[2]
        if rest.startswith("+++"):
            code = re.search(r"exited with (\d+)", rest)
            yield Ended(process, int(code[1]) if code else None)
        elif rest.startswith("---"):
            continue
        elif rest.endswith("<unfinished ...>"):
            begun[process] = rest.removesuffix("<unfinished ...>").rstrip()
        else:
            if rest.startswith("<... "):
                rest = begun.pop(process) + rest.partition("resumed>")[2]
            call = _call(process, rest)
            if call is not None:
                yield call


def sites(text: str, names: Sequence[str]) -> list[tuple[str, int]]:
    """Each call of these names that did something: its name, and the how many-th of this name it is.

    So strace counts, also those made in vain: a call is found again by both.
    """
    found: list[tuple[str, int]] = []
    made: Counter[str] = Counter()
    for line in text.splitlines():
        called = re.match(r"\d+ +(\w+)\(", line)
        if called is None or called[1] not in names:
            continue
        made[called[1]] += 1
        if IN_VAIN.search(line) is None:
            found.append((called[1], made[called[1]]))
    return found


def _call(process: int, line: str) -> Call | None:
    found = CALL.fullmatch(line)
    if found is None:
        raise ValueError(f"not a call: {line[:200]}")
    name, words, result, after = found.groups()
    if result == "?" or int(result) < 0:
        return None
    strings = []
    for text, cut in STRING.findall(words):
        if cut:
            raise ValueError(f"strace cut a string: {line[:200]}")
        strings.append(_bytes(text))
    opened = [_descriptor(*match) for match in DESCRIPTOR.findall(f"{result}{after}")]
    return Call(
        process=process,
        name=name,
        words=words,
        strings=tuple(strings),
        descriptors=tuple(_descriptor(*match) for match in DESCRIPTOR.findall(words)),
        result=int(result),
        opened=opened[0] if opened else None,
    )


def _descriptor(number: str, path: str, deleted: str) -> tuple[int, bytes | None]:
    name = _bytes(path)
    gone = bool(deleted) or name.endswith(DELETED)
    return (-100 if number == "AT_FDCWD" else int(number)), None if gone else name


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
