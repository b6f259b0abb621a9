"""What the keys of `top` do to the store, and to the terminal: each asks first where that cannot be taken back."""

from __future__ import annotations

from textual import on, work
from textual.app import App
from textual.message import Message

from agent_lanes.core import glance
from agent_lanes.core.escapes import one_line, readable
from agent_lanes.core.names import short_id
from agent_lanes.errors import AgentLanesError
from agent_lanes.services.board import Picture
from agent_lanes.tui import acting, lanes, opening
from agent_lanes.tui.asking import Question
from agent_lanes.tui.details import page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.core.times import Moment
    from agent_lanes.ports import Backend
    from agent_lanes.services.board import Entry
    from agent_lanes.services.looks import Looks

    Act = Callable[[Backend, str], str]


class Failed(Message):
    """Something could not be read or done."""

    def __init__(self, error: AgentLanesError) -> None:
        super().__init__()
        self.error = error


class Steps(App[None]):
    """The actions; a subclass says which task and which lane they are about."""

    def __init__(self, looks: Looks) -> None:
        super().__init__(ansi_color=True)
        self.looks, self.picture = looks, Picture()

    @property
    def now(self) -> Moment:
        """The store's clocks."""
        return self.looks.backend.now()

    def entry(self) -> Entry | None:
        """The task that keys are about."""
        raise NotImplementedError

    def lane_under(self) -> str | None:
        """The lane that keys are about."""
        raise NotImplementedError

    def post(self, message: Message) -> None:
        """From any thread; nobody is there any more once the app has ended."""
        if self.is_running:
            self.post_message(message)

    @on(Failed)
    def _failed(self, message: Failed) -> None:
        error = message.error
        hint = f" ({error.hint})" if error.hint else ""
        self.notify(one_line(error.message + hint), severity="error", markup=False)

    def action_cancel(self) -> None:
        """Cancel the task, once that was confirmed."""
        self._ask("Cancel this task?", acting.cancel)

    def action_retry(self) -> None:
        """Do it once more, once that was confirmed."""
        self._ask("Submit this task once more?", acting.retry)

    def action_hold(self) -> None:
        """Hold the task, or let it go on."""
        entry = self.entry()
        if entry is not None:
            self._do(acting.hold_or_resume, entry.id)

    def action_hold_lane(self) -> None:
        """Hold the lane once that was confirmed, or let it go on."""
        lane = self.lane_under()
        if lane is None:
            return
        if lanes.held(self.picture, lane):
            self._do(acting.resume_lane, lane)
            return
        question = Question(f"Put lane {one_line(lane)} on hold?", "Nothing of it is offered until you resume it.")
        self._once_confirmed(question, acting.hold_lane, lane)

    def _ask(self, question: str, act: Act) -> None:
        entry = self.entry()
        if entry is None:
            return
        id, view = entry.id, entry.view(self.now)
        story = f"{short_id(id)}, {glance.phase(view)}, lane {view['lane']}\n{glance.title(view)}"
        asked = Question(question, readable(story))
        self._once_confirmed(asked, act, id)

    def _once_confirmed(self, question: Question, act: Act, what: str) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._do(act, what)

        self.push_screen(question, answered)

    @work(thread=True)
    def _do(self, act: Act, what: str) -> None:
        """Do it in a thread; say what came of it."""
        try:
            done = act(self.looks.backend, what)
        except AgentLanesError as error:
            self.post(Failed(error))
        else:
            self.call_from_thread(self.notify, done, markup=False)

    def action_view(self) -> None:
        """The task's page in a pager."""
        entry = self.entry()
        if entry is not None:
            self._outside(lambda: opening.in_pager(page(self.looks, entry.id)))

    def action_edit(self) -> None:
        """The task's file in an editor."""
        entry = self.entry()
        if entry is not None:
            self._outside(lambda: opening.in_editor(opening.own_file(entry.snapshot)))

    def _outside(self, show: Callable[[], None]) -> None:
        try:
            with self.suspend():
                show()
        except AgentLanesError as error:
            self.post(Failed(error))
        self.refresh(layout=True)
