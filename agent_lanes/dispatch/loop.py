"""The dispatcher's loop: claims a task for every free place, and leaves when it is told to.

    first SIGTERM, SIGINT     drain: nothing new is claimed, what runs is finished
    second, or SIGHUP         the agents are stopped, their tasks released

Claims are made by the main thread alone, and a signal ends its sleep by an exception that is raised nowhere else: so
none falls between a claim and the thread that works on it. The threads that work get no signals at all, or the main
one would sleep on.
"""

from __future__ import annotations

import signal
import threading
import time
from functools import partial

from agent_lanes.core.names import ANY_VENDOR, counted
from agent_lanes.core.presence import DISPATCHER
from agent_lanes.core.times import SECOND
from agent_lanes.dispatch.attempt import Attempt
from agent_lanes.dispatch.breaker import Breaker
from agent_lanes.dispatch.ceilings import Ceilings
from agent_lanes.dispatch.reply import ANSWERED, LOST_TASK, STOPPED, Done
from agent_lanes.dispatch.runner import clear_away
from agent_lanes.errors import AgentLanesError, BadUsage, Refused
from agent_lanes.services import presence, waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from agent_lanes.core.task import Snapshot
    from agent_lanes.dispatch.settings import Settings
    from agent_lanes.dispatch.vendor import Vendor
    from agent_lanes.services.queue import QueueService

DRAINING, STOPPING = (signal.SIGTERM, signal.SIGINT), (signal.SIGHUP,)
HELD_BACK = {*DRAINING, *STOPPING}
NOTHING_CAME = 2
TICK_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60
LONGEST_OWN_PAUSE_SECONDS = 300  # where the fault is ours: nobody logged in, no room


class Woken(Exception):
    """A signal came while the main thread slept."""


class Loop:
    """One dispatcher."""

    def __init__(
        self,
        queue: QueueService,
        settings: Settings,
        vendor: Vendor,
        *,
        say: Callable[[str], None],
        tick: Callable[[str], None] | None = None,
        reread: Callable[[], None] = lambda: None,
    ) -> None:
        """`say` is told of every step, `tick` every second how it stands, for who watches; `reread`: see Ceilings."""
        self._queue, self._settings, self._vendor, self._say = queue, settings, vendor, say
        self._tick = tick
        self._breaker, self._ceilings = Breaker(queue, settings, say), Ceilings(queue, say, reread)
        self._leaving, self._stopping = threading.Event(), threading.Event()
        self._signals = 0
        self._last_signal = 0
        self._asleep = False
        self._taken: Snapshot | None = None
        self._places = threading.Semaphore(settings.concurrency)
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._claims_failed = 0
        self._in_a_row = 0  # failures
        self._pause_until = 0.0  # monotonic
        self.counts: dict[str, int] = {}

    def run(self) -> int:
        """Work until there is an end; the exit code."""
        before = {number: signal.getsignal(number) for number in HELD_BACK}
        for number in HELD_BACK:
            if before[number] != signal.SIG_IGN:  # nohup stays nohup
                signal.signal(number, self._told)
        try:
            for mark in clear_away():
                self._say(f"ended what was left running of {mark}")
            code = self._work()
            for thread in self._threads:
                while thread.is_alive():
                    thread.join(TICK_SECONDS)
                    self._show()
            return 128 + self._last_signal if self._stopping.is_set() else code
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    # --- signals ---------------------------------------------------------------------------------------------

    def _told(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        self._last_signal = number
        if self._signals > 1 or number in STOPPING:
            self._stopping.set()
        self._leaving.set()
        if self._asleep:
            self._asleep = False  # once is enough
            raise Woken

    def _sleep(self, sleep: Callable[[], object]) -> None:
        """Do what blocks until it is over or a signal comes. Nothing in it but `_claim` may change anything."""
        try:
            self._asleep = True
            if not self._leaving.is_set():
                sleep()
            self._asleep = False
        except Woken:
            pass
        except BaseException:
            self._asleep = False
            raise

    # --- claiming --------------------------------------------------------------------------------------------

    def _work(self) -> int:
        settings = self._settings
        whose = "any vendor" if settings.takes == ANY_VENDOR else f"{settings.takes} or anybody"
        where = self._queue.backend.address
        self._say(f"{settings.owner} waits on lane {settings.lane} for tasks for {whose} ({where})")
        self._here = presence.attending(
            self._queue.backend, settings.lane, vendor=settings.takes, owner=settings.owner, kind=DISPATCHER
        )
        with self._here:  # also while an agent works: whoever submits then need not start another dispatcher
            return self._rounds()

    def _rounds(self) -> int:
        settings = self._settings
        while not self._leaving.is_set():
            try:
                self._sleep(self._wait_for_a_place)
                self._pause()  # after the wait: what ran meanwhile may have failed
                came = self._wait_and_claim()
            except Woken:  # between two sleeps
                continue
            if came:
                self._begin()
            elif came is False and settings.once and not self._leaving.is_set():
                return NOTHING_CAME
            if settings.once and came is not None:
                break
        if self._leaving.is_set():
            running = sum(thread.is_alive() for thread in self._threads)
            how = (
                "stopping the agents"
                if self._stopping.is_set()
                else f"finishing {counted(running, 'task')}; once more: stop"
            )
            self._say("told to leave" + (f", {how}" if running else ""))
        return 0

    def _wait_for_a_place(self) -> None:
        while not self._places.acquire(timeout=TICK_SECONDS):
            self._show()
        self._places.release()

    def _show(self) -> None:
        if self._tick is not None:
            running = sum(thread.is_alive() for thread in self._threads)
            done = [f"{count} {kind}" for kind, count in self.counts.items()]
            self._tick(" · ".join([f"lane {self._settings.lane}", f"{running} running", *done]))

    def _wait_and_claim(self) -> bool | None:
        """Whether a task was taken; None where the store could not say. Raises BadUsage, Refused."""
        self._taken = None
        try:
            self._sleep(
                lambda: waiting.for_work(
                    self._queue.backend,
                    self._settings.lane,
                    self._claim,
                    timeout_seconds=self._settings.wait_seconds,
                    attend=lambda: presence.Lasting(self._here),
                    heartbeat_seconds=0 if self._tick is None else TICK_SECONDS,
                    beat=self._show,
                )
            )
            self._claims_failed = 0
        except (BadUsage, Refused):
            raise
        except AgentLanesError as wrong:
            seconds = min(2.0**self._claims_failed, LONGEST_PAUSE_SECONDS)
            self._claims_failed += 1
            self._say(f"cannot claim, again in {seconds:g} s: {wrong.message}")
            self._sleep(partial(time.sleep, seconds))
            return None
        return self._taken is not None

    def _claim(self) -> Snapshot | None:
        """One look for work, whose claim no signal parts from us: what comes meanwhile is noted, and acted on after."""
        settings = self._settings
        self._asleep = False
        try:
            self._taken = self._queue.claim_next(
                settings.lane, vendor=settings.takes, owner=settings.owner, lease_seconds=settings.lease_seconds
            )
        finally:
            self._asleep = True
        if self._leaving.is_set():
            raise Woken
        return self._taken

    def _pause(self) -> None:
        """Agents that fail in a row must not use up a whole lane."""
        while (left := self._pause_until - time.monotonic()) > 0 and not self._leaving.is_set():
            self._sleep(partial(time.sleep, left))

    # --- working ---------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Give what was taken to a thread of its own, which gets no signals."""
        taken = self._taken
        assert taken is not None
        self._places.acquire()
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._perform, args=(taken,), name=f"agent-lanes {taken.id}")
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
        try:
            thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._threads.append(thread)

    def _perform(self, taken: Snapshot) -> None:
        try:
            attempt = Attempt(
                self._queue,
                self._settings,
                self._vendor,
                taken,
                breaker=self._breaker,
                ceilings=self._ceilings,
                say=self._say,
                leaving=self._leaving,
                stopping=self._stopping,
            )
            self._learn(attempt.perform())
            self._ceilings.after(taken.task)
        except Exception as wrong:  # a defect of ours costs this attempt, not the others
            self._say(f"{taken.id[-12:]}: a defect of agent-lanes: {type(wrong).__name__}: {wrong}")
            self._learn(Done(how=LOST_TASK, why=str(wrong), ours=True))
        finally:
            self._places.release()

    def _learn(self, done: Done) -> None:
        """Count it, and slow down where things go wrong."""
        with self._lock:
            self.counts[done.how] = self.counts.get(done.how, 0) + 1
            if done.how == ANSWERED:
                self._in_a_row = 0
            if done.how in (ANSWERED, STOPPED) or (done.how == LOST_TASK and not done.ours):
                return
            self._in_a_row += 1
            seconds = pause_seconds(self._in_a_row, done)
            if done.reset_at is not None:
                seconds = (done.reset_at - self._queue.backend.now().wall) / SECOND
            if seconds > 0 and not done.held and not self._settings.once:
                self._pause_until = max(self._pause_until, time.monotonic() + seconds)
                self._say(f"{self._in_a_row} failures in a row: going on in {seconds:.0f} s")


def pause_seconds(in_a_row: int, done: Done) -> float:
    """How long to pause after so many failures in a row: none after the first of an agent, then twice as long."""
    if done.ours:
        return min(2.0**in_a_row, LONGEST_OWN_PAUSE_SECONDS)
    seconds = 0.0 if in_a_row < 2 else 2.0 ** (in_a_row - 1)
    return min(seconds, LONGEST_PAUSE_SECONDS)
