"""From argv to an exit code.

An exact call is parsed by options.parse and loads one command module; everything else goes through argparse. Every
error of ours becomes one line and its exit code here, and so does every error that nobody foresaw: no traceback
reaches a user (AGENT_LANES_TRACE=1 shows it).
"""

from __future__ import annotations

import os
import sys

from agent_lanes.cli import output
from agent_lanes.cli.options import GLOBAL, Arguments, parse, split
from agent_lanes.cli.table import Command, command, module_name
from agent_lanes.core.names import is_whole_id
from agent_lanes.errors import AgentLanesError, Interrupted, StorageFailed, Unconfirmed, of_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from agent_lanes.wiring import Session


def main(argv: list[str] | None = None) -> int:
    """Run one call; returns its exit code (CONTRACT.md, "Exit codes")."""
    words = sys.argv[1:] if argv is None else argv
    as_json = "--json" in words
    try:
        output.reserve_descriptors()
        return _run(words)
    except AgentLanesError as error:
        return _fail(error, as_json)
    except KeyboardInterrupt:
        return _fail(Interrupted("interrupted", hint="nothing is lost; repeat the call to go on"), as_json)
    except BrokenPipeError:
        return _fail(output.ReaderGone("cannot write: the reader is gone"), as_json)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        return _fail(of_system(f"{error.strerror or error}{where}", error), as_json)
    except MemoryError:
        return _fail(StorageFailed("not enough memory"), as_json)
    except Exception as error:
        if os.environ.get("AGENT_LANES_TRACE") == "1":
            raise
        line = f"{type(error).__name__}: {error}"
        return _fail(
            AgentLanesError(f"a defect of agent-lanes: {line}", hint="AGENT_LANES_TRACE=1 shows where"), as_json
        )


def _run(words: list[str]) -> int:
    if words[:1] == ["__complete"]:  # asked by the shells' completion scripts: no command for anybody else
        from agent_lanes.cli import complete

        return complete.run(words[1:])
    found = _exact(words)
    if found is None:
        from agent_lanes.cli import manual

        page = manual.page(words)
        if page is not None:
            output.text(page)
            return 0
        from agent_lanes.cli import inexact

        found = inexact.parse(words)
    entry, args = found
    from agent_lanes.wiring import Session

    session = Session(config=args.config, store=args.store, warn=output.warning, expected=entry.needs_store)
    args.__dict__["verb"] = entry.name
    for option in _module(entry).OPTIONS:
        if option.names_tasks and args.__dict__[option.name]:
            args.__dict__[option.name] = _whole_ids(args.__dict__[option.name], session)
    try:
        return int(_module(entry).run(args, session))
    except output.NotWritten as lost:
        if _only_looks(entry, args):
            raise
        raise Unconfirmed(
            f"done, but the result could not be printed: {lost.message}", hint="agent-lanes list shows what is there"
        ) from None
    except AgentLanesError as wrong:
        from agent_lanes.cli import flags

        flags.name(wrong, _module(entry).OPTIONS, args)
        raise


def _only_looks(entry: Command, args: Arguments) -> bool:
    """Whether this call changes nothing, as all of some commands do, and some calls of others, which say so."""
    looks = getattr(_module(entry), "only_looks", None)
    return not entry.changes or (looks is not None and bool(looks(args)))


def _whole_ids(given: str | list[str], session: Session) -> str | list[str]:
    """Ids in place of parts of ids. An id as `submit` prints it opens nothing."""
    if isinstance(given, list):
        return [id if is_whole_id(id) else session.looks.whole_id(id) for id in given]
    return given if is_whole_id(given) else session.looks.whole_id(given)


def _exact(words: list[str]) -> tuple[Command, Arguments] | None:
    parts = split(words)
    entry = command(parts[1]) if parts else None
    if parts is None or entry is None:
        return None
    args = parse((*_module(entry).OPTIONS, *GLOBAL), parts[0] + parts[2])
    return None if args is None else (entry, args)


def _module(entry: Command) -> ModuleType:
    name = module_name(entry)
    __import__(name)
    return sys.modules[name]


def _fail(error: AgentLanesError, as_json: bool) -> int:
    if not isinstance(error, output.ReaderGone):
        output.failure(error, as_json=as_json)
    return error.exit_code
