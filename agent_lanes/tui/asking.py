"""Questions before something is changed that cannot be taken back, and the page of keys."""

from __future__ import annotations

from rich.text import Text
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual.app import ComposeResult


class Keys(Static):
    """The keys in one line: as many as fit."""

    def __init__(self, keys: str) -> None:
        super().__init__("", classes="keys", markup=False)
        self._keys = [key.partition(" ") for key in keys.split("|")]

    def on_resize(self) -> None:
        """Show those that fit."""
        line = Text(no_wrap=True, end="")
        for key, _, what in self._keys:
            if line.cell_len + len(key) + len(what) + 2 > self.size.width:
                break
            line.append("  " if line else "").append(key, style="bold reverse").append(f" {what}")
        self.update(line)


class Question(ModalScreen[bool]):
    """A question; only `y` is yes."""

    BINDINGS = [("y", "answer(True)", "yes"), ("n,escape,q,enter", "answer(False)", "no")]

    def __init__(self, question: str, story: str = "") -> None:
        super().__init__()
        self._question, self._story = question, story

    def compose(self) -> ComposeResult:
        """The question, what it is about, and the keys."""
        with Vertical(classes="box"):
            yield Static(self._question, classes="head", markup=False)
            if self._story:
                yield Static(self._story, markup=False)
            yield Static("y  yes      n  no", classes="choice", markup=False)

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)


class Page(ModalScreen[None]):
    """Lines to read; any key that leaves closes it."""

    BINDINGS = [("escape,q,enter,question_mark,a", "close", "back")]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        """A title and the lines."""
        with VerticalScroll(classes="box"):
            yield Static(self._title, classes="head", markup=False)
            yield Static(self._text, markup=False)

    def action_close(self) -> None:
        """Back."""
        self.dismiss()
