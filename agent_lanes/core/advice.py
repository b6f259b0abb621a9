"""What to do next: one sentence for each situation, for agents that read every line."""

from __future__ import annotations

from agent_lanes.core.names import counted
from agent_lanes.core.task import CANCELLED, CLAIMED, COMPLETED, FAILED, Snapshot
from agent_lanes.core.times import Moment, iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.holds import Hold


def for_task(
    snapshot: Snapshot,
    now: Moment,
    hold: Hold | None = None,
    retry: str | None = None,
    first: str | None = None,
) -> str:
    """What the state of a task asks of whom; `hold` is the one that stops its lane or its vendor.

    `retry` is the newest task that does it again; `first` the one that it failed for, and would again.
    """
    claim = snapshot.claim
    if snapshot.state == COMPLETED:
        return f"orchestrator: read the answer with `agent-lanes wait {snapshot.id}`"
    if snapshot.state in (FAILED, CANCELLED) and retry is not None:
        return f"orchestrator: it was submitted again; wait for that one with `agent-lanes wait {retry}`"
    if snapshot.state == FAILED and snapshot.response is not None and snapshot.response.cause:
        before = f"first that one with `agent-lanes retry {first}`, then this one" if first else "do it again"
        return f"orchestrator: {snapshot.response.body}; {before} with `agent-lanes retry {snapshot.id}`"
    if snapshot.state == FAILED:
        return "orchestrator: read why in the response, then decide whether to submit the task again"
    if snapshot.state == CANCELLED:
        return "nothing to do: the task was cancelled"
    if snapshot.state == CLAIMED and claim is not None:
        if snapshot.run is not None and snapshot.still_running(now):
            return f"the lease of {claim.owner} has run out, but its agent still runs (process {snapshot.run.process})"
        if claim.lease.expired(now):
            return f"the lease of {claim.owner} has run out; any dispatcher may claim the task now"
        return f"{claim.owner} is working on it; its lease ends at {iso(claim.lease.expires_at)} unless renewed"
    if hold is not None:
        return f"{hold.story}; let it go on with `{hold.way_out}`"
    return _queued(snapshot, now)


def _queued(snapshot: Snapshot, now: Moment) -> str:
    """Of a task that nobody holds: whether it is offered, and what it waits for."""
    claim = snapshot.claim
    if snapshot.on_hold(now) and claim is not None:
        until = f" until {iso(claim.hold_until)}" if claim.hold_until is not None else ""
        return (
            f"on hold{until}: {claim.reason or 'no reason given'}; let it go on with `agent-lanes resume {snapshot.id}`"
        )
    if snapshot.open_dependencies:
        return f"waits for {', '.join(snapshot.open_dependencies)}"
    if snapshot.not_before is not None and now.wall < snapshot.not_before:
        failed = f", after {counted(snapshot.attempts, 'failed attempt')}" if snapshot.attempts else ""
        return f"not offered before {iso(snapshot.not_before)}{failed}"
    if snapshot.parked and claim is not None:
        return f"parked: {claim.reason}; restore the request and claim the task by its id, or submit it anew"
    return "dispatcher: claim this task; monitor: report the task JSON and stop"


def for_summary(queued: int, claimed: int, stale: int) -> str:
    """What a whole queue asks for."""
    if stale:
        return "some leases have run out: start a dispatcher, or look at `agent-lanes status --all --active-only`"
    if queued:
        return "dispatchers: claim the queued tasks; monitors: report only"
    return "wait for the claimed tasks" if claimed else "nothing to do: submit when ready"


def after_response(id: str, *, held: bool) -> str:
    """What follows an answer, for who gave it: the holder of the task, or somebody who answered it unclaimed."""
    if held:
        return "done: stop here, unless you were told to take the next task"
    return f"done: `agent-lanes wait {id}` tells the answer"


def for_idle(
    lane: str, ever: bool, hold: Hold | None = None, *, full: bool = False, others: bool = False
) -> tuple[str, str, str]:
    """(reason, message, next_action) of a wait on a lane that found nothing.

    `hold` stopped it, or the lane is full; `others`: tasks wait there that are not for who asked.
    """
    if hold is not None:
        return "on_hold", f"{hold.story}.", f"orchestrator: let it go on with `{hold.way_out}`; others: wait"
    if full:
        return (
            "concurrency",
            f"Tasks wait on lane {lane}, but as many as it allows are claimed at once.",
            "keep waiting: the next one that is answered or released makes room",
        )
    reason = "no_queued_task" if ever else "no_task_submitted"
    what = f"No task {'waits' if ever else 'was ever submitted'} on lane {lane}."
    if others:
        what = f"Tasks wait on lane {lane}, but none of the vendor or metadata asked for."
    return (
        reason,
        f"{what} Nothing is lost: keep waiting, or submit a task.",
        f"monitor: run wait --lane {lane} --json again; orchestrator: submit when ready",
    )
