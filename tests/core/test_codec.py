"""Records to JSON and back; each malformed field is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from agent_lanes.core import codec, jsontext
from agent_lanes.core.answers import decode_response, encode_response, public_response
from agent_lanes.core.fields import MAX_EPOCH, MAX_SEQUENCE, Malformed
from agent_lanes.core.task import VERDICTS, Event, Supporting
from agent_lanes.core.times import LAST_INSTANT
from core.values import a_claim, a_task, an_answer, answers, claims, events, tasks


def on_disk(record: dict[str, Any]) -> dict[str, Any]:
    """The record after a trip through a file."""
    return jsontext.loads_object(jsontext.dumps(record))


@given(tasks)
def test_a_task_comes_back_from_its_record(task: Any) -> None:
    record = codec.encode_task(task)
    assert codec.decode_task(on_disk(record)) == task
    assert codec.encode_task(codec.decode_task(on_disk(record))) == record


@given(claims)
def test_a_claim_comes_back_from_its_record(claim: Any) -> None:
    assert codec.decode_claim(on_disk(codec.encode_claim(claim))) == claim


@given(answers)
def test_an_answer_comes_back_from_its_record(answer: Any) -> None:
    assert decode_response(on_disk(encode_response(answer))) == answer


@given(events)
def test_an_event_comes_back_from_its_line(event: Any) -> None:
    line = jsontext.dumps_line(codec.encode_event(event))
    assert "\n" not in line
    assert codec.decode_event(jsontext.loads_object(line)) == event


@given(answers)
def test_an_answer_shown_has_no_word_about_the_claim(answer: Any) -> None:
    shown = public_response(answer)
    assert {"token_sha256", "epoch", "format"}.isdisjoint(shown)
    assert ("failure_reason" in shown) == (answer.failure_reason is not None)


# --- what is malformed ---------------------------------------------------------------------------------------

TASK = codec.encode_task(a_task(supporting_paths=(Supporting(path="/w/a", sha256="0" * 64),)))
CLAIM = codec.encode_claim(a_claim())
ANSWER = encode_response(an_answer())
EVENT = codec.encode_event(Event(type="note", message="m", created_at=0, data={}))
DECODERS: dict[str, tuple[Callable[[dict[str, Any]], object], dict[str, Any]]] = {
    "task": (codec.decode_task, TASK),
    "claim": (codec.decode_claim, CLAIM),
    "answer": (decode_response, ANSWER),
    "event": (codec.decode_event, EVENT),
}

NO_TEXT: list[Any] = [1, True, [], {}, 1.5]
NO_NUMBER: list[Any] = ["1", True, -1, 1.5, [], {}, 10**18]
NO_FLAG: list[Any] = [0, 1, "true", [], None]
NO_TIME: list[Any] = [0, "", "yesterday", "2026-11-21T02:39:29+00:00", "2026-02-30T00:00:00Z", [], True]
NO_OBJECT: list[Any] = [1, "{}", [], [1], True, ""]
NO_LIST: list[Any] = [{"path": "/a"}, [1], "a", True, 5, "", 0, False, {}]

WRONG: dict[str, dict[str, list[Any]]] = {
    "task": {
        **{f: [*NO_TEXT, None, ""] for f in ("id", "workspace_id", "workspace_root", "correlation_id", "lane")},
        "source_agent": [*NO_TEXT, None, ""],
        "prompt": [*NO_TEXT, None],
        **dict.fromkeys(("request_path", "request_sha256", "response_path"), NO_TEXT),
        **dict.fromkeys(("worktree_path", "expected_branch", "idempotency_key"), NO_TEXT),
        "created_at": [*NO_TIME, None],
        "sequence": [*NO_NUMBER, None, MAX_SEQUENCE + 1],
        "request_stored": NO_FLAG,
        "metadata": NO_OBJECT,
        "supporting_paths": NO_LIST,
        "priority": [*NO_NUMBER, None, 10],
        **dict.fromkeys(("not_before", "expires_at"), NO_TIME),
        "max_attempts": [*NO_NUMBER, MAX_SEQUENCE + 1],
        "max_cost_usd": [True, "1", 0, -1, float("inf"), float("nan")],
        "backoff_seconds": ["1", None, True, -1, [], {}],
        **{field: ["1", True, -1, 0, [], {}] for field in ("lease_seconds", "max_lease_seconds")},
        "route": NO_TEXT,
        "response_schema": NO_OBJECT,
        "concurrency": NO_NUMBER,
        "concurrency_by": [*NO_OBJECT, {"a": -1}, {"a": "1"}, {"a": None}],
        "depends_on": [None, "id", [1], [""], {}, [None]],
        "on_failure": [None, "", "Fail", 1, []],
        **dict.fromkeys(("unique_key", "retry_of"), NO_TEXT),
        "format": [None, 1, 3, "2", [], {}],
    },
    "claim": {
        **{f: [*NO_TEXT, None] for f in ("owner", "token", "reason", "lease_boot_id")},
        **{f: [*NO_TIME, None] for f in ("claimed_at", "updated_at", "lease_expires_at")},
        "released_at": NO_TIME,
        "epoch": [*NO_NUMBER, None, MAX_EPOCH + 1],
        "lease_ends_boottime_us": [*NO_NUMBER, None, LAST_INSTANT + 1],
        "lease_seconds": ["1", None, True, -1, -0.1, 10**9 + 1, [], {}],
        "parked": NO_FLAG,
        "request_id": NO_TEXT,
        "attempts": [*NO_NUMBER, None, MAX_EPOCH + 1],
        **dict.fromkeys(("not_before", "hold_until"), NO_TIME),
        "on_hold": NO_FLAG,
        "limited": NO_FLAG,
        "format": [None, 1, 3, "2", [], {}],
    },
    "answer": {
        "task_id": [*NO_TEXT, None, ""],
        **{f: [*NO_TEXT, None] for f in ("reviewer", "body")},
        "status": [*NO_TEXT, None, "", "queued", "claimed", "done"],
        "verdict": [*NO_TEXT, "", "fine"],
        "created_at": [*NO_TIME, None],
        "epoch": [*NO_NUMBER, None, MAX_EPOCH + 1],
        **dict.fromkeys(("token_sha256", "reviewed_request_sha256", "failure_reason", "cause"), NO_TEXT),
        **dict.fromkeys(("blocking_count", "nonblocking_count"), NO_NUMBER),
        **dict.fromkeys(("request_changed_before_response", "follow_up_required"), NO_FLAG),
        "metadata": NO_OBJECT,
        "format": [None, 1, 3, "2", [], {}],
    },
    "event": {
        "type": [*NO_TEXT, None, ""],
        "message": NO_TEXT,
        "created_at": [*NO_TIME, None],
        "data": NO_OBJECT,
        "epoch": [*NO_NUMBER, None, MAX_EPOCH + 1],
        "number": [*NO_NUMBER, None, MAX_SEQUENCE + 1],
    },
}
CASES = [(kind, field, value) for kind, fields in WRONG.items() for field, values in fields.items() for value in values]


@pytest.mark.parametrize(("kind", "field", "value"), CASES, ids=lambda part: ascii(part)[:30])
def test_a_wrong_value_is_refused_by_the_name_of_its_field(kind: str, field: str, value: object) -> None:
    decode, good = DECODERS[kind]
    with pytest.raises(Malformed, match=f"^{field} is "):
        decode({**good, field: value})


def test_every_field_of_every_record_is_covered_above() -> None:
    for kind, (_, record) in DECODERS.items():
        assert set(WRONG[kind]) - {"failure_reason"} == set(record)


MAY_BE_ABSENT = {
    "task": {"request_path", "request_sha256", "request_stored", "response_path", "supporting_paths"}
    | {"worktree_path", "expected_branch", "idempotency_key", "metadata", "priority", "not_before", "expires_at"}
    | {
        "max_attempts",
        "max_cost_usd",
        "backoff_seconds",
        "lease_seconds",
        "max_lease_seconds",
        "route",
        "response_schema",
        "concurrency",
        "concurrency_by",
    }
    | {"depends_on", "on_failure", "unique_key", "retry_of"},
    "claim": {"released_at", "parked", "request_id", "attempts", "not_before", "on_hold", "hold_until", "limited"},
    "answer": {"format", "epoch", "token_sha256", "reviewed_request_sha256", "request_changed_before_response"}
    | {"follow_up_required", "verdict", "blocking_count", "nonblocking_count", "metadata", "failure_reason", "cause"},
    "event": {"message", "data", "epoch", "number", "by_holder"},
}


@pytest.mark.parametrize(("kind", "field"), [(kind, f) for kind, (_, record) in DECODERS.items() for f in record])
def test_a_missing_field_is_refused_unless_it_may_be_absent(kind: str, field: str) -> None:
    decode, good = DECODERS[kind]
    record = {key: value for key, value in good.items() if key != field}
    if field in MAY_BE_ABSENT[kind]:
        decode(record)
    else:
        with pytest.raises(Malformed, match=f"^{field} is "):
            decode(record)


@pytest.mark.parametrize("field", ["path", "sha256"])
@pytest.mark.parametrize("value", [None, "", 1])
def test_a_supporting_path_has_a_path_and_a_hash(field: str, value: object) -> None:
    file = {"path": "/w/a", "sha256": "0" * 64, field: value}
    with pytest.raises(Malformed, match=f"^{field} is "):
        codec.decode_task({**TASK, "supporting_paths": [file]})


@pytest.mark.parametrize("verdict", [None, *VERDICTS])
def test_every_verdict_is_read(verdict: str | None) -> None:
    assert decode_response({**ANSWER, "verdict": verdict}).verdict == verdict


def test_an_answer_of_v01_is_read_without_format_epoch_and_token() -> None:
    old = {key: value for key, value in ANSWER.items() if key not in ("format", "epoch", "token_sha256")}
    assert decode_response(old) == an_answer()


def test_unknown_fields_are_ignored_so_that_a_later_program_may_add_some() -> None:
    for decode, good in DECODERS.values():
        assert decode({**good, "added_later": [1]}) == decode(good)
