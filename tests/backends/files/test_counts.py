"""What a command costs the disk and whom it keeps waiting, counted in its system calls: no load moves them (T1, W2)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SYNC = ("fsync", "fdatasync", "syncfs", "sync", "sync_file_range", "msync")
TRACED = ",".join([*SYNC, "flock", "close", "fcntl", "dup", "dup2", "dup3"])
CALL = re.compile(r"^(?:\d+ +)?(\w+)\((?:(\d+)<([^>]*)>)?(.*)$")

Trace = Callable[..., "Counts"]


class Counts:
    """The fsyncs of one command, and the locks it took."""

    def __init__(self, done: subprocess.CompletedProcess[str], lines: list[str]) -> None:
        self.returncode, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr
        self.synced: list[str] = []
        self.locked: list[str] = []
        self.synced_under_a_lock: list[str] = []
        exclusive: dict[str, str] = {}
        for line in lines:
            found = CALL.match(line)
            if found is None:
                continue
            call, descriptor, path, rest = found.groups()
            if call in SYNC:
                self.synced.append(path)
                if exclusive:
                    self.synced_under_a_lock.append(f"{path} under {exclusive}")
            elif (call == "flock" or "F_SETLK" in rest or "F_OFD_SETLK" in rest) and rest.endswith(" = 0"):
                self.locked.append(path)
                if "LOCK_EX" in rest or "F_WRLCK" in rest:
                    exclusive[descriptor] = path
                if "LOCK_UN" in rest or "F_UNLCK" in rest:
                    exclusive.pop(descriptor, None)
            elif call == "close":
                exclusive.pop(descriptor, None)


@pytest.fixture
def traced(tmp_path: Path) -> Trace:
    """`traced("claim", id)`: the command under strace, on a store that has been brought up."""
    if shutil.which("strace") is None:
        assert not os.environ.get("CI"), "CI needs strace"
        pytest.skip("no strace here")
    (tmp_path / "request.md").write_text("please")
    command = [sys.executable, "-m", "agent_lanes", "--store", str(tmp_path / "state")]

    def run(*words: str, stdin: str = "") -> Counts:
        log = tmp_path / "strace.log"
        done = subprocess.run(
            ["strace", "-f", "-y", "-qq", "-s", "0", "-e", f"trace={TRACED}", "-o", str(log), *command, *words],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=120,
        )
        if "ptrace" in done.stderr:
            pytest.skip(f"strace may not trace here: {done.stderr.splitlines()[0]}")
        return Counts(done, log.read_text().splitlines())

    subprocess.run(
        [*command, "submit", "--lane", "warm", "--prompt", "up"], cwd=tmp_path, check=True, capture_output=True
    )
    return run


def submitted(traced: Trace, lane: str = "default") -> str:
    return traced("submit", "--lane", lane, "--request-from", "request.md").stdout.strip()


def claimed(traced: Trace, id: str) -> str:
    return dict(line.split("=", 1) for line in traced("claim", id).stdout.splitlines())["claim_token"]


def synced(counts: Counts, code: int = 0) -> list[str]:
    """What a command synced, in order. It did what it should, and synced nothing while anybody could be waiting."""
    assert counts.returncode == code, counts.stderr
    assert counts.synced_under_a_lock == []
    return [kind_of(path.partition("/state/")[2]) for path in counts.synced]


def kind_of(path: str) -> str:
    """The path below the store, without ids and without names of chance."""
    top, *rest = path.split("/")
    if not rest:
        return top
    place = "task" if top == "tasks" else "keys" if top == "keys" else "staged"
    return "/".join([place, *rest[1:]])


def test_the_counter_of_this_test_sees_a_lock_and_an_fsync_under_it(traced: Trace, tmp_path: Path) -> None:
    """Making a store writes store.json under the exclusive gate: proof that the other tests can fail."""
    shutil.rmtree(tmp_path / "state")
    counts = traced("submit", "--lane", "default", "--prompt", "p")
    assert counts.returncode == 0
    assert counts.synced_under_a_lock != []
    assert str(tmp_path / "state/gate") in counts.locked


def test_submit_costs_three_fsyncs_and_one_more_for_a_request_on_stdin(traced: Trace) -> None:
    """All of them once everything has its name: then a journal is committed once, by the first of them."""
    counts = traced("submit", "--lane", "default", "--request-from", "request.md")
    assert synced(counts) == ["task/task.json", "task", "tasks"]
    counts = traced("submit", "--lane", "default", "--request-from", "-", stdin="please")
    assert synced(counts) == ["task/task.json", "task/request.md", "task", "tasks"]


def test_many_submits_cost_one_syncfs_and_keys_one_more_and_an_fsync(traced: Trace) -> None:
    """Contents and names of all of them (T4), wherever a syncfs can be trusted; a key is durable before its task."""
    sent = "".join(f'{{"lane": "l{at % 2}", "prompt": "p", "request": "please"}}\n' for at in range(20))
    assert synced(traced("submit", "--many", "-", stdin=sent)) == ["tmp"]
    words = ("submit", "--many", "-", "--idempotency-key", "k")
    assert synced(traced(*words, stdin=sent)) == ["tmp", "keys", "tmp"]
    assert synced(traced(*words, stdin=sent)) == []  # again: each says itself that it is durable


def test_claim_renew_event_and_release_cost_no_fsync(traced: Trace) -> None:
    """What they say is who works on a task now: after a power cut, nobody does."""
    id = submitted(traced)
    assert synced(traced("claim", "--lane", "default")) == []
    id = submitted(traced)
    token = claimed(traced, id)
    assert synced(traced("renew", id, "--claim-token", token)) == []
    assert synced(traced("event", id, "--message", "half-way")) == []
    assert synced(traced("release", id, "--claim-token", token)) == []
    assert synced(traced("claim", id)) == []


def test_respond_costs_two_fsyncs_the_answer_and_its_name(traced: Trace) -> None:
    id = submitted(traced)
    token = claimed(traced, id)
    assert synced(traced("respond", id, "--claim-token", token, "--body", "fine")) == ["task/response.json", "task"]
    assert synced(traced("respond", id, "--claim-token", token, "--body", "fine")) == ["task"]  # again: confirmed


def test_an_answer_to_a_task_whose_submit_did_not_live_to_sync_it_syncs_that_too(traced: Trace, tmp_path: Path) -> None:
    """Or a power cut could take the task, and with it an answer that was acknowledged."""
    for confirm in (["respond", "ID", "--body", "fine"], ["wait", "ID"]):
        id = submitted(traced)
        folder = tmp_path / "state/tasks" / id
        assert folder.stat().st_mode & 0o7777 == 0o700
        if confirm[0] == "wait":
            traced("respond", id, "--body", "fine")
        folder.chmod(0o1700)  # as the rename leaves it
        done = traced(*(id if word == "ID" else word for word in confirm))
        assert synced(done)[-4:] == ["task", "task/task.json", "task", "tasks"]
        assert folder.stat().st_mode & 0o7777 == 0o700


def test_a_failed_attempt_costs_two_fsyncs_and_every_claim_that_counts_it_one(traced: Trace) -> None:
    """A claim.json that was torn by a power cut would take the count with it."""
    id = submitted(traced)
    token = claimed(traced, id)
    failed = traced(
        "respond", id, "--claim-token", token, "--status", "failed", "--body", "no", "--retry-in", "0s", "--retry"
    )
    assert synced(failed) == ["staged", "task"]
    again = traced("claim", id)
    assert synced(again) == ["staged"]
    token = dict(line.split("=", 1) for line in again.stdout.splitlines())["claim_token"]
    assert synced(traced("renew", id, "--claim-token", token)) == ["staged"]
    assert synced(traced("release", id, "--claim-token", token)) == ["staged"]


def test_hold_and_resume_cost_two_fsyncs_since_a_person_must_be_able_to_rely_on_them(traced: Trace) -> None:
    id = submitted(traced)
    assert synced(traced("hold", id)) == ["staged", "task"]
    assert synced(traced("resume", id)) == ["staged", "task"]


def test_a_change_locks_its_task_the_gate_and_at_most_the_counter_of_its_lane(traced: Trace, tmp_path: Path) -> None:
    state = tmp_path / "state"
    counts = traced("submit", "--lane", "default", "--request-from", "request.md")
    assert set(counts.locked) == {str(state / "gate"), str(state / "ready/default/.sequence")}
    id = counts.stdout.strip()
    counts = traced("claim", id)
    assert set(counts.locked) == {str(state / "gate"), str(state / "tasks" / id)}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["status", "QUEUED"], 0),
        (["status", "--all"], 0),
        (["list"], 0),
        (["list", "--active-only"], 0),
        (["show", "QUEUED"], 0),
        (["where"], 0),
        (["wait", "--lane", "none", "--timeout", "0"], 0),
        (["wait", "QUEUED", "--timeout", "0"], 2),
        (["wait", "QUEUED", "--timeout", "0.3"], 2),
        (["status", "unknown"], 5),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else str(part),
)
def test_a_look_takes_no_lock_and_costs_no_fsync(traced: Trace, words: list[str], code: int) -> None:
    queued = submitted(traced)
    counts = traced(*(queued if word == "QUEUED" else word for word in words))
    assert counts.returncode == code, counts.stderr
    assert (counts.locked, counts.synced) == ([], [])


def test_a_wait_for_an_answer_that_is_durable_costs_no_fsync_and_locks_once_to_note_it(
    traced: Trace, tmp_path: Path
) -> None:
    id, state = submitted(traced), tmp_path / "state"
    assert traced("respond", id, "--body", "fine").returncode == 0
    folder = str(state / "tasks" / id)
    for locked in ([str(state / "gate"), folder], []):
        counts = traced("wait", id)
        assert counts.returncode == 0
        assert (counts.locked, counts.synced) == (locked, [])


def test_a_wait_makes_an_answer_durable_of_which_it_is_not_certain(traced: Trace, tmp_path: Path) -> None:
    id, state = submitted(traced), tmp_path / "state"
    assert traced("respond", id, "--body", "fine").returncode == 0
    folder = state / "tasks" / id
    (folder / "response.json").chmod(0o1600)  # as a killed respond leaves it
    assert traced("wait", id).synced == [str(folder / "response.json"), str(folder)]
    assert traced("wait", id).synced == []
    (state / "lock").chmod(0o700)  # as on a file system that keeps no such bits
    assert traced("wait", id).synced == [str(folder)]


def test_a_wait_for_work_that_is_there_locks_once_to_note_it_and_costs_no_fsync(traced: Trace, tmp_path: Path) -> None:
    id, state = submitted(traced), tmp_path / "state"
    for locked in ([str(state / "gate"), str(state / "tasks" / id)], []):
        counts = traced("wait", "--lane", "default", "--timeout", "0")
        assert (counts.locked, counts.synced) == (locked, [])


def test_a_wait_syncs_the_file_that_it_writes_and_every_folder_up_to_the_workspace(
    traced: Trace, tmp_path: Path
) -> None:
    id = traced("submit", "--lane", "default", "--prompt", "p", "--response-to", "out/deep/answer.md").stdout.strip()
    assert traced("respond", id, "--body", "fine").returncode == 0
    counts = traced("wait", id)
    assert counts.synced[0].startswith(str(tmp_path / "out/deep/.agent-lanes-"))
    assert counts.synced[1:] == [str(tmp_path / name) for name in ("out/deep", "out", "")][:-1] + [str(tmp_path)]


def test_export_syncs_the_file_and_its_folder(traced: Trace, tmp_path: Path) -> None:
    counts = traced("export", "backup.jsonl")
    assert counts.synced[0].startswith(str(tmp_path / ".agent-lanes-"))
    assert counts.synced[1] == str(tmp_path)


@pytest.mark.parametrize("words", [("init", "."), ("init-pool", ".")], ids=" ".join)
def test_a_scaffold_is_synced_before_it_has_its_name(traced: Trace, tmp_path: Path, words: tuple[str, ...]) -> None:
    counts = traced(*words)
    made = [path for name in ("handoff", ".agent-lanes-queue", "dispatchers") for path in tmp_path.glob(f"{name}/**/*")]
    born = {re.sub(r"/\.agent-lanes-[0-9a-f]{16}(?=/|$)", "/NEW", path) for path in counts.synced}
    places = {str(path.relative_to(tmp_path)).partition("/")[2] for path in made}
    assert places and {f"{tmp_path}/NEW/{place}" for place in places} <= born
    assert str(tmp_path) in counts.synced


def test_the_name_of_a_new_store_is_synced_and_those_above_it(traced: Trace, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "state")
    counts = traced("submit", "--lane", "default", "--prompt", "p")
    assert counts.synced[:2] == [str(tmp_path / "state"), str(tmp_path)]
    before_the_task = counts.synced[: counts.synced.index(str(tmp_path / "state/tasks"))]
    assert before_the_task.count(str(tmp_path / "state")) == 2  # its folders, then its store.json


def test_a_wait_for_work_locks_its_own_sign_and_nothing_else(traced: Trace, tmp_path: Path) -> None:
    submitted(traced)
    counts = traced("wait", "--lane", "none", "--timeout", "0.3")
    assert counts.returncode == 0 and counts.synced == []
    assert [path.rsplit("/", 1)[0] for path in counts.locked] == [str(tmp_path / "state" / "tmp")]
