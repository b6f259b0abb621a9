"""core.ledger: when failures in a row are a vendor's, and how often it has reached its limit."""

from __future__ import annotations

import pytest

from agent_lanes.core import ledger
from agent_lanes.core.ledger import Entry

APART = 300


def entries(*told: tuple[int, str, str]) -> list[Entry]:
    """Attempts of the vendor v: when, at which task, how they ended."""
    return [
        Entry(at=at, task=task, epoch=1, lane="l", vendor="v", thread="", source_agent="s", outcome=outcome)
        for at, task, outcome in told
    ]


def breaks(*outcomes: str, tasks: str = "abcdefgh") -> bool:
    told = entries(*((at, tasks[at], outcome) for at, outcome in enumerate(outcomes)))
    return ledger.breaks(ledger.failures_in_a_row(told, "v"))


def test_three_failures_in_a_row_break_and_an_answer_mends() -> None:
    assert not breaks("failed", "incomplete")
    assert breaks("failed", "incomplete", "failed")
    assert not breaks("failed", "failed", "answered", "failed", "failed")
    assert breaks("answered", "failed", "failed", "failed")
    assert not breaks("failed", "failed", "failed", "answered")


@pytest.mark.parametrize("neither", ["timeout", "too_much_output", "stopped", "lost", "trouble", "usage_limit"])
def test_what_is_not_the_vendors_is_neither_failure_nor_success(neither: str) -> None:
    assert not breaks(neither, neither, neither)
    assert breaks("failed", neither, "failed", "failed")


def test_one_task_that_fails_again_and_again_is_not_the_vendors() -> None:
    assert not breaks("failed", "failed", "failed", tasks="aaa")
    assert breaks("failed", "failed", "failed", tasks="aab")
    assert breaks("not_logged_in", "cannot_start", "not_logged_in", tasks="aaa")


def test_another_vendors_attempts_do_not_count() -> None:
    told = entries((1, "a", "failed"), (2, "b", "failed"), (3, "c", "failed"))
    others = [entry.replace(vendor="w", outcome="answered") for entry in told]
    assert ledger.breaks(ledger.failures_in_a_row([*told, *others], "v"))
    assert not ledger.breaks(ledger.failures_in_a_row(told, "w"))


def test_limits_that_come_together_are_one() -> None:
    told = [(1000, "a", "usage_limit"), (1001, "b", "usage_limit"), (1299, "c", "usage_limit")]
    assert ledger.limits_in_a_row(entries(*told), "v", APART) == 1
    assert ledger.limits_in_a_row(entries(*told, (1300, "d", "usage_limit")), "v", APART) == 2
    assert ledger.limits_in_a_row(entries(*told, (1400, "d", "answered")), "v", APART) == 0
