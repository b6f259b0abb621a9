"""What puts a vendor on hold, and takes it off again: usage limits, failures in a row, answers.

    a usage limit             until it ends; where it does not say when: 5 minutes, then twice as long, up to an hour
    three failures in a row   15 minutes; the first failure after that begins it anew
    an answer                 ends what three failures began

What has gone before is read from the ledger, in which every attempt stands, of all dispatchers, before this is asked:
whoever enters what decides sees it. A hold of a person's is never touched.
"""

from __future__ import annotations

from agent_lanes.core import ledger
from agent_lanes.core.times import SECOND, iso
from agent_lanes.errors import AgentLanesError, Refused
from agent_lanes.services import holds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.dispatch.settings import Settings
    from agent_lanes.services.queue import QueueService

BREAKER, USAGE_LIMIT = OURS = ("breaker", "usage-limit")  # who holds: `by`
BREAK_SECONDS = 900
SHORTEST_LIMIT_SECONDS, LONGEST_LIMIT_SECONDS = 300, 3600  # where a usage limit does not say when it ends
LEAST_SECONDS = 10
LONGEST_REASON = 500


class Breaker:
    """The holds of one dispatcher's vendor; without a vendor there is nothing to hold."""

    def __init__(self, queue: QueueService, settings: Settings, say: Callable[[str], None]) -> None:
        self._backend, self._vendor, self._say = queue.backend, settings.named, say

    def learn(self, kind: str, why: str, reset_at: int | None = None) -> bool:
        """Take in how an attempt ended, which stands in the ledger; whether the vendor is on hold on account of it.

        `reset_at`: when a usage limit ends, where that is known. Before its task is given back, or it is taken again.
        """
        if self._vendor is None:
            return False
        try:
            if kind == ledger.ANSWERED:
                self._close(self._vendor)
            elif kind == ledger.USAGE_LIMIT:
                return self._hold(self._vendor, self._limit_end(self._vendor, reset_at), USAGE_LIMIT, why)
            elif kind in ledger.FAULTS:
                return self._break(self._vendor, why)
        except AgentLanesError as wrong:
            self._say(f"whether {self._vendor} is to be held could not be seen to: {wrong.message}")
        return False

    def _limit_end(self, vendor: str, reset_at: int | None) -> int:
        now = self._backend.now().wall
        if reset_at is not None:
            return max(reset_at, now + LEAST_SECONDS * SECOND)
        before = ledger.limits_in_a_row(self._backend.latest_entries(), vendor, SHORTEST_LIMIT_SECONDS * SECOND)
        seconds = min(SHORTEST_LIMIT_SECONDS << min(max(before - 1, 0), 10), LONGEST_LIMIT_SECONDS)
        return now + seconds * SECOND

    def _break(self, vendor: str, why: str) -> bool:
        failures = ledger.failures_in_a_row(self._backend.latest_entries(), vendor)
        if not ledger.breaks(failures):
            return False
        until = self._backend.now().wall + BREAK_SECONDS * SECOND
        held = self._hold(vendor, until, BREAKER, f"{len(failures)} failures of {vendor} in a row, the last one: {why}")
        # An answer that came meanwhile was entered first, and found no hold to end: here it is seen.
        if held and not ledger.breaks(ledger.failures_in_a_row(self._backend.latest_entries(), vendor)):
            self._close(vendor)
            return False
        return held

    def _hold(self, vendor: str, until: int, by: str, why: str) -> bool:
        now = self._backend.now()
        for one in self._backend.holds():
            same = (one.lane, one.vendor) == (None, vendor) and one.stands(now)
            if same and (one.by not in OURS or one.until is None or one.until >= until):
                return True
        holds.hold(self._backend, None, vendor, until=until, reason=why.split("\n")[0][:LONGEST_REASON], by=by)
        self._say(f"{vendor} is on hold until {iso(until)}: {why}")
        return True

    def _close(self, vendor: str) -> None:
        if any((one.lane, one.vendor, one.by) == (None, vendor, BREAKER) for one in self._backend.holds()):
            try:
                holds.resume(self._backend, None, vendor)
                self._say(f"{vendor} answers again: it is no longer on hold")
            except Refused:  # somebody else was faster
                pass
