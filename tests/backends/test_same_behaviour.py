"""Any sequence of steps leaves the file backend saying what the memory backend says.

Steps: submit (also later, for a while, after another, with few attempts), claim (the next, or by id), renew, release,
respond, fail an attempt, note, park, hold (also until a time), resume, cancel, time, a wall clock that is set forwards
and back, a reboot that may lose all hints; and a process that is killed at some call of a change, which is then made or
not made.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from typing import Any

from contracts.stores import Clock, ClockedFileStore, claim, make, note, park, release, renew, respond
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent_lanes.backends.memory import MemoryStore
from agent_lanes.core import control
from agent_lanes.core.match import routes_for
from agent_lanes.core.task import COMPLETED, FAILED, Response, Snapshot, Task
from agent_lanes.core.times import SECOND, Moment
from agent_lanes.core.transitions import Change
from agent_lanes.errors import AgentLanesError
from agent_lanes.ports import Backend
from agent_lanes.services.queue import QueueService
from backends.files.sweep import after_death

LANES = ("default", "a/b")
VENDORS = (None, "claude", "codex")
TOKENS = ("t1", "t2")
CHEAP = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where an fsync costs nothing
lanes = st.sampled_from(LANES)
vendors = st.sampled_from(VENDORS)
tokens = st.sampled_from(TOKENS)
seconds = st.sampled_from([0.5, 10, 100])


class NamedTokens:
    """Tokens that the test knows: a claim by claim_next is proved by `t1` or `t2`."""

    next_token = TOKENS[0]

    def new_token(self) -> str:
        return self.next_token


class Memory(NamedTokens, MemoryStore):
    """The reference."""


class Files(NamedTokens, ClockedFileStore):
    """The store on disk."""


def plain(value: Any) -> Any:
    """The value without places in a lane: only their order is promised, and that is what candidates show."""
    if isinstance(value, Task):
        return value.replace(sequence=0)
    if isinstance(value, Snapshot):
        return value.replace(task=plain(value.task))
    if isinstance(value, tuple):
        return tuple(plain(one) for one in value)
    return value


KILLED: dict[str, Callable[[Backend, str, Moment], object]] = {
    "claim": lambda backend, task_id, now: claim(backend, task_id, "t1", 10),
    "renew": lambda backend, task_id, now: renew(backend, task_id, "t1", 100),
    "release": lambda backend, task_id, now: release(backend, task_id, "t1"),
    "respond": lambda backend, task_id, now: respond(backend, task_id, "t1", COMPLETED, "a"),
    "hold": lambda backend, task_id, now: backend.update(
        task_id, lambda task, _: control.hold(task, by="w", reason="r", until=now.wall + 5 * SECOND, now=now)
    ),
    "resume": lambda backend, task_id, now: backend.update(
        task_id, lambda task, _: control.resume(task, by="w", now=now)
    ),
    "cancel": lambda backend, task_id, now: backend.update(
        task_id, lambda task, _: control.cancel(task, by="w", reason="r", now=now)
    ),
}


def _if_allowed(do: Callable[[Backend], object], store: Backend) -> None:
    try:
        do(store)
    except AgentLanesError:
        pass


class Machine(RuleBasedStateMachine):
    """Both backends, under one clock, given the same steps."""

    ids = Bundle("ids")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.mkdtemp(
            dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        )  # fsyncs cost nothing
        self.clock, self.boots, self.count, self.killed = Clock(), 0, 0, set[str]()
        self.memory = Memory(now=self.clock)
        self.boot("boot-0")

    def boot(self, boot_id: str) -> None:
        os.environ["AGENT_LANES_BOOT_ID"] = boot_id
        self.clock.moment = self.clock.moment.replace(boot_id=boot_id, boottime=1_000_000)
        self.files = Files(self.folder + "/state", self.clock)

    def teardown(self) -> None:
        os.environ.pop("AGENT_LANES_BOOT_ID", None)
        shutil.rmtree(self.folder, ignore_errors=True)

    def both(self, do: Callable[[Backend], Any]) -> Any:
        """Do it to both; the same comes out, or the same is raised."""
        outcomes = []
        for backend in (self.memory, self.files):
            try:
                outcomes.append((None, plain(do(backend))))
            except AgentLanesError as wrong:
                outcomes.append((type(wrong), wrong.message))
        assert outcomes[0] == outcomes[1]
        return outcomes[0][1] if outcomes[0][0] is None else None

    # --- steps -----------------------------------------------------------------------------------------------

    @rule(target=ids, lane=lanes, vendor=vendors)
    def submit(self, lane: str, vendor: str | None) -> str:
        self.count += 1
        id = f"task-{self.count:04d}"
        metadata = {} if vendor is None else {"required_vendor": vendor}
        self.both(lambda backend: backend.create(lane, make(lane, id=id, metadata=metadata)))
        return id

    @rule(
        target=ids,
        lane=lanes,
        priority=st.sampled_from([0, 5]),
        later=st.sampled_from([None, 5, 50]),
        expires=st.sampled_from([None, 20, 200]),
        attempts=st.sampled_from([None, 1, 2]),
    )
    def submit_with_terms(
        self, lane: str, priority: int, later: int | None, expires: int | None, attempts: int | None
    ) -> str:
        self.count += 1
        id, now = f"task-{self.count:04d}", self.clock.moment.wall
        fields = {
            "priority": priority,
            "not_before": later and now + later * SECOND,
            "expires_at": expires and now + expires * SECOND,
            "max_attempts": attempts,
        }
        self.both(lambda backend: backend.create(lane, make(lane, id=id, **fields)))
        return id

    @rule(id=ids, token=tokens, pause=st.sampled_from([0, 5, 50]))
    def fail_an_attempt(self, id: str, token: str, pause: float) -> None:
        def fail(before: Snapshot, now: Moment) -> Change:
            answer = Response(task_id=id, reviewer="w", status=FAILED, body="no", created_at=now.wall, metadata={})
            return control.fail(
                before, token=token, response=answer, token_sha256=token, now=now, chance=0.5, retry_in_seconds=pause
            )

        self.both(lambda backend: backend.update(id, fail))

    @rule(id=ids, seconds=st.sampled_from([None, 5, 50]))
    def hold(self, id: str, seconds: int | None) -> None:
        until = seconds and self.clock.moment.wall + seconds * SECOND
        self.both(
            lambda backend: backend.update(
                id, lambda task, now: control.hold(task, by="w", reason="r", until=until, now=now)
            )
        )

    @rule(id=ids)
    def resume(self, id: str) -> None:
        self.both(lambda backend: backend.update(id, lambda task, now: control.resume(task, by="w", now=now)))

    @rule(id=ids)
    def cancel(self, id: str) -> None:
        self.both(
            lambda backend: backend.update(id, lambda task, now: control.cancel(task, by="w", reason="r", now=now))
        )

    @rule(id=ids, change=st.sampled_from(sorted(KILLED)), number=st.integers(0, 60))
    def a_change_by_a_process_that_is_killed(self, id: str, change: str, number: int) -> None:
        """It is made whole or not at all; only its line in the history may be lost."""
        now = self.clock.moment
        before = self.files.read(id)

        def do(backend: Backend) -> object:
            return KILLED[change](backend, id, now)

        after_death(self.files, lambda store: _if_allowed(do, store), number)  # or it lived to its end
        if self.files.read(id) != before:
            do(self.memory)
        self.killed.add(id)

    @rule(target=ids, lane=lanes, key=st.sampled_from(["k1", "k2"]))
    def submit_with_a_key(self, lane: str, key: str) -> str:
        """The second time it is the task of the first, whatever became of it."""
        known = {found.task.idempotency_key for found in self.memory.scan() if isinstance(found, Snapshot)}
        self.count += key not in known
        born = make(lane, id=f"task-{self.count:04d}", idempotency_key=key)
        task = self.both(lambda backend: backend.create(lane, born, None, key))
        return str(task.id)

    @rule(
        lane=lanes, vendor=vendors, token=tokens, lease_seconds=seconds, request_id=st.sampled_from([None, "r1", "r2"])
    )
    def claim_next(
        self, lane: str, vendor: str | None, token: str, lease_seconds: float, request_id: str | None
    ) -> None:
        self.memory.next_token = self.files.next_token = token
        self.both(
            lambda backend: QueueService(backend).claim_next(
                lane, vendor=vendor, lease_seconds=lease_seconds, request_id=request_id
            )
        )

    @rule(id=ids, token=tokens, lease_seconds=seconds)
    def claim(self, id: str, token: str, lease_seconds: float) -> None:
        self.both(lambda backend: claim(backend, id, token, lease_seconds))

    @rule(id=ids, token=tokens, lease_seconds=seconds)
    def renew(self, id: str, token: str, lease_seconds: float) -> None:
        self.both(lambda backend: renew(backend, id, token, lease_seconds))

    @rule(id=ids, token=tokens)
    def release(self, id: str, token: str) -> None:
        self.both(lambda backend: release(backend, id, token))

    @rule(id=ids, token=st.none() | tokens, status=st.sampled_from([COMPLETED, FAILED]), body=st.sampled_from("ab"))
    def respond(self, id: str, token: str | None, status: str, body: str) -> None:
        self.both(lambda backend: respond(backend, id, token, status, body))

    @rule(id=ids)
    def note(self, id: str) -> None:
        self.both(lambda backend: note(backend, id, "m"))

    @rule(id=ids)
    def park(self, id: str) -> None:
        self.both(lambda backend: park(backend, id))

    @rule(passed=st.sampled_from([0.5, 9.5, 90]))
    def time(self, passed: float) -> None:
        self.clock.advance(passed)

    @rule(step=st.sampled_from([-(10**12), -30 * SECOND, 30 * SECOND, 10**12]))
    def set_the_wall_clock(self, step: int) -> None:
        self.clock.moment = self.clock.moment.replace(wall=max(0, self.clock.moment.wall + step))

    @rule(lost=st.booleans())
    def reboot(self, lost: bool) -> None:
        self.boots += 1
        if lost:
            for hints in ("ready", "timers", "held"):
                shutil.rmtree(f"{self.folder}/state/{hints}", ignore_errors=True)
        self.boot(f"boot-{self.boots}")

    @rule()
    def another_process(self) -> None:
        self.files = Files(self.folder + "/state", self.clock)

    # --- what holds after every step -------------------------------------------------------------------------

    @invariant()
    def every_task_stands_the_same(self) -> None:
        for active_only in (False, True):
            found = [plain(one) for one in self.files.scan(active_only=active_only)]
            assert found == [plain(one) for one in self.memory.scan(active_only=active_only)]

    @invariant()
    def the_next_task_is_the_same(self) -> None:
        for lane in LANES:
            for vendor in VENDORS:
                self.both(
                    lambda backend, lane=lane, vendor=vendor: QueueService(backend).peek_next(lane, vendor=vendor)
                )

    @invariant()
    def hints_are_a_superset_and_never_late(self) -> None:
        for lane in LANES:
            for vendor in VENDORS:
                truth = list(self.memory.candidates(lane, routes_for(vendor)))
                hinted = [id for id in self.files.candidates(lane, routes_for(vendor)) if id in truth]
                assert hinted == truth
            due, hint = self.memory.next_due(lane), self.files.next_due(lane)
            assert due is None or (hint is not None and hint <= due)

    @precondition(lambda self: self.count)
    @invariant()
    def the_history_is_the_same(self) -> None:
        for number in range(1, self.count + 1):
            id = f"task-{number:04d}"
            if id in self.killed:
                continue  # whoever died may not have come to its line
            assert list(self.files.events(id)) == list(self.memory.events(id))


class TestSameBehaviour(Machine.TestCase):  # type: ignore[misc, name-defined]
    """The machine as pytest finds it."""

    settings = settings(max_examples=25, stateful_step_count=25)
