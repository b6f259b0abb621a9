"""A task in a few words."""

from __future__ import annotations

from typing import Any

import pytest

from agent_lanes.core import glance, views
from agent_lanes.core.task import Claim, Event, Lease, Snapshot, Task
from agent_lanes.core.times import SECOND, Moment

ID = "20261121T032039158949Z-plan-review-ab7d9acffe2b"
NOW = Moment(wall=1000 * SECOND)
TASK = Task(
    id=ID, workspace_id="w", workspace_root="/", correlation_id="plan-review", source_agent="s", lane="l",
    created_at=0, sequence=1, metadata={},
)  # fmt: skip


def view(request_path: str | None = None, claim: Claim | None = None, **fields: Any) -> dict[str, Any]:
    event = Event(type="note", message="", created_at=0, data={})
    snapshot = Snapshot(task=TASK.replace(**fields), claim=claim)
    return dict(views.status(snapshot, request_path, event, NOW))


def claim(ends: int, **fields: Any) -> Claim:
    lease = Lease(seconds=1, expires_at=ends * SECOND)
    return Claim(epoch=1, owner="o", token="t", claimed_at=0, updated_at=0, lease=lease, **fields)


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (view(), "queued"),
        (view(not_before=2000 * SECOND), "delayed"),
        (view(claim=claim(2000)), "claimed"),
        (view(claim=claim(999)), "lapsed"),
        (view(claim=claim(999, released_at=5, parked=True, reason="changed")), "parked"),
        (view(claim=claim(999, released_at=5, on_hold=True, reason="wait")), "on hold"),
    ],
)
def test_a_word_says_how_a_task_stands(seen: dict[str, Any], word: str) -> None:
    assert glance.phase(seen) == word


def test_what_waits_for_others_is_blocked_as_stats_counts_it() -> None:
    snapshot = Snapshot(task=TASK.replace(depends_on=("other",)), open_dependencies=("other",))
    assert glance.phase(views.status(snapshot, None, None, NOW)) == "blocked"


def test_the_title_is_the_prompt_else_the_file_else_the_name() -> None:
    assert glance.title(view(prompt="  Read\n\nthis  now ")) == "Read this now"
    assert glance.title(view("/home/ada/spec.md")) == "spec.md"
    assert glance.title(view(f"/store/tasks/{ID}/request.md")) == glance.title(view()) == "plan-review"
    assert len(glance.title(view(prompt="x" * 10**6))) == 200


def test_the_attempt_counts_the_one_that_goes_on() -> None:
    assert glance.attempt(view()) == ""
    assert glance.attempt(view(claim=claim(2000))) == "1"
    assert glance.attempt(view(max_attempts=3)) == "0/3"
    assert glance.attempt(view(max_attempts=3, claim=claim(2000, attempts=2))) == "3/3"
    assert glance.attempt(view(max_attempts=3, claim=claim(2000, attempts=3, released_at=5))) == "3/3"


@pytest.mark.parametrize(
    ("seconds", "span", "age"),
    [
        (-5, "0 s", "0 s"), (0.9, "0 s", "0 s"), (59, "59 s", "59 s"), (60, "1 m", "1 m"), (119, "1 m", "1 m"),
        (3600, "1 h", "1 h"), (7080, "1 h 58 m", "1 h"), (36_000 + 1800, "10 h", "10 h"),
        (86_400 + 3600, "1 d 1 h", "1 d"),
        (86_400 * 400, "400 d", "400 d"),
    ],
)  # fmt: skip
def test_durations_as_people_say_them(seconds: float, span: str, age: str) -> None:
    assert (glance.span(seconds), glance.age(seconds)) == (span, age)
