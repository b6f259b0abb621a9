"""K2: every file operation of every command that writes fails, with every errno that disks and kernels give it.

An operation fails with what it can fail with: only what needs room with ENOSPC or EDQUOT (in turn: both are one to the
program but for the words), only what makes a descriptor with EMFILE, only what changes names with EROFS, only what may
wait with EINTR; /proc has no modes that come and go. Those that only read the program itself fail with one of theirs,
in turn; Python's own library and other packages are left alone, since a broken installation says nothing of a queue.
`close` is left out: strace keeps a file open whose close it lets fail, and no kernel does.

Of each: no traceback, one clear line, an exit code of the contract; success means done; whoever says that it failed
has changed nothing, or says what it has done (exit code 76, or the line itself); nothing is left behind. Then the same
call is made again without the fault, and everything driven to its end, as in K1.
"""

from __future__ import annotations

import re
import subprocess
import sys

import strace
from commanding.case import Case
from ending import Told
from experiment import Plan, Table
from scene import Ended, Kept
from strace import Call
from sweep import Found, once, sweep
from trial import BETWEEN, DONE, NOT_DONE, Trial

ROOM = ("ENOSPC", "EDQUOT")
OF_A_NAME = ("EACCES", "EROFS", "EIO")
POSSIBLE = (  # the first that fits: what a call can fail with, beside a lack of room
    (re.compile(r"open"), ("EMFILE", "EACCES", "EIO", "EINTR")),
    (re.compile(r"p?write|f?truncate|fallocate|copy_file_range|sendfile"), ("EIO",)),
    (re.compile(r"f(data)?sync|syncfs"), ("EIO", "EINTR")),
    (re.compile(r"flock"), ("EINTR", "EIO")),
    (re.compile(r"(un)?link|symlink|rename|mkdir|rmdir|mknod|f?ch(mod|own)|utimensat"), OF_A_NAME),
    (re.compile(r"p?read(v|64|$)"), ("EIO", "EINTR")),
    (re.compile(r"inotify_init|pipe|dup"), ("EMFILE",)),
    (re.compile(r"inotify_add|inotify_rm"), ("ENOSPC", "EACCES")),
    (re.compile(r"getdents64|statfs|getcwd"), ("EIO",)),
    (re.compile(""), ("EIO", "EACCES")),
)
NEEDS_ROOM = re.compile(
    r"p?write|f?truncate|fallocate|copy_file_range|sendfile|f(data)?sync|syncfs|link|symlink|rename|mkdir|mknod"
)

CODES = {0, 1, 2, 4, 5, 6, 8, 9, 64, 65, 74, 75, 76, 130}
UNCONFIRMED = 76
ANSWERS = (0, 8)
GOES_ON = "the same call goes on from there"
OUTSIDE = ("wait", "export")  # they change nothing in the queue, and may be repeated: to fail late is to fail
REMOVING = ("unlink", "unlinkat", "rmdir")
WARNED, SILENT = "done, with a warning", "done all the same"
PASSED_OVER = "passed over"
REFUSED, TOLD, HUNG = "refused, nothing changed", "done, and told as unconfirmed", "hung"
HEAD = ("command", "calls", "faults", "states", SILENT, WARNED, REFUSED, TOLD, BETWEEN, PASSED_OVER, "broken")
HALF_MADE = re.compile(r"/tmp/|/\.agent-lanes-[0-9a-f]{16}\b")
AGAIN = "python evidence/errnos.py"


def run(plan: Plan) -> Table:
    """The table; a problem for each broken promise."""
    table = Table(HEAD)
    for found in sweep(plan, faults, "K2", files_only=True):
        outcomes = [found.outcomes[name] for name in (SILENT, WARNED, REFUSED, TOLD, BETWEEN, PASSED_OVER)]
        table.rows.append((found.case, found.calls, found.tried, found.states, *outcomes, len(found.problems)))
        table.problems += found.problems
    table.rows.sort(key=lambda row: str(row[0]))
    return table


def faults(trial: Trial, found: Found, calls: list[Call], only: str = "") -> None:
    """Let each of these calls fail with each errno that it can fail with."""
    found.calls = len(calls)
    for call in calls:
        for error in (only,) if only else errors(trial, call):
            found.tried += 1
            trial.reset()
            how = f"{error} at {call.name} {call.text[:100]!r} [{AGAIN} {found.case!r} {call.name} {call.nth} {error}]"
            try:
                ended = strace.failing(trial.call, call, error)
            except subprocess.TimeoutExpired:
                found.broken(how, [HUNG])
                continue
            kept = trial.scene.keep()
            outcome, told = judged(trial, call, ended, kept)
            told += trial.wrong(kept)
            _, more = trial.follow(kept)
            found.outcomes[outcome] += 1
            found.broken(how, told + more)


def errors(trial: Trial, call: Call) -> tuple[str, ...]:
    """What a call can fail with."""
    possible = next(errors for name, errors in POSSIBLE if name.match(call.name))
    if '"/proc/' in call.text:
        possible = tuple(error for error in possible if error != "EACCES")
    if not call.changes and str(trial.scene.root) not in call.text:
        return (possible[call.nth % len(possible)],)
    creates = call.name.startswith("open") and call.changes
    if creates:
        possible = (*possible, "EROFS")
    return (ROOM[call.nth % len(ROOM)], *possible) if creates or NEEDS_ROOM.match(call.name) else possible


def judged(trial: Trial, call: Call, ended: Ended, kept: Kept) -> tuple[str, Told]:
    """What came of it, and what is wrong with that."""
    case, said = trial.case, ended.err.decode(errors="replace")
    state, told = trial.state(kept), _clear(ended, case, trial.undisturbed.err)
    if ended.code == case.code and (ended.code in ANSWERS or trial.changes_nothing or state == DONE):
        if state == NOT_DONE and b"status=idle" in ended.out:
            return PASSED_OVER, told  # a task that cannot be read now is passed over, as a damaged one is
        another = case.command == "claim" and ended.values.get("claim_token", "?").encode() in b"".join(
            trial.facts(kept).values()
        )
        partly = (
            case.steps and state == BETWEEN and "warning" in said
        ) or call.name == "rmdir"  # an empty folder stays
        if state != DONE and not another and not partly:
            told.append(f"it says that it was done, and it is {state}: {ended}")
        if not ended.out and trial.undisturbed.out:
            told.append("it printed nothing, and says that it was done")
        outcome = WARNED if "warning" in said else SILENT
    elif ended.code == UNCONFIRMED:
        outcome = TOLD
        if state == NOT_DONE:
            told.append(f"it says that it was done, and nothing was: {ended}")
    elif state == NOT_DONE or trial.changes_nothing:
        outcome = REFUSED
    else:
        outcome = state if state == BETWEEN else TOLD
        if not _owns_up(case, state, kept, trial, ended):
            told.append(f"it says that it failed, and it is {state}: {ended}")
    if "nothing was changed" in said and state != NOT_DONE and not trial.changes_nothing:
        told.append(f"it says that nothing was changed, and it is {state}: {ended}")
    litter = [path for path in kept.keys() - trial.template.keys() if HALF_MADE.search(path)]
    if litter and call.name not in REMOVING:
        told.append(f"left behind: {min(litter)}: {ended}")
    return outcome, told


def _clear(ended: Ended, case: Case, usual: bytes) -> Told:
    """An exit code of the contract, whole lines of ours, and one that says why where it failed; `usual` are the notes
    of a call that does not.
    """
    told: Told = []
    said = ended.err.decode(errors="replace")
    if "Traceback" in said or "a defect of agent-lanes" in said:
        told.append(f"a defect shows: {said.strip()[-300:]!r}")
    if ended.code not in CODES:
        told.append(f"no exit code of the contract: {ended}")
    lines = said.splitlines()
    if odd := [line for line in lines if not line.startswith("agent-lanes") or not line.isprintable()]:
        told.append(f"a line that is not ours: {odd[0]!r}")
    notes = usual.decode(errors="replace").splitlines()
    why = [line for line in lines if line.startswith("agent-lanes: ") and "warning: " not in line and line not in notes]
    incomplete = ended.code == 1 and (case.command == "doctor" or (case.command == "export" and "left out" in said))
    if ended.code not in (*ANSWERS, case.code) and len(why) != 1 and not incomplete:
        told.append(f"{len(why)} lines say why: {ended}")
    return told


def _owns_up(case: Case, state: str, kept: Kept, trial: Trial, ended: Ended) -> bool:
    """Whether a call that failed, though something changed, is allowed to, or says what it did."""
    if case.command in OUTSIDE or (case.steps and (state == BETWEEN or GOES_ON in ended.said)):
        return True
    if case.command == "doctor":
        return ended.code == 1  # it tells what remains
    if case.command == "claim":
        return "released again" in ended.said
    if case.command == "run":
        new = trial.tasks(kept) - trial.tasks(trial.template)
        return all(id in ended.said for id in new)
    return False


if __name__ == "__main__":
    name, call, nth, error = sys.argv[1:]
    sys.exit(once(lambda trial, found, calls: faults(trial, found, calls, error), name, call, nth))
