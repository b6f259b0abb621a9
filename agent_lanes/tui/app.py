"""`top` itself: lanes above, tasks below, the task under the cursor in two lines, and the keys.

    Top(looks).run()

The watcher's thread posts pictures; everything else happens in Textual's loop, but for what is done to the store.
Colours are the terminal's own sixteen, so that they fit its background, and none with NO_COLOR.
"""

from __future__ import annotations

from textual import on
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import Input, Static

from agent_lanes.core import glance
from agent_lanes.core.escapes import one_line
from agent_lanes.services.board import Entry, Picture
from agent_lanes.tui import lanes
from agent_lanes.tui.asking import Keys, Page
from agent_lanes.tui.details import Details
from agent_lanes.tui.filters import Filter
from agent_lanes.tui.steps import Failed, Steps
from agent_lanes.tui.tables import Lanes, Rows, Tasks
from agent_lanes.tui.watcher import Watcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual.app import ComposeResult

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.times import Moment
    from agent_lanes.services.looks import Looks

TICK_SECONDS = 1.0
WIDE_COLUMNS = 120
KEYS = "? help|/ filter|s state|c cancel|r retry|h hold|H lane|v view|q quit|a agents|e edit"
HELP = """\
up down      move                  tab    lanes, tasks
enter        a task's page; on a lane: only its tasks
/            only tasks with these words
s            next state: open, queued, claimed, failed, ended, all
escape       show all tasks again
a            who listens, who works, what is on hold,
             and what agents took today (USD; UTC)

c            cancel the task       r      do it once more
h            hold it, or resume    H      hold or resume its lane
v            its page in $PAGER    e      its file in $EDITOR
                                          (a request that changes
q            leave                        is not offered)"""


class Changed(Message):
    """The watcher has looked."""

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self.picture = picture


class Top(Steps):
    """The queue, live."""

    CSS_PATH = "top.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "agent-lanes top"
    BINDINGS = [
        ("question_mark", "help", "help"),
        ("slash", "search", "filter"),
        ("s", "state", "state"),
        ("c", "cancel", "cancel"),
        ("r", "retry", "retry"),
        ("h", "hold", "hold"),
        ("H", "hold_lane", "lane"),
        ("v", "view", "view"),
        ("e", "edit", "edit"),
        ("a", "agents", "agents"),
        ("escape", "everything", "all"),
        ("q", "quit", "quit"),
    ]

    def __init__(self, looks: Looks, *, lane: str = "", state: str = "") -> None:
        super().__init__(looks)
        self.theme = "ansi-dark"
        self._filter = Filter(lane=lane, state=state)
        self._entries = dict[str, Entry]()
        self._told = ""
        self._watcher = Watcher(
            looks.backend,
            lambda picture: self.post(Changed(picture)),
            lambda error: self.post(Failed(error)),
        )

    def compose(self) -> ComposeResult:
        """All of it."""
        yield Static("", id="summary", classes="head", markup=False)
        with Horizontal(id="above"):
            yield Lanes("lanes")
            with VerticalScroll(id="present", can_focus=False):
                yield Static("", id="who", markup=False)
        yield Tasks("tasks")
        yield Static("", id="under", markup=False)
        yield Input(placeholder="words that a task must hold; enter keeps them, escape drops them", id="words")
        yield Keys(KEYS)

    def on_mount(self) -> None:
        """Begin to watch, and to tick."""
        self.query_one("#words").display = False
        self._tasks.focus()
        self._watcher.start()
        self.set_interval(TICK_SECONDS, self._tick)

    def on_unmount(self) -> None:
        """Nobody looks on any more."""
        self._watcher.end()

    @property
    def _stands(self) -> bool:
        """Whether there is something to show it on: a tick or a change may come while all is being taken down."""
        return bool(self.screen_stack and self.screen_stack[0].query(Tasks))

    @property
    def _tasks(self) -> Tasks:
        return self.screen_stack[0].query_one(Tasks)

    @property
    def _lanes(self) -> Lanes:
        return self.screen_stack[0].query_one(Lanes)

    @on(Changed)
    def _changed(self, message: Changed) -> None:
        before, self.picture = self._entries, message.picture
        self._entries = {entry.id: entry for entry in message.picture.entries}
        self._draw()
        top = self.screen_stack[-1] if self.screen_stack else None
        if isinstance(top, Details) and before.get(top.task_id) != self._entries.get(top.task_id):
            top.renew()

    def on_resize(self) -> None:
        """Other columns fit."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        """Show the picture; at the very end there is nothing left to show it on."""
        if not self._stands:
            return
        now = self.now
        views = {entry.id: entry.view(now, self.picture.holds) for entry in self.picture.entries}
        shown = [id for id, view in views.items() if self._filter.takes(view)]
        self._tasks.show(shown, views, now.wall)
        rows = lanes.rows(self.picture, now.wall)
        self._lanes.show([str(row["lane"]) for row in rows], {str(row["lane"]): row for row in rows}, now.wall)
        self._draw_rest(now, len(shown))

    def _draw_rest(self, now: Moment, shown: int) -> None:
        screen = self.screen_stack[0]
        wide = self.size.width >= WIDE_COLUMNS
        screen.query_one("#present").display = wide
        if wide:
            who = "\n".join(lanes.present(self.picture, now.wall)) or "nobody listens"
            screen.query_one("#who", Static).update(who)
        screen.query_one("#summary", Static).update(self._summary(shown))
        self._tell_under()

    def _summary(self, shown: int) -> str:
        """`3 ready · 2 claimed · 1 damaged | only lane review: 2 | 0.42 USD today | /home/me/shop/handoff/state`."""
        counts = [
            f"{number} {what}"
            for what in ("ready", "claimed", "delayed", "blocked", "on_hold")
            if (number := sum(count for lane in self.picture.lanes if isinstance(count := lane[what], int)))
        ]
        if self.picture.damaged:
            counts.append(f"{len(self.picture.damaged)} damaged (agent-lanes doctor)")
        told = " · ".join(counts).replace("_", " ") or "nothing to do"
        spent = lanes.spent(self.picture)
        asked = self._filter.story
        more = f" of more than {len(self.picture.entries)}" if self.picture.more else ""
        only = f" | only {asked}: {shown}{more}" if asked else f" | the first {shown}" if more else ""
        return one_line(f"{told}{only}{spent and f' | {spent}'} | {self.looks.backend.address}").ljust(
            self.size.width - 2
        )

    def _tick(self) -> None:
        """Ages grow: the rows on the screen, and only the cells that differ."""
        if len(self.screen_stack) != 1 or not self._stands:
            return
        now = self.now
        seen = (self._entries.get(id) for id in self._tasks.seen())
        views = {entry.id: entry.view(now, self.picture.holds) for entry in seen if entry is not None}
        self._tasks.renew(views, now.wall)
        self._tell_under()

    @on(Rows.RowHighlighted)
    def _tell_under(self) -> None:
        """The task under the cursor, in two lines."""
        if not self.screen_stack:
            return
        entry, line = self.entry(), ""
        if entry is not None:
            line = self._story(entry.view(self.now, self.picture.holds))
        if line != self._told:  # each update lays the screen out anew
            self._told = line
            self.screen_stack[0].query_one("#under", Static).update(line)

    def _story(self, view: JsonObject) -> str:
        last = view["last_event"]
        told = ""
        if isinstance(last, dict):
            ago = glance.age(glance.seconds_since(last["created_at"], self.now.wall))
            told = f"{ago} ago  {last['type']}" + (f": {last['message']}" if last["message"] else "")
        room = max(20, 2 * self.size.width)
        return f"{one_line(glance.title(view)[:room])}\n{one_line(told[:room])}"

    def lane_under(self) -> str | None:
        """See Steps."""
        entry = self.entry()
        return self._lanes.under if self._lanes.has_focus else entry.snapshot.task.lane if entry else None

    def entry(self) -> Entry | None:
        """The task that keys are about: the one whose page is open, or the one under the cursor."""
        top = self.screen
        id = top.task_id if isinstance(top, Details) else self._tasks.under
        return None if id is None else self._entries.get(id)

    @on(Tasks.RowSelected, "#tasks")
    def _open_page(self) -> None:
        under = self._tasks.under
        if under is not None:
            self.push_screen(Details(self.looks, under))

    @on(Lanes.RowSelected, "#lanes")
    def _only_lane(self) -> None:
        self._only(self._filter.replace(lane=self._lanes.under or ""))
        self._tasks.focus()

    def _only(self, wanted: Filter) -> None:
        self._filter = wanted
        self._draw()

    def action_state(self) -> None:
        """The next state."""
        self._only(self._filter.next_state())

    def action_search(self) -> None:
        """Ask for words."""
        words = self.query_one("#words", Input)
        words.value, words.display = self._filter.words, True
        words.focus()

    @on(Input.Changed, "#words")
    def _words(self, message: Input.Changed) -> None:
        self._only(self._filter.replace(words=message.value))

    @on(Input.Submitted, "#words")
    def _words_kept(self) -> None:
        self.query_one("#words").display = False
        self._tasks.focus()

    def action_everything(self) -> None:
        """No filter any more."""
        if self.screen is self.screen_stack[0]:
            self._words_kept()
            self._only(Filter())

    def action_agents(self) -> None:
        """Who is there."""
        who = "\n".join(lanes.present(self.picture, self.now.wall))
        self.push_screen(Page("who is there", who or "nobody listens, and nobody works"))

    def action_help(self) -> None:
        """The keys."""
        self.push_screen(Page("keys", HELP))
