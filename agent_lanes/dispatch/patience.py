"""How long an agent may go on doing nothing but trying again. Nothing is imported where its vendor has no such line."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from typing import Any

LONGEST_LINE = 4096  # what a pattern takes can grow with the square of that, and the guard has more to do


class Patience:
    """Runs out `seconds` after a line of stderr that matches, unless something came on stdout since."""

    def __init__(self, retries: dict[str, Any]) -> None:
        """`retries`: the fields of vendor.Retries."""
        self._pattern, self._seconds = _compiled(retries["match"]), float(retries["seconds"])
        self._since = 0.0  # monotonic; 0: it does not try again
        self._open_line = b""

    def answered(self) -> None:
        """It has printed something."""
        self._since = 0.0

    def complained(self, chunk: bytes) -> None:
        """It has said something on stderr."""
        if self._pattern is None:
            return
        *lines, self._open_line = (self._open_line + chunk).split(b"\n")
        self._open_line = self._open_line[:LONGEST_LINE]
        if not self._since and any(self._pattern.search(line[:LONGEST_LINE]) for line in lines):
            self._since = time.monotonic()

    def left(self, now: float) -> float:
        """Seconds; endless while it does not try again."""
        return self._since + self._seconds - now if self._since else float("inf")


def _compiled(pattern: str) -> re.Pattern[bytes] | None:
    if not pattern:
        return None
    import re

    return re.compile(pattern.encode(), re.MULTILINE)
