"""Upgrading what agent-lanes 0.1 left, once, under the exclusive gate and under the one lock of 0.1.

    stage     claim.json, and response.json where it is missing, in their places; the new task.json in tmp/
    sync      all of them at once (together.py)
    commit    a rename for each: task.json decides how the rest is read
    sync      all of them at once
    history   an `upgraded` line

A few thousand tasks go through these steps together, so that an upgrade costs a handful of syncs, not three for each
task. Tasks get a place in their lane in the order of their ids, which is that of their creation; killed anywhere, the
upgrade is done again and gives the same places.

At the end the file `lock`, which every command of 0.1 locks, becomes a folder of that name: there 0.1 ends with an
error that names it, instead of working on a store that it does not understand.
"""

from __future__ import annotations

import os
import stat

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic, journal
from agent_lanes.backends.files.layout import CLAIM, EVENTS, RESPONSE, TASK, Layout
from agent_lanes.backends.files.lock import PATIENCE_SECONDS
from agent_lanes.backends.files.records import Loaded, load
from agent_lanes.backends.files.together import Together
from agent_lanes.core import codec, legacy
from agent_lanes.core.answers import encode_response
from agent_lanes.core.jsontext import dumps
from agent_lanes.core.task import Event
from agent_lanes.core.times import Moment
from agent_lanes.errors import Busy, Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

AT_ONCE = 2000
TRIES = 3
NOTE = "NOTE.txt"
WHY = """This store is of format 2. agent-lanes 0.1 must not work on it: it would not find what is here, and nobody
would find what it adds. It locks a file of this name, and this folder in its place stops it.
The way out is a newer agent-lanes, or a copy of the store from before the upgrade.
"""


def upgrade(layout: Layout, now: Moment) -> None:
    """Upgrade what 0.1 left, and keep it out from then on. Raises OSError, Busy."""
    for _ in range(TRIES):
        if is_barred(layout):
            return upgrade_tasks(layout, now)
        if not os.path.lexists(layout.legacy_lock):
            upgrade_tasks(layout, now)
            if _bar(layout):
                return None
            continue  # a command of 0.1 has come in between
        from filelock import FileLock, Timeout

        try:
            with FileLock(layout.legacy_lock, timeout=PATIENCE_SECONDS):
                upgrade_tasks(layout, now)
                os.unlink(layout.legacy_lock)
                if _bar(layout):
                    return None
        except Timeout:
            break
    raise Busy(
        f"the store cannot be upgraded: v0.1 has held {layout.legacy_lock} for {PATIENCE_SECONDS:.0f} s",
        hint="end what still runs with agent-lanes 0.1, then repeat the call",
    ) from None


def upgrade_tasks(layout: Layout, now: Moment) -> None:
    """Turn every record of 0.1 into the facts of format 2. Raises OSError."""
    old, lanes = list[tuple[str, int]](), dict[str, int]()
    for id in atomic.names(layout.tasks):
        try:
            loaded = load(layout.task(id), id)
        except (Damaged, NotFound):
            continue  # stays as it is, and is reported as damaged; or a foreign file
        lane = loaded.snapshot.task.lane
        if lane not in lanes:
            atomic.make_folder(layout.ready_lane(lane))  # it had a task
        lanes[lane] = lanes.get(lane, 0) + 1
        if loaded.legacy:
            old.append((id, lanes[lane]))
    for start in range(0, len(old), AT_ONCE):
        some = dict(old[start : start + AT_ONCE])
        _upgrade_together(layout, {id: (load(layout.task(id), id), number) for id, number in some.items()}, now)


def upgrade_task(layout: Layout, id: str, loaded: Loaded, now: Moment) -> None:
    """The same for one that 0.1 added later: before every other task of its lane. Raises OSError."""
    _upgrade_together(layout, {id: (loaded, 0)}, now)


def _upgrade_together(layout: Layout, tasks: dict[str, tuple[Loaded, int]], now: Moment) -> None:
    staged = dict[str, str]()
    try:
        with Together(layout.tmp) as together:
            written = list[str]()
            for id, (loaded, number) in tasks.items():
                folder, snapshot = layout.task(id), loaded.snapshot
                if snapshot.claim is not None:
                    record = codec.encode_claim(legacy.rebased(snapshot.claim, now))
                    written.append(_replace(layout, f"{folder}/{CLAIM}", record))
                if snapshot.response is not None and not os.path.exists(f"{folder}/{RESPONSE}"):
                    written.append(_replace(layout, f"{folder}/{RESPONSE}", encode_response(snapshot.response)))
                staged[id] = f"{layout.tmp}/{chance(16)}"
                record = codec.encode_task(snapshot.task.replace(sequence=number))
                atomic.write_new(staged[id], dumps(record).encode(), durable=False)
            together.sync([*written, *staged.values(), *map(layout.task, tasks)])
            for id in tasks:
                os.rename(staged[id], f"{layout.task(id)}/{TASK}")
                del staged[id]
            together.sync(map(layout.task, tasks))
    finally:
        for path in staged.values():
            atomic.discard(path)
    for id, (loaded, _) in tasks.items():
        _tell(layout.task(id), loaded.snapshot.epoch, now)


def _tell(folder: str, epoch: int, now: Moment) -> None:
    event = Event(type="upgraded", message="record of v0.1 upgraded", created_at=now.wall, data={}, epoch=epoch)
    journal.append(f"{folder}/{EVENTS}", (event,))


def _replace(layout: Layout, path: str, record: JsonObject) -> str:
    atomic.replace(path, dumps(record).encode(), f"{layout.tmp}/{chance(16)}", durable=False)
    return path


def is_barred(layout: Layout) -> bool:
    """Whether 0.1 is kept out. Raises OSError."""
    try:
        return stat.S_ISDIR(os.stat(layout.legacy_lock, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _bar(layout: Layout) -> bool:
    """Put the folder where 0.1 wants a file; False if 0.1 was faster. Raises OSError."""
    try:
        os.mkdir(layout.legacy_lock, atomic.FOLDER_MODE | atomic.MARK)  # durable.unsure looks at it
    except FileExistsError:
        return is_barred(layout)
    atomic.write_new(f"{layout.legacy_lock}/{NOTE}", WHY.encode(), durable=False)
    return True
