"""All figures, this build and agent-lanes 0.1.1 taking turns in one run. See README.md.

python benchmarks/run.py [--only S1,W2] [--sizes small|full] [--out results.json] [--charts FOLDER]
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
import time

import builds
import report
from bench import Bench
from figures import FIGURES
from measure import hold_steady
from waits import STEADY

MEMORY = "/dev/shm"
STEADY_HELP = "run everything measured at real-time priority (needs root): other work on the machine blurs times less"


def main() -> int:
    """Measure, print, write. Exit code 1 if a figure misses what it must be, or could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"figures, separated by commas, of {','.join(FIGURES)}")
    parser.add_argument("--sizes", choices=("small", "full"), default="small", help="default: small, some minutes")
    parser.add_argument("--out", help="write everything measured to this file, as JSON; other figures in it stay")
    parser.add_argument("--charts", help="draw charts into this folder (needs matplotlib)")
    parser.add_argument("--work", help="make the stores in this folder, on the disk to be measured")
    parser.add_argument("--steady", action="store_true", help=STEADY_HELP)
    args = parser.parse_args()
    wanted = [key.strip().upper() for key in args.only.split(",")] if args.only else list(FIGURES)
    unknown = set(wanted) - set(FIGURES)
    if unknown:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    if args.charts and importlib.util.find_spec("matplotlib") is None:  # before an hour of measuring
        parser.error("--charts needs matplotlib: pip install matplotlib, or draw later with benchmarks/charts.py")
    disk = tempfile.mkdtemp(prefix="agent-lanes-bench-", dir=args.work)
    memory = tempfile.mkdtemp(prefix="agent-lanes-bench-", dir=MEMORY) if os.path.isdir(MEMORY) else None
    try:
        if args.steady:
            hold_steady(STEADY)
        bench = Bench(builds.both(disk), disk, memory, args.sizes == "full")
        run = report.Report(bench, args.sizes)
        print(run.heading(), flush=True)
        chosen = [key for key in FIGURES if key in wanted]
        for count, key in enumerate(chosen, start=1):
            bench.say(f"{key}, {count} of {len(chosen)}, begun at {time.strftime('%H:%M:%S')}")
            run.measured(key, importlib.import_module(f"figures.{key.lower()}").measure)
            if args.out:
                run.write(args.out)
    finally:
        for folder in filter(None, (disk, memory)):
            shutil.rmtree(folder, ignore_errors=True)
    print(run.closing())
    if args.charts:
        import charts

        print("\n".join(charts.draw([run.record()], args.charts)))
    return 0 if run.all_met() and not run.broken else 1


if __name__ == "__main__":
    sys.exit(main())
