"""CONTRACT.md, taken apart: sections by heading, tables, and the words in backticks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRACT.md").read_text(encoding="utf-8")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")


def section(heading: str, text: str = TEXT) -> str:
    """What stands under a heading, up to the next one of its level or above. The heading must stand there once."""
    found = [match for match in re.finditer(r"^(#+) (.+)$", text, re.MULTILINE) if match[2] == heading]
    assert len(found) == 1, f"CONTRACT.md has the heading {heading!r} {len(found)} times"
    level = len(found[0][1])
    after = re.compile(rf"^#{{1,{level}}} ", re.MULTILINE).search(text, found[0].end())
    return text[found[0].end() : after.start() if after else None]


def headings(level: int, text: str = TEXT) -> list[str]:
    """The headings of one level."""
    return re.findall(rf"^{'#' * level} (.+)$", text, re.MULTILINE)


def rows(text: str, table: int = 0) -> list[list[str]]:
    """The cells of the n-th table of a section, without its head."""
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    lines = tables[table].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def names(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def flags(text: str) -> set[str]:
    """Every --flag."""
    return set(FLAG.findall(text))
