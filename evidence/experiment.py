"""The shape of an experiment: what it is told, and the table that it gives back."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """How thoroughly to look; None leaves a number to the experiment."""

    whole: bool
    """Everything (minutes to an hour), not the sample that CI takes."""
    work: Path
    """An empty folder of this run, on the disk that is to be looked at."""
    seed: str | None = None
    """Of all chance; the same seed gives the same run, as far as processes let it."""
    count: int | None = None
    """How many seeds, states or inputs."""
    minutes: float | None = None
    """How long, for what goes on until it is stopped."""
    workers: int = 2
    """How many processes may work at the same time, for what can be shared out."""

    def say(self, line: str) -> None:
        """Progress, on stderr: one line that replaces the one before on a terminal."""
        end = "\x1b[K\r" if sys.stderr.isatty() else "\n"
        print(line, end=end, file=sys.stderr, flush=True)


@dataclass
class Table:
    """What was found. An experiment has succeeded when there are no problems."""

    head: Sequence[str]
    rows: list[Sequence[str | int]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Each broken promise in one line: what was done, what is wrong, how to do it again."""
    notes: list[str] = field(default_factory=list)
    """What a reader must know beside the table: versions, what could not be looked at here."""
    pictures: dict[str, str] = field(default_factory=dict)
    """Drawings of it, as SVG, by name."""

    def markdown(self) -> str:
        """The table as a page shows it."""
        lines = [list(map(str, self.head)), ["---"] * len(self.head), *(list(map(str, row)) for row in self.rows)]
        return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


@dataclass
class Result:
    """A table, and what it came from."""

    key: str
    title: str
    command: str
    whole: bool
    seconds: int
    machine: str
    table: Table

    def write(self, folder: Path) -> None:
        """Keep it as `folder/KEY.json`; docs/promises.py reads it from there. Drawings become `folder/KEY-NAME.svg`."""
        folder.mkdir(parents=True, exist_ok=True)
        values = asdict(self)
        for name, picture in values["table"].pop("pictures").items():
            (folder / f"{self.key}-{name}.svg").write_text(picture)
        text = json.dumps(values, indent=1, ensure_ascii=False)
        (folder / f"{self.key}.json").write_text(text + "\n")
