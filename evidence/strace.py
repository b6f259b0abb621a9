"""strace: which system calls a command makes, and what it does when one of them fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scene import Ended

LINE = re.compile(r"(\d+) +\[ *(\d+)\] (\w+)\((.*)")
PLACE = re.compile(r"AT_FDCWD<[^>]*>")
CHANGING = re.compile(
    r"(rename|link|symlink|unlink|mkdir|mknod)(at2?|)$|rmdir$|p?write(v|v2|64|)$|f?truncate|f?ch(mod|own)|utimensat"
    r"|fsync|fdatasync|syncfs|flock|creat$|fallocate"
)
FILES = re.compile(
    CHANGING.pattern + r"|open|p?read(v|64|)$|(new|)f?stat|stat|lstat|f?access|readlink|get(cwd|dents64)|chdir|statfs"
    r"|inotify_|pipe|copy_file_range|sendfile|dup"
)
CREATING = re.compile(r"O_CREAT|O_WRONLY|O_RDWR|O_TRUNC")


Traced = Callable[[tuple[str, ...]], Ended]
"""Runs a command with these words in front of it."""


class NoStrace(Exception):
    """It is not installed, or may not trace here."""


@dataclass(frozen=True)
class Call:
    """One system call of the main thread."""

    name: str
    number: int
    nth: int
    """Which of its kind, from the program's start."""
    text: str
    """The arguments, as strace shows them."""
    own: bool
    """It comes after the program has first touched its project, its store, its config or its output."""

    @property
    def changes(self) -> bool:
        """It changes a file, locks or syncs one, or opens one in order to."""
        return bool(CHANGING.match(self.name) or (self.name.startswith("open") and CREATING.search(self.text)))

    @property
    def of_files(self) -> bool:
        """It works on files or folders, or their descriptors."""
        return bool(FILES.match(self.name))

    def rule(self, fault: str) -> str:
        """What `strace -f -e` needs in order to do this at this very call."""
        return f"inject={self.name}:{fault}:when={self.nth}"


def available() -> str:
    """The program. Raises NoStrace."""
    found = shutil.which("strace")
    if found is None:
        raise NoStrace("strace is not installed")
    if subprocess.run([found, "-qq", "-o", "/dev/null", "true"], capture_output=True).returncode:
        raise NoStrace("strace may not trace here")
    return found


def calls(run: Traced, root: Path) -> list[Call]:
    """Run a command undisturbed, and list what its main thread asked of the system; `root` is what is its own."""
    log = root.parent / f"{root.name}.strace"
    run((available(), "-f", "-n", "-y", "-qq", "-s", "200", "-o", str(log)))
    found: list[Call] = []
    main, own, counts = "", False, Counter[str]()
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            parts = LINE.match(line)
            if parts is None:
                continue
            pid, number, name, text = parts[1], int(parts[2]), parts[3], PLACE.sub("AT_FDCWD", parts[4])
            main = main or pid
            if pid != main:
                continue
            counts[name] += 1
            own = own or (name != "execve" and str(root) in text)
            found.append(Call(name, number, counts[name], text.strip(), own))
    os.unlink(log)
    return found


def failing(run: Traced, call: Call, error: str) -> Ended:
    """Run a command, one system call of which fails."""
    rule = call.rule(f"error={error}")
    return run((available(), "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, "-e", f"trace={call.name}", "-e", rule))
