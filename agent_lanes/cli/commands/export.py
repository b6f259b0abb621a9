"""The whole store as one JSON-lines stream, on stdout or into a new file: backup, moving, bug reports.

It holds requests, answers and claim tokens: treat it like the store itself. Exit code 1: some tasks could not be
read and are not in it; everything else is.
"""

from __future__ import annotations

import os

from agent_lanes.cli import output
from agent_lanes.cli.options import Arguments, Option
from agent_lanes.errors import Refused, of_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.errors import AgentLanesError
    from agent_lanes.wiring import Session

OPTIONS = (Option(flag="FILE", help="a file to make (default: stdout)"),)
COMPLETE, INCOMPLETE = 0, 1


def run(args: Arguments, session: Session) -> int:
    """Write the stream."""
    from agent_lanes.services import transfer

    bad: list[AgentLanesError] = []
    lines = transfer.export(session.backend, bad.append)
    if args.file is None or args.file == "-":
        for line in lines:
            output.line(line)
    else:
        _write(os.path.join(session.folder, args.file), lines)
    for wrong in bad:
        output.note(f"agent-lanes export: left out: {wrong.message}")
    return INCOMPLETE if bad else COMPLETE


def _write(path: str, lines: Iterable[str]) -> None:
    """A new file, for its owner alone, complete and fsynced before it has its name."""
    from agent_lanes import durability, newborn

    folder = os.path.dirname(path)
    if os.path.lexists(path):
        newborn.sweep(folder)  # of an export that was killed once it had given the file its name
        raise Refused(f"export: {path} exists", hint="name a new file")
    try:
        with newborn.Newborn(folder) as born:
            with open(born.descriptor, "wb", closefd=False) as file:
                for line in lines:
                    file.write(line.encode() + b"\n")
            os.fsync(born.descriptor)
            os.link(born.path, path)
        durability.sync_folders(folder)
    except OSError as wrong:
        raise of_system(f"export: cannot write {path}: {wrong.strerror}", wrong) from wrong
