"""Turns between the sources of a lane: start-time fair queueing, at submit, so that claims need to know nothing of it.

    start tag of a task  =  max(virtual time, last tag of its flow + 1)
    virtual time         =  the least tag that still waits for the same route and priority, else the highest ever given

A flow is what one source asks of one route with one priority; each task counts the same. Tasks are then taken in the
order of their tags, which are their sequences. A source that comes late begins where the line is being served now, not
behind all that others have put there; one that was away has saved nothing up.

Source: P. Goyal, H. M. Vin, H. Cheng, "Start-time Fair Queuing: A Scheduling Algorithm for Integrated Services Packet
Switching Networks", SIGCOMM 1996.
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen


class Flow(Frozen):
    """Whose turn it is: a source agent, for a route, with a priority."""

    source: str
    route: str
    priority: int

    @property
    def line(self) -> str:
        """The line that it stands in; names hold no line break."""
        return f"{self.priority}\n{self.route}\n"

    @property
    def key(self) -> str:
        """Its name among all flows of the lane."""
        return self.line + self.source


class Turns(Frozen):
    """What is remembered of a lane: the `last` tags of its flows, the `floor` of all others, the `highest` ever."""

    highest: int
    floor: int
    last: dict[str, int]

    def tag(self, flow: Flow, head: int | None) -> int:
        """The start tag of the next task of a flow; `head` is the least tag that waits in its line, if any."""
        now = self.highest + 1 if head is None else head
        return max(now, self.last.get(flow.key, self.floor) + 1)

    def given(self, flow: Flow, head: int | None, tag: int) -> Turns:
        """The same once that tag was given. Flows of the line that the virtual time has passed are forgotten."""
        passed = tag if head is None else head
        last = {key: one for key, one in self.last.items() if one >= passed or not key.startswith(flow.line)}
        return self.replace(highest=max(self.highest, tag), last={**last, flow.key: tag})
