"""K7: dispatchers that are killed, agents that misbehave, tasks and stores that are disturbed. Each case is one row.

python evidence/run.py K7              those that take less than ten seconds
python evidence/run.py K7 --whole      all of them
"""

from __future__ import annotations

from dispatching import disturbed, killed, misbehaving
from dispatching.hall import Hall
from experiment import Plan, Table
from holding.place import Case
from playing import table

AT_ONCE = 2


def cases(*, whole: bool) -> list[Case]:
    """All of them, or those of the sample."""
    found = [*killed.CASES, *misbehaving.CASES, *disturbed.CASES]
    return [case for case in found if whole or not case.long]


def run(plan: Plan) -> Table:
    """See experiment.py."""
    return table(plan, "K7", cases(whole=plan.whole), lambda case, root: Hall(root), AT_ONCE)
