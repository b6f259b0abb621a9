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
    from collections.abc import Iterable

    from agent_lanes.core.jsontext import JsonObject

QUEUED, CLAIMED, COMPLETED, FAILED, CANCELLED = "queued", "claimed", "completed", "failed", "cancelled"
ACTIVE = (QUEUED, CLAIMED)
FINISHED = (COMPLETED, FAILED, CANCELLED)
SUBMITTED = "submitted"  # no state, but counted beside them (core.stats)
ON_FAILURE = ("fail", "run")
DEFAULT_PRIORITY, LEAST_URGENT = 5, 9
DEFAULT_BACKOFF_SECONDS, DEFAULT_LEASE_SECONDS = 10, 7200
EXHAUSTED, EXPIRED, DEPENDENCY, BY_REQUEST = "attempts_exhausted", "expired", "dependency_failed", "cancelled"
CAUSES = (EXHAUSTED, EXPIRED, DEPENDENCY, BY_REQUEST)
NEEDS_REVISION = "needs-revision"
VERDICTS = ("accept", "accept-with-follow-ups", NEEDS_REVISION)
SEEN, FETCHED = RECEIPTS = ("seen", "fetched")  # lines of history that tell of readers, and of no progress


class Supporting(Frozen):
    """A file that goes with the request: its absolute path and the SHA-256 it had at submit."""

    path: str
    sha256: str


class Task(Frozen):
    """What was asked. `request_path` is absolute; None where there is only a prompt.

    `request_stored` tells that the request came from stdin and lies in the store, beside this record.
    `sequence` is the place in the lane: first in, first out does not depend on clocks. Of `priority` 0 is the most
    urgent. Before `not_before` it is not offered; not begun by `expires_at` it has failed. `max_attempts` None is
    without limit. It waits for all of `depends_on` to complete; when one fails, it fails, too, or with `on_failure`
    "run" is offered nevertheless. A claim that asks for no lease gets `lease_seconds`, and none gets more than
    `max_lease_seconds`. `route` is who it is for where that is not `required_vendor`. Where there is a
    `response_schema`, only JSON that matches it completes the task. `concurrency` and `concurrency_by` are the limits
    of its lane, for whoever claims and knows none.
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
    priority: int = DEFAULT_PRIORITY
    not_before: int | None = None
    expires_at: int | None = None
    max_attempts: int | None = None
    max_cost_usd: float | None = None
    backoff_seconds: float = DEFAULT_BACKOFF_SECONDS
    lease_seconds: float | None = None
    max_lease_seconds: float | None = None
    route: str | None = None
    response_schema: JsonObject | None = None
    concurrency: int | None = None
    concurrency_by: dict[str, int] = {}
    depends_on: tuple[str, ...] = ()
    on_failure: str = "fail"
    unique_key: str | None = None
    retry_of: str | None = None
    metadata: JsonObject

    @property
    def vendor(self) -> str:
        """The vendor this is meant for, or `any`; in a lane with `route_by`, the value that stands in its place."""
        return self.route or required_vendor(self.metadata)

    def lease(self, asked_seconds: float | None) -> float:
        """How long a lease of this task is, in seconds, of a claimer who asks for so long, or says nothing."""
        seconds = asked_seconds or self.lease_seconds or DEFAULT_LEASE_SECONDS
        return seconds if self.max_lease_seconds is None else min(seconds, self.max_lease_seconds)

    @property
    def limited(self) -> bool:
        """Whether it was submitted under limits on how many are claimed at once."""
        return self.concurrency is not None or bool(self.concurrency_by)

    @property
    def related(self) -> bool:
        """Whether it may be looked for through another task or a thread: core.kin says which."""
        words = self.metadata
        return bool(self.depends_on or self.retry_of or "parent_task_id" in words or "thread_id" in words)


class NewBorn(Frozen):
    """What a store adds to a task that is being made (births.Birth)."""

    now: Moment
    id: str | None
    chance: str
    sequence: int


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


class Run(Frozen):
    """An agent that works on a task under a claim: who started it, its mark, and how long it may take at most."""

    epoch: int
    process: int
    mark: str
    limit: Lease


class Claim(Frozen):
    """Who has it, or had it last; `request_id` tells a claim that is asked for again.

    Epoch 0 means that it was never claimed (and was parked or put on hold before it could be). `attempts` counts
    those that failed before this claim, and this one once it has; `not_before` is when the next may begin.
    `on_hold`: a person stopped it, until `hold_until` or for good. `limited`: it counts against a limit of the lane.
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
    attempts: int = 0
    not_before: int | None = None
    on_hold: bool = False
    hold_until: int | None = None
    limited: bool = False

    @property
    def held(self) -> bool:
        """Neither released nor parked; the lease may have run out."""
        return self.released_at is None


class Response(Frozen):
    """What was answered, by the holder of `epoch` (0: without a claim). `token_sha256` tells a repeated answer.

    `cause` says why the queue itself ended the task (one of CAUSES); None where a worker answered.
    """

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
    cause: str | None = None


class Event(Frozen):
    """One line of the history. `number` counts the lines of a task from 1; 0 means: not numbered (v0.1).

    `by_holder`: who wrote it proved that the task is theirs.
    """

    type: str
    message: str
    created_at: int
    data: JsonObject
    epoch: int = 0
    number: int = 0
    by_holder: bool = False


class Snapshot(Frozen):
    """One task as it stood when it was read.

    Of an unfinished task with dependencies: `open_dependencies` are those that have no answer, `failed_dependencies`
    those that did not complete. A dependency that has ended stays so, thus both are only ever behind the truth.
    `run` is looked for only once the lease has run out: the agent that goes on under it, without its dispatcher.
    """

    task: Task
    claim: Claim | None = None
    response: Response | None = None
    open_dependencies: tuple[str, ...] = ()
    failed_dependencies: tuple[str, ...] = ()
    run: Run | None = None

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
        return self.claim.epoch if self.claim else self.response.epoch if self.response else 0

    @property
    def attempts(self) -> int:
        """How many attempts have failed; the one that was the last of all stands in the answer, not in the claim."""
        last = self.response is not None and self.response.cause == EXHAUSTED
        return (self.claim.attempts if self.claim else 0) + last

    @property
    def not_before(self) -> int | None:
        """When it may be begun: what the submitter said, or the last failed attempt."""
        return self.claim.not_before if self.claim and self.claim.not_before is not None else self.task.not_before

    def on_hold(self, now: Moment) -> bool:
        """Queued, and stopped by a person, for now."""
        claim = self.claim
        if self.state != QUEUED or claim is None or not claim.on_hold:
            return False
        return claim.hold_until is None or now.wall < claim.hold_until

    @property
    def parked(self) -> bool:
        """Queued, but not offered: its request changed."""
        return self.state == QUEUED and self.claim is not None and self.claim.parked

    def lease_expired(self, now: Moment) -> bool:
        """Claimed, and the lease has run out."""
        return self.state == CLAIMED and self.claim is not None and self.claim.lease.expired(now)

    def still_running(self, now: Moment) -> bool:
        """An agent of the present claim goes on, and may."""
        run = self.run
        return run is not None and run.epoch == self.epoch and not run.limit.expired(now)

    def lapsed(self, now: Moment) -> bool:
        """The lease has run out, and no agent is still at work under it: others may take it."""
        return self.lease_expired(now) and not self.still_running(now)


def newest(events: Iterable[Event]) -> Event | None:
    """The newest line of a history, its receipts left out."""
    return next((event for event in reversed([*events]) if event.type not in RECEIPTS), None)
