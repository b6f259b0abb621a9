"""What an examination of a store finds."""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen

PROBLEM, WARNING = "problem", "warning"


class Finding(Frozen):
    """One thing that is not as it should be.

    `code` is a word for programs, `message` plain words for people, `hint` what to do about it. A `problem` keeps
    something from working, a `warning` may do so one day. `repaired` tells what was done about it, if anything was.
    """

    level: str
    code: str
    message: str
    hint: str = ""
    task_id: str | None = None
    path: str | None = None
    repaired: str | None = None
