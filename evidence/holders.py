"""K6: stale and suspended holders, stepped clocks, deleted locks, replaced stores. Each case is one row.

python evidence/run.py K6              those that take less than ten seconds
python evidence/run.py K6 --whole      all of them
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from experiment import Plan, Table
from holding import boots, clocks, stale, suspended, swapped
from holding.clocks import Missing
from holding.place import Broken, Case, Place

AT_ONCE = 4  # most of them wait most of the time


def cases(*, whole: bool) -> list[Case]:
    """All of them, or those of the sample."""
    found = [*stale.CASES, *suspended.CASES, *clocks.CASES, *boots.CASES, *swapped.CASES]
    return [case for case in found if whole or not case.long]


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


def run(plan: Plan) -> Table:
    """See experiment.py."""
    table = Table(["what is done", "what is promised", "what happened"])
    chosen = cases(whole=plan.whole)

    def one(number: int) -> tuple[str, str]:
        plan.say(f"K6: {number + 1} of {len(chosen)}: {chosen[number].done}")
        return play(chosen[number], Place(plan.work / str(number)))

    with ThreadPoolExecutor(AT_ONCE) as threads:
        results = list(threads.map(one, range(len(chosen))))
    for case, (happened, problem) in zip(chosen, results, strict=True):
        table.rows.append((case.done, case.promised, happened))
        if problem:
            table.problems.append(problem)
    return table
