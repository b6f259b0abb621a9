"""Draws what the code decides, so that no picture can say something else.

    python docs/drawings.py            write the pictures, and the parts of documents between `drawn` marks
    python docs/drawings.py --check    change nothing; exit 1 and name what is stale

From `core.transitions.TABLE`: the table in CONTRACT.md, the diagram in docs/concepts.md, docs/pictures/states.svg.
From the layers in pyproject.toml, which import-linter checks: docs/pictures/layers.svg.
"""

from __future__ import annotations

import math
import sys
import tomllib
from html import escape
from pathlib import Path

from agent_lanes.core.transitions import TABLE

ROOT = Path(__file__).resolve().parent.parent
MARK, END = "<!-- drawn: {} -->\n", "<!-- end of drawing -->"
CONDITIONS = {
    ("queued", "claim"): "it is not on hold, delayed or blocked; the request is what was submitted",
    ("queued", "park"): "the request is gone or changed",
    ("queued", "complete"): "no token is given; the request is what was submitted",
    ("queued", "fail"): "no token is given",
    ("queued", "hold"): "",
    ("queued", "resume"): "it is on hold",
    ("queued", "end"): "its deadline is over, or a task that it depends on did not complete",
    ("claimed", "claim"): "the lease has run out; the request is what was submitted; this was not the last attempt",
    ("claimed", "park"): "the lease has run out; the request is gone or changed",
    ("claimed", "renew"): "the token is that of the claim",
    ("claimed", "release"): "the token is that of the claim",
    ("claimed", "retry"): "the token is that of the claim; this was not the last attempt (else: failed)",
    ("claimed", "end"): "the lease of the last attempt has run out",
    ("claimed", "complete"): "the token is that of the claim; the request is what was submitted",
    ("claimed", "fail"): "the token is that of the claim",
}
PLACES = {
    "queued": (134, 190),
    "claimed": (404, 190),
    "completed": (700, 110),
    "failed": (700, 270),
    "cancelled": (404, 418),
}
COLOURS = {
    "queued": "#fff3c4",
    "claimed": "#d6e8ff",
    "completed": "#d8f3dc",
    "failed": "#ffdcd6",
    "cancelled": "#ececec",
}
WIDTH, HEIGHT = 132, 46
FONT = "font-family:'DejaVu Sans',Verdana,sans-serif"
HALO = ";paint-order:stroke;stroke:white;stroke-width:5px"  # a label may lie on a line
LABEL = 12
Point = tuple[float, float]


def transitions() -> str:
    """The table, as Markdown."""
    lines = ["| state | verb | becomes | only if |", "| --- | --- | --- | --- |"]
    for (state, verb), after in TABLE.items():
        lines.append(f"| {state} | {verb} | {after} | {CONDITIONS.get((state, verb), '')} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def mermaid() -> str:
    """The state diagram, for readers that draw Mermaid."""
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR", "    [*] --> queued : submit"]
    lines += [f"    {before} --> {after} : {verbs}" for (before, after), verbs in _edges().items()]
    return "\n".join([*lines, "```"]) + "\n"


def states_svg() -> str:
    """The same as a picture."""
    parts = [_arrow((8, PLACES["queued"][1]), (PLACES["queued"][0] - WIDTH / 2, PLACES["queued"][1]))]
    parts.append(_text(36, PLACES["queued"][1] - 8, "submit", LABEL))
    for (before, after), verbs in _edges().items():
        parts += _loop(before, verbs) if before == after else _edge(before, after, verbs)
    for state, (x, y) in PLACES.items():
        parts.append(
            f'<rect x="{x - WIDTH / 2}" y="{y - HEIGHT / 2}" width="{WIDTH}" height="{HEIGHT}" rx="12" '
            f'fill="{COLOURS[state]}" stroke="#444" stroke-width="1.5"/>'
        )
        parts.append(_text(x, y + 5, state, 15, weight="bold"))
    return _svg(800, 456, parts)


def layers() -> list[str]:
    """The layers as pyproject.toml has them, the highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    found: list[str] = next(one for one in contracts if one["type"] == "layers")["layers"]
    return [layer.replace("agent_lanes.", "") for layer in found]


def layers_svg() -> str:
    """A box for each layer; imports point down."""
    parts, y = [], 16
    for layer in layers():
        rooms = [room.strip() for room in layer.split("|")]
        width = (560 - 12 * (len(rooms) - 1)) / len(rooms)
        for place, room in enumerate(rooms):
            x = 20 + place * (width + 12)
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="40" rx="8" fill="#eef3fa" stroke="#446"/>'
            )
            parts.append(_text(x + width / 2, y + 25, room, 14))
        y += 56
    parts.append(_arrow((604, 24), (604, y - 24)))
    parts.append(_text(636, y / 2, "imports", LABEL))
    return _svg(680, y, parts)


def _edges() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], list[str]] = {}
    for (before, verb), after in TABLE.items():
        found.setdefault((before, after), []).append(verb)
    return {pair: ", ".join(verbs) for pair, verbs in found.items()}


def _edge(before: str, after: str, verbs: str) -> list[str]:
    (x1, y1), (x2, y2) = PLACES[before], PLACES[after]
    start: Point
    end: Point
    if y1 == y2:  # two neighbours may have an edge each way: one above the middle, one below
        shift, way = (-10 if x2 > x1 else 10), (1 if x2 > x1 else -1)
        start, end = (x1 + way * WIDTH / 2, y1 + shift), (x2 - way * WIDTH / 2, y2 + shift)
        return [_arrow(start, end), _text((x1 + x2) / 2, y1 + (-18 if shift < 0 else 26), verbs, LABEL)]
    if before == "queued":  # past the state in between: an arc over or under it
        down = 1 if y2 > y1 else -1
        start, end = (x1, y1 + down * HEIGHT / 2), (x2 - WIDTH / 2, y2 + down * 12)
        high = y1 + down * 165
        path = f"M{start[0]} {start[1]} C{x1} {high} {x2 - 200} {high} {end[0]} {end[1]}"
        middle = (4 * x1 + 3 * (x2 - 200) + end[0]) / 8, (start[1] + 6 * high + end[1]) / 8  # of a Bezier curve
        label = _text(middle[0], middle[1] - 7, verbs, LABEL)
        return [f'<path d="{path}" fill="none" stroke="#444" stroke-width="1.4"/>', _head((x2 - 200, high), end), label]
    if after == "cancelled":  # downwards, beside the loop
        start, end = (
            ((x1, y1 + HEIGHT / 2), (x2 - WIDTH / 2, y2))
            if x1 < x2
            else ((x1 + 62, y1 + HEIGHT / 2), (x2 + 62, y2 - HEIGHT / 2))
        )
        return [
            _arrow(start, end),
            _text((start[0] + end[0]) / 2 + (0 if x1 < x2 else 28), (start[1] + end[1]) / 2, verbs, LABEL),
        ]
    start, end = (x1 + WIDTH / 2, y1), (x2 - WIDTH / 2, y2)
    return [_arrow(start, end), _text((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 4, verbs, LABEL)]


def _loop(state: str, verbs: str) -> list[str]:
    x, y = PLACES[state]
    down = 1 if state in ("failed", "claimed") else -1
    edge, far = y + down * HEIGHT / 2, y + down * (HEIGHT / 2 + 34)
    if state == "queued":
        x -= 40
    path = f"M{x - 14} {edge} C{x - 26} {far} {x + 26} {far} {x + 14} {edge}"
    label_y = far + (6 if down > 0 else 2)
    return [
        f'<path d="{path}" fill="none" stroke="#444" stroke-width="1.4"/>',
        _head((x + 26, far), (x + 14, edge)),
        _text(x, label_y, verbs, LABEL),
    ]


def _arrow(start: Point, end: Point) -> str:
    line = f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'{line} stroke="#444" stroke-width="1.4"/>' + _head(start, end)


def _head(start: Point, end: Point) -> str:
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    corners = [end] + [
        (end[0] - 10 * math.cos(angle + turn), end[1] - 10 * math.sin(angle + turn)) for turn in (0.4, -0.4)
    ]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return f'<polygon points="{points}" fill="#444"/>'


def _text(x: float, y: float, content: str, size: int, weight: str = "normal") -> str:
    halo = HALO if size == LABEL else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="{size}" font-weight="{weight}" fill="#222" '
        f'style="{FONT}{halo}">{escape(content)}</text>'
    )


def _svg(width: int, height: int, parts: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    ground = f'<rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([head, ground, *parts, "</svg>"]) + "\n"


def drawn() -> dict[Path, str]:
    """Every file that has something drawn in it, as it should be."""
    return {
        ROOT / "docs/pictures/states.svg": states_svg(),
        ROOT / "docs/pictures/layers.svg": layers_svg(),
        ROOT / "CONTRACT.md": _placed(ROOT / "CONTRACT.md", "transitions", transitions()),
        ROOT / "docs/concepts.md": _placed(ROOT / "docs/concepts.md", "states", mermaid()),
    }


def _placed(document: Path, name: str, content: str) -> str:
    before, mark, rest = document.read_text(encoding="utf-8").partition(MARK.format(name))
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"{document.name} lacks the marks of the drawing {name!r}")
    return before + mark + content + end + after


def main(arguments: list[str]) -> int:
    """Write everything, or check it."""
    files = drawn()
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"stale: {path.relative_to(ROOT)}; run: python docs/drawings.py\n")
        return 1 if stale else 0
    for path in stale:
        path.write_text(files[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
