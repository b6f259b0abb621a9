"""Numbers in columns: the first column stands left, all others right."""

from __future__ import annotations

GAP = "  "


def aligned(rows: list[list[str]], first: int | None = None) -> list[str]:
    """The rows as lines. The first column takes at most `first` columns of the terminal (None: what it needs)."""
    from agent_lanes.cli.screen import columns_of, fit

    needed, *widths = [max(map(columns_of, column)) for column in zip(*rows, strict=True)]
    left = needed if first is None else min(needed, first)
    return [
        GAP.join(
            [fit(row[0], left), *(cell.rjust(width) for cell, width in zip(row[1:], widths, strict=True))]
        ).rstrip()
        for row in rows
    ]
