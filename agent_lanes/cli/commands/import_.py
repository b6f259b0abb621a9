"""Bring an exported stream into an empty store.

    agent-lanes --store NEW_FOLDER import backup.jsonl

All of it is checked before anything is stored. Interrupted, the same call goes on where it was.
"""

from __future__ import annotations

import os
import sys

from agent_lanes.cli import output
from agent_lanes.cli.options import Arguments, Option
from agent_lanes.errors import BadData, BadUsage, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.wiring import Session

OPTIONS = (Option(flag="FILE", help="the exported stream, or - for stdin"),)


def run(args: Arguments, session: Session) -> int:
    """Import, and say how many tasks there are."""
    from agent_lanes.services import transfer

    if args.file is None:
        raise BadUsage("import needs a FILE, or - for stdin")
    source = "import" if args.file == "-" else f"import: {args.file}"
    count = transfer.restore(session.backend, _lines(args.file, session.folder), source)
    if args.json:
        output.json({"status": "imported", "tasks": count, "store": session.backend.address})
    else:
        output.values(status="imported", tasks=count, store=session.backend.address)
    return 0


def _lines(file: str, folder: str) -> Iterator[str]:
    try:
        stream = sys.stdin.buffer if file == "-" else open(os.path.join(folder, file), "rb")  # noqa: SIM115
        with stream:
            for line in stream:
                yield line.decode()
    except FileNotFoundError:
        raise NotFound(f"import: there is no file {file}") from None
    except UnicodeDecodeError:
        raise BadData("import: not UTF-8") from None
