"""The numbers of `stats` in the text format of Prometheus.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from agent_lanes.core.stats import COUNTED
from agent_lanes.services import dead, presence, stats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.ports import Backend

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ABOUT = {
    "agent_lanes_tasks": ("gauge", "open tasks, by where they stand"),
    "agent_lanes_oldest_ready_seconds": ("gauge", "since when the oldest ready task has been there"),
    "agent_lanes_tasks_total": ("counter", "tasks that were submitted, completed, failed, cancelled"),
    "agent_lanes_dead_letters": ("gauge", "tasks that the queue itself failed, and nobody has seen to"),
    "agent_lanes_listeners": ("gauge", "who waits for work right now"),
}


def text(backend: Backend) -> str:
    """All of it. Raises StorageFailed."""
    lanes = stats.of_all(backend)
    found: dict[str, list[str]] = {name: [] for name in ABOUT}

    def add(name: str, value: object, **labels: object) -> None:
        shown = ",".join(f'{key}="{_escaped(str(label))}"' for key, label in labels.items())
        found[name].append(f"{name}{{{shown}}} {value}")

    for one in lanes:
        lane, ever = one["lane"], one["ever"]
        for state in stats.STANDING:
            add("agent_lanes_tasks", one[state], lane=lane, state=state)
        if one["oldest_ready_seconds"] is not None:
            add("agent_lanes_oldest_ready_seconds", one["oldest_ready_seconds"], lane=lane)
        for what in COUNTED:
            add("agent_lanes_tasks_total", ever[what] if isinstance(ever, dict) else 0, lane=lane, what=what)
    for lane, count in _counted(letter.task.lane for letter in dead.letters(backend)):
        add("agent_lanes_dead_letters", count, lane=lane)
    for lane, count in _counted(sign.lane for sign in presence.listeners(backend)):
        add("agent_lanes_listeners", count, lane=lane)
    return "".join(_family(name, lines) for name, lines in found.items() if lines)


def _family(name: str, lines: list[str]) -> str:
    kind, about = ABOUT[name]
    return f"# HELP {name} {about}\n# TYPE {name} {kind}\n" + "".join(f"{line}\n" for line in lines)


def _counted(lanes: Iterable[str]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for lane in lanes:
        counts[lane] = counts.get(lane, 0) + 1
    return sorted(counts.items())


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
