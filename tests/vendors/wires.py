"""The wire formats of four model APIs, as far as the agents' programs need them.

    WIRES[name].answer(step, request) -> a list of events to be streamed, or one object
    WIRES[name].error(failure)        -> the body of a refusal

A step is what the model is to do: `Say`, `Call` a tool, `Fail`, `Hang`, `Cut`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

TOKENS_IN, TOKENS_OUT = 120, 34


@dataclass(frozen=True)
class Say:
    """Answer with a text; an empty one is what a broken model sends."""

    text: str


@dataclass(frozen=True)
class Call:
    """Call a tool of the agent's; for the API of responses `namespace.tool`, where it has one."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Fail:
    """Refuse with an HTTP status."""

    status: int
    message: str = "the fake model refuses"
    type: str = "api_error"
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hang:
    """Take the request and never answer."""


@dataclass(frozen=True)
class Cut:
    """Break off in the middle of an answer."""

    text: str = "half an ans"


Step = Say | Call | Fail | Hang | Cut
Event = tuple[str, dict[str, Any]]


class Anthropic:
    """POST /v1/messages."""

    @staticmethod
    def events(step: Step, model: str, number: int) -> list[Event]:
        usage = {
            "input_tokens": TOKENS_IN,
            "output_tokens": 1,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        }
        message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": model, "content": [],
                   "stop_reason": None, "stop_sequence": None, "usage": usage}  # fmt: skip
        events: list[Event] = [("message_start", {"message": message})]
        if isinstance(step, Call):
            block = {"type": "tool_use", "id": f"toolu_{number}", "name": step.tool, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(step.arguments)}
        else:
            block, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": text_of(step)}
        if isinstance(step, Call) or text_of(step):
            events += [
                ("content_block_start", {"index": 0, "content_block": block}),
                ("content_block_delta", {"index": 0, "delta": delta}),
                ("content_block_stop", {"index": 0}),
            ]
        reason = "tool_use" if isinstance(step, Call) else "end_turn"
        events += [
            (
                "message_delta",
                {"delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": TOKENS_OUT}},
            ),
            ("message_stop", {}),
        ]
        return [(name, {"type": name, **data}) for name, data in events]

    @staticmethod
    def whole(step: Step, model: str, number: int) -> dict[str, Any]:
        content = [{"type": "text", "text": text_of(step)}] if text_of(step) else []
        if isinstance(step, Call):
            content = [{"type": "tool_use", "id": f"toolu_{number}", "name": step.tool, "input": step.arguments}]
        return {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": model, "content": content,
                "stop_reason": "tool_use" if isinstance(step, Call) else "end_turn", "stop_sequence": None,
                "usage": {"input_tokens": TOKENS_IN, "output_tokens": TOKENS_OUT}}  # fmt: skip

    @staticmethod
    def error(step: Fail) -> dict[str, Any]:
        return {"type": "error", "error": {"type": step.type, "message": step.message, **step.more}}


class Chat:
    """POST /v1/chat/completions."""

    @staticmethod
    def events(step: Step, model: str, number: int) -> list[Event]:
        def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
            return {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1, "model": model,
                    "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}  # fmt: skip

        if isinstance(step, Call):
            function = {"name": step.tool, "arguments": json.dumps(step.arguments)}
            call = {"index": 0, "id": f"call_{number}", "type": "function", "function": function}
            parts = [chunk({"role": "assistant", "content": None, "tool_calls": [call]}), chunk({}, "tool_calls")]
        else:
            parts = [chunk({"role": "assistant", "content": text_of(step)}), chunk({}, "stop")]
        last = {**chunk({}), "choices": [], "usage": chat_usage()}
        return [("", part) for part in (*parts, last)]

    @staticmethod
    def whole(step: Step, model: str, number: int) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text_of(step)}
        if isinstance(step, Call):
            function = {"name": step.tool, "arguments": json.dumps(step.arguments)}
            message["tool_calls"] = [{"id": f"call_{number}", "type": "function", "function": function}]
        finish = "tool_calls" if isinstance(step, Call) else "stop"
        choices = [{"index": 0, "message": message, "finish_reason": finish}]
        return {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1, "model": model,
                "choices": choices, "usage": chat_usage()}  # fmt: skip

    @staticmethod
    def error(step: Fail) -> dict[str, Any]:
        return {"error": {"message": step.message, "type": step.type, "code": step.type, **step.more}}


class Responses:
    """POST /v1/responses."""

    @staticmethod
    def events(step: Step, model: str, number: int) -> list[Event]:
        response = {"id": f"resp_{number}", "object": "response", "created_at": 1, "model": model, "output": []}
        events: list[Event] = [("response.created", {"response": {**response, "status": "in_progress"}})]
        item: dict[str, Any]
        if isinstance(step, Call):
            namespace, _, name = step.tool.rpartition(".")
            item = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "name": name,
                    "arguments": json.dumps(step.arguments), "status": "completed",
                    **({"namespace": namespace} if namespace else {})}  # fmt: skip
            events.append(("response.output_item.done", {"output_index": 0, "item": item}))
        elif text_of(step):
            content = [{"type": "output_text", "text": text_of(step), "annotations": []}]
            item = {
                "type": "message",
                "id": f"item_{number}",
                "role": "assistant",
                "status": "completed",
                "content": content,
            }
            events += [
                (
                    "response.output_item.added",
                    {"output_index": 0, "item": {**item, "content": [], "status": "in_progress"}},
                ),
                (
                    "response.output_text.delta",
                    {"output_index": 0, "content_index": 0, "item_id": item["id"], "delta": text_of(step)},
                ),
                ("response.output_item.done", {"output_index": 0, "item": item}),
            ]
        usage = {"input_tokens": TOKENS_IN, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": TOKENS_OUT,
                 "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": TOKENS_IN + TOKENS_OUT}  # fmt: skip
        events.append(("response.completed", {"response": {**response, "status": "completed", "usage": usage}}))
        return [(name, {"type": name, "sequence_number": at, **data}) for at, (name, data) in enumerate(events)]

    @staticmethod
    def whole(step: Step, model: str, number: int) -> dict[str, Any]:
        last = Responses.events(step, model, number)[-1][1]["response"]
        assert isinstance(last, dict)
        return last

    error = Chat.error


class Gemini:
    """POST /v1beta/models/NAME:generateContent and :streamGenerateContent."""

    @staticmethod
    def events(step: Step, model: str, number: int) -> list[Event]:
        return [("", Gemini.whole(step, model, number))]

    @staticmethod
    def whole(step: Step, model: str, number: int) -> dict[str, Any]:
        part: dict[str, Any] = {"text": text_of(step)}
        if isinstance(step, Call):
            part = {"functionCall": {"name": step.tool, "args": step.arguments}}
        usage = {
            "promptTokenCount": TOKENS_IN,
            "candidatesTokenCount": TOKENS_OUT,
            "totalTokenCount": TOKENS_IN + TOKENS_OUT,
        }
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": f"r{number}"}

    @staticmethod
    def error(step: Fail) -> dict[str, Any]:
        return {"error": {"code": step.status, "message": step.message, "status": step.type, **step.more}}


def text_of(step: Step) -> str:
    return step.text if isinstance(step, Say | Cut) else ""


def chat_usage() -> dict[str, int]:
    return {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT, "total_tokens": TOKENS_IN + TOKENS_OUT}
