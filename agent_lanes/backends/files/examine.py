"""What may be wrong with a store, looked at without a lock and without changing anything.

Facts: records that cannot be read, foreign files, permissions. Hints: markers that lack or are too many. Around
them: the file system, its space, the clock, what still can be watched, litter of crashed commands.
"""

from __future__ import annotations

import os
import stat

from agent_lanes.backends.files import atomic, edges, letters, records
from agent_lanes.backends.files.gate import LONGEST_CONTENT, NEEDED, Gate
from agent_lanes.backends.files.heal import unsound
from agent_lanes.backends.files.hints import Hints, id_in
from agent_lanes.backends.files.layout import CLAIM, Layout, due_of_timer
from agent_lanes.backends.files.litter import in_flight, litter
from agent_lanes.backends.files.records import answered
from agent_lanes.backends.files.structure import misplaced
from agent_lanes.backends.files.surroundings import surroundings
from agent_lanes.core import names
from agent_lanes.core.fields import FORMAT
from agent_lanes.core.finding import PROBLEM, WARNING, Finding
from agent_lanes.core.placement import placement, ready, timer_now
from agent_lanes.core.times import SECOND, Moment, iso
from agent_lanes.errors import AgentLanesError, BadUsage, NotFound, Withheld

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRIES = 10
CLOCK_SLACK = 60 * SECOND
REPAIR = "agent-lanes doctor --repair"


def examine(layout: Layout, gate: Gate, clock: Callable[[], Moment]) -> Iterator[Finding]:
    """Everything that is not as it should be, the facts first. Raises OSError."""
    if not os.path.isdir(layout.root):
        return
    now = clock()
    yield from misplaced(layout)
    yield from store(layout, gate)
    wanted, newest, current = set[str](), 0, gate.current()
    for name in atomic.names(layout.tasks):
        found, marker, created_at = task(layout, name, now, healing=not current)
        yield from found
        newest = max(newest, created_at)
        if marker is not None:
            wanted.add(marker)
    if current:
        yield from hints(layout, wanted, clock)
    if newest > now.wall + CLOCK_SLACK:
        yield Finding(
            level=WARNING,
            code="clock_set_back",
            message=f"the newest task was submitted at {iso(newest)}, which this clock has not reached",
            hint="set the clock; leases do not depend on it, but ids and times do",
        )
    if os.path.isdir(layout.archive):
        from agent_lanes.backends.files.examine_archive import archive

        yield from archive(layout, now)
    yield from surroundings(layout, now, network_allowed=_network_allowed(layout))
    yield from left_over(layout, now)


def store(layout: Layout, gate: Gate) -> Iterator[Finding]:
    """The store's own record, its gate, its permissions."""
    from agent_lanes.backends.files.upgrade import is_barred
    from agent_lanes.backends.files.upkeep import store_record

    try:
        if store_record(layout) is None and atomic.names(layout.tasks):
            yield Finding(
                level=WARNING,
                code="format_of_v01",
                message="this store was written by agent-lanes 0.1",
                hint="the next command that changes something upgrades it",
            )
        elif not gate.current():
            yield Finding(
                level=WARNING,
                code="hints_of_another_boot",
                message=_not_current(layout),
                hint="the next command that changes something rebuilds them",
            )
        elif not is_barred(layout):
            yield Finding(
                level=WARNING,
                code="format_of_v01",
                message="nothing keeps agent-lanes 0.1 from adding tasks here that no dispatcher finds",
                hint=f"to take in what it added, and to keep it out: {REPAIR}",
                path=layout.legacy_lock,
            )
    except AgentLanesError as wrong:
        path = layout.store_record
        yield Finding(level=PROBLEM, code="store_record", message=wrong.message, hint=wrong.hint, path=path)
    for folder in (layout.root, layout.tasks, layout.tmp):
        if os.path.isdir(folder):
            yield from permissions(folder)


def _not_current(layout: Layout) -> str:
    """Why the hints are not those of this boot."""
    missing = [f"{name}/" for name in NEEDED if not os.path.isdir(f"{layout.root}/{name}")]
    if missing:
        return f"the hints are to be built anew: there is no {', '.join(missing)}"
    try:
        content = atomic.read(layout.gate, LONGEST_CONTENT)
    except (OSError, atomic.Unreadable):
        content = b""
    if content.startswith(f"{FORMAT} ".encode()):
        return "the hints were built before the last reboot"
    return "the hints are to be built anew: the gate does not say for which boot they were built"


def permissions(path: str) -> Iterator[Finding]:
    """Others than its owner can read or write it."""
    mode = stat.S_IMODE(os.stat(path, follow_symlinks=False).st_mode)
    if mode & 0o077:
        yield Finding(
            level=WARNING,
            code="permissions",
            message=f"others than its owner may reach {path}: mode {mode:04o}",
            hint=REPAIR,
            path=path,
        )


def task(layout: Layout, name: str, now: Moment, *, healing: bool = False) -> tuple[list[Finding], str | None, int]:
    """The findings about one name in tasks/, the marker it should have, and when it was submitted.

    `healing`: the next change is the first of this boot, and will heal what a power cut did to claims.
    """
    folder = layout.task(name)
    if not os.path.lexists(folder):
        return [], None, 0  # archived since the look began
    try:
        names.task_id(name)
        foreign = not os.path.isdir(folder) or os.path.islink(folder)
    except BadUsage:
        foreign = True
    if foreign:
        line = f"{names.shown(name)} in tasks/ is not a task"
        return [Finding(level=WARNING, code="foreign_file", message=line, hint="move it away", path=folder)], None, 0
    snapshot, problem = records.examined(folder, name)
    try:
        found = list(permissions(folder))
    except FileNotFoundError:
        found, problem = [], records.not_found(name)
    if isinstance(problem, NotFound):
        return [], None, 0
    lost = unsound(folder, name) is not None
    if problem is not None and not (lost and healing):
        level = WARNING if f" {CLAIM}:" in problem.message and answered(folder) else PROBLEM
        line, hint = problem.message, problem.hint if isinstance(problem, Withheld) else REPAIR
        found.append(Finding(level=level, code="damaged", message=line, hint=hint, task_id=name, path=folder))
    elif lost:
        found.append(_lost_claim(folder, name))
    if snapshot is None:
        return found, None, 0
    if letters.missing(layout, snapshot):
        line = f"task {name} died, and is not listed among the dead letters"
        found.append(Finding(level=PROBLEM, code="hint_missing", message=line, hint=REPAIR, task_id=name, path=folder))
    if snapshot.open_dependencies and edges.missing(layout, snapshot):
        line = f"task {name} is not known to one that it waits for, and would never be offered"
        found.append(Finding(level=PROBLEM, code="hint_missing", message=line, hint=REPAIR, path=layout.all_dependants))
    marker = None if answered(folder) else layout.marker(placement(snapshot, now))
    return found, marker, snapshot.task.created_at


def _lost_claim(folder: str, id: str) -> Finding:
    return Finding(
        level=WARNING,
        code="claim_lost",
        message=f"task {id}: its claim was torn, or is older than its history: a power cut may do that",
        hint=f"the first change after a reboot releases it, and so does: {REPAIR}",
        task_id=id,
        path=folder,
    )


def hints(layout: Layout, wanted: set[str], clock: Callable[[], Moment]) -> Iterator[Finding]:
    """Markers that lack, and markers that are too many; a command at work may have some of either in flight.

    A timer that is over lists its task as well as a ready marker would: whoever asks for work next finds it there.
    """
    present, now = Hints(layout).all_markers(), clock()
    of = {path: id_in(layout.root, path) for path in wanted | present}
    lacking = {of[path]: path for path in wanted - present}
    clocks = {"timers": timer_now(now), "delayed": now.wall}
    for path in [*present]:
        until = clocks.get(path[len(layout.root) + 1 :].partition("/")[0], -1)
        if due_of_timer(os.path.basename(path))[0] <= until and lacking.pop(of[path], ""):
            present.remove(path)
    for id, path in sorted(lacking.items()):
        if is_lost(layout, id, clock()):
            line = "a task is not listed where dispatchers look for it"
            name = os.path.basename(path)
            yield Finding(level=PROBLEM, code="hint_missing", message=f"{line}: {name}", hint=REPAIR, path=path)
    stale = [path for path in present - wanted if is_stale(layout, of[path], path, clock())]
    # Once more, for what was just being changed: its marker was made before the facts, or is dropped after them.
    stale = [path for path in stale if is_stale(layout, of[path], path, clock())]
    if stale:
        yield Finding(
            level=WARNING,
            code="hints_stale",
            message=f"{names.counted(len(stale), 'marker')} of tasks that are elsewhere by now, or were never made",
            hint=f"harmless; to remove them: {REPAIR}",
            path=min(stale),
        )


def is_lost(layout: Layout, id: str, now: Moment) -> bool:
    """Whether no marker lists a task, rather than that somebody was changing it, or promoting it, during the look.

    A marker is made before the facts that ask for it, and dropped after the next: so facts that are the same before
    and after a look that found none are what it is missing for.
    """
    before = records.examined(layout.task(id), id)[0]
    for _ in range(TRIES):
        if before is None or before.response is not None:
            return False
        earliest = placement(before, now.replace(wall=0, boottime=0))  # a timer that is over lists it as well
        if any(path and os.path.lexists(path) for path in map(layout.marker, (earliest, ready(before)))):
            return False
        if any(id == due for due, _ in Hints(layout).due(before.task.lane, now, tidy=False)):
            return False  # by the timer of a hold, or of a lease, that was over before it was resumed, or released
        after = records.examined(layout.task(id), id)[0]
        if after == before:
            return True
        before = after
    return False


def is_stale(layout: Layout, id: str, path: str, now: Moment) -> bool:
    """Whether a marker is one that a rebuild would drop: not new by now, not of a submit that may be in flight."""
    if not os.path.lexists(path):
        return False
    if os.path.isdir(layout.task(id)):
        found, marker, _ = task(layout, id, now)
        return marker != path and all(finding.code != "damaged" for finding in found)
    return not in_flight(layout, path, now)


def _network_allowed(layout: Layout) -> bool:
    from agent_lanes.backends.files.upkeep import store_record

    try:
        return (store_record(layout) or {}).get("network_allowed") is True
    except AgentLanesError:  # told elsewhere
        return False


def left_over(layout: Layout, now: Moment) -> Iterator[Finding]:
    """What commands that were killed left in tmp/. Raises OSError."""
    old = litter(layout, now)
    if old:
        line = f"{names.counted(len(old), 'file')} in tmp/, left by commands that were killed"
        yield Finding(level=WARNING, code="litter", message=line, hint=REPAIR, path=layout.tmp)
