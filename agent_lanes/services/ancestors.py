"""Which program started this one, past the shells in between: a chat runs each command in a shell of its own."""

from __future__ import annotations

import os

SHELLS = ("sh", "bash", "dash", "zsh", "fish", "ksh", "nohup", "setsid", "timeout", "env")


class Starter:
    """The nearest ancestor that is no shell; where none is left, who leads the session; without a /proc nobody."""

    def __init__(self) -> None:
        self.pid, self._born = _nearest(os.getppid())
        leader = os.getsid(0)
        if not self.pid and leader != os.getpid() and (about := _about(leader)):
            self.pid, self._born = leader, about[2]

    def lives(self) -> bool:
        """Whether it still runs; True where nobody is known."""
        if self.pid <= 1:
            return True
        found = _about(self.pid)
        return found is not None and found[2] == self._born


def _nearest(pid: int) -> tuple[int, str]:
    while pid > 1:
        about = _about(pid)
        if about is None:
            break
        name, parent, born = about
        if name not in SHELLS:
            return pid, born
        pid = parent
    return 0, ""


def _about(pid: int) -> tuple[str, int, str] | None:
    """(name, parent, when it was born) of a living process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            head, _, rest = file.read().rpartition(")")
    except OSError:
        return None
    fields = rest.split()
    if fields[0] in ("Z", "X"):
        return None
    return head.partition("(")[2], int(fields[1]), fields[19]
