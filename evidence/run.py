"""Try to break the queue, in every way that evidence/README.md names, and say what came of it.

python evidence/run.py                  samples of everything, as CI takes them
python evidence/run.py K1 K2 --whole    two of them, whole
"""

from __future__ import annotations

import argparse
import importlib
import platform
import shlex
import shutil
import sys
import tempfile
import time
from pathlib import Path

from experiment import Plan, Result, Table

HERE = Path(__file__).parent

# key: the module that has run(plan) -> Table, and what it looks for.
EXPERIMENTS: dict[str, tuple[str, str]] = {
    "K1": ("kills", "kill -9 at every system call of every command that writes"),
    "K2": ("errnos", "every system call of every command that writes fails, with every errno"),
    "K3": ("power", "power loss: every legal state of the disk after every step"),
    "K3-IMAGES": ("images", "power loss: images of real ext4, xfs and btrfs at every step"),
    "K3-FORGET": ("forget", "power loss: a file system that forgets what was not synced, at every step"),
    "K4": ("damage", "every file and folder of a store, damaged in every way"),
    "K5": ("storm", "a storm of processes with random kills, and its history checked"),
    "K6": ("holders", "stale and suspended holders, stepped clocks, deleted locks, replaced stores"),
    "K7": ("dispatchers", "killed dispatchers, agents that misbehave, disturbed tasks and stores"),
    "K8": ("fuzz", "hostile input, by a fuzzer that sees which code it reaches"),
    "K9": ("served", "the HTTP server: every route and field, framing, paths, slow clients, foreign pages"),
    "SOAK": ("soak", "four dispatchers, for an hour: agents that fail, flood and hang, kills at random"),
    "SIM": ("simulation", "several clients in one process, switched, crashed and aged by a seed"),
}


def main(words: list[str]) -> int:
    """Run what was asked for. Exit code 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("keys", nargs="*", metavar="KEY", help=f"of {', '.join(EXPERIMENTS)}; all by default")
    parser.add_argument("--whole", action="store_true", help="everything, not a sample")
    parser.add_argument("--seed", help="of all chance")
    parser.add_argument("--count", type=int, help="how many seeds, states or inputs")
    parser.add_argument("--minutes", type=float, help="how long, for what goes on until it is stopped")
    parser.add_argument("--workers", type=int, default=2, help="how many processes share the sweeps")
    parser.add_argument("--work", help="make the stores in this folder, on the disk to be looked at")
    parser.add_argument("--out", type=Path, help="keep each result in this folder, as KEY.json")
    args = parser.parse_args(words)
    keys = [key.upper() for key in args.keys] or list(EXPERIMENTS)
    if unknown := set(keys) - set(EXPERIMENTS):
        parser.error(f"no such experiment: {', '.join(sorted(unknown))}")
    command = shlex.join(["python", "evidence/run.py", *words])
    results = [_result(key, command, args) for key in keys]
    for result in results:
        if args.out:
            result.write(args.out)
    broken = {result.key: len(result.table.problems) for result in results if result.table.problems}
    print("broken: " + ", ".join(f"{key} {n} times" for key, n in broken.items()) if broken else "nothing was broken")
    return 1 if broken else 0


def _result(key: str, command: str, args: argparse.Namespace) -> Result:
    module, title = EXPERIMENTS[key]
    work = Path(tempfile.mkdtemp(prefix=f"agent-lanes-{key.lower()}-", dir=args.work))
    begin = time.monotonic()
    try:
        plan = Plan(args.whole, work, args.seed, args.count, args.minutes, args.workers)
        table: Table = importlib.import_module(module).run(plan)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    seconds = round(time.monotonic() - begin)
    print(f"\n## {key}: {title} ({seconds} s)\n\n{table.markdown()}\n")
    for line in (*table.notes, *(f"BROKEN: {problem}" for problem in table.problems)):
        print(line)
    sys.stdout.flush()
    machine = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return Result(key, title, command, args.whole, seconds, machine, table)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.exit(main(sys.argv[1:]))
