"""What a terminal is like, and text made to fit it: its size, whether it takes colours, widths of characters.

    Paint(on)("claimed", YELLOW)     the text, escaped, in that colour where colours are on
    fit(text, columns)               cut or filled up to just so many columns

Colours: never with --no-color or NO_COLOR (https://no-color.org), else always with FORCE_COLOR, else on terminals
that are not TERM=dumb.
"""

from __future__ import annotations

import os

from agent_lanes.cli import output
from agent_lanes.core.escapes import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.cli.options import Arguments

DEFAULT_COLUMNS, DEFAULT_LINES = 80, 24
BOLD, DIM, RED, GREEN, YELLOW, BLUE, CYAN = "1", "2", "31", "32", "33", "34", "36"
CUT = "…"


class Paint:
    """Puts colours around text. What it is given is escaped first, so that no colour comes from anybody else."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, *styles: str) -> str:
        """The text on one line, in these styles (SGR numbers; empty ones count as none)."""
        plain, codes = one_line(text), ";".join(filter(None, styles))
        return f"\x1b[{codes}m{plain}\x1b[0m" if self.on and codes and plain.strip() else plain


def size(descriptor: int) -> tuple[int, int]:
    """(columns, lines) of a terminal; COLUMNS and LINES win, 80 by 24 where nothing is known."""
    try:
        columns, lines = os.get_terminal_size(descriptor)
    except OSError:
        columns, lines = 0, 0
    return _given("COLUMNS") or columns or DEFAULT_COLUMNS, _given("LINES") or lines or DEFAULT_LINES


def colours(args: Arguments, descriptor: int = 1) -> bool:
    """Whether a call is to use colours there."""
    if args.no_color or os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR", "")
    if forced:
        return forced != "0"
    return os.environ.get("TERM", "") not in ("", "dumb") and output.on_terminal(descriptor)


def columns_of(text: str) -> int:
    """How many columns a terminal needs for it."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def fit(text: str, columns: int, *, right: bool = False) -> str:
    """The text on one line in exactly so many columns: cut with an ellipsis, or filled with blanks."""
    plain = one_line(text)
    free = columns - columns_of(plain)
    if free < 0:
        plain = shortened(plain, columns)
        free = columns - columns_of(plain)
    return " " * free + plain if right else plain + " " * free


def shortened(text: str, columns: int) -> str:
    """As much of the text as fits into so many columns, with an ellipsis where something is missing."""
    if columns_of(text) <= columns:
        return text
    kept, used = [], 1
    for char in text:
        used += _columns(char)
        if used > columns:
            break
        kept.append(char)
    return "".join(kept) + CUT[: max(0, columns)]


def wrapped(text: str, columns: int) -> list[str]:
    """The text in lines; a word that is longer than a line is left to the terminal."""
    found = [""]
    for word in text.split():
        if found[-1] and columns_of(found[-1]) + 1 + columns_of(word) > columns:
            found.append(word)
        else:
            found[-1] = f"{found[-1]} {word}".lstrip()
    return found


def _columns(char: str) -> int:
    """0, 1 or 2 (UAX 11): marks that combine and joiners take none, wide letters and emoji two."""
    if char.isascii():
        return 1
    import unicodedata

    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _given(name: str) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
