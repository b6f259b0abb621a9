"""Keeping one claim alive: looks at how it stands, and lengthens the lease when that is due.

    keeping = Keeping(backend, id, token, lease_seconds=900, renew_seconds=300)
    while (standing := keeping.turn()).held: ...        at least as often as keeping.next_seconds says

`work` does so beside its agent, `keep` beside a chat.
"""

from __future__ import annotations

import time

from agent_lanes.core import terms, transitions
from agent_lanes.core.digest import sha256
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import CANCELLED
from agent_lanes.errors import AgentLanesError, NotFound, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.core.task import Snapshot
    from agent_lanes.ports import Backend

HELD, ANSWERED, LOST, CANCELLED_MEANWHILE = "held", "answered", "lost", "cancelled"
AGAIN_SECONDS, ASK_SECONDS, LEAST_SECONDS = 5.0, 5.0, 0.05


class Standing(Frozen):
    """How a claim stands: one of the four, and a line that says why it ended, or what went wrong while looking."""

    state: str
    why: str = ""

    @property
    def held(self) -> bool:
        """Whether the work may go on."""
        return self.state == HELD


class Keeping:
    """The lease of one claim. `renew_seconds` 0: looks only, never renews."""

    def __init__(
        self, backend: Backend, id: str, token: str, *, lease_seconds: float, renew_seconds: float | None = None
    ) -> None:
        terms.lease_seconds(lease_seconds)
        self._backend, self.id, self._token = backend, id, token
        self._lease_seconds = lease_seconds
        self._renew_seconds = lease_seconds / 3 if renew_seconds is None else renew_seconds
        self._next = time.monotonic() + self._renew_seconds

    @property
    def next_seconds(self) -> float:
        """In how many seconds the lease is to be renewed."""
        return max(0.0, self._next - time.monotonic()) if self._renew_seconds else float("inf")

    def turn(self) -> Standing:
        """Look, and renew if that is due. What cannot be read or written just now is tried again at the next turn."""
        try:
            standing = standing_of(self._backend.read(self.id), self._token)
            if standing.held and self.next_seconds <= 0:
                self.renew()
            return standing
        except (Refused, NotFound) as wrong:
            return Standing(state=LOST, why=wrong.message)
        except AgentLanesError as wrong:
            self._next = max(self._next, time.monotonic() + AGAIN_SECONDS)
            return Standing(state=HELD, why=wrong.message)

    def renew(self) -> None:
        """Lengthen the lease now. Raises LostClaim, Refused, NotFound and what storing may raise."""
        token, seconds = self._token, self._lease_seconds
        self._backend.update(
            self.id, lambda before, now: transitions.renew(before, token=token, lease_seconds=seconds, now=now)
        )
        self._next = time.monotonic() + self._renew_seconds


def standing_of(snapshot: Snapshot, token: str) -> Standing:
    """How the claim of this token stands."""
    answer, claim = snapshot.response, snapshot.claim
    if answer is not None and answer.status == CANCELLED:
        why = f"cancelled by {answer.reviewer}" + (f": {answer.body}" if answer.body else "")
        return Standing(state=CANCELLED_MEANWHILE, why=why)
    if answer is not None:
        ours = answer.token_sha256 == sha256(token.encode("utf-8", "surrogatepass"))
        return Standing(state=ANSWERED if ours else LOST, why=f"answered by {answer.reviewer}")
    if claim is None or not claim.held or claim.token != token:
        who = f"claimed by {claim.owner}" if claim is not None and claim.held else "released"
        return Standing(state=LOST, why=f"{who} (epoch {snapshot.epoch})")
    return Standing(state=HELD)


def keep(
    backend: Backend, claim: Keeping, *, longest_seconds: float, wanted: Callable[[], bool] = lambda: True
) -> Standing:
    """Keep a claim alive until it ends, nobody wants it any more (asked every few seconds), or so long; how it stands.

    Woken when the task is answered, so that it costs next to nothing meanwhile.
    """
    end = time.monotonic() + longest_seconds
    with backend.watch_task(claim.id) as watching:
        while True:
            standing = claim.turn()
            if not standing.held:
                return standing
            left = end - time.monotonic()
            if left <= 0:
                return Standing(state=HELD, why=f"kept for {longest_seconds:g} s")
            if not wanted():
                return Standing(state=HELD, why="the program that started this has ended")
            watching.wait(min(left, ASK_SECONDS, max(claim.next_seconds, LEAST_SECONDS)))
