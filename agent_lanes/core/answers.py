"""Answers to JSON objects and back: response.json, and what commands and routes show of it.

Beside `codec`, because most commands never see an answer.
"""

from __future__ import annotations

from agent_lanes.core.fields import (
    FORMAT,
    MAX_EPOCH,
    Malformed,
    flag,
    formatted,
    instant,
    mapping,
    maybe_text,
    maybe_whole,
    text,
    whole,
)
from agent_lanes.core.task import FINISHED, VERDICTS, Response
from agent_lanes.core.times import iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject


def encode_response(response: Response) -> JsonObject:
    """response.json: v0.1's fields, and which claim it answers."""
    return {
        "format": FORMAT,
        **public_response(response),
        "epoch": response.epoch,
        "token_sha256": response.token_sha256,
        "cause": response.cause,
    }


def public_response(response: Response) -> JsonObject:
    """A response as commands and routes show it: v0.1's fields."""
    shown: JsonObject = {
        "task_id": response.task_id,
        "reviewer": response.reviewer,
        "status": response.status,
        "body": response.body,
        "reviewed_request_sha256": response.reviewed_request_sha256,
        "request_changed_before_response": response.request_changed_before_response,
        "follow_up_required": response.follow_up_required,
        "verdict": response.verdict,
        "blocking_count": response.blocking_count,
        "nonblocking_count": response.nonblocking_count,
        "metadata": response.metadata,
        "created_at": iso(response.created_at),
    }
    if response.failure_reason is not None:
        shown["failure_reason"] = response.failure_reason
    return shown


def decode_response(record: JsonObject) -> Response:
    """The Response of a response.json, of format 2 or of v0.1 (which has no format, epoch and token_sha256)."""
    if "format" in record:
        formatted(record)
    status = text(record, "status")
    if status not in FINISHED:
        raise Malformed(f"status is not one of {', '.join(FINISHED)}")
    verdict = maybe_text(record, "verdict")
    if verdict is not None and verdict not in VERDICTS:
        raise Malformed(f"verdict is not one of {', '.join(VERDICTS)}")
    return Response(
        task_id=text(record, "task_id"),
        reviewer=text(record, "reviewer", empty=True),
        status=status,
        body=text(record, "body", empty=True),
        created_at=instant(record, "created_at"),
        epoch=whole(record, "epoch", MAX_EPOCH) if "epoch" in record else 0,
        token_sha256=maybe_text(record, "token_sha256"),
        reviewed_request_sha256=maybe_text(record, "reviewed_request_sha256"),
        request_changed_before_response=flag(record, "request_changed_before_response"),
        follow_up_required=flag(record, "follow_up_required"),
        verdict=verdict,
        blocking_count=maybe_whole(record, "blocking_count"),
        nonblocking_count=maybe_whole(record, "nonblocking_count"),
        metadata=mapping(record, "metadata"),
        failure_reason=maybe_text(record, "failure_reason"),
        cause=maybe_text(record, "cause"),
    )
