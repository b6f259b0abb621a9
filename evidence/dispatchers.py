"""K7: dispatchers that are killed, agents that misbehave, tasks and stores that are disturbed. Each case is one row.

python evidence/run.py K7              those that take less than ten seconds
python evidence/run.py K7 --whole      all of them
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from dispatching import disturbed, killed, misbehaving
from dispatching.hall import Hall
from experiment import Plan, Table
from holders import play
from holding.place import Case

AT_ONCE = 2


def cases(*, whole: bool) -> list[Case]:
    """All of them, or those of the sample."""
    found = [*killed.CASES, *misbehaving.CASES, *disturbed.CASES]
    return [case for case in found if whole or not case.long]


def run(plan: Plan) -> Table:
    """See experiment.py."""
    table = Table(["what is done", "what is promised", "what happened"])
    chosen = cases(whole=plan.whole)

    def one(number: int) -> tuple[str, str]:
        plan.say(f"K7: {number + 1} of {len(chosen)}: {chosen[number].done}")
        return play(chosen[number], Hall(plan.work / str(number)))

    with ThreadPoolExecutor(AT_ONCE) as threads:
        results = list(threads.map(one, range(len(chosen))))
    for case, (happened, problem) in zip(chosen, results, strict=True):
        table.rows.append((case.done, case.promised, happened))
        if problem:
            table.problems.append(problem)
    return table
