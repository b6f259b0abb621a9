"""Long lists of tasks as one JSON object, written while they are read: a million tasks need no memory."""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.core.escapes import harmless
from agent_lanes.core.jsontext import dumps
from agent_lanes.errors import Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent_lanes.core.jsontext import JsonObject

AT_ONCE = 1 << 20  # characters; what is shorter is written whole, or not at all


def show(
    found: Iterable[JsonObject | Damaged],
    *,
    each: Callable[[JsonObject], None] = lambda view: None,
    after: Callable[[], dict[str, object]] = dict,
) -> None:
    """Write status, the tasks, their count, what `after` adds, and what cannot be read; `each` sees every task."""
    parts, size, count, bad = ['{\n  "status": "ok",\n  "tasks": ['], 0, 0, list[Damaged]()
    for one in found:
        if isinstance(one, Damaged):
            bad.append(one)
            continue
        each(one)
        text = harmless(dumps(one)).rstrip("\n").replace("\n", "\n    ")
        parts.append(("," if count else "") + "\n    " + text)
        count, size = count + 1, size + len(text)
        if size > AT_ONCE:
            output.text("".join(parts))
            parts, size = [], 0
    if bad:
        more = f"; and {len(bad) - 1} more" if len(bad) > 1 else ""
        output.warning(f'{bad[0].message}{more}: listed under "damaged" (agent-lanes doctor tells more)')
    rest = harmless(dumps({"count": count, **after(), **output.damaged_list(bad)}))
    output.text("".join(parts) + ("\n  ]," if count else "],") + rest[1:])
