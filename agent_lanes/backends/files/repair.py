"""What can be mended, under the exclusive gate, without deleting a fact.

    task.json damaged       the whole folder goes to quarantine/
    response.json damaged   the file goes to quarantine/; the task is failed, with that as its reason
    claim.json damaged      the file goes to quarantine/; the task is released under an epoch that is certainly new
    claim.json lost         the same, with nothing to keep
    hints, litter           rebuilt, swept; also those of children and threads, of all tasks
    the index of a pack     made again from its tasks; if those are damaged, what can be read goes into a new pack, and
                            the old one to quarantine/
    permissions             taken from others

What is set aside has a note beside it: quarantine/<id>.<time>/NOTE.txt (aside.py).
"""

from __future__ import annotations

import os
import stat

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic, examine_archive, kin, letters, records, salvage
from agent_lanes.backends.files.aside import kept, moved, release_claim, tell, write
from agent_lanes.backends.files.heal import heal
from agent_lanes.backends.files.hints import Hints, id_in
from agent_lanes.backends.files.layout import CLAIM, RESPONSE, Layout
from agent_lanes.backends.files.litter import LITTER_SECONDS, age_seconds
from agent_lanes.backends.files.packs import INDEX, Pack, find
from agent_lanes.backends.files.upgrade import upgrade
from agent_lanes.backends.files.upkeep import bring_up, store_record
from agent_lanes.core.answers import encode_response
from agent_lanes.core.finding import Finding
from agent_lanes.core.names import counted, is_task_id
from agent_lanes.core.task import FAILED, Response
from agent_lanes.core.times import Moment
from agent_lanes.errors import BadData, Damaged, NotFound, Withheld


def repair(layout: Layout, findings: list[Finding], now: Moment) -> list[Finding]:
    """Mend what can be mended; the findings again, with what was done. The caller holds the gate exclusively."""
    done = [_mended(layout, finding, now) for finding in findings]
    bring_up(layout, now, chance)
    _relate(layout, now)
    return done


def _relate(layout: Layout, now: Moment) -> None:
    """Let every task be found through those that it names, also what is finished, which a rebuild passes over."""
    for id in atomic.names(layout.tasks):
        snapshot, _ = records.examined(layout.task(id), id)
        if snapshot is not None and snapshot.task.related:
            kin.note(layout, snapshot.task)

    def gone(path: str, id: str) -> bool:
        if os.path.isdir(layout.task(id)) or age_seconds(path, now) <= LITTER_SECONDS:
            return False
        try:
            return not is_task_id(id) or find(layout, id) is None
        except Damaged:
            return False

    kin.sweep(layout, gone)


def _mended(layout: Layout, finding: Finding, now: Moment) -> Finding:
    if finding.code == "damaged" and finding.task_id is not None:
        return finding.replace(repaired=_set_aside(layout, finding.task_id, now))
    if finding.code == "format_of_v01":
        upgrade(layout, now)
        return finding.replace(repaired="what agent-lanes 0.1 had added was upgraded, and it is kept out")
    if finding.code == "claim_lost" and finding.task_id is not None:
        heal(layout, finding.task_id, now)  # looks again: it may have been claimed by now
        return finding.replace(repaired="it was released, under an epoch above those in its history")
    if finding.code == "permissions" and finding.path is not None:
        os.chmod(finding.path, stat.S_IMODE(os.stat(finding.path).st_mode) & ~0o077)
        return finding.replace(repaired="only the owner may reach it now")
    if finding.code == "hint_missing" and finding.task_id is not None:
        letters.make(layout, records.load(layout.task(finding.task_id), finding.task_id).snapshot)
        return finding.replace(repaired="it is listed among the dead letters")
    if finding.code in ("hint_missing", "hints_stale", "hints_of_another_boot"):
        return finding.replace(repaired="the hints were rebuilt from the facts")
    if finding.code == "store_record":
        return _store_record(layout, finding, now)
    if finding.code == "litter":
        return finding.replace(repaired="swept")
    if finding.code == "archive_damaged" and finding.path is not None:
        return _pack_mended(layout, finding, Pack(finding.path), now)
    return finding


def _store_record(layout: Layout, finding: Finding, now: Moment) -> Finding:
    """Set store.json aside if it is damaged, not if it is a newer program's; bringing up the store writes a new one."""
    try:
        store_record(layout)
    except Damaged:
        return finding.replace(repaired=moved(layout, layout.store_record, "store", finding.message, now))
    except BadData:
        pass
    return finding


def _pack_mended(layout: Layout, finding: Finding, pack: Pack, now: Moment) -> Finding:
    """Make its index again; where that is not enough, save what can be read, and set it aside."""
    if not os.path.lexists(pack.folder) or examine_archive.problem(pack) is None:
        return finding.replace(repaired="somebody else has mended or removed it")
    wrong = _reindexed(layout, pack)
    if wrong is None:
        return finding.replace(repaired="its index was made again from its tasks")
    if isinstance(wrong, Withheld):
        return finding
    try:
        count = salvage.saved(layout, pack, now)
    except Damaged:
        return finding  # it may be given out again tomorrow
    aside = moved(layout, pack.folder, os.path.basename(pack.folder), finding.message, now)
    return finding.replace(repaired=f"{counted(count, 'task')} of it could be read, and saved; {aside}")


def _reindexed(layout: Layout, pack: Pack) -> Damaged | None:
    """Make its index again; what is still wrong then, with its tasks, or with the list of those that were left."""
    try:
        examine_archive.reindexed(layout, pack)
    except Damaged as wrong:
        return wrong
    except IsADirectoryError:
        return pack.damaged(INDEX, "a folder")
    return examine_archive.problem(pack)


def _set_aside(layout: Layout, id: str, now: Moment) -> str | None:
    """Set aside what is damaged about a task, one file after the other, until it can be read.

    Not what this user may not read: nobody knows that anything is wrong with it.
    """
    done: list[str] = []
    folder = layout.task(id)
    if isinstance(records.examined(folder, id)[1], Withheld):
        return None
    for file in (RESPONSE, CLAIM):
        _, problem = records.examined(folder, id)
        if problem is not None and f" {file}:" in problem.message and records.readable(folder, id):
            raw = _left_of(f"{folder}/{file}")
            done.append(kept(layout, f"{folder}/{file}", id, problem.message, now))
            if file == RESPONSE:
                _fail(layout, folder, id, now)
            else:
                release_claim(layout, folder, now, raw)
    _, problem = records.examined(folder, id)
    if problem is not None and not isinstance(problem, NotFound):
        _drop_markers(
            layout, id
        )  # first: who is killed in between leaves a task that is still damaged, and nothing else
        done.append(moved(layout, folder, id, problem.message, now))
    return "; ".join(done) or "somebody else has mended or removed it"


def _drop_markers(layout: Layout, id: str) -> None:
    """A rebuild would take the young ones of a task that is not there for those of a submit in flight."""
    for path in Hints(layout).all_markers():
        if id_in(layout.root, path) == id:
            atomic.drop_marker(path)


def _left_of(path: str) -> bytes:
    """What can be read of a damaged record, in which an epoch may stand."""
    try:
        return atomic.read(path, records.LIMITS[CLAIM])
    except (OSError, atomic.Unreadable):
        return b""


def _fail(layout: Layout, folder: str, id: str, now: Moment) -> None:
    """The answer is unreadable: the task is failed, so that whoever waits is told, and nobody answers twice."""
    reason = "its answer was damaged on disk; what is left of it lies in quarantine/"
    response = Response(task_id=id, reviewer="doctor", status=FAILED, body=reason, created_at=now.wall, metadata={})
    write(layout, folder, RESPONSE, encode_response(response.replace(failure_reason=reason)))
    tell(folder, "response", reason, 0, now)
