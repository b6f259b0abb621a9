"""How each lane stands, and what it has done: a table on a terminal, else a line for each.

Ready tasks may be claimed now; the others are claimed, delayed, blocked (they wait for other tasks) or on hold. What
was submitted and how tasks ended is counted as it happens: ever, in the last hour, in the last 24 hours. Counted from
names and a tally, so it costs the same with a million finished tasks as with none. A killed command may be missing.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import LANE, Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.wiring import Session

OPTIONS = (LANE,)


def run(args: Arguments, session: Session) -> int:
    """Print the counts."""
    from agent_lanes.services import stats

    session.looks_at(args.lane)
    found = stats.of_all(session.backend, args.lane)
    if args.json:
        output.json({"status": "ok", "lanes": found, "count": len(found)})
        return 0
    if output.on_terminal(1):
        from agent_lanes.cli import standings

        standings.show(found, args)
        return 0
    for lane in found:
        output.line(_line(lane))
    return 0


def _line(found: JsonObject) -> str:
    """`key=value` pairs; the lane, which may hold blanks, comes last."""
    from agent_lanes.services import stats

    oldest = found["oldest_ready_seconds"]
    pairs = [f"{field}={found[field]}" for field in stats.STANDING]
    pairs.append(f"oldest_ready_seconds={'' if oldest is None else f'{oldest:.0f}'}")
    for span, _ in stats.SPANS:
        counts = found[span]
        assert isinstance(counts, dict)
        prefix = "" if span == "ever" else f"{span}_"
        pairs += [f"{prefix}{what}={count}" for what, count in counts.items()]
    return output.one_line(" ".join([*pairs, f"lane={found['lane']}"]))
