"""Both backends under one clock, given the same steps: what one says, the other says."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from typing import Any

from contracts.stores import Clock, ClockedFileStore, claim, make, note, park, renew, respond
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent_lanes.backends import clock
from agent_lanes.backends.memory import MemoryStore
from agent_lanes.core import control, transitions
from agent_lanes.core.match import routes_for
from agent_lanes.core.task import COMPLETED, FAILED, Event, Response, Snapshot, Task
from agent_lanes.core.times import SECOND
from agent_lanes.errors import AgentLanesError
from agent_lanes.ports import Backend
from agent_lanes.services.queue import QueueService

LANES = ("default", "a/b")
VENDORS = (None, "claude", "codex")
TOKENS = ("t1", "t2")
CHEAP = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where an fsync costs nothing
lanes = st.sampled_from(LANES)
vendors = st.sampled_from(VENDORS)
tokens = st.sampled_from(TOKENS)
seconds = st.sampled_from([0.5, 10, 100])
soon = st.sampled_from([None, None, 5, 50])  # seconds from now, of the wall clock


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
    if isinstance(value, tuple):  # of an update: the task after the change, and the change
        return tuple(map(plain, value))
    return value


def outcome(do: Callable[[Backend], Any], backend: Backend) -> tuple[Any, Any]:
    """What comes out, or what is raised."""
    try:
        return None, plain(do(backend))
    except AgentLanesError as wrong:
        return type(wrong), wrong.message


class Machine(RuleBasedStateMachine):
    """Steps: every verb of the state machine, time, a reboot that may lose all hints, another process."""

    ids = Bundle("ids")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.mkdtemp(dir=CHEAP)
        self.clock, self.boots, self.count = Clock(), 0, 0
        self.memory = Memory(now=self.clock)
        self.real_moment = clock.moment
        clock.moment = lambda boot_id: self.clock.moment  # of what goes on behind the gate, too
        self.boot("boot-0")

    def boot(self, boot_id: str) -> None:
        os.environ["AGENT_LANES_BOOT_ID"] = boot_id
        self.clock.moment = self.clock.moment.replace(boot_id=boot_id, boottime=1_000_000)
        self.another_process()

    def teardown(self) -> None:
        clock.moment = self.real_moment
        os.environ.pop("AGENT_LANES_BOOT_ID", None)
        shutil.rmtree(self.folder, ignore_errors=True)

    def both(self, do: Callable[[Backend], Any]) -> Any:
        """Do it to both; the same comes out, or the same is raised."""
        wanted, found = outcome(do, self.memory), outcome(do, self.files)
        assert found == wanted
        return wanted[1] if wanted[0] is None else None

    def change(self, do: Callable[[Backend], Any]) -> Any:
        """The same, of a step that changes something."""
        return self.both(do)

    def new_id(self) -> str:
        self.count += 1
        return f"task-{self.count:04d}"

    def at(self, pause: float | None) -> int | None:
        """The instant after a pause."""
        return None if pause is None else self.clock.moment.wall + round(pause * SECOND)

    # --- steps -----------------------------------------------------------------------------------------------

    @rule(target=ids, lane=lanes, vendor=vendors, priority=st.sampled_from([5, 5, 1, 9]), delay=soon)
    def submit(self, lane: str, vendor: str | None, priority: int, delay: float | None) -> str:
        id, metadata = self.new_id(), {} if vendor is None else {"required_vendor": vendor}
        born = make(lane, id=id, metadata=metadata, priority=priority, not_before=self.at(delay))
        self.change(lambda backend: backend.create(lane, born))
        return id

    @rule(target=ids, lane=lanes, key=st.sampled_from(["k1", "k2"]))
    def submit_with_a_key(self, lane: str, key: str) -> str:
        """The second time it is the task of the first, whatever became of it."""
        known = {found.task.idempotency_key for found in self.memory.scan() if isinstance(found, Snapshot)}
        id = "of a task that is there" if key in known else self.new_id()
        task = self.change(lambda backend: backend.create(lane, make(lane, id=id, idempotency_key=key), None, key))
        return str(task.id) if task is not None else id

    @rule(
        lane=lanes, vendor=vendors, token=tokens, lease_seconds=seconds, request_id=st.sampled_from([None, "r1", "r2"])
    )
    def claim_next(
        self, lane: str, vendor: str | None, token: str, lease_seconds: float, request_id: str | None
    ) -> None:
        self.memory.next_token = self.files.next_token = token
        self.change(
            lambda backend: QueueService(backend).claim_next(
                lane, vendor=vendor, lease_seconds=lease_seconds, request_id=request_id
            )
        )

    @rule(id=ids, token=tokens, lease_seconds=seconds)
    def claim(self, id: str, token: str, lease_seconds: float) -> None:
        self.change(lambda backend: claim(backend, id, token, lease_seconds))

    @rule(id=ids, token=tokens, lease_seconds=seconds)
    def renew(self, id: str, token: str, lease_seconds: float) -> None:
        self.change(lambda backend: renew(backend, id, token, lease_seconds))

    @rule(id=ids, token=tokens, delay=soon)
    def release(self, id: str, token: str, delay: float | None) -> None:
        at = self.at(delay)
        self.change(
            lambda backend: backend.update(
                id, lambda before, now: transitions.release(before, token=token, reason="", now=now, not_before=at)
            )
        )

    @rule(id=ids, token=st.none() | tokens, status=st.sampled_from([COMPLETED, FAILED]), body=st.sampled_from("ab"))
    def respond(self, id: str, token: str | None, status: str, body: str) -> None:
        self.change(lambda backend: respond(backend, id, token, status, body))

    @rule(id=ids, token=tokens, pause=st.sampled_from([None, 0, 5]))
    def fail(self, id: str, token: str, pause: float | None) -> None:
        why = Response(task_id=id, reviewer="r", status=FAILED, body="why", created_at=0, metadata={})
        given = {"token": token, "token_sha256": "hash-" + token, "chance": 0.5, "retry_in_seconds": pause}
        self.change(
            lambda backend: backend.update(
                id,
                lambda before, now: control.fail(before, response=why, now=now, **given),  # type: ignore[arg-type]
            )
        )

    @rule(id=ids)
    def cancel(self, id: str) -> None:
        self.change(
            lambda backend: backend.update(id, lambda before, now: control.cancel(before, by="b", reason="r", now=now))
        )

    @rule(id=ids, pause=soon)
    def hold(self, id: str, pause: float | None) -> None:
        until = self.at(pause)
        self.change(
            lambda backend: backend.update(
                id, lambda before, now: control.hold(before, by="b", reason="r", until=until, now=now)
            )
        )

    @rule(id=ids)
    def resume(self, id: str) -> None:
        self.change(lambda backend: backend.update(id, lambda before, now: control.resume(before, by="b", now=now)))

    @rule(id=ids)
    def note(self, id: str) -> None:
        self.change(lambda backend: note(backend, id, "m"))

    @rule(id=ids)
    def park(self, id: str) -> None:
        self.change(lambda backend: park(backend, id))

    @rule(passed=st.sampled_from([0.5, 9.5, 90]))
    def time(self, passed: float) -> None:
        self.clock.advance(passed)

    @rule(step=st.sampled_from([-(10**12), 10**12]))
    def set_the_wall_clock(self, step: int) -> None:
        self.clock.moment = self.clock.moment.replace(wall=max(0, self.clock.moment.wall + step))

    @rule(lost=st.booleans())
    def reboot(self, lost: bool) -> None:
        self.boots += 1
        if lost:
            for hints in ("ready", "timers", "delayed", "blocked", "held"):
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
            self.compare_history(f"task-{number:04d}")

    def compare_history(self, id: str) -> None:
        assert self.history(self.files, id) == self.history(self.memory, id)

    def history(self, backend: Backend, id: str) -> list[Event]:
        return list(backend.events(id))
