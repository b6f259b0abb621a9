"""The events of the whole store: those that were, and those that come."""

from __future__ import annotations

from agent_lanes.services.waiting import RECHECK_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent_lanes.core.logged import Logged
    from agent_lanes.ports import Backend


def follow(backend: Backend, cursor: str | None) -> Iterator[Logged]:
    """Every line after a cursor (None: all that are kept), for ever: it blocks until there are more. Raises NotFound.

    Woken by the file system, as every wait; a lost wake-up costs at most the slow re-check.
    """
    while True:
        with backend.watch_log() as watch:
            came = False
            while not came:
                for one in backend.log(cursor):
                    cursor, came = one.cursor, True
                    yield one
                if not came and not watch.wait(RECHECK_SECONDS):
                    break
            # set anew: before the first line there was no log, and nothing but to poll


def selected(
    lines: Iterator[Logged],
    *,
    task_id: str | None = None,
    lane: str | None = None,
    types: tuple[str, ...] = (),
    since: int | None = None,
) -> Iterator[Logged]:
    """Those of a task, a lane, some types, from an instant on."""
    return filter(wanted(task_id=task_id, lane=lane, types=types, since=since), lines)


def wanted(
    *, task_id: str | None = None, lane: str | None = None, types: tuple[str, ...] = (), since: int | None = None
) -> Callable[[Logged], bool]:
    """Whether a line is one of those."""
    return lambda one: (
        task_id in (None, one.task_id)
        and lane in (None, one.lane)
        and (not types or one.event.type in types)
        and (since is None or one.event.created_at >= since)
    )
