"""Fills docs/promises.md with the tables that the last whole runs of the experiments left in evidence/results/.

python docs/promises.py            write the page
python docs/promises.py --check    exit 1 if it is stale
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/promises.md"
RESULTS = ROOT / "evidence/results"
PLACE = re.compile(r"(<!-- evidence: ([\w-]+) -->\n).*?(<!-- end of evidence -->)", re.DOTALL)


def table(result: dict[str, Any]) -> str:
    """One result as Markdown: how it was got, the table, what is to be said beside it, what was broken."""
    found, minutes = result["table"], max(1, round(result["seconds"] / 60))
    how = "" if result["whole"] else ", a sample"
    lines = [f"`{result['command']}`{how}, {minutes} min, {result['machine']}:", ""]
    lines += [_row(found["head"]), _row(["---"] * len(found["head"])), *map(_row, found["rows"])]
    if found["notes"]:
        lines += ["", *(f"- {_text(note)}" for note in found["notes"])]
    broken = found["problems"]
    lines += ["", f"Broken promises: {len(broken) or 'none'}.", *(f"- {_text(problem)}" for problem in broken)]
    return "\n".join(lines) + "\n"


def filled(page: str) -> str:
    """The page with a table in every place."""

    def fill(match: re.Match[str]) -> str:
        path = RESULTS / f"{match[2]}.json"
        if not path.exists():
            command = f"python evidence/run.py {match[2]} --whole --out evidence/results"
            return f"{match[1]}No run has been kept yet: `{command}`.\n{match[3]}"
        return match[1] + table(json.loads(path.read_text(encoding="utf-8"))) + match[3]

    return PLACE.sub(fill, page)


def _row(cells: list[object]) -> str:
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"


def _text(content: object) -> str:
    return str(content).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def main(arguments: list[str]) -> int:
    """Write the page, or check it."""
    page = PAGE.read_text(encoding="utf-8")
    fresh = filled(page)
    if "--check" in arguments and fresh != page:
        sys.stderr.write("stale: docs/promises.md; run: python docs/promises.py\n")
        return 1
    if "--check" not in arguments:
        PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
