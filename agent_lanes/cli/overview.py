"""What `status` shows on a terminal: one task as a card, or the queue as counts and a table; once, or with --watch."""

from __future__ import annotations

from agent_lanes.cli import card, output, screen, tabular
from agent_lanes.core.advice import for_summary
from agent_lanes.core.views import no_counts, tally
from agent_lanes.errors import Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_lanes.cli.options import Arguments
    from agent_lanes.core.holds import Hold
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.wiring import Session

FRAME = 5  # lines that are no task: the head, a blank one, counts, advice
LINES_A_HOLD = 2


def run(args: Arguments, session: Session) -> int:
    """Show what was asked for."""
    paint = screen.Paint(screen.colours(args))
    if args.watch:
        from agent_lanes.cli import live

        one = args.task_id is not None
        return live.run(
            args,
            session.backend,
            lambda columns, lines: (
                _card(args, session, columns, paint) if one else _page(args, session, columns, lines, paint)
            ),
        )
    if args.task_id is not None:
        for line in _card(args, session, screen.size(1)[0], paint):
            output.styled(line + "\n")
        return 0
    counts = no_counts()
    found = session.looks.each(lane=args.lane, active_only=args.active_only)
    tabular.show(
        found,
        session.backend.now().wall,
        paint,
        each=lambda view: tally(counts, view),
        after=lambda: ["", *_below(counts, session.looks.holds(), screen.size(1)[0], paint)],
    )
    return 0


def _card(args: Arguments, session: Session, columns: int, paint: screen.Paint) -> Sequence[str]:
    queue = session.looks
    return list(card.lines(queue.status(queue.read(args.task_id)), session.backend.now().wall, columns, paint))


def _page(args: Arguments, session: Session, columns: int, lines: int, paint: screen.Paint) -> Sequence[str]:
    """As many tasks as the screen holds: the open ones, and the newest of the others."""
    holds = session.looks.holds()
    counts, room = no_counts(), max(1, lines - FRAME - LINES_A_HOLD * len(holds))
    opened: list[JsonObject] = []
    ended: list[JsonObject] = []
    for view in session.looks.each(lane=args.lane, active_only=args.active_only):
        if not isinstance(view, Damaged):
            tally(counts, view)
            kept = ended if view["response_exists"] else opened
            kept.append(view)
            if len(kept) > room:
                kept.pop(0)
    left = room - len(opened)
    rows = sorted(opened + (ended[-left:] if left > 0 else []), key=lambda view: str(view["id"]))
    table = tabular.lines(rows, session.backend.now().wall, columns, paint)
    return [*table, "", *_below(counts, holds, columns, paint)]


def _below(counts: dict[str, int], holds: Sequence[Hold], columns: int, paint: screen.Paint) -> list[str]:
    """How many there are of each, what is on hold, and what to do next."""
    advice = for_summary(counts["queued"], counts["claimed"], counts["stale_claims"])
    return [
        *tabular.summary(counts, columns, paint),
        *(paint(line, screen.CYAN) for hold in holds for line in screen.wrapped(hold.story, columns)),
        *(paint(line, screen.DIM) for line in screen.wrapped(advice, columns)),
    ]
