"""What a dispatcher tells the store about a task: an answer, a failed attempt, a release; each with a line of log.

Nothing here raises on account of the store: what it refuses ends the attempt, what it cannot take is tried for a
minute and then kept in a file.
"""

from __future__ import annotations

from agent_lanes.core import ledger
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import COMPLETED, FAILED, VERDICTS
from agent_lanes.dispatch.delivery import deliver, keep_in_file
from agent_lanes.errors import AgentLanesError, BadData, Damaged, Refused, RequestChanged
from agent_lanes.services import control

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Snapshot
    from agent_lanes.dispatch.settings import Settings
    from agent_lanes.services.queue import QueueService

ANSWERED, ATTEMPT_FAILED, RELEASED, LOST_TASK, STOPPED = KINDS = ("answered", "failed", "released", "lost", "stopped")
LONGEST_LINE, LONGEST_REASON = 4000, 60_000
FIGURES = (
    "exit_code",
    "seconds",
    "model_used",
    "effort_used",
    "tokens_in",
    "tokens_out",
    "cost_usd",
    "session_id",
    "outcome",
)


class Done(Frozen):
    """What became of an attempt. `reset_at`: when a usage limit ends, microseconds UTC, where that is known.

    `held`: the vendor is on hold on account of it. `ours`: it was not the agent's fault, but not logged in, a limit, no
    room on our disk.
    """

    how: str
    why: str = ""
    reset_at: int | None = None
    held: bool = False
    ours: bool = False


class Reply:
    """The store's side of one claimed task. `details` become the metadata of whatever is said about it.

    `held`: its vendor has been put on hold.
    """

    def __init__(
        self,
        queue: QueueService,
        settings: Settings,
        taken: Snapshot,
        *,
        say: Callable[[str], None],
        hurry: threading.Event,
    ) -> None:
        assert taken.claim is not None
        self._queue, self._settings, self._task, self._token = queue, settings, taken.task, taken.claim.token
        self._epoch, self._kind = taken.claim.epoch, ""
        self._say, self._stopping = say, hurry
        self.details: JsonObject = {"vendor": settings.called}
        self.held = False

    def answered(self, body: str, stdout: bytes) -> Done:
        """The agent has answered; where `stdout` is no UTF-8 it is kept as it came, beside the task."""
        if not _is_utf8(stdout):
            try:
                self.details["raw_answer"] = self._queue.backend.keep_answer(self._task.id, stdout)
            except AgentLanesError as wrong:
                self._say(f"its answer is no UTF-8, and could not be kept as it came: {wrong.message}")
        verdict = verdict_of(body)
        self.note("headless_completed", f"{self._settings.called} is done", **self._figures())
        try:
            self._send(body, COMPLETED, verdict)
        except RequestChanged as wrong:
            line = "the request was changed while the agent worked on it"
            return self.failed(f"{line}: {wrong.message}", answer=body, final=True)
        except Damaged as wrong:
            return self._kept(wrong, body.encode("utf-8", "replace"))
        except BadData as wrong:
            return self.failed(f"the answer was refused: {wrong.message}", answer=body)
        except Refused as wrong:
            return self.gone(wrong.message)
        except AgentLanesError as wrong:
            return self._kept(wrong, body.encode("utf-8", "replace"))
        self._say(f"answered{f', verdict {verdict}' if verdict else ''}")
        return Done(how=ANSWERED)

    def failed(self, line: str, complaint: str = "", *, answer: str = "", final: bool = False) -> Done:
        """This attempt failed: the task goes back until its attempts are used up; one without a limit has failed."""
        self.note("headless_failed", line[:LONGEST_LINE], **self._figures())
        self._say(line.split("\n")[0])
        parts = [line]
        if complaint and complaint not in line:
            parts.append(f"The end of its stderr:\n\n{complaint}")
        if answer:
            parts.append(f"The answer was:\n\n{answer}")
        reason = "\n\n".join(parts)
        try:
            if final or self._task.max_attempts is None:
                self._send(reason, FAILED, None)
                self._say("answered as failed")
            else:
                self._fail_attempt(reason.encode()[:LONGEST_REASON].decode("utf-8", "ignore"))
        except Refused as wrong:
            return self.gone(wrong.message)
        except AgentLanesError as wrong:
            return self._kept(wrong, reason.encode())
        return Done(how=ATTEMPT_FAILED, why=line, held=self.held)

    def _fail_attempt(self, reason: str) -> None:
        settings, backend = self._settings, self._queue.backend

        def send() -> Snapshot:
            return control.fail_attempt(
                backend, self._task.id, self._token, reason, reviewer=settings.owner, metadata=self._plain_details()
            )[0]

        after = deliver(send, hurry=self._stopping, say=self._say)
        left = "it was the last: the task has failed" if after and after.response else "the task goes back for another"
        self._say(f"this attempt failed; {left}")

    def _send(self, body: str, status: str, verdict: str | None) -> None:
        def send() -> object:
            return self._queue.respond(
                self._task.id,
                body,
                token=self._token,
                reviewer=self._settings.owner,
                status=status,
                verdict=verdict,
                metadata=self._plain_details(),
            )

        deliver(send, hurry=self._stopping, say=self._say)

    def _kept(self, wrong: AgentLanesError, answer: bytes) -> Done:
        """The store cannot take it: the answer goes into a file, the task back if that much can be written."""
        self._say(f"the answer was not taken: {wrong.message}")
        path = keep_in_file(answer)
        if path is not None:
            self._say(f"the answer is kept in {path}")
        return self.release(f"its answer could not be stored: {wrong.message}", RELEASED, ours=True)

    def release(self, why: str, how: str, *, ours: bool = False, reset_at: int | None = None) -> Done:
        """Put the task back: this counts as no attempt."""
        if how != STOPPED:
            self.note("headless_failed", why[:LONGEST_LINE], **self._figures())
        try:
            reason = why.encode()[:LONGEST_REASON].decode("utf-8", "ignore")
            self._queue.release(self._task.id, self._token, reason=reason)
            self._say(f"released: {why}")
        except AgentLanesError as wrong:
            self._say(f"could not be released: {wrong.message}")
        return Done(how=how, why=why, reset_at=reset_at, held=self.held, ours=ours)

    def gone(self, why: str) -> Done:
        """The task is somebody else's by now, or cancelled."""
        self._say(f"no longer ours, left alone: {why}")
        return Done(how=LOST_TASK, why=why)

    def enter(self, kind: str) -> None:
        """Enter in the ledger what the attempt took; first of all, so that what is missing there stands in the history.

        `kind` is one of core.ledger's words for how it ended.
        """
        self._kind = kind
        details = {**self.details, "cost_usd": 0} if kind == ledger.CANNOT_START else self.details
        backend = self._queue.backend
        entry = ledger.entry_of(self._task, at=backend.now().wall, epoch=self._epoch, outcome=kind, details=details)
        try:
            backend.enter(entry)
        except AgentLanesError as wrong:
            self._say(f"not entered in the ledger, its history has it: {wrong.message}")

    def note(self, type: str, message: str, **data: object) -> None:
        """A line of the task's history."""
        try:
            told: JsonObject = {"vendor": self._settings.called, "owner": self._settings.owner, **data}  # type: ignore[dict-item]
            self._queue.event(self._task.id, type=type, message=message, data=told, token=self._token)
        except AgentLanesError as wrong:
            self._say(f"could not note {type}: {wrong.message}")

    def _figures(self) -> dict[str, object]:
        told = {**self.details, "outcome": self._kind or None}
        return {name: value for name, value in told.items() if name in FIGURES and value is not None}

    def _plain_details(self) -> JsonObject:
        return {name: value for name, value in self.details.items() if value is not None}


def verdict_of(body: str) -> str | None:
    """The verdict that the last line with text gives, if it does."""
    last = next((line for line in reversed(body[-1024:].splitlines()) if line.strip()), "")
    word, _, said = last.strip(" \t*#_`").partition(":")
    found = said.strip(" \t*_`.")
    return found if word.strip(" *_") == "VERDICT" and found in VERDICTS else None


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
