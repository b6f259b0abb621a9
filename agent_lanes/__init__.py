"""agent-lanes: the queue through which AI coding agents hand work to one another, with no server.

    from agent_lanes import Queue

Importing this package loads nothing else; `Queue` and the errors arrive when they are first used.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.api import ClaimedTask, NewTask, Queue, Submitted
    from agent_lanes.errors import AgentLanesError

__all__ = ["AgentLanesError", "ClaimedTask", "NewTask", "Queue", "Submitted", "__version__"]
__version__ = "0.2.0"


def __getattr__(name: str) -> object:
    if name in ("Queue", "ClaimedTask", "NewTask", "Submitted"):
        from agent_lanes import api

        return getattr(api, name)
    if name == "AgentLanesError":
        from agent_lanes.errors import AgentLanesError

        return AgentLanesError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
