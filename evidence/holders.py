"""K6: stale and suspended holders, stepped clocks, deleted locks, replaced stores. Each case is one row.

python evidence/run.py K6              those that take less than ten seconds
python evidence/run.py K6 --whole      all of them
"""

from __future__ import annotations

from experiment import Plan, Table
from holding import boots, clocks, stale, suspended, swapped
from holding.place import Case, Place
from playing import table

AT_ONCE = 4  # most of them wait most of the time


def cases(*, whole: bool) -> list[Case]:
    """All of them, or those of the sample."""
    found = [*stale.CASES, *suspended.CASES, *clocks.CASES, *boots.CASES, *swapped.CASES]
    return [case for case in found if whole or not case.long]


def run(plan: Plan) -> Table:
    """See experiment.py."""
    return table(plan, "K6", cases(whole=plan.whole), lambda case, root: Place(root), AT_ONCE)
