"""The experiments whose rows are cases, each played in a place of its own: K6, K7, K9."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from experiment import Plan, Table
from holding.clocks import Missing
from holding.place import Broken, Case, Place


def play(case: Case, place: Place) -> tuple[str, str]:
    """What happened, and what was broken by it."""
    try:
        return case.play(place), ""
    except Broken as broken:
        return "broken", f"{case.done}: {broken}"
    except Missing as missing:
        return f"not looked at: {missing}", ""
    except Exception as wrong:
        return "the experiment failed", f"{case.done}: {wrong!r}"
    finally:
        place.close()


def table(plan: Plan, key: str, cases: Sequence[Case], place: Callable[[Case, Path], Place], at_once: int) -> Table:
    """The cases of an experiment, so many `at_once`, each in the place that is made for it in a folder of its own."""
    rows = Table(["what is done", "what is promised", "what happened"])

    def one(number: int) -> tuple[str, str]:
        case = cases[number]
        plan.say(f"{key}: {number + 1} of {len(cases)}: {case.done}")
        return play(case, place(case, plan.work / str(number)))

    with ThreadPoolExecutor(at_once) as threads:
        results = list(threads.map(one, range(len(cases))))
    for case, (happened, problem) in zip(cases, results, strict=True):
        rows.rows.append((case.done, case.promised, happened))
        if problem:
            rows.problems.append(problem)
    return rows
