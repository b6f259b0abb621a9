"""What stands in which column, and how wide it is: pure, the texts escaped, no Textual.

A column gives a text and a style. The last one takes the width that is left; where there is too little, the columns
go that say least.
"""

from __future__ import annotations

from agent_lanes.core import glance
from agent_lanes.core.escapes import one_line
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.names import short_id
from agent_lanes.core.task import CANCELLED, CLAIMED, COMPLETED, FAILED, QUEUED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent_lanes.core.jsontext import JsonObject

    Cell = tuple[str, str]

GAP, LEAST_REST = 1, 16
ID = 8  # of the twelve that make a short id: enough to tell tasks apart, and commands take any part of an id
LONGEST_CELL = 400
SOON_SECONDS = 120
STYLES = {
    QUEUED: "blue",
    CLAIMED: "yellow",
    COMPLETED: "green",
    FAILED: "red bold",
    CANCELLED: "dim",
    glance.LAPSED: "red",
    glance.PARKED: "red",
    glance.ON_HOLD: "cyan",
    glance.DELAYED: "cyan",
    glance.BLOCKED: "cyan",
}


class Column(Frozen):
    """A column: its head, what it shows at an instant, its width, and how early it goes (0: never)."""

    head: str
    of: Callable[[JsonObject, int], Cell]
    width: int
    wide: int = 0
    goes: int = 0
    right: bool = False


def _plain(field: str) -> Callable[[JsonObject, int], Cell]:
    return lambda view, now: (_whole(view[field]), "")


def _state(view: JsonObject, now: int) -> Cell:
    phase = glance.phase(view)
    return phase, STYLES.get(phase, "")


def _age(view: JsonObject, now: int) -> Cell:
    """How long it has been in its state."""
    since = view["completed_at"] or view["failed_at"] or view["claimed_at"] or view["created_at"]
    return glance.age(glance.seconds_since(since, now)), ""


def _lease(view: JsonObject, now: int) -> Cell:
    left = view.get("seconds_until_lease_expiry")
    if view["state"] != CLAIMED or not isinstance(left, int):
        return "", ""
    return ("over", "red") if view["lease_expired"] else (glance.age(left), "red" if left < SOON_SECONDS else "")


def _owner(view: JsonObject, now: int) -> Cell:
    """Who has it, or had it."""
    return (_whole(view["claim_owner"]), "") if view["claim_owner"] else ("-", "dim")


def _who(view: JsonObject, now: int) -> Cell:
    """The same; of a task that nobody has had, whom it is for."""
    vendor = view["route"]
    return _owner(view, now) if view["claim_owner"] or vendor == "any" else (f"→ {_whole(vendor)}", "dim")


def _vendor(view: JsonObject, now: int) -> Cell:
    return _whole(view["route"]), "dim" if view["route"] == "any" else ""


def _last(view: JsonObject, now: int) -> Cell:
    """`12 s progress: compiling`."""
    last = view["last_event"]
    if not isinstance(last, dict):
        return "", ""
    message = f": {last['message']}" if last["message"] else ""
    ago = glance.age(glance.seconds_since(last["created_at"], now))
    return one_line(f"{ago} {last['type']}{message}"[:LONGEST_CELL]), ""


def _number(field: str, style: str = "") -> Callable[[JsonObject, int], Cell]:
    return lambda lane, now: (f"{lane[field]}", style) if lane[field] else ("-", "dim")


def _in_an_hour(what: str, style: str = "") -> Callable[[JsonObject, int], Cell]:
    def cell(lane: JsonObject, now: int) -> Cell:
        done = lane["last_hour"]
        count = done.get(what, 0) if isinstance(done, dict) else 0
        return (f"{count}", style) if count else ("-", "dim")

    return cell


def _oldest(lane: JsonObject, now: int) -> Cell:
    at = lane["oldest_ready_at"]
    return (glance.age((now - at) / 1e6), "") if isinstance(at, int) else ("-", "dim")


OWNER = Column(head="OWNER", of=_owner, width=10, wide=16)
TASKS = (
    Column(head="ID", of=lambda view, now: (one_line(short_id(str(view["id"])))[:ID], ""), width=ID, goes=7),
    Column(head="STATE", of=_state, width=9),
    Column(head="LANE", of=_plain("lane"), width=9, wide=14),
    OWNER,
    Column(head="FOR", of=_vendor, width=7, wide=8, goes=3),
    Column(head="TRY", of=lambda view, now: (glance.attempt(view) or "-", ""), width=4, goes=4, right=True),
    Column(head="AGE", of=_age, width=5, right=True),
    Column(head="LEASE", of=_lease, width=5, right=True, goes=5),
    Column(head="LAST EVENT", of=_last, width=24, wide=32, goes=2),
    Column(head="TASK", of=lambda view, now: (one_line(glance.title(view)), ""), width=0),
)
LANES = (
    Column(head="LANE", of=_plain("lane"), width=14, wide=24),
    Column(head="READY", of=_number("ready", "blue"), width=6, right=True),
    Column(head="CLAIMED", of=_number("claimed", "yellow"), width=7, right=True),
    Column(head="LATER", of=_number("later", "cyan"), width=5, right=True),
    Column(head="OLDEST", of=_oldest, width=6, right=True),
    Column(head="DONE/h", of=_in_an_hour("completed", "green"), width=6, right=True),
    Column(head="FAIL/h", of=_in_an_hour("failed", "red bold"), width=6, right=True),
    Column(head="USD", of=_number("spent"), width=6, right=True),
    Column(head="LISTENING", of=lambda lane, now: (_whole(lane["listening"]), ""), width=0),
)


def layout(columns: Sequence[Column], room: int) -> list[tuple[Column, int]]:
    """The columns that fit into so many, each with its width."""
    shown = list(columns)
    while _rest(shown, room, wide=False) < LEAST_REST:
        going = [column for column in shown if column.goes]
        if not going:
            break
        shown.remove(min(going, key=lambda column: column.goes))
    if OWNER in shown and not any(column.head == "FOR" for column in shown):
        shown[shown.index(OWNER)] = OWNER.replace(of=_who)
    wide = _rest(shown, room, wide=True) >= 2 * LEAST_REST
    rest = max(LEAST_REST, _rest(shown, room, wide=wide))
    return [(column, _width(column, wide) or rest) for column in shown]


def _width(column: Column, wide: bool) -> int:
    return (column.wide or column.width) if wide else column.width


def _rest(shown: Sequence[Column], room: int, *, wide: bool) -> int:
    return room - sum(_width(column, wide) + GAP for column in shown)


def _whole(value: object) -> str:
    return one_line(str(value if value is not None else "-")[:LONGEST_CELL])
