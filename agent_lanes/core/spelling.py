"""Slips of the pen: which of some names was probably meant."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_SLIPS = 2
LONGEST = 64  # of a longer name only the beginning is compared


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name that is at most two letters away from a word, the nearest one; None where none is.

    Of a word of less than four letters no more than half of them may differ.
    """
    most = min(MOST_SLIPS, len(word) // 2)
    found = min(((distance(word, name), name) for name in names if abs(len(word) - len(name)) <= most), default=None)
    return found[1] if found is not None and found[0] <= most else None


def distance(one: str, other: str) -> int:
    """How many letters to add, drop, change, or swap with their neighbour (optimal string alignment)."""
    one, other = one[:LONGEST], other[:LONGEST]
    rows = [list(range(len(other) + 1))]
    for place, letter in enumerate(one):
        row, above = [place + 1], rows[-1]
        for column, wanted in enumerate(other):
            best = min(above[column + 1] + 1, row[-1] + 1, above[column] + (letter != wanted))
            if place and column and (one[place - 1], letter) == (wanted, other[column - 1]):
                best = min(best, rows[-2][column - 1] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
