"""Tell the agents on this machine of the queue: a note in their instruction files, two skills, the MCP server.

For those named, else for all that are on PATH; in the project (where there is a config), or with --user in your home.
Every change is shown, and made once you agree; without a terminal nothing is changed unless --yes is given.
--uninstall takes it all out again, byte for byte: what you have changed elsewhere in those files stays.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import DRY_RUN, FLAG, Arguments, Option
from agent_lanes.core.names import counted
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.setup.plan import Change
    from agent_lanes.wiring import Session

AGENTS = ("claude", "codex", "gemini", "opencode", "qwen", "copilot")
OPTIONS = (
    *(Option(flag=f"--{name}", kind=FLAG, default=False, help=f"set up {name}") for name in AGENTS),
    Option(flag="--project", kind=FLAG, default=False, help="in this project (default where there is a config)"),
    Option(flag="--user", kind=FLAG, default=False, help="in your home, for all you do (default elsewhere)"),
    Option(flag="--uninstall", kind=FLAG, default=False, help="take out what setup has put there"),
    Option(flag="--check", kind=FLAG, default=False, help="tell what is there and whether it is up to date"),
    DRY_RUN,
    Option(flag="--yes", kind=FLAG, default=False, help="do not ask"),
)
DONE = {"create": "created", "change": "changed", "restore": "restored", "remove": "removed"}
WOULD = {"create": "would create", "change": "would change", "restore": "would restore", "remove": "would remove"}
WHAT_FOR = {
    "create": "to create",
    "change": "to change",
    "restore": "to restore",
    "remove": "to remove",
    "current": "up to date",
    "by_hand": "left to you",
    "shared": "shared with others",
    "gone": "gone already",
}
FOR_YOU = 1  # the exit code where something is left to the user, as that of doctor


def only_looks(args: Arguments) -> bool:
    """Whether this call changes nothing: nobody agreed to it, or can."""
    return bool(args.dry_run or args.check or not (args.yes or (output.on_terminal(0) and output.on_terminal(1))))


def run(args: Arguments, session: Session) -> int:
    """Plan, show, ask, apply."""
    from agent_lanes.setup.engine import Setup

    _refuse_odd(args)
    agents = tuple(name for name in AGENTS if args.__dict__[name])
    setup = Setup(session, "user" if args.user else "project" if args.project else None)
    if args.check:
        changes = setup.check(agents)
        found = any(change.status in ("stale", "missing") for change in changes)
        return _tell(args, changes, "stale" if found else "ok", FOR_YOU if found else 0)
    changes = setup.uninstall(agents) if args.uninstall else setup.install(agents)
    pending = [change for change in changes if change.pending]
    asked = not args.yes and not args.dry_run and not args.json and output.on_terminal(0) and output.on_terminal(1)
    if not args.json and (args.dry_run or not args.yes):
        _show(changes)
    if args.dry_run or not (
        args.yes or not pending or (asked and output.agreed(f"Change {counted(len(pending), 'file')}?"))
    ):
        if not args.json and not args.dry_run:
            output.note("agent-lanes: warning: nothing was changed; --yes changes these files")
        return _tell(args, changes, "would_change" if pending else "unchanged", 0)
    setup.apply(changes)
    left = any(change.status == "by_hand" for change in changes)
    return _tell(
        args, changes, "partial" if left else "done" if pending else "unchanged", FOR_YOU if left else 0, done=True
    )


def _refuse_odd(args: Arguments) -> None:
    if args.user and args.project:
        raise BadUsage("--user and --project: give one of them")
    if args.check and args.uninstall:
        raise BadUsage("--check and --uninstall: give one of them")


def _show(changes: list[Change]) -> None:
    """What would become of how many files, then each as a diff."""
    from agent_lanes.setup.differences import diff

    kinds = dict.fromkeys(change.status for change in changes)
    counts = {kind: sum(change.status == kind for change in changes) for kind in kinds}
    told = [f"{counted(count, 'file')} {WHAT_FOR.get(kind, kind)}" for kind, count in counts.items()]
    output.line("; ".join(told) or "nothing to change")
    for change in changes:
        if change.pending:
            output.text(diff(change))


def _tell(args: Arguments, changes: list[Change], status: str, code: int, *, done: bool = False) -> int:
    """What was done, or would be."""
    if args.json:
        output.json({"status": status, "files": [_json(change) for change in changes]})
        return code
    words = DONE if done else WOULD
    for change in changes:
        edits = "" if change.exact or not change.pending else "; your own changes stay"
        output.line(
            output.one_line(f"{words.get(change.status, change.status.replace('_', ' '))}  {_about(change)}{edits}")
        )
        if change.snippet:
            output.text(change.snippet)
    if not changes:
        output.line("nothing of setup is there")
    return code


def _about(change: Change) -> str:
    reason = f": {change.reason}" if change.reason else ""
    return f"{change.path}  ({change.what}; {', '.join(change.agents)}){reason}"


def _json(change: Change) -> dict[str, object]:
    from agent_lanes.setup.differences import diff

    return {
        "path": change.path,
        "target": change.target,
        "what": change.what,
        "agents": list(change.agents),
        "scope": change.scope.name,
        "status": change.status,
        "exact": change.exact,
        "reason": change.reason or None,
        "snippet": change.snippet or None,
        "diff": diff(change) or None,
    }
