"""K8: hostile input, found by a fuzzer that sees which code it reaches (atheris, libFuzzer for Python).

Whatever reads input of others is called with bytes: JSON, records, exported streams, handoff.yaml, task files, times,
names (fuzzing/targets.py). Only what it says it refuses with may come out, and what is accepted must come back when it
is written and read again. Needs `pip install atheris` (a development tool, for CPython up to 3.13 on Linux).

python evidence/run.py K8 --minutes 60      an hour for each target
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from experiment import Plan, Table
from fuzzing.seeds import SEEDS, crashes

HEAD = ("input", "seconds", "inputs tried", "parts of the code reached", "broken")
SAMPLE_SECONDS, WHOLE_SECONDS = 3, 60
LONGEST_INPUT = 4096
SLOW_SECONDS = 20  # for one input: it hangs


def run(plan: Plan) -> Table:
    """See the module."""
    table = Table(HEAD)
    if importlib.util.find_spec("atheris") is None:
        table.notes.append("nothing was tried: atheris is not installed (pip install atheris)")
        return table
    seconds = round(plan.minutes * 60) if plan.minutes else WHOLE_SECONDS if plan.whole else SAMPLE_SECONDS
    for target, seeds in SEEDS.items():
        corpus = plan.work / target.replace(" ", "-")
        corpus.mkdir()
        for number, seed in enumerate((*seeds, *crashes(target))):
            (corpus / f"seed-{number}").write_bytes(seed)
        done = _tried(plan, target, corpus, seconds)
        problems = _problems(target, done, corpus)
        table.problems += problems
        table.rows.append((target, seconds, _last(r"#(\d+)", done), _last(r"cov: (\d+)", done), len(problems)))
        plan.say(f"K8 {target}: {table.rows[-1][2]} inputs")
    return table


def _tried(plan: Plan, target: str, corpus: Path, seconds: int) -> str:
    flags = (
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_INPUT}",
        f"-timeout={SLOW_SECONDS}",
        "-rss_limit_mb=2048",
    )
    words = (sys.executable, "-m", "fuzzing.process", target, str(corpus), *flags, f"-artifact_prefix={corpus}/crash-")
    seed = (f"-seed={int(plan.seed)}",) if plan.seed else ()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.run((*words, *seed), capture_output=True, cwd=plan.work, env=environment).stderr.decode(
        errors="replace"
    )


def _problems(target: str, said: str, corpus: Path) -> list[str]:
    """What came out that must not, with the input that brought it."""
    found = [path.read_bytes() for path in sorted(corpus.glob("crash-*"))]
    if not found and "Done " not in said:
        return [f"{target}: the fuzzer did not end as it should: {said[-500:]}"]
    why = re.search(r"Uncaught Python exception: ===\n(.*?)\n", said)
    return [f"{target}: {why[1] if why else 'it hangs, or takes all memory'} - {content[:200]!r}" for content in found]


def _last(pattern: str, said: str) -> int:
    found = re.findall(pattern, said)
    return int(found[-1]) if found else 0
