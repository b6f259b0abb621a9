"""What `stats` shows on a terminal: the lanes as a table."""

from __future__ import annotations

from agent_lanes.cli import grid, output, screen
from agent_lanes.core.glance import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_lanes.cli.options import Arguments
    from agent_lanes.core.jsontext import JsonObject

HEADS = {"ready": "READY", "claimed": "CLAIMED", "delayed": "DELAYED", "blocked": "BLOCKED", "on_hold": "HELD"}
SELDOM = ("delayed", "blocked", "on_hold")  # not shown where no lane has any
DONE = {"submitted": "NEW", "completed": "DONE", "failed": "FAILED"}
LEAST_LANE = 8
LEGEND = "NEW, DONE and FAILED: in the last 24 hours"


def show(lanes: Sequence[JsonObject], args: Arguments) -> None:
    """Print the table, as wide as the terminal."""
    if not lanes:
        output.note("agent-lanes stats: no lane has had a task yet")
        return
    columns, paint = screen.size(1)[0], screen.Paint(screen.colours(args))
    shown = [name for name in HEADS if name not in SELDOM or any(lane[name] for lane in lanes)]
    rows = [["LANE", *(HEADS[name] for name in shown), "OLDEST", *DONE.values()]]
    rows += [_row(lane, shown) for lane in lanes]
    rest = max(len(line) for line in grid.aligned([["", *row[1:]] for row in rows]))
    head, *lines = grid.aligned(rows, max(LEAST_LANE, columns - rest))
    output.styled(paint(head, screen.BOLD) + "\n")
    for line in lines:
        output.styled(paint(line) + "\n")
    output.styled(paint(LEGEND, screen.DIM) + "\n")


def _row(lane: JsonObject, shown: Sequence[str]) -> list[str]:
    oldest, day = lane["oldest_ready_seconds"], lane["last_day"]
    assert isinstance(day, dict)
    age = span(int(oldest)) if isinstance(oldest, (int, float)) else "-"
    numbers = [str(lane[name]) for name in shown]
    return [output.one_line(str(lane["lane"])), *numbers, age, *(str(day[name]) for name in DONE)]
