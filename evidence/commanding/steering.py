"""What people do to tasks: cancel, hold, resume, retry, dead."""

from __future__ import annotations

from commanding.case import EITHER, REFUSED, SAME, SAYS, Case
from commanding.stands import answered_in_the_store, dead, lane_on_hold, on_hold, queued, taken

CASES = (
    Case("cancel", ("cancel", "{id}"), queued, SAME),
    Case("cancel, at work", ("cancel", "{id}"), taken, SAME),
    Case("hold", ("hold", "{id}", "--reason", "later"), queued, SAME),
    Case("resume", ("resume", "{id}"), on_hold, REFUSED, "not on hold"),
    Case("hold --lane", ("hold", "--lane", "work"), queued, SAME, view="handoff/state/holds/work/@.json"),
    Case(
        "resume --lane",
        ("resume", "--lane", "work"),
        lane_on_hold,
        REFUSED,
        "not on hold",
        view="handoff/state/holds/work/@.json",
    ),
    Case("retry", ("retry", "{id}"), answered_in_the_store, SAYS, "nothing was submitted"),
    Case("dead retry", ("dead", "retry", "{id}"), dead, EITHER),
    Case("dead discard", ("dead", "discard", "{id}"), dead, EITHER, view="history"),
)
