"""Three charts, as SVG and PNG: finding and claiming, waking up, idling; each over the number of stored tasks.

matplotlib is needed for these alone. A figure that was not measured has no chart.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "agent-lanes"  # the same data give the same file
matplotlib.rcParams["svg.fonttype"] = "none"

from matplotlib import pyplot  # noqa: E402 - after the backend is chosen
from matplotlib.ticker import FuncFormatter, LogLocator  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    Series = dict[str, dict[str, list[float]]]

EARLIER, THIS, SECOND = "#b5532d", "#1f6f8b", "#7fb3c8"
NONE_AT = 0.3  # where "0 stored" stands on a logarithmic axis, as a share of the smallest size


def draw(record: dict[str, Any], folder: str) -> list[str]:
    """Draw what was measured; returns the paths."""
    os.makedirs(folder, exist_ok=True)
    figures = record["figures"]
    drawn: list[str] = []
    for name, key, panels, paint in CHARTS:
        if key in figures and figures[key]["series"]:
            drawn += _save(name, panels, figures[key]["series"], paint, _about(record, figures[key]), folder)
    return drawn


def _find(panels: list[Axes], series: Series) -> None:
    (axes,) = panels
    axes.set_title("Find and claim the next task")
    axes.set_ylabel("milliseconds")
    _line(axes, series, "earlier", "cpu_ms", "0.1.1, two commands (CPU)", EARLIER, "o-")
    _line(axes, series, "this", "cpu_ms", "this build, one command (CPU)", THIS, "o-")
    _line(axes, series, "in process", "wall_ms", "this build, inside a process (wall)", SECOND, "s-")


def _wake(panels: list[Axes], series: Series) -> None:
    panels[0].set_ylabel("milliseconds, fsync left out")
    for axes, what, title in zip(
        panels, WAKES, ("wait ID, woken by an answer", "wait --lane, woken by a submit"), strict=True
    ):
        axes.set_title(title)
        for key, label, color in BOTH:
            _line(axes, series, f"{key} {what}", "p99", f"{label}, 99th percentile", color, "o:")
            _line(axes, series, f"{key} {what}", "p50", f"{label}, median", color, "o-")


def _idle(panels: list[Axes], series: Series) -> None:
    panels[0].set_ylabel("seconds of CPU a minute")
    for axes, what in zip(panels, ("wait ID", "wait --lane"), strict=True):
        axes.set_title(f"one idle {what}")
        for key, label, color in BOTH:
            _line(axes, series, f"{key} {what}", "cpu", label, color, "o-")


BOTH = (("earlier", "0.1.1", EARLIER), ("this", "this build", THIS))
WAKES = ("answer, a bare link, memory", "task, by submit, memory")
CHARTS: tuple[tuple[str, str, int, Callable[[list[Axes], Series], None]], ...] = (
    ("find-and-claim", "S1", 1, _find),
    ("wake-up", "W1", 2, _wake),
    ("idle", "W2", 2, _idle),
)


def _line(axes: Axes, series: Series, key: str, value: str, label: str, color: str, style: str) -> None:
    if key not in series:
        return
    points = sorted(zip(series[key]["at"], series[key][value], strict=True))
    smallest = min(at for one in series.values() for at in one["at"] if at)
    places, values = [at or smallest * NONE_AT for at, _ in points], [number for _, number in points]
    axes.plot(places, values, style, color=color, label=label, linewidth=1.8, markersize=5)
    end = (places[-1], values[-1])
    axes.annotate(_short(end[1]), end, textcoords="offset points", xytext=(7, -3), color=color, fontsize=9)


def _save(
    name: str, count: int, series: Series, paint: Callable[[list[Axes], Series], None], about: str, folder: str
) -> list[str]:
    figure, grid = pyplot.subplots(
        1, count, figsize=(7.2 + 1.8 * (count - 1), 4.2), sharey=True, layout="constrained", squeeze=False
    )
    panels = list(grid[0])
    for axes in panels:
        axes.set_xscale("log")
        axes.set_yscale("log")
    paint(panels, series)
    sizes = sorted({at for one in series.values() for at in one["at"]})
    smallest = min(at for at in sizes if at)
    for axes in panels:
        axes.set_xticks([at or smallest * NONE_AT for at in sizes], [f"{int(at):,}" for at in sizes])
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
        axes.minorticks_off()
        axes.margins(x=0.12, y=0.12)
        axes.set_xlabel("tasks stored")
        axes.grid(True, which="major", color="#dddddd", linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    figure.supxlabel(about, x=0.01, ha="left", fontsize=7, color="#666666")
    paths = [f"{folder}/{name}.{kind}" for kind in ("svg", "png")]
    figure.savefig(paths[0], bbox_inches="tight", metadata={"Date": None})
    figure.savefig(paths[1], bbox_inches="tight", dpi=110)
    pyplot.close(figure)
    return paths


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _about(record: dict[str, Any], figure: dict[str, Any]) -> str:
    machine, version = record["machine"], record["versions"]["this"][0]
    return (
        f"agent-lanes {version} ({figure['commit']}) and 0.1.1, one interleaved run, {figure['ended_at'][:10]}, "
        f"load {figure['load'][0]:.1f} to {figure['load'][1]:.1f}; {machine['processors']} x {machine['processor']}, "
        f"{machine['file_system']}"
    )
