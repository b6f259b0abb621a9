"""Tasks as a table that fits the terminal: a line each, the oldest first, so that the newest stand by the prompt.

Columns are as wide as what the first few hundred tasks hold, within limits; the title takes what is left. Where that
is too little, long lanes and owners are cut, and at last the columns go that say least. A long list is printed while it
is read.
"""

from __future__ import annotations

from itertools import chain, islice

from agent_lanes.cli import output
from agent_lanes.cli.screen import BLUE, BOLD, CYAN, DIM, GREEN, RED, YELLOW, Paint, columns_of, fit, shortened, size
from agent_lanes.core import glance
from agent_lanes.core.escapes import one_line
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.names import short_id
from agent_lanes.errors import Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from agent_lanes.core.jsontext import JsonObject

LOOKED_AT_FIRST = 300
GAP, DOT = "  ", " · "
TITLE, LEAST_TITLE = "TITLE", 18
STYLES = {
    "queued": BLUE,
    "claimed": YELLOW,
    "completed": GREEN,
    "failed": RED,
    "cancelled": DIM,
    glance.LAPSED: RED,
    glance.PARKED: RED,
    glance.ON_HOLD: CYAN,
    glance.DELAYED: CYAN,
    glance.BLOCKED: CYAN,
}
COUNTED_AS = {"stale_claims": glance.LAPSED, "missing_response": "without an answer"}


class Column(Frozen):
    """A column: what it shows of a task, how wide it is, and how early it goes where room is short (0: never)."""

    head: str
    of: Callable[[JsonObject, int], str]
    most: int
    least: int = 99
    goes: int = 0
    right: bool = False


def _age(view: JsonObject, now: int) -> str:
    return glance.age(glance.seconds_since(view["created_at"], now))


COLUMNS = (
    Column(head="ID", of=lambda view, now: short_id(str(view["id"])), most=12),
    Column(head="STATE", of=lambda view, now: glance.phase(view), most=9),
    Column(head="LANE", of=lambda view, now: str(view["lane"]), most=14, least=8, goes=2),
    Column(head="OWNER", of=lambda view, now: str(view["claim_owner"] or "-"), most=16, least=8, goes=3),
    Column(head="AGE", of=_age, most=6, right=True),
    Column(head="TRY", of=lambda view, now: glance.attempt(view) or "-", most=5, goes=4, right=True),
    Column(head="PRI", of=lambda view, now: str(view["priority"]), most=3, goes=5, right=True),
)


class Table:
    """How wide the columns are, seen from some of the tasks."""

    def __init__(self, rows: Sequence[JsonObject], now: int, columns: int, paint: Paint) -> None:
        self._now, self._paint, self._columns = now, paint, columns
        self._widths = {column.head: self._width(column, rows) for column in COLUMNS}
        self._shown = list(COLUMNS)
        while self._rest() < LEAST_TITLE and self._squeezed():
            pass

    def head(self) -> str:
        """The line of headings."""
        cells = [fit(column.head, self._widths[column.head], right=column.right) for column in self._shown]
        return self._paint(shortened(GAP.join([*cells, TITLE]), self._columns), BOLD)

    def line(self, view: JsonObject) -> str:
        """The line of one task."""
        cells = []
        for column in self._shown:
            text = fit(column.of(view, self._now), self._widths[column.head], right=column.right)
            cells.append(self._paint(text, STYLES.get(text.strip(), "") if column.head == "STATE" else ""))
        title = shortened(one_line(glance.title(view)), max(0, self._rest()))
        return GAP.join([*cells, self._paint(title, DIM if view["response_exists"] else "")]).rstrip()

    def _squeezed(self) -> bool:
        """Make room: a column narrower by one, or one column less; False if that is all there is to gain."""
        wide = [column for column in self._shown if self._widths[column.head] > column.least]
        if wide:
            self._widths[max(wide, key=lambda column: self._widths[column.head]).head] -= 1
            return True
        first = max(self._shown, key=lambda column: column.goes)
        if first.goes:
            self._shown.remove(first)
        return first.goes > 0

    def _width(self, column: Column, rows: Sequence[JsonObject]) -> int:
        widest = max((columns_of(one_line(column.of(row, self._now))) for row in rows), default=0)
        return min(column.most, max(len(column.head), widest))

    def _rest(self) -> int:
        """What the title may take."""
        return self._columns - sum(self._widths[column.head] + len(GAP) for column in self._shown)


def lines(found: Iterable[JsonObject], now: int, columns: int, paint: Paint) -> Iterator[str]:
    """The table, line by line; nothing where there are no tasks."""
    good = iter(found)
    first = list(islice(good, LOOKED_AT_FIRST))
    if first:
        table = Table(first, now, columns, paint)
        yield table.head()
        for view in chain(first, good):
            yield table.line(view)


def show(
    found: Iterable[JsonObject | Damaged],
    now: int,
    paint: Paint,
    *,
    each: Callable[[JsonObject], None] = lambda view: None,
    after: Callable[[], list[str]] = list,
) -> None:
    """Print a table of tasks, what `after` adds, and what cannot be read; `each` sees every task."""
    bad, empty = list[Damaged](), True

    def good() -> Iterator[JsonObject]:
        for one in found:
            if isinstance(one, Damaged):
                bad.append(one)
            else:
                each(one)
                yield one

    for line in lines(good(), now, size(1)[0], paint):
        output.styled(line + "\n")
        empty = False
    if empty:
        output.note("agent-lanes: no tasks")
    for line in after():
        output.styled(line + "\n")
    for wrong in bad:
        output.warning(f"{wrong.message} ({wrong.hint})" if wrong.hint else wrong.message)


def summary(counts: dict[str, int], columns: int, paint: Paint) -> list[str]:
    """`2 queued · 1 claimed`: what there is of each, in as few lines as fit."""
    found, used = list[list[str]](), columns
    for name, count in ((COUNTED_AS.get(key, key), count) for key, count in counts.items() if count):
        text = f"{count} {name}"
        if used + len(DOT) + len(text) > columns:
            found.append([])
            used = -len(DOT)
        found[-1].append(paint(text, STYLES.get(name, "")))
        used += len(DOT) + len(text)
    return [DOT.join(line) for line in found] or ["no tasks"]
