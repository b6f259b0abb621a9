"""Lanes and tasks as tables: rows that stay under the cursor while they change, and ages that grow."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import DataTable

from agent_lanes.tui import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.tui.columns import Column


class Rows(DataTable[Text]):
    """A table of values with a key; `show` changes only what differs."""

    COLUMNS: tuple[Column, ...] = ()

    def __init__(self, id: str) -> None:
        super().__init__(id=id, cursor_type="row", cell_padding=0, show_cursor=True)
        self._keys: list[str] = []
        self._layout: list[tuple[Column, int]] = []
        self._cells: dict[tuple[str, str], columns.Cell] = {}

    @property
    def under(self) -> str | None:
        """The key of the row under the cursor."""
        return self._keys[self.cursor_row] if 0 <= self.cursor_row < len(self._keys) else None

    def show(self, keys: Sequence[str], values: dict[str, JsonObject], now: int) -> None:
        """Show these rows in this order; the cursor stays on its row, or near it."""
        wanted = columns.layout(self.COLUMNS, self.size.width or self.app.size.width)
        if wanted != self._layout or list(keys) != self._keys:
            self._rebuild(list(keys), values, now, wanted)
        else:
            self.renew(values, now)

    def renew(self, values: dict[str, JsonObject], now: int) -> None:
        """Write the cells anew that differ, of the rows that are there."""
        for key in self._keys:
            view = values.get(key)
            if view is None:
                continue
            for column, width in self._layout:
                cell = column.of(view, now)
                if self._cells.get((key, column.head)) != cell:
                    self._cells[key, column.head] = cell
                    self.update_cell(key, column.head, _text(cell, column, width))

    def seen(self) -> list[str]:
        """The keys of the rows on the screen."""
        top = int(self.scroll_y)
        return self._keys[top : top + self.size.height]

    def _rebuild(
        self, keys: list[str], values: dict[str, JsonObject], now: int, layout: list[tuple[Column, int]]
    ) -> None:
        under, at, top = self.under, self.cursor_row, self.scroll_y
        self.clear(columns=layout != self._layout)
        if layout != self._layout:
            for column, width in layout:
                self.add_column(_text((column.head, ""), column, width), key=column.head, width=width + columns.GAP)
        self._keys, self._layout, self._cells = keys, layout, {}
        for key in keys:
            cells = [(column, width, column.of(values[key], now)) for column, width in layout]
            self._cells.update({(key, column.head): cell for column, _, cell in cells})
            self.add_row(*(_text(cell, column, width) for column, width, cell in cells), key=key)
        if keys:
            row = keys.index(under) if under in keys else min(max(at, 0), len(keys) - 1)
            self.move_cursor(row=row, animate=False, scroll=False)
            self.scroll_to(y=top, animate=False)
            self.call_after_refresh(self._scroll_cursor_into_view)


class Lanes(Rows):
    """The lanes."""

    COLUMNS = columns.LANES


class Tasks(Rows):
    """The tasks."""

    COLUMNS = columns.TASKS


def _text(cell: columns.Cell, column: Column, width: int) -> Text:
    """A cell, cut to its width; the gap stands to its right."""
    content, style = cell
    text = Text(content, style=style, no_wrap=True, end="")
    text.truncate(width, overflow="ellipsis")
    if column.right:
        text.pad_left(width - text.cell_len)
    return text
