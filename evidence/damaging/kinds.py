"""What can happen to a file or a folder."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HUGE = 100 << 20
DEEP = 100_000
TIME = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z")
NUMBER_OF_TIME = re.compile(rb'(?<=_us": )\d+')


@dataclass(frozen=True)
class Kind:
    """One kind of damage; `do` returns False where it would change nothing."""

    name: str
    do: Callable[[Path], object]
    unreadable: bool = False
    """What is there is as it was, but this user may not look at it."""


def _written(change: Callable[[bytes], bytes]) -> Callable[[Path], bool]:
    def do(path: Path) -> bool:
        before = path.read_bytes()
        after = change(before)
        if after == before:
            return False
        mode = path.stat().st_mode & 0o777
        path.unlink()  # another name of it is another file: its damage would be another one
        path.write_bytes(after)
        path.chmod(mode)
        return True

    return do


def _instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        make(path)

    return do


def _huge(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    os.truncate(path, HUGE)


def _absurd(content: bytes) -> bytes:
    return NUMBER_OF_TIME.sub(b"9" * 40, TIME.sub(b"9999-99-99T99:99:99.9Z", content))


FILE_KINDS = (
    Kind("empty", _written(lambda content: b"")),
    Kind("cut", _written(lambda content: content[: len(content) // 2])),
    Kind("a byte less", _written(lambda content: content[:-1])),
    Kind("NULs", _written(lambda content: bytes(len(content)))),
    Kind("not UTF-8", _written(lambda content: b"\xff\xfe" + content)),
    Kind("no JSON", _written(lambda content: b"<html>\n")),
    Kind("an empty object", _written(lambda content: b"{}\n")),
    Kind("a list", _written(lambda content: b"[]\n")),
    Kind("wrong types", _written(lambda content: re.sub(rb'": ("[^"]*"|\d+)', b'": [null]', content))),
    Kind("a later format", _written(lambda content: re.sub(rb'"format": \d+', b'"format": 99', content))),
    Kind("absurd times", _written(_absurd)),
    Kind("deep nesting", _written(lambda content: b"[" * DEEP + b"]" * DEEP)),
    Kind("twice", _written(lambda content: content * 2)),
    Kind("100 MB", _huge),
    Kind("removed", Path.unlink),
    Kind("a FIFO", _instead(os.mkfifo)),
    Kind("a folder", _instead(Path.mkdir)),
    Kind("a link to nowhere", _instead(lambda path: path.symlink_to("/nowhere/at/all"))),
    Kind("a link to itself", _instead(lambda path: path.symlink_to(path.name))),
    Kind("mode 000", lambda path: path.chmod(0), unreadable=True),
)
FOLDER_KINDS = (
    Kind("removed", shutil.rmtree),
    Kind("empty", _instead(Path.mkdir)),
    Kind("a file", _instead(Path.touch)),
    Kind("a FIFO", _instead(os.mkfifo)),
    Kind("a link to nowhere", _instead(lambda path: path.symlink_to("/nowhere/at/all"))),
    Kind("mode 000", lambda path: path.chmod(0), unreadable=True),
    Kind("read-only", lambda path: path.chmod(0o500), unreadable=True),
)
