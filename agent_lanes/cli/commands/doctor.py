"""Examine the store, and with --repair mend what can be mended.

It looks at every record, the hints, permissions, the file system and its space, the clock, what inotify allows and
what crashed commands left. --repair sets damaged records aside into quarantine/ with a note, rebuilds the hints and
sweeps litter; it never deletes a fact. Exit code 0: healthy. 1: there are findings, after a repair those that remain.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import FLAG, Arguments, Option
from agent_lanes.core.escapes import one_line
from agent_lanes.core.names import counted
from agent_lanes.errors import AgentLanesError, Unconfirmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.finding import Finding
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.ports import Backend
    from agent_lanes.wiring import Session

OPTIONS = (Option(flag="--repair", kind=FLAG, default=False, help="mend what can be mended; deletes no fact"),)
HEALTHY, FINDINGS = 0, 1


def only_looks(args: Arguments) -> bool:
    """Whether this call changes nothing."""
    return not args.repair


def run(args: Arguments, session: Session) -> int:
    """Examine, repair if asked to, examine again, tell."""
    backend = session.backend
    found, mended = list(backend.examine()), list["Finding"]()
    if args.repair and found:
        mended = [finding for finding in backend.repair(found) if finding.repaired]
        found = _again(backend, len(mended))
    if args.json:
        output.json(
            {
                "status": "findings" if found else "healthy",
                "store": backend.address,
                "findings": [_json(finding) for finding in found],
                "repaired": [_json(finding) for finding in mended],
            }
        )
        return FINDINGS if found else HEALTHY
    for finding in mended:
        output.line(f"repaired  {finding.code}: {one_line(finding.message)}")
        output.line(f"          {one_line(finding.repaired or '')}")
    for finding in found:
        output.line(f"{finding.level:<9} {finding.code}: {one_line(finding.message)}")
        if finding.hint:
            output.line(f"          {one_line(finding.hint)}")
    output.line(counted(len(found), "finding") if found else f"healthy: {backend.address}")
    return FINDINGS if found else HEALTHY


def _again(backend: Backend, mended: int) -> list[Finding]:
    """What remains after a repair. Raises Unconfirmed where that cannot be seen."""
    try:
        return list(backend.examine())
    except AgentLanesError as wrong:
        raise Unconfirmed(
            f"{counted(mended, 'finding')} mended, but the store could not be examined again: {wrong.message}",
            hint="repeat the call",
        ) from wrong


def _json(finding: Finding) -> JsonObject:
    return dict(finding.__dict__)
