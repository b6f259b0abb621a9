"""submit --many: a file of tasks, one JSON object a line, submitted together.

What has come is committed at once, at most 512 lines with one commit, and told as soon as it is durable, and all before
it are: so memory stays bounded, and whoever is killed in between has seen the id of everything that need not be
submitted again.
"""

from __future__ import annotations

import os

from agent_lanes.cli import flags, lines, output
from agent_lanes.cli.options import SUBMISSION, Arguments
from agent_lanes.config import taskfile
from agent_lanes.core.escapes import one_line
from agent_lanes.errors import AgentLanesError, BadData, BadUsage, NotFound, StorageFailed, of_system
from agent_lanes.services.batches import AT_ONCE, BYTES_AT_ONCE
from agent_lanes.services.presence import Audience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.config.taskfile import TaskFile
    from agent_lanes.core.task import Task
    from agent_lanes.services.batches import Outcome
    from agent_lanes.services.submission import Submission
    from agent_lanes.wiring import Session

    Asked = Callable[[TaskFile], Submission]
    Warn = Callable[[Audience, Task, Arguments], None]

FOR_ONE_TASK = ("REQUEST", "--task", "--request-from", "--response-to")
STDIN = REFUSED = "-"


def run(args: Arguments, session: Session, asked: Asked, warn: Warn) -> int:
    """Submit every line. `asked` tells what it and the flags ask for together, `warn` that nobody listens.

    Exit code: 0; 65 where a line was refused; where the store failed, what that has.
    """
    for flag in FOR_ONE_TASK:
        if getattr(args, flag.lstrip("-").lower().replace("-", "_")) is not None:
            raise BadUsage(f"submit --many: {flag} is for one task; write it into the lines")
    return Many(args, session, asked, warn).run()


class Many:
    """One call of submit --many."""

    def __init__(self, args: Arguments, session: Session, asked: Asked, warn: Warn) -> None:
        self.args, self.session, self.key = args, session, args.idempotency_key
        self.asked, self.warn = asked, warn
        args.__dict__["idempotency_key"] = None  # of the whole file; each line gets one made of it
        self.count, self.again, self.bad, self.code = 0, 0, 0, 0
        self.untold = list[int]()  # the numbers of the lines of which nothing is known yet
        self.new: dict[tuple[str, str], Task] = {}  # one for each lane and vendor
        self.audience = Audience(session.backend, every=False)

    def run(self) -> int:
        """Read, submit and tell, batch by batch."""
        descriptor, stream = self._open(), self.session.queue.stream()
        try:
            for batch in lines.together(descriptor, self.args.many, AT_ONCE, BYTES_AT_ONCE):
                wanted = [self._wanted(number, raw) for number, raw in batch]
                self.untold += [number for number, _ in batch]
                with output.shielded():  # a task whose id nobody saw would be submitted twice
                    for one in wanted:
                        self.audience.look(one)
                    self._tell(stream.add(wanted))
            with output.shielded():
                self._tell(stream.close())
        finally:
            if descriptor:
                os.close(descriptor)
        if self.again:
            output.note(f"agent-lanes submit: {self.again} of {self.count} had been submitted before with their keys")
        if self.bad:
            others = ", all others were submitted" if self.bad < self.count else ""
            output.note(
                f"agent-lanes: submit --many: {self.bad} of {self.count} lines refused{others} (mend "
                "those lines and submit them again; with idempotency keys, the whole file)"
            )
        for task in self.new.values():
            self.warn(self.audience, task, self.args)
        return self.code

    def _open(self) -> int:
        file = self.args.many
        if file == STDIN:
            if output.on_terminal(0):
                output.note("agent-lanes: reading tasks from the terminal, one JSON object a line; end it with Ctrl-D")
            return 0
        try:
            return os.open(os.path.join(self.session.folder, file), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(f"submit --many: there is no file {file}") from None
        except OSError as wrong:
            raise of_system(f"submit --many: cannot read {file}: {wrong.strerror}", wrong) from None
        except ValueError as wrong:
            raise StorageFailed(f"submit --many: cannot read {file}: {wrong}") from None

    def _wanted(self, number: int, raw: bytes | None) -> Submission | AgentLanesError:
        """What a line asks for, or what is wrong with it."""
        try:
            if raw is None:
                raise BadData(f"more than {lines.LONGEST >> 20} MiB, which is the limit")
            path = "" if self.args.many == STDIN else os.path.join(self.session.folder, self.args.many)
            given = taskfile.line(raw.decode(), f"line {number}", path)
            if given.request_from == STDIN:
                raise BadData("request_from: '-' is not a file", hint="put the text into request")
            if self.key is not None and given.idempotency_key is None:
                given = given.replace(idempotency_key=f"{self.key}:{number}")
            return self.asked(given)
        except UnicodeDecodeError as wrong:
            return BadData(f"not UTF-8 at byte {wrong.start}")
        except AgentLanesError as wrong:
            return wrong

    def _tell(self, outcomes: list[Outcome]) -> None:
        told, numbers = [], self.untold[: len(outcomes)]
        del self.untold[: len(outcomes)]
        for number, outcome in zip(numbers, outcomes, strict=True):
            self.count += 1
            if outcome.task is not None:
                self.again += not outcome.new
                if outcome.new:
                    self.new[outcome.task.lane, outcome.task.vendor] = outcome.task
                told.append(self._done(number, outcome.task.id, again=not outcome.new))
            if outcome.error is not None:
                told.append(self._refused(number, outcome.error, store_failed=outcome.store_failed))
        output.text("".join(told))

    def _done(self, number: int, id: str, *, again: bool) -> str:
        if not self.args.json:
            return id + "\n"
        return output.json_line({"line": number, "status": "submitted", "task_id": id, "already_done": again})

    def _refused(self, number: int, error: AgentLanesError, *, store_failed: bool) -> str:
        flags.name(error, SUBMISSION, self.args)  # a flag holds for every line, whatever that says
        if isinstance(error, BadUsage):  # of a flag it would be; this is the content of a file
            error = BadData(error.message, hint=error.hint)
        place = f"line {number}: "
        story = error.message if error.message.startswith(place) else place + error.message
        self.bad += 1
        file = "" if self.args.many == STDIN else f"{self.args.many}: "
        if store_failed and self.code in (0, BadData.exit_code):
            self.code = error.exit_code
        self.code = self.code or BadData.exit_code
        output.note(f"agent-lanes submit: {file}{story}" + (f" ({error.hint})" if error.hint else ""))
        if not self.args.json:
            return REFUSED + "\n"
        return output.json_line({"line": number, **output.as_object(error), "message": one_line(story)})
