"""How the charts look: one card, a title that says what is seen, lines that are named where they end.

The background is opaque, so that a card is legible on a light and on a dark page. Text becomes outlines: an SVG looks
the same wherever it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "agent-lanes"  # the same data give the same file
matplotlib.rcParams["svg.fonttype"] = "path"
matplotlib.rcParams["font.size"] = 10.5

from matplotlib import pyplot  # noqa: E402 - after the backend is chosen
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator  # noqa: E402

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER, INK, FAINT, GRID = "#fbfaf7", "#2b2b2b", "#77736b", "#e4e1d9"
THIS, EARLIER, PEER, SERVER = "#0b7285", "#c2542d", "#8d8a83", "#7a6fa8"
NONE_AT = 0.3  # where "0 stored" stands on a logarithmic axis, as a share of the smallest size
WIDTH, HEIGHT = 8.4, 4.5
LABEL_POINTS = 13.0  # the least distance of two labels


class Line(NamedTuple):
    """One line of a chart: what it is called at its end, and how it looks."""

    name: str
    places: list[float]
    values: list[float]
    color: str
    width: float = 1.4
    dashed: bool = False


def card(title: str, below: str, panels: int = 1, height: float = HEIGHT) -> tuple[Figure, list[Axes]]:
    """An empty card with its title, and what is measured in the line below."""
    figure, grid = pyplot.subplots(1, panels, figsize=(WIDTH, height), squeeze=False, facecolor=PAPER, sharey=True)
    figure.subplots_adjust(
        left=0.085, right=0.765 if panels == 1 else 0.80, top=0.80 if panels == 1 else 0.76, bottom=0.165, wspace=0.66
    )
    figure.text(0.03, 0.945, title, fontsize=14.5, fontweight="bold", color=INK, va="center")
    figure.text(0.03, 0.872, below, fontsize=10, color=FAINT, va="center")
    axes = list(grid[0])
    for one in axes:
        one.set_facecolor(PAPER)
        one.spines[["top", "right", "left"]].set_visible(False)
        one.spines["bottom"].set_color(FAINT)
        one.tick_params(colors=FAINT, length=0, labelsize=9.5)
        one.grid(True, axis="y", color=GRID, linewidth=0.9)
        one.set_axisbelow(True)
    return figure, axes


def plot(
    axes: Axes, lines: list[Line], *, across: str, ticks: list[float], unit: str = "", beside: tuple[Line, ...] = ()
) -> None:
    """Lines over a logarithmic axis, each named beside its last point, no name upon another.

    `beside` are the lines of the panels beside this one, which share its scale.
    """
    axes.set_xscale("log")
    axes.set_yscale("log")
    least = min((value for line in (*lines, *beside) for value in line.values if value > 0), default=1) / 3
    told = [line.values[-1] for line in lines]
    lines = [_above(line, least) for line in lines]  # what was too little to be measured stands at the bottom
    smallest = min((tick for tick in ticks if tick), default=1)
    for line in lines:
        places = [place or smallest * NONE_AT for place in line.places]
        style = (0, (1.5, 1.6)) if line.dashed else "-"
        marker = "" if line.dashed else "o"
        axes.plot(places, line.values, linestyle=style, marker=marker, color=line.color, linewidth=line.width,
                  markersize=2.4 + 1.4 * line.width, solid_capstyle="round", zorder=2 + line.width)  # fmt: skip
    at = [tick or smallest * NONE_AT for tick in ticks]
    axes.xaxis.set_major_locator(FixedLocator(at))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: short(ticks[at.index(place)])))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    values = [value for line in (*lines, *beside) for value in line.values if value > 0]
    low, high = min(values) / 1.6, max(values) * 1.3
    low = min(low, high / 14)  # at least a decade, so that little does not look like much
    axes.set_ylim(low, high)
    parts = (1, 2, 5) if high / low < 60 else (1, 3) if high / low < 3000 else (1,)
    steps = [step * 10.0**power for power in range(-7, 8) for step in parts]
    axes.yaxis.set_major_locator(FixedLocator([step for step in steps if low <= step <= high]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.set_xlabel(across, color=FAINT, fontsize=9.5, labelpad=5)
    _name(axes, lines, told, unit)


def _above(line: Line, least: float) -> Line:
    return line._replace(values=[value if value > 0 else least for value in line.values])


def subtitle(axes: Axes, text: str) -> None:
    """What one of several panels shows."""
    axes.set_title(text, loc="left", fontsize=10.5, color=INK, pad=8)


def _name(axes: Axes, lines: list[Line], told: list[float], unit: str) -> None:
    """Names at the ends of the lines, with what is told there, pushed apart where they would touch."""
    axes.figure.canvas.draw()
    scale = axes.figure.dpi / 72
    to_points, last = axes.transData.transform, max(line.places[-1] for line in lines)
    at_ends = [float(to_points((1, line.values[-1]))[1]) / scale for line in lines]
    ends = sorted(zip(at_ends, lines, told, strict=True))
    heights = [end for end, *_ in ends]
    for _ in range(200):
        for at in range(len(heights) - 1):
            lack = LABEL_POINTS - (heights[at + 1] - heights[at])
            if lack > 0:
                heights[at] -= lack / 2
                heights[at + 1] += lack / 2
    for height, (end, line, value) in zip(heights, ends, strict=True):
        label = f"{line.name}  {said(value)}{unit}"
        weight = "bold" if line.width > 2 else "normal"
        across = 14 if line.places[-1] == last else 9
        axes.annotate(label, (line.places[-1], line.values[-1]), xytext=(across, height - end),
                      textcoords="offset points", color=line.color, fontsize=9.3, va="center", fontweight=weight,
                      annotation_clip=False)  # fmt: skip


def dumbbells(axes: Axes, names: list[str], earlier: list[float], this: list[float]) -> None:
    """One row for each name, from what it was to what it is."""
    axes.grid(False)
    rows = range(len(names))[::-1]
    for row, before, now in zip(rows, earlier, this, strict=True):
        axes.plot([now, before], [row, row], color=GRID, linewidth=3, zorder=1, solid_capstyle="round")
        axes.annotate(f"{now:.1f}", (now, row), xytext=(0, 8), textcoords="offset points", ha="center",
                      color=THIS, fontsize=9.5, fontweight="bold")  # fmt: skip
        axes.annotate(f"{before:.1f}", (before, row), xytext=(9, -3.5), textcoords="offset points", color=EARLIER,
                      fontsize=9.5)  # fmt: skip
    axes.scatter(this, list(rows), color=THIS, s=62, zorder=3)
    axes.scatter(earlier, list(rows), color=EARLIER, s=46, zorder=3)
    axes.annotate("this build", (this[0], len(names) - 1), xytext=(0, 23), textcoords="offset points", ha="center",
                  color=THIS, fontsize=9.5, fontweight="bold")  # fmt: skip
    axes.annotate("0.1.1", (earlier[0], len(names) - 1), xytext=(0, 12), textcoords="offset points", ha="center",
                  color=EARLIER, fontsize=9.5)  # fmt: skip
    axes.set_yticks(list(rows), names)
    axes.tick_params(axis="y", labelsize=10.5, colors=INK)
    axes.set_xlim(0, max(earlier) * 1.12)
    axes.set_ylim(-0.6, len(names) - 0.1)


def save(figure: Figure, about: str, path: str) -> list[str]:
    """Write the card as SVG and PNG, with the line that says where the numbers come from."""
    figure.text(0.03, 0.035, about, fontsize=7.4, color=FAINT, va="center")
    figure.savefig(f"{path}.svg", facecolor=PAPER, metadata={"Date": None})
    figure.savefig(f"{path}.png", facecolor=PAPER, dpi=140, metadata={"Software": None})
    pyplot.close(figure)
    return [f"{path}.svg", f"{path}.png"]


def said(value: float) -> str:
    """A number as a label says it: to two or three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 10 else f"{value:.0f}"


def short(value: float) -> str:
    """A number as an axis shows it."""
    if value >= 1000:
        return f"{value / 1000:g}k" if value < 1e6 else f"{value / 1e6:g}M"
    return f"{value:g}"
