"""One task, from its claim to its answer.

    place      the folder to work in                        worktree
    run.lock   nobody else takes the task while its agent runs
    run        the agent, under its guard; the claim kept alive and looked at every second beside it
    outcome    an answer -> respond; a failure -> a failed attempt; a limit, no login, our own fault -> release

Whatever goes wrong ends this attempt, never the dispatcher.
"""

from __future__ import annotations

import os

from agent_lanes.core import ledger
from agent_lanes.dispatch import guard, outcome, strays, worktree
from agent_lanes.dispatch.reply import RELEASED, STOPPED, Done, Reply
from agent_lanes.dispatch.runner import ANSWER, GRACE_SECONDS, LOST, Ended, Holding, Run
from agent_lanes.errors import AgentLanesError, BadData, Busy, NotFound, Refused, RequestChanged
from agent_lanes.services.briefing import agent_input
from agent_lanes.services.keeping import Keeping, Standing

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from agent_lanes.core.task import Snapshot
    from agent_lanes.dispatch.breaker import Breaker
    from agent_lanes.dispatch.ceilings import Ceilings
    from agent_lanes.dispatch.outcome import Outcome
    from agent_lanes.dispatch.settings import Settings
    from agent_lanes.dispatch.vendor import Vendor
    from agent_lanes.ports import RunLock
    from agent_lanes.services.queue import QueueService

LOOK_SECONDS = 0.5
LOCK_SLACK_SECONDS = 60  # the guard needs some of it to stop an agent that takes too long
TOLD_TOO_SECONDS = 0.5  # who stops a whole service may signal the agent just before the dispatcher
LONGEST_TAIL = 4000
BY_SIGNAL = (-15, -2, -1, 143, 130, 129)
OUTCOMES = {
    outcome.ANSWER: ledger.ANSWERED,
    outcome.FAILED: ledger.FAILED,
    outcome.USAGE_LIMIT: ledger.USAGE_LIMIT,
    outcome.NOT_LOGGED_IN: ledger.NOT_LOGGED_IN,
    outcome.INCOMPLETE: ledger.INCOMPLETE,
    outcome.TIMEOUT: ledger.TIMEOUT,
}
OUR_TROUBLE = {
    LOST: "the guard of its agent was killed",
    guard.NO_ROOM: "there is no room for what its agent says",
}
CUT_SHORT = {  # the reasons of the guard; whatever else it says, the agent never ran
    guard.TOO_LONG: ledger.TIMEOUT,
    guard.TOO_MUCH: ledger.TOO_MUCH,
    **dict.fromkeys(OUR_TROUBLE, ledger.TROUBLE),
}
TOLD = ("model_used", "effort_used", "tokens_in", "tokens_out", "cost_usd", "session_id")


class Attempt:
    """The work on one claimed task."""

    def __init__(
        self,
        queue: QueueService,
        settings: Settings,
        vendor: Vendor,
        taken: Snapshot,
        *,
        breaker: Breaker,
        ceilings: Ceilings,
        say: Callable[[str], None],
        leaving: threading.Event,
        stopping: threading.Event,
    ) -> None:
        assert taken.claim is not None
        self._queue, self._settings, self._vendor = queue, settings, vendor
        self._task, self._token, self._epoch = taken.task, taken.claim.token, taken.claim.epoch
        self._told, self._leaving, self._stopping = say, leaving, stopping
        self._lease_seconds = taken.claim.lease.seconds
        self._lost: Standing | None = None
        self._breaker, self._ceilings = breaker, ceilings
        self._reply = Reply(queue, settings, taken, say=self._say, hurry=stopping)

    def _say(self, line: str) -> None:
        self._told(f"{self._task.id[-12:]}: {line}")

    def perform(self) -> Done:
        """Do it; never raises on account of the task."""
        self._say(f"claimed {self._task.id} from lane {self._task.lane}")
        self._reply.note("dispatcher_started", f"{self._settings.owner} took the task", lane=self._task.lane)
        try:
            if self._stopping.is_set():
                return self._reply.release("its dispatcher was stopped", STOPPED)
            return self._too_dear() or self._in_its_place()
        except (RequestChanged, worktree.Unfit, BadData) as wrong:
            return self._reply.failed(wrong.message)
        except (Refused, NotFound) as wrong:
            return self._reply.gone(wrong.message)
        except AgentLanesError as wrong:
            return self._reply.release(f"its dispatcher could not go on: {wrong.message}", RELEASED, ours=True)
        except OSError as wrong:
            return self._reply.release(
                f"its dispatcher could not go on: {wrong.strerror or wrong}", RELEASED, ours=True
            )

    def _too_dear(self) -> Done | None:
        """Give the task back where it, its lane or the day may cost nothing more; what is so is on hold then."""
        why = self._ceilings.of_the_day(self._task.lane)
        if why is not None:
            return self._reply.release(why, STOPPED)
        why = self._ceilings.of_the_task(self._task)
        if why is None:
            return None
        done = self._reply.release(why, STOPPED)
        self._ceilings.hold_task(self._task, why)
        return done

    # --- the run ---------------------------------------------------------------------------------------------

    def _in_its_place(self) -> Done:
        place = worktree.place_for(self._task)
        snapshot = self._queue.read(self._task.id)
        given = agent_input(self._queue, snapshot, folder=place.folder if place.base else "", branch=place.branch)
        mark = f"{self._task.id}/{self._epoch}/{self._queue.backend.new_token()[:12]}"
        lock = self._lock(mark)
        holding = Holding(
            store=self._queue.backend.address,
            id=self._task.id,
            token=self._token,
            lock=lock.descriptor,
            lock_path=lock.path,
        )
        try:
            with Run(mark) as run:
                ended = self._run(run, place.folder, self._vendor.guarded(given.encode("utf-8", "replace")), holding)
                self._reply.details.update(worktree.changes(place))
                done = self._concluded(run, ended)
                worktree.take_away_unchanged(place)
                run.answered()
            return done
        finally:
            lock.end()

    def _lock(self, mark: str) -> RunLock:
        """The lock of the run. An agent that outlived the time it was allowed is ended first. Raises Busy."""
        backend, seconds = self._queue.backend, self._settings.limits.run_seconds + LOCK_SLACK_SECONDS
        try:
            return backend.begin_run(self._task.id, self._token, mark=mark, limit_seconds=seconds)
        except Busy:
            stale = backend.running(self._task.id)
            if stale is None or stale.epoch >= self._epoch:
                raise
            self._say(f"the agent of an earlier claim still runs (process {stale.process}): ending it")
            strays.end(lambda: strays.marked(stale.mark), GRACE_SECONDS)
        return backend.begin_run(self._task.id, self._token, mark=mark, limit_seconds=seconds)

    def _run(self, run: Run, folder: str, prompt: bytes, holding: Holding) -> Ended:
        """The agent, from its start to its end; the claim is kept alive meanwhile, and its loss stops the agent."""
        wanted = self._task.metadata
        invocation = self._vendor.command(
            folder=folder,
            model_class=_text(wanted.get("model_class")),
            effort=_text(wanted.get("effort")),
            max_cost_usd=self._ceilings.left(self._task),
            answer_path=run.answer_path,
        )
        for warning in () if self._settings.command else invocation.warnings:  # a program of the user's reads the text
            self._reply.note("note", warning)
            self._say(warning)
        self._reply.details.update({"model_used": invocation.model or None, "effort_used": invocation.effort or None})
        self._reply.note("headless_started", f"{self._settings.called} starts in {folder}", program=invocation.argv[0])
        self._say(f"{self._settings.called} at work in {folder}")
        request_path = self._queue.backend.request_location(self._task) or ""
        ours = {"AGENT_LANES_TASK_ID": self._task.id, "AGENT_LANES_REQUEST_PATH": request_path}
        run.start(
            invocation.argv,
            environment={**os.environ, **invocation.environment, **ours},
            folder=folder,
            prompt=prompt,
            holding=holding,
            limits=self._settings.limits,
            retries=self._vendor.retries,
        )
        return self._beside(run)

    def _beside(self, run: Run) -> Ended:
        settings, troubled = self._settings, ""
        given = self._lease_seconds / 3  # the lane may have cut the lease
        keeping = Keeping(
            self._queue.backend,
            self._task.id,
            self._token,
            lease_seconds=settings.lease_seconds,
            renew_seconds=given if settings.renew_seconds is None else min(settings.renew_seconds, given),
        )
        while (ended := run.wait(LOOK_SECONDS)) is None:
            if self._stopping.is_set():
                run.stop()
            if self._lost is not None:
                continue
            standing = keeping.turn()
            if not standing.held:
                self._lost = standing
                self._say(f"the task is no longer ours, stopping the agent: {standing.why}")
                run.stop()
            elif standing.why and standing.why != troubled:
                self._say(f"the lease could not be looked after, trying again: {standing.why}")
            troubled = standing.why
        return ended

    # --- what came of it -------------------------------------------------------------------------------------

    def _concluded(self, run: Run, ended: Ended) -> Done:
        """Enter it in the ledger, whatever it came to: the money is spent. Then say what it came to."""
        self._reply.details.update({"exit_code": ended.code, "seconds": ended.seconds})
        if ended.left_running:
            self._say(f"{ended.left_running} processes of it could not be ended")
        cut_short = self._cut_short_as(ended)
        stdout = b"" if cut_short == ledger.TOO_MUCH else run.read(guard.STDOUT) or b""
        stderr = run.read(guard.STDERR) or b""
        found, complaint = self._found(run, ended, stdout, stderr), _readable(stderr)
        kind = cut_short or OUTCOMES[found.kind]
        self._reply.enter(kind)
        why = f"{self._settings.called} failed: {found.error or complaint}"
        self._reply.held = self._breaker.learn(kind, why, found.reset_at)
        if cut_short is not None:
            return self._cut_short(cut_short, ended, complaint)
        return self._settled(found, stdout, complaint)

    def _cut_short_as(self, ended: Ended) -> str | None:
        """How a run ended that did not come to an end of its own; None for one that did."""
        if self._lost is not None:
            return ledger.LOST
        if self._stopping.is_set() or (ended.code in BY_SIGNAL and self._leaving.wait(TOLD_TOO_SECONDS)):
            return ledger.STOPPED
        if ended.reason in (guard.EXITED, guard.GAVE_UP) and ended.code is not None:
            return None
        return CUT_SHORT.get(ended.reason, ledger.CANNOT_START)

    def _found(self, run: Run, ended: Ended, stdout: bytes, stderr: bytes) -> Outcome:
        """What it printed tells, also of a run that was stopped; the figures are noted."""
        code = 0 if ended.code is None else ended.code
        found = outcome.read(
            self._vendor, code, stdout, stderr, run.read(ANSWER), now=self._now(), gave_up=ended.reason == guard.GAVE_UP
        )
        self._reply.details.update({name: value for name in TOLD if (value := getattr(found, name)) is not None})
        return found

    def _cut_short(self, kind: str, ended: Ended, complaint: str) -> Done:
        called, limits = self._settings.called, self._settings.limits
        if self._lost is not None:
            return self._reply.gone(self._lost.why)
        if kind == ledger.STOPPED:
            return self._reply.release("its dispatcher was stopped", STOPPED)
        if kind == ledger.TIMEOUT:
            line = f"{called} failed: it took longer than {limits.run_seconds:g} s and was stopped"
            return self._reply.failed(line, complaint)
        if kind == ledger.TOO_MUCH:
            line = f"{called} failed: it printed more than {limits.output_bytes} bytes and was stopped"
            return self._reply.failed(line, complaint)
        why = OUR_TROUBLE.get(ended.reason, "its agent could not be started")
        return self._reply.release(f"{why}: {complaint}" if complaint else why, RELEASED, ours=True)

    def _settled(self, found: Outcome, stdout: bytes, complaint: str) -> Done:
        called = self._settings.called
        if found.ok:
            return self._reply.answered(found.answer, stdout)
        line = f"{called} failed: {found.error}"
        if found.kind == outcome.USAGE_LIMIT:
            return self._reply.release(line, RELEASED, ours=True, reset_at=found.reset_at)
        if found.kind == outcome.NOT_LOGGED_IN:
            hint = f" ({self._vendor.login})" if self._vendor.login else ""
            return self._reply.release(line + hint, RELEASED, ours=True)
        return self._reply.failed(line, complaint, final=not found.retryable)

    def _now(self) -> int:
        return self._queue.backend.now().wall


def _readable(stderr: bytes) -> str:
    """The end of what it complained of, without colours and control characters."""
    plain = outcome.COLOURS.sub("", stderr.decode("utf-8", "replace"))
    return "".join(char for char in plain if char.isprintable() or char in "\n\t")[-LONGEST_TAIL:].strip()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
