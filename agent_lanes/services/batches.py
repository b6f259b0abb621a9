"""Many submissions in one commit, each of which is done or not done whatever becomes of the others.

    commits(wanted)              cut into what one commit takes, so that memory stays bounded
    services.graphs              submits them; they may depend on one another

One commit costs about as much as a single submit, in fsyncs. What a caller could not even read (a bad line of a file)
goes along as the error that it is, so that the outcomes stay in order.
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import Task
from agent_lanes.errors import AgentLanesError
from agent_lanes.services.submission import Submission

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent_lanes.services.creating import Creating


AT_ONCE = 512
BYTES_AT_ONCE = 32 << 20


class Outcome(Frozen):
    """What became of one submission: its task and whether that is new; or the error that `submit` would raise.

    `store_failed` tells that there is nothing wrong with the submission.
    """

    task: Task | None = None
    new: bool = False
    error: AgentLanesError | None = None
    store_failed: bool = False


def commits(wanted: Iterable[Submission | AgentLanesError]) -> Iterator[list[Submission | AgentLanesError]]:
    """As many at once as one commit should take."""
    batch, size = list[Submission | AgentLanesError](), 0
    for one in wanted:
        batch.append(one)
        if isinstance(one, Submission):
            size += sum(len(part) for part in (one.request_bytes, one.prompt) if isinstance(part, (bytes, str)))
        if len(batch) == AT_ONCE or size >= BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def outcome_of(creating: Creating, found: Task | AgentLanesError) -> Outcome:
    """What became of a submission that the store has made this of."""
    if isinstance(found, AgentLanesError):
        return Outcome(error=found, store_failed=found is not creating.refusal)
    try:
        task, new = creating.outcome(found)
    except AgentLanesError as wrong:
        return Outcome(error=wrong)
    return Outcome(task=task, new=new)
