"""What can be mended, under the exclusive gate, without deleting a fact.

    task.json damaged       the whole folder goes to quarantine/
    response.json damaged   the file goes to quarantine/; the task is failed, with that as its reason
    claim.json damaged      the file goes to quarantine/; the task is released under an epoch that is certainly new
    hints, litter           rebuilt, swept
    permissions             taken from others

Each thing that is set aside is one rename, with a note beside it: quarantine/<id>.<time>/NOTE.txt.
"""

from __future__ import annotations

import os
import stat

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic, journal
from agent_lanes.backends.files.layout import CLAIM, EVENTS, RESPONSE, Layout
from agent_lanes.backends.files.rebuild import rebuild, sweep
from agent_lanes.backends.files.records import load, readable
from agent_lanes.core import codec
from agent_lanes.core.finding import Finding
from agent_lanes.core.jsontext import dumps
from agent_lanes.core.task import FAILED, Claim, Event, Response
from agent_lanes.core.times import Moment, compact, iso
from agent_lanes.core.transitions import lease
from agent_lanes.errors import AgentLanesError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

NOTE = "NOTE.txt"


def repair(layout: Layout, findings: list[Finding], now: Moment) -> list[Finding]:
    """Mend what can be mended; the findings again, with what was done. The caller holds the gate exclusively."""
    done = [_mended(layout, finding, now) for finding in findings]
    rebuild(layout, now)
    sweep(layout, now)
    return done


def _mended(layout: Layout, finding: Finding, now: Moment) -> Finding:
    if finding.code == "damaged" and finding.task_id is not None:
        return finding.replace(repaired=_set_aside(layout, finding.task_id, now))
    if finding.code == "permissions" and finding.path is not None:
        os.chmod(finding.path, stat.S_IMODE(os.stat(finding.path).st_mode) & 0o700)
        return finding.replace(repaired="only the owner may reach it now")
    if finding.code in ("hint_missing", "hints_stale", "hints_of_another_boot"):
        return finding.replace(repaired="the hints were rebuilt from the facts")
    if finding.code == "litter":
        return finding.replace(repaired="swept")
    return finding


def _set_aside(layout: Layout, id: str, now: Moment) -> str:
    """Set aside what is damaged about a task, one file after the other, until it can be read."""
    done: list[str] = []
    folder = layout.task(id)
    for file, mend in ((RESPONSE, _fail), (CLAIM, _release)):
        problem = _problem(folder, id)
        if problem is not None and f" {file}:" in problem.message and readable(folder, id):
            done.append(_quarantine(layout, f"{folder}/{file}", id, problem, now))
            mend(layout, folder, id, now)
    problem = _problem(folder, id)
    if problem is not None:
        done.append(_quarantine(layout, folder, id, problem, now))
    return "; ".join(done) or "it can be read by now"


def _problem(folder: str, id: str) -> AgentLanesError | None:
    try:
        load(folder, id)
    except AgentLanesError as wrong:
        return wrong
    return None


def _quarantine(layout: Layout, path: str, id: str, problem: AgentLanesError, now: Moment) -> str:
    """Move a file or folder to a place of its own in quarantine/, with a note; says where."""
    place = f"{layout.root}/quarantine/{id[:150]}.{compact(now.wall)}.{chance(4)}"
    os.makedirs(place, atomic.FOLDER_MODE)
    name = os.path.basename(path)
    note = f"{iso(now.wall)}\n{problem.message}\nIt was {path}\n"
    atomic.write_new(f"{place}/{NOTE}", note.encode("utf-8", "backslashreplace"), durable=True)
    os.rename(path, f"{place}/{name}")
    atomic.sync_folder(place)
    atomic.sync_folder(os.path.dirname(path))
    return f"{name} was moved to {place}"


def _fail(layout: Layout, folder: str, id: str, now: Moment) -> None:
    """The answer is unreadable: the task is failed, so that whoever waits is told, and nobody answers twice."""
    reason = "its answer was damaged on disk; what is left of it lies in quarantine/"
    response = Response(task_id=id, reviewer="doctor", status=FAILED, body=reason, created_at=now.wall, metadata={})
    _write(layout, folder, RESPONSE, codec.encode_response(response.replace(failure_reason=reason)))
    _tell(folder, "response", reason, 0, now)


def _release(layout: Layout, folder: str, id: str, now: Moment) -> None:
    """Who has it is unreadable: nobody, from now on, under an epoch above every one in the history."""
    seen = max((event.epoch for event in journal.read(f"{folder}/{EVENTS}")), default=0)
    reason = "claim.json was damaged on disk; what is left of it lies in quarantine/"
    claim = Claim(
        epoch=min(seen + 1000, codec.MAX_EPOCH),
        owner="doctor",
        token="",
        claimed_at=now.wall,
        updated_at=now.wall,
        lease=lease(0, now),
        released_at=now.wall,
        reason=reason,
    )
    _write(layout, folder, CLAIM, codec.encode_claim(claim))
    _tell(folder, "released", reason, claim.epoch, now)


def _write(layout: Layout, folder: str, file: str, record: JsonObject) -> None:
    atomic.replace(f"{folder}/{file}", dumps(record).encode(), f"{layout.tmp}/{chance(16)}", durable=True)
    atomic.sync_folder(folder)


def _tell(folder: str, type: str, message: str, epoch: int, now: Moment) -> None:
    event = Event(type=type, message=message, created_at=now.wall, data={"by": "doctor"}, epoch=epoch)
    journal.append(f"{folder}/{EVENTS}", (event,))
