"""Tables for people, JSON for programs; with what a reader needs to judge them: machine, versions, load."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
import traceback
from dataclasses import asdict
from typing import TYPE_CHECKING

import builds
from measure import is_steady

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench import Bench, Figure, Row

COLUMNS = ("figure", "0.1.1", "this", "spread", "times better", "must", "met?")


class Report:
    """Everything measured in one run."""

    def __init__(self, bench: Bench, sizes: str) -> None:
        self.bench = bench
        self.figures: list[tuple[Figure, dict[str, object]]] = []
        self.broken: list[str] = []
        self.run = {"sizes": sizes, "commit": builds.commit()}
        self.about = {
            "versions": {build.key: [build.version, f"Python {build.python_version}"] for build in bench.builds},
            "machine": {
                "system": f"{platform.system()} {platform.release()}",
                "processors": os.cpu_count(),
                "processor": _processor(),
                "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
                "file_system": _file_system(bench.disk),
                "in_memory": _file_system(bench.memory) if bench.memory else None,
            },
        }

    def heading(self) -> str:
        """What is compared, and where."""
        machine, steady = self.about["machine"], ", steady" if is_steady() else ""
        assert isinstance(machine, dict)
        return (
            f"agent-lanes {self.bench.this.version} ({self.run['commit']}) beside {self.bench.earlier.version}, "
            f"sizes {self.run['sizes']}{steady}\n{machine['processors']} x {machine['processor']}, "
            f"{machine['memory_mib']} MiB, {machine['file_system']}, {machine['system']}, "
            f"Python {self.bench.this.python_version}"
        )

    def measured(self, key: str, measure: Callable[[Bench], Figure]) -> None:
        """Run one figure and print its table; where that fails, say so, and let the others follow."""
        before, started = os.getloadavg()[0], time.monotonic()
        try:
            figure = measure(self.bench)
        except Exception:
            traceback.print_exc()
            self.broken.append(key)
            return
        more = {
            **self.run,
            "ended_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": round(time.monotonic() - started, 1),
            "steady": is_steady(),
            "load": [before, os.getloadavg()[0]],
        }
        self.figures.append((figure, more))
        print(f"\n{figure.key}  {figure.title}   (load {before:.1f} to {os.getloadavg()[0]:.1f})\n{table(figure.rows)}")
        sys.stdout.flush()

    def closing(self) -> str:
        """What was missed."""
        missed = [f"{figure.key} {row.what}" for figure, _ in self.figures for row in figure.rows if row.met is False]
        failed = f"\nnot measured: {', '.join(self.broken)}" if self.broken else ""
        return ("\nmissed: " + "; ".join(missed) if missed else "\nevery figure is what it must be") + failed

    def all_met(self) -> bool:
        """Whether nothing was missed."""
        return all(row.met is not False for figure, _ in self.figures for row in figure.rows)

    def record(self) -> dict[str, object]:
        """Everything, as JSON values."""
        return {
            **self.about,
            "figures": {
                figure.key: {
                    "title": figure.title,
                    **more,
                    "rows": [{**asdict(row), "met": row.met} for row in figure.rows],
                    "series": figure.series,
                    "samples": figure.samples,
                }
                for figure, more in self.figures
            },
        }

    def write(self, path: str) -> None:
        """The record as a file. Figures that are in the file already, of the same versions and machine, stay."""
        record = _rounded(self.record())
        assert isinstance(record, dict)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                before = json.load(file)
            if all(before.get(key) == record[key] for key in self.about):
                figures = {**before["figures"], **record["figures"]}
                record["figures"] = {key: figures[key] for key in sorted(figures)}
        text = json.dumps(record, indent=1, ensure_ascii=False)
        with open(path, "w", encoding="utf-8") as file:
            file.write(_lists_on_one_line(text) + "\n")


def table(rows: list[Row]) -> str:
    """A plain text table."""
    lines = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    shown = []
    for line, row in zip(lines, [None, *rows], strict=True):
        cells = [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        shown.append("  ".join(cells) + (f"  {row.note}" if row and row.note else ""))
    return "\n".join(shown)


def _cells(row: Row) -> tuple[str, ...]:
    earlier = row.earlier if isinstance(row.earlier, str) else _number(row.earlier, row.unit)
    spread = "" if row.low is None or row.high is None else f"{_plain(row.low)}-{_plain(row.high)}"
    times = "" if row.times is None else f"{row.times:.3g}"
    must = "" if row.limit is None else f"<= {_plain(row.limit)}"
    must = must if row.least is None else f">= {_plain(row.least)}"
    met = {True: "yes", False: "NO", None: ""}[row.met]
    return row.what, earlier, _number(row.this, row.unit), spread, times, must, met


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{_plain(value)} {unit}"


def _plain(value: float) -> str:
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _lists_on_one_line(text: str) -> str:
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        bare = line.strip()
        if inside:
            lines[-1] += (" " if lines[-1][-1] == "," else "") + bare
        else:
            lines.append(line)
        if bare.endswith("[") and not bare.startswith('"rows"'):
            inside = True
        elif bare in ("]", "],"):
            inside = False
    return "\n".join(lines)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def _file_system(path: str) -> str:
    best, kind, device = "", "unknown", ""
    with open("/proc/mounts") as file:
        for line in file:
            source, mount, name, *_ = line.split()
            if (path + "/").startswith(mount.rstrip("/") + "/") and len(mount) > len(best):
                best, kind, device = mount, name, os.path.basename(source)
    journals = os.listdir("/proc/fs/jbd2") if os.path.isdir("/proc/fs/jbd2") else []
    if kind == "ext4" and not any(one.startswith(f"{device}-") for one in journals):
        return "ext4 without a journal"  # an fsync writes what the file needs, not a commit of everybody's changes
    return kind + (" on a loop device" if device.startswith("loop") else "")
