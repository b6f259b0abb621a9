"""What agents took: attempts, tokens, money, time; by vendor, or by lane, thread, day or model.

Dispatchers enter every attempt in a ledger, failed ones, too. What an agent does not report counts as nothing; how
many attempts did not tell their cost stands under UNKNOWN. Where none told it, USD is `?`; so are the tokens.
"""

from __future__ import annotations

from agent_lanes.cli import grid, output
from agent_lanes.cli.options import LANE, Arguments, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.wiring import Session

OPTIONS = (
    Option(flag="--by", metavar="WHAT", default="vendor", help="lane, vendor, thread, day or model (default: vendor)"),
    Option(flag="--since", metavar="TIME", help="from then on: 10m, 2h, 7d ago, or a time (default: all)"),
    LANE,
)
HEADS = ("ATTEMPTS", "ANSWERED", "TOKENS IN", "TOKENS OUT", "USD", "UNKNOWN", "TIME")
TOTAL = "total"


def run(args: Arguments, session: Session) -> int:
    """Add up, and show."""
    from agent_lanes.services import costs

    since = None
    if args.since is not None:
        from agent_lanes.cli import when

        since = when.past("--since", args.since, session.backend.now().wall)
    session.looks_at(args.lane)
    report = costs.report(session.backend, by=args.by, since=since, lane=args.lane)
    if args.json:
        output.json({"status": "ok", **report})
        return 0
    for line in _table(report):
        output.line(line)
    return 0


def _table(report: JsonObject) -> list[str]:
    """One line for each, under headings; the sum at the foot."""
    by, rows, total = str(report["by"]), report["costs"], report["total"]
    assert isinstance(rows, list) and isinstance(total, dict)
    if not rows:
        return ["nothing was spent"]
    cells = [[by.upper(), *HEADS]]
    cells += [[output.one_line(str(row[by])), *_cells(row)] for row in rows if isinstance(row, dict)]
    return grid.aligned([*cells, [TOTAL, *_cells(total)]])


def _cells(sum: JsonObject) -> list[str]:
    from agent_lanes.core.glance import UNKNOWN, span

    names = ("attempts", "answered", "tokens_in", "tokens_out")
    counts = [UNKNOWN if sum[name] is None else f"{sum[name]:,}" for name in names]
    cost = UNKNOWN if sum["cost_usd"] is None else f"{sum['cost_usd']:,.4f}"
    return [*counts, cost, str(sum["unknown_cost"] or "-"), span(int(sum["seconds"]))]  # type: ignore[arg-type]
