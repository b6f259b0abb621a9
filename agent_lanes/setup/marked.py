"""Lines between two markers, in Markdown or in TOML. Pure.

Ours goes to the end of the file, after a blank line. Lines end as the file's do.
"""

from __future__ import annotations

import re
import tomllib

from agent_lanes.setup.piece import BLOCK, ByHand, Edit, Piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MARKERS = {
    BLOCK: ("<!-- agent-lanes:begin (agent-lanes setup --uninstall takes this out) -->", "<!-- agent-lanes:end -->"),
    "toml": ("# agent-lanes:begin (agent-lanes setup --uninstall takes this out)", "# agent-lanes:end"),
}
BEGIN = re.compile(r"^(?:<!--|#) agent-lanes:begin\b[^\r\n]*\r?$", re.MULTILINE)
END = re.compile(r"^(?:<!--|#) agent-lanes:end\b[^\n]*(?:\n|\Z)", re.MULTILINE)


def between(format: str, lines: str) -> str:
    """The lines with their markers."""
    begin, end = MARKERS[format]
    return f"{begin}\n{lines.strip()}\n{end}\n"


def span(text: str) -> tuple[int, int] | None:
    """Where ours stands, markers and all. Raises ByHand where that cannot be told."""
    begins, ends = list(BEGIN.finditer(text)), list(END.finditer(text))
    if not begins and not ends:
        return None
    if len(begins) != 1 or len(ends) != 1 or ends[0].start() < begins[0].end():
        raise ByHand("its markers agent-lanes:begin and agent-lanes:end are not one pair")
    return begins[0].start(), ends[0].end()


def appended(text: str, piece: Piece) -> Edit:
    """The file with ours at its end."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    core = piece.core.replace("\n", line_end)
    lead = ("" if text.endswith("\n") or not text else line_end) + (line_end if text.strip() else "")
    return Edit(text=text + lead + core, lead=lead, core=core)


def check_table(before: str, after: str, piece: Piece) -> None:
    """Does a TOML file hold ours now, and all else as before? Raises ByHand."""
    name = ".".join(piece.keys)
    try:
        wanted, said = tomllib.loads(before), tomllib.loads(after)
    except (tomllib.TOMLDecodeError, RecursionError) as wrong:
        raise ByHand(f"it is not TOML to which {name} can be added ({wrong})") from None
    inner = wanted
    for key in piece.keys[:-1]:
        inner = inner.setdefault(key, {})
    inner[piece.keys[-1]] = piece.entry
    if said != wanted:
        raise ByHand(f"{name} cannot be added without changing what else it says")


def table(keys: tuple[str, ...], entry: Mapping[str, object]) -> str:
    """A TOML table. Strings, numbers, truth and lists of them are written as in JSON."""
    import json

    name = ".".join(key if re.fullmatch(r"[\w-]+", key) else json.dumps(key) for key in keys)
    return "\n".join([f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in entry.items())])
