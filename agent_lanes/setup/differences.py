"""A change as people read it: a unified diff; of settings only what is ours, as they may hold secrets."""

from __future__ import annotations

import difflib

from agent_lanes.setup.piece import JSON, TOML
from agent_lanes.setup.plan import Change

NO_FILE, NO_END = "/dev/null", "\\ No newline at end of file\n"


def diff(change: Change) -> str:
    """The difference that a pending change makes; empty for any other."""
    if not change.pending:
        return ""
    before = change.was.text
    names = NO_FILE if before is None else change.target, NO_FILE if change.after is None else change.target
    if change.format in (JSON, TOML) and change.edit is not None:
        sign = "-" if change.entry is None else "+"
        ours = change.edit.lead + change.edit.core + change.edit.tail
        body = [
            f"--- {names[0]}\n",
            f"+++ {names[1]}\n",
            *(f"{sign}{line}\n" for line in ours.strip(",\r\n").splitlines()),
        ]
        return "".join(body)
    lines = difflib.unified_diff(
        (before or "").splitlines(keepends=True), (change.after or "").splitlines(keepends=True), *names
    )
    return "".join(line if line.endswith("\n") else f"{line}\n{NO_END}" for line in lines)
