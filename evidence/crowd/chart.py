"""A storm as a picture: tasks open, answers, kills and stops over time, as SVG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from crowd.journal import OK, Operation
from crowd.people import Deed

WIDTH, HEIGHT, LEFT, TOP, PANEL, GAP = 860, 430, 56, 40, 150, 56
INK, QUIET, OPEN, ANSWERED, KILLED, STOPPED = "#24292f", "#d0d7de", "#0969da", "#1a7f37", "#cf222e", "#bf8700"
SECOND = 1_000_000
Point = tuple[float, float]


def timeline(operations: Sequence[Operation], deeds: Sequence[Deed], begin: int) -> str:
    """Two panels on one axis of seconds: tasks open; answers, kills and stops in each step of time."""
    answered: dict[str, int] = {}
    for one in operations:
        if one.f == "respond" and one.type == OK:
            answered[one.id] = min(one.end, answered.get(one.id, one.end))
    submitted: dict[str, int] = {}
    for one in operations:
        if one.f == "submit" and one.type == OK:
            submitted.setdefault(one.id, one.end)
    last = max([one.end for one in operations if one.type == OK] + [begin + SECOND])
    seconds = (last - begin) / SECOND
    step = max(1, round(seconds / 120))
    kills = [deed.at for deed in deeds if deed.what.startswith("kill")]
    stops = [deed.at for deed in deeds if deed.what == "stop"]
    ended = [(at, -1) for id, at in answered.items() if id in submitted]
    changes = sorted([*((at, 1) for at in submitted.values()), *ended])
    parts = [_panel(TOP, seconds, "tasks open", [("open", OPEN, _sums(changes, begin, step))])]
    rates = [
        ("answers", ANSWERED, _rates(answered.values(), begin, step, seconds)),
        ("kill -9", KILLED, _rates(kills, begin, step, seconds)),
        ("SIGSTOP", STOPPED, _rates(stops, begin, step, seconds)),
    ]
    parts.append(_panel(TOP + PANEL + GAP, seconds, "a second", rates))
    title = f"{len(submitted)} tasks acknowledged, {len(answered)} answered, {len(kills)} kills, {len(stops)} stops"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        f' font-family="sans-serif" font-size="12" fill="{INK}">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
        f'<text x="{LEFT}" y="22" font-size="15">{title}</text>\n{"".join(parts)}</svg>\n'
    )


def _sums(changes: Iterable[tuple[int, int]], begin: int, step: int) -> list[Point]:
    """How many there are at the end of each step."""
    total, at_end = 0, dict[int, int]()
    for at, change in changes:
        total += change
        at_end[(at - begin) // (step * SECOND)] = total
    points, value = [(0.0, 0.0)], 0
    for number in range(max(at_end, default=0) + 1):
        value = at_end.get(number, value)
        points.append(((number + 1) * step, value))
    return points


def _rates(times: Iterable[int], begin: int, step: int, seconds: float) -> list[Point]:
    """How many a second in each step."""
    count = Counter((at - begin) // (step * SECOND) for at in times)
    return [((number + 0.5) * step, count[number] / step) for number in range(max(1, int(seconds / step)))]


def _panel(top: float, seconds: float, label: str, lines: list[tuple[str, str, list[Point]]]) -> str:
    most = max([value for _, _, points in lines for _, value in points] + [1])
    width, bottom = WIDTH - LEFT - 20, top + PANEL
    out = [f'<text x="{LEFT}" y="{top - 6}">{label}</text>\n']
    for share in (0, 0.5, 1):
        y = bottom - share * PANEL
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + width}" y2="{y:.1f}" stroke="{QUIET}"/>\n')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share * most:g}</text>\n')
    for share in range(7):
        x = LEFT + share / 6 * width
        out.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{share / 6 * seconds:.0f} s</text>\n')
    for place, (name, colour, points) in enumerate(lines):
        path = " ".join(f"{LEFT + min(x / seconds, 1) * width:.1f},{bottom - y / most * PANEL:.1f}" for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>\n')
        out.append(
            f'<text x="{LEFT + width - 70 * (len(lines) - place)}" y="{top - 6}" fill="{colour}">{name}</text>\n'
        )
    return "".join(out)
