"""What stands in the place of another thing: a file where a folder belongs, a folder, pipe or link where a file does.

A hint folder that is a file lists nothing, and nothing can be rebuilt in it; a gate that is a pipe lets nobody in. So
it is told before everything else, and set aside before the gate is asked for: the next to come makes what is missing.
"""

from __future__ import annotations

import os
import stat

from agent_lanes.backends.files.aside import moved
from agent_lanes.backends.files.layout import Layout
from agent_lanes.core.finding import PROBLEM, Finding
from agent_lanes.core.names import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.core.times import Moment

FOLDERS_BELOW = {  # how many levels of folders each has, before what must not be one
    **dict.fromkeys(("signals", "keys", "claims", "unique", "log"), 0),
    **dict.fromkeys(("held", "blocked", "children", "threads", "indexes", "dead", "holds", "tally", "presence"), 1),
    **dict.fromkeys(("timers", "delayed"), 2),
    **dict.fromkeys(("ready", "dependants"), 3),
}
REPAIR = "agent-lanes doctor --repair"


def misplaced(layout: Layout) -> Iterator[Finding]:
    """Everything of that kind. Raises OSError."""
    for path in (layout.gate, layout.store_record):
        if (mode := _mode(path)) is not None and not stat.S_ISREG(mode):
            yield _finding(layout, path, "file")
    for path in (layout.tmp, layout.tasks, layout.legacy_lock, layout.archive, layout.ledger):
        mode = _mode(path)
        of_v01 = path == layout.legacy_lock and mode is not None and stat.S_ISREG(mode)
        if mode is not None and not stat.S_ISDIR(mode) and not of_v01:
            yield _finding(layout, path, "folder")
    for name, levels in FOLDERS_BELOW.items():
        yield from _below(layout, f"{layout.root}/{name}", levels)


def set_aside(layout: Layout, findings: list[Finding], now: Moment) -> list[Finding]:
    """Move it to quarantine/; the findings again, with what was done. Raises OSError."""
    here = {finding.path: finding for finding in misplaced(layout)} if findings else {}
    return [
        finding.replace(repaired=moved(layout, finding.path, os.path.basename(finding.path), finding.message, now))
        if finding.path is not None and here.get(finding.path) == finding
        else finding
        for finding in findings
    ]


def _below(layout: Layout, path: str, levels: int) -> Iterator[Finding]:
    mode = _mode(path)
    if mode is None:
        return
    if not stat.S_ISDIR(mode):
        yield _finding(layout, path, "folder")
        return
    try:
        entries = [(entry.name, entry.is_file(follow_symlinks=False)) for entry in os.scandir(path)]
    except FileNotFoundError:  # emptied, and removed since
        return
    for name, regular in entries:
        if name.startswith("."):
            continue
        if levels:
            yield from _below(layout, f"{path}/{name}", levels - 1)
        elif not regular:
            yield _finding(layout, f"{path}/{name}", "file")


def _mode(path: str) -> int | None:
    try:
        return os.stat(path, follow_symlinks=False).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _finding(layout: Layout, path: str, wanted: str) -> Finding:
    line = f"{shown(path[len(layout.root) + 1 :])} is no {wanted}"
    return Finding(level=PROBLEM, code="foreign_file", message=line, hint=REPAIR, path=path)
