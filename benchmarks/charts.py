"""Draws the charts of docs/charts/ from what was measured; needs matplotlib, and nothing else does.

python benchmarks/charts.py [RESULTS.json ...] [--to FOLDER]      all of benchmarks/results into docs/charts

Where several files hold a figure, the last one measured is drawn; one that nobody measured has no chart.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
from typing import TYPE_CHECKING, Any

from drawing import EARLIER, PEER, SERVER, THIS, Line, card, dumbbells, plot, save, subtitle

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    Series = dict[str, dict[str, list[float]]]

HERE = os.path.dirname(os.path.abspath(__file__))
BOLD = 2.8
LOG = "; logarithmic axes"


def draw(records: list[dict[str, Any]], folder: str) -> list[str]:
    """Draw what was measured; returns the paths."""
    os.makedirs(folder, exist_ok=True)
    newest: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {}
    for record in records:
        for key, figure in record["figures"].items():
            if key not in newest or figure["ended_at"] > newest[key][0]:
                newest[key] = figure["ended_at"], record, figure
    drawn: list[str] = []
    for name, key, paint in CHARTS:
        if key in newest:
            _, record, figure = newest[key]
            drawn += save(paint(figure), _about(record, figure), f"{folder}/{name}")
    return drawn


def _round_trip(figure: dict[str, Any]) -> Figure:
    series: Series = figure["series"]
    below = "submit → claim → respond → wait through five processes, milliseconds of wall time"
    picture, (axes,) = card("A round trip costs the same, whatever is stored", below + LOG)
    lines = [_line(series, "this", "ms", "this build", THIS, BOLD), _line(series, "earlier", "ms", "0.1.1", EARLIER, 2)]
    plot(axes, lines, across="finished tasks in the store", ticks=series["this"]["at"], unit=" ms")
    return picture


def _wake(figure: dict[str, Any]) -> Figure:
    series: Series = figure["series"]
    below = "from the file getting its name to the first byte printed, in milliseconds, without fsync"
    picture, panels = card("A blocked wait wakes in milliseconds, at any size", below + LOG, 2)
    lines: list[list[Line]] = [[], []]
    for key, name, color, width in BOTH:
        for group, what in zip(lines, WAKES, strict=True):
            if f"{key} {what}" in series:
                group.append(_line(series, f"{key} {what}", "p50", f"{name}, median", color, width))
                group.append(_line(series, f"{key} {what}", "p99", f"{name}, p99", color, 1.6, dashed=True))
    for axes, group, title in zip(panels, lines, ("wait for an answer", "wait for work"), strict=True):
        all = (*lines[0], *lines[1])
        plot(axes, group, across="finished tasks in the store", ticks=_ticks(series), beside=all)
        subtitle(axes, title)
    return picture


def _idle(figure: dict[str, Any]) -> Figure:
    series: Series = figure["series"]
    picture, (axes,) = card("Waiting costs next to nothing", "CPU of one idle blocked wait, seconds a minute" + LOG)
    lines = [
        _line(series, f"{key} {what}", "cpu", f"{name}, {what}", color, width)
        for key, name, color, width in BOTH
        for what in ("wait ID", "wait --lane")
        if f"{key} {what}" in series
    ]
    plot(axes, lines, across="finished tasks in the store", ticks=_ticks(series), unit=" s")
    return picture


def _commands(figure: dict[str, Any]) -> Figure:
    rows = [row for row in figure["rows"] if row["unit"] == "P" and row["earlier"]]
    below = "CPU of one call, in P: one P is the CPU of `python -c pass` with the same interpreter"
    picture, (axes,) = card("What a command costs", below)
    picture.subplots_adjust(left=0.13, right=0.95, top=0.80, bottom=0.14)
    dumbbells(axes, [row["what"] for row in rows], [row["earlier"] for row in rows], [row["this"] for row in rows])
    return picture


def _throughput(figure: dict[str, Any]) -> Figure:
    series: Series = figure["series"]
    below = "tasks a second over processes; all on the same disk, each as durable as it can be set to"
    picture, panels = card("Many processes at one queue", below + LOG, 2, height=5.2)
    picture.subplots_adjust(left=0.07, right=0.80, top=0.79, bottom=0.135, wspace=0.8)
    lines = [
        [
            _line(series, f"{kind} {what}", "rate", name, color, width)
            for kind, name, color, width in QUEUES
            if f"{kind} {what}" in series and len(series[f"{kind} {what}"]["at"]) > 1
        ]
        for what in ("submit", "claim and respond")
    ]
    for axes, group, title in zip(panels, lines, ("put", "take and answer"), strict=True):
        plot(axes, group, across="processes", ticks=[1, 2, 4, 8], beside=(*lines[0], *lines[1]))
        subtitle(axes, title)
    return picture


def _find(figure: dict[str, Any]) -> Figure:
    series: Series = figure["series"]
    below = "find and claim, in milliseconds: CPU of commands, wall time inside a process"
    picture, (axes,) = card("Finding the next task does not read the others", below + LOG)
    lines = [
        _line(series, "this", "cpu_ms", "this build", THIS, BOLD),
        _line(series, "in process", "wall_ms", "this, Python API", THIS, 1.6),
        _line(series, "earlier", "cpu_ms", "0.1.1", EARLIER, 2),
    ]
    plot(axes, lines, across="finished tasks in the store", ticks=_ticks(series), unit=" ms")
    return picture


BOTH = (("this", "this", THIS, BOLD), ("earlier", "0.1.1", EARLIER, 2.0))
WAKES = ("answer, a bare link, memory", "task, by submit, memory")
QUEUES = (
    ("this", "this build", THIS, BOLD),
    ("earlier-http", "0.1.1, over HTTP", EARLIER, 2.0),
    ("wal", "SQLite WAL table", PEER, 1.3),
    ("huey", "huey", PEER, 1.3),
    ("litequeue", "litequeue", PEER, 1.3),
    ("persist-ack", "persist-queue ack", PEER, 1.3),
    ("redis", "Redis", SERVER, 1.3),
    ("beanstalkd", "beanstalkd", SERVER, 1.3),
)
CHARTS: tuple[tuple[str, str, Callable[[dict[str, Any]], Figure]], ...] = (
    ("round-trip", "R2", _round_trip),
    ("wake-up", "W1", _wake),
    ("idle", "W2", _idle),
    ("commands", "C1", _commands),
    ("throughput", "T3", _throughput),
    ("find-and-claim", "S1", _find),
)


def _line(
    series: Series, key: str, value: str, name: str, color: str, width: float = 1.4, dashed: bool = False
) -> Line:
    points = sorted(zip(series[key]["at"], series[key][value], strict=True))
    return Line(name, [at for at, _ in points], [number for _, number in points], color, width, dashed)


def _ticks(series: Series) -> list[float]:
    return sorted({at for one in series.values() for at in one["at"]})


def _about(record: dict[str, Any], figure: dict[str, Any]) -> str:
    machine, version, load = record["machine"], record["versions"]["this"][0], figure["load"]
    processor = machine["processor"].replace("(R)", "").replace(" Processor", "")
    return (
        f"agent-lanes {version} ({figure['commit']}) and 0.1.1 side by side in one run, {figure['ended_at'][:10]}, "
        f"load {load[0]:.0f} to {load[1]:.0f}; {machine['processors']} x {processor}, "
        f"{machine['file_system']}"
    )


def main() -> None:
    """Read, draw, say what was drawn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="*", help="default: all of benchmarks/results")
    parser.add_argument("--to", default=f"{os.path.dirname(HERE)}/docs/charts", help="default: docs/charts")
    args = parser.parse_args()
    records = []
    for path in args.results or sorted(glob.glob(f"{HERE}/results/*.json")):
        with open(path, encoding="utf-8") as file:
            records.append(json.load(file))
    print("\n".join(draw(records, args.to)))


if __name__ == "__main__":
    main()
