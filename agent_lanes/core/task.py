"""The three facts about a task, its history, and the state that follows from them.

    Task       what was asked      never changes
    Claim      who has it          one epoch for each claim, for ever
    Response   what was answered   exactly one
    Snapshot   the three together, as one look at the store found them

No record repeats another's fact, so no crash can make two of them disagree about it.
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.names import required_vendor
from agent_lanes.core.times import Moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

QUEUED, CLAIMED, COMPLETED, FAILED, CANCELLED = "queued", "claimed", "completed", "failed", "cancelled"
ACTIVE = (QUEUED, CLAIMED)
FINISHED = (COMPLETED, FAILED, CANCELLED)
VERDICTS = ("accept", "accept-with-follow-ups", "needs-revision")


class Supporting(Frozen):
    """A file that goes with the request: its absolute path and the SHA-256 it had at submit."""

    path: str
    sha256: str


class Task(Frozen):
    """What was asked. `request_path` is absolute; None where there is only a prompt.

    `request_stored` tells that the request came from stdin and lies in the store, beside this record.
    `sequence` is the place in the lane: first in, first out does not depend on clocks.
    """

    id: str
    workspace_id: str
    workspace_root: str
    correlation_id: str
    source_agent: str
    lane: str
    created_at: int
    sequence: int
    prompt: str = ""
    request_path: str | None = None
    request_sha256: str | None = None
    request_stored: bool = False
    response_path: str | None = None
    supporting_paths: tuple[Supporting, ...] = ()
    worktree_path: str | None = None
    expected_branch: str | None = None
    idempotency_key: str | None = None
    metadata: JsonObject

    @property
    def vendor(self) -> str:
        """The vendor this is meant for, or `any`."""
        return required_vendor(self.metadata)


class Lease(Frozen):
    """How long a claim holds: `seconds` from when it was taken or renewed.

    `ends_boottime` counts within `boot_id` and decides; `expires_at` is the wall clock, for people, and decides
    only where one side has no boot id.
    """

    seconds: float
    expires_at: int
    boot_id: str = ""
    ends_boottime: int = 0

    def expired(self, now: Moment) -> bool:
        """A lease of another boot has run out: its holder cannot be alive."""
        if not self.boot_id or not now.boot_id:
            return now.wall >= self.expires_at
        return self.boot_id != now.boot_id or now.boottime >= self.ends_boottime


class Claim(Frozen):
    """Who has it, or had it last; `request_id` tells a claim that is asked for again.

    Epoch 0 means that it was never claimed (and was parked before it could be).
    """

    epoch: int
    owner: str
    token: str
    claimed_at: int
    updated_at: int
    lease: Lease
    released_at: int | None = None
    reason: str = ""
    parked: bool = False
    request_id: str | None = None

    @property
    def held(self) -> bool:
        """Neither released nor parked; the lease may have run out."""
        return self.released_at is None


class Response(Frozen):
    """What was answered, by the holder of `epoch` (0: without a claim). `token_sha256` tells a repeated answer."""

    task_id: str
    reviewer: str
    status: str
    body: str
    created_at: int
    epoch: int = 0
    token_sha256: str | None = None
    reviewed_request_sha256: str | None = None
    request_changed_before_response: bool = False
    follow_up_required: bool = False
    verdict: str | None = None
    blocking_count: int | None = None
    nonblocking_count: int | None = None
    metadata: JsonObject
    failure_reason: str | None = None


class Event(Frozen):
    """One line of the history. `number` counts the lines of a task from 1; 0 means: not numbered (v0.1)."""

    type: str
    message: str
    created_at: int
    data: JsonObject
    epoch: int = 0
    number: int = 0


class Snapshot(Frozen):
    """One task as it stood when it was read."""

    task: Task
    claim: Claim | None = None
    response: Response | None = None

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task.id

    @property
    def state(self) -> str:
        """Derived, never stored."""
        if self.response is not None:
            return self.response.status
        return CLAIMED if self.claim is not None and self.claim.held else QUEUED

    @property
    def epoch(self) -> int:
        """The epoch of the last claim; 0 before the first."""
        return self.claim.epoch if self.claim else 0

    @property
    def parked(self) -> bool:
        """Queued, but not offered: its request changed."""
        return self.state == QUEUED and self.claim is not None and self.claim.parked

    def lease_expired(self, now: Moment) -> bool:
        """Claimed, and the lease has run out."""
        return self.state == CLAIMED and self.claim is not None and self.claim.lease.expired(now)
