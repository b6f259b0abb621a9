"""The Python API.

    from agent_lanes import Queue

    queue = Queue.open()                       # the config above the current folder; or Queue.open(store="...")
    id = queue.submit("review", request="Please read plan.md", metadata={"required_vendor": "codex"})
    response = queue.wait(id, timeout_seconds=3600)

    with queue.work("review", vendor="codex", wait_seconds=60) as task:      # lease kept alive inside
        if task:
            task.respond("Looks good.", verdict="accept")

Methods raise the errors of `agent_lanes.errors`; times are seconds; instants are microseconds UTC.
"""

from agent_lanes.api.claimed import ClaimedTask
from agent_lanes.api.queue import Queue
from agent_lanes.api.submitted import NewTask, Submitted

__all__ = ["ClaimedTask", "NewTask", "Queue", "Submitted"]
