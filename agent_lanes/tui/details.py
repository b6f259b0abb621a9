"""A task's page: what was asked, what happened, what was answered; kept up to date while it is open."""

from __future__ import annotations

from rich.text import Text
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from agent_lanes.core.escapes import readable
from agent_lanes.core.names import short_id
from agent_lanes.errors import AgentLanesError
from agent_lanes.tui.asking import Keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual.app import ComposeResult

    from agent_lanes.services.looks import Looks

KEYS = "esc back|c cancel|r retry|h hold|v $PAGER|e $EDITOR|? help"
LONGEST = 100_000  # characters: what is longer is for a pager


def page(looks: Looks, id: str) -> str:
    """The page of `show`, escaped. Raises what reading the task raises."""
    from agent_lanes.services import report

    snapshot = looks.read(id)
    return readable(report.page(looks, snapshot, list(looks.events(id))))


class Details(Screen[None]):
    """The page, scrolled by the usual keys."""

    BINDINGS = [
        ("escape,q,backspace", "app.pop_screen", "back"),
        ("c", "app.cancel", "cancel"),
        ("r", "app.retry", "retry"),
        ("h", "app.hold", "hold/resume"),
        ("v", "app.view", "$PAGER"),
        ("e", "app.edit", "$EDITOR"),
        ("question_mark", "app.help", "help"),
    ]

    def __init__(self, looks: Looks, task_id: str) -> None:
        super().__init__()
        self._looks, self.task_id = looks, task_id

    def compose(self) -> ComposeResult:
        """The head, the page, the keys."""
        yield Static(f"task {short_id(self.task_id)}".ljust(200), classes="head", id="about", markup=False)
        with VerticalScroll(id="page"):
            yield Static("", id="text", markup=False)
        yield Keys(KEYS)

    def on_mount(self) -> None:
        """Fill it."""
        self.query_one("#page").focus()
        self.renew()

    def renew(self) -> None:
        """Read the task again."""
        try:
            text = page(self._looks, self.task_id)
        except AgentLanesError as error:
            text = readable(f"{error.message}\n{error.hint}")
        cut = len(text) - LONGEST
        more = f"\n... {cut} characters more: v shows all of it in a pager" if cut > 0 else ""
        self.query_one("#text", Static).update(_headed(text[:LONGEST] + more))


def _headed(text: str) -> Text:
    """The page with its headings in bold: what is not indented is none of the task's."""
    found = Text()
    for line in text.split("\n"):
        found.append(line + "\n", style="bold" if line[:1] not in ("", " ") else "")
    return found
