"""What archiving and pruning tell: packs of finished tasks, by month and by lane."""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.times import iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    Counts = dict[str, dict[str, int]]


class Packed(Frozen):
    """One step of an archive or a prune: how many tasks of a month, by lane and state; bytes as they lie on disk.

    `left` are the ids of tasks that stayed, because somebody was at work on them.
    """

    month: str
    tasks: int
    bytes: int
    counts: Counts
    left: tuple[str, ...] = ()


def month_of(instant: int) -> str:
    """`2026-11`: the month of an instant, in UTC."""
    return iso(instant)[:7]


def is_month(name: str) -> bool:
    """Whether this is the name of a month's folder."""
    year, dash, month = name[:4], name[4:5], name[5:]
    digits = (year + month).isascii() and (year + month).isdigit()
    return digits and len(name) == 7 and dash == "-" and 1 <= int(month) <= 12


def is_over(month: str, instant: int) -> bool:
    """Whether the whole month lies before an instant."""
    return month < month_of(max(0, instant))


def counted(counts: Counts, lane: str, state: str) -> None:
    """Count one task more."""
    of_lane = counts.setdefault(lane, {})
    of_lane[state] = of_lane.get(state, 0) + 1


def added(counts: Counts, more: Counts) -> None:
    """Add the counts of `more`."""
    for lane, states in more.items():
        of_lane = counts.setdefault(lane, {})
        for state, count in states.items():
            of_lane[state] = of_lane.get(state, 0) + count
