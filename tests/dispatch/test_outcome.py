"""From what an agent printed to what came of it. The outputs are those of the real programs, shortened."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from agent_lanes.dispatch import resets
from agent_lanes.dispatch.outcome import Outcome, read
from agent_lanes.dispatch.patience import LONGEST_LINE
from agent_lanes.dispatch.reading import Reading
from agent_lanes.dispatch.vendors import shipped

ROWS = shipped()
NOW = int(datetime(2026, 11, 29, 12, 0, tzinfo=UTC).timestamp()) * 1_000_000
MINUTE = 60_000_000


def lines(*records: object) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def claude(code: int = 0, stderr: bytes = b"", **result: object) -> Outcome:
    whole = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "result": "42",
             "session_id": "s1", "total_cost_usd": 0.01, "permission_denials": [{"tool_name": "Bash"}] * 2,
             "modelUsage": {"claude-x": {"inputTokens": 3, "cacheReadInputTokens": 4, "outputTokens": 5}}}  # fmt: skip
    return read(ROWS["claude"], code, b"noise\n" + lines({**whole, **result}), stderr, now=NOW)


def test_an_answer_comes_with_what_it_took() -> None:
    found = claude()
    assert found.ok and found.answer == "42" and found.error == ""
    assert (found.tokens_in, found.tokens_out, found.cost_usd) == (7, 5, 0.01)
    assert (found.session_id, found.model_used) == ("s1", "claude-x")
    assert found.denied == ("Bash",)


@pytest.mark.parametrize(
    "result",
    [
        {"num_turns": 0},
        {"result": ""},
        {"result": " \n"},
        {"subtype": "error_during_execution"},
        {"is_error": True, "terminal_reason": "x"},
    ],
)
def test_exit_code_0_alone_is_no_proof(result: dict[str, object]) -> None:
    found = claude(**result)
    assert found.kind == "incomplete" and found.retryable and "exit code 0" in found.error


def test_an_output_without_a_result_is_incomplete() -> None:
    found = read(ROWS["claude"], 0, lines({"type": "system", "session_id": "s"}), b"")
    assert (found.kind, found.session_id) == ("incomplete", "s") and "type: result" in found.error


def test_a_usage_limit_is_told_from_the_status_and_has_its_reset() -> None:
    found = claude(1, is_error=True, api_error_status=429, result="You've hit your limit · resets 3pm (UTC)")
    assert (found.kind, found.reset_at) == ("usage_limit", NOW + 181 * MINUTE)


def test_a_failed_login_is_told_from_its_text() -> None:
    assert claude(1, is_error=True, result="Not logged in · Please run /login").kind == "not_logged_in"


def test_a_status_tells_more_than_what_a_text_mentions() -> None:
    found = claude(1, is_error=True, api_error_status=401, result="no key, so no usage limit is known")
    assert found.kind == "not_logged_in"


def test_a_notice_in_place_of_an_answer_is_none_and_an_answer_about_limits_is_one() -> None:
    notice = f"Claude AI usage limit reached|{NOW // 1_000_000 + 60}"
    assert (claude(result=notice).kind, claude(result=notice).reset_at) == ("usage_limit", NOW + MINUTE)
    assert claude(result=f"The service says: {notice}, so wait.").ok


def test_a_request_that_would_fail_again_is_not_to_be_repeated() -> None:
    assert not claude(1, is_error=True, api_error_status=404, result="model: nope").retryable
    assert claude(1, is_error=True, api_error_status=529, result="overloaded").retryable


def test_codex_answers_with_its_last_message_or_the_file() -> None:
    output = lines(
        {"type": "thread.started", "thread_id": "t"},
        {"type": "item.completed", "item": {"type": "agent_message", "text": "first"}},
        {"type": "item.completed", "item": {"type": "agent_message", "text": "last"}},
        {"type": "turn.completed", "usage": {"input_tokens": 9, "output_tokens": 2}},
    )
    found = read(ROWS["codex"], 0, output, b"")
    assert (found.answer, found.session_id, found.tokens_in, found.tokens_out) == ("last", "t", 9, 2)
    assert read(ROWS["codex"], 0, output, b"", b"from the file").answer == "from the file"
    assert read(ROWS["codex"], 0, output[:-90], b"").kind == "incomplete"


def test_gemini_tells_its_error_on_stderr() -> None:
    error = b'Error when talking\n{\n  "session_id": "g",\n  "error": {"code": 429, "message": "Quota exceeded"}\n}\n'
    found = read(ROWS["gemini"], 173, b"", error)
    assert (found.kind, found.session_id) == ("usage_limit", "g") and "Quota exceeded" in found.error


def test_gemini_counts_the_tokens_of_all_models() -> None:
    models = {"a": {"tokens": {"prompt": 1, "candidates": 2}}, "b": {"tokens": {"prompt": 10, "candidates": 20}}}
    found = read(ROWS["gemini"], 0, json.dumps({"response": "42", "stats": {"models": models}}).encode(), b"")
    assert (found.answer, found.tokens_in, found.tokens_out) == ("42", 11, 22)


def test_opencode_answers_with_the_text_after_the_last_tool() -> None:
    output = lines(
        {"type": "text", "part": {"text": "let me see"}},
        {"type": "tool_use", "part": {}},
        {"type": "text", "part": {"text": "for"}},
        {"type": "text", "part": {"text": "ty-two"}},
        {"type": "step_finish", "part": {"reason": "stop", "cost": 0.5, "tokens": {"input": 3, "output": 4}}},
    )
    found = read(ROWS["opencode"], 0, output, b"")
    assert (found.answer, found.tokens_in, found.cost_usd) == ("forty-two", 3, 0.5)
    assert read(ROWS["opencode"], 0, output.replace(b"stop", b"tool-calls"), b"").kind == "incomplete"


def test_who_did_nothing_but_try_again_failed_for_what_it_said_last() -> None:
    said = 'level=ERROR message="stream error" agent=build error.error="AI_APICallError: {}"\n'
    stderr = "".join(map(said.format, ("Overloaded", "Rate limit reached, please try again in 1h0m0s"))).encode()
    found = read(ROWS["opencode"], -15, b"", stderr, now=NOW, gave_up=True)
    assert (found.kind, found.reset_at) == ("usage_limit", NOW + 60 * MINUTE)
    assert found.error.endswith("AI_APICallError: Rate limit reached, please try again in 1h0m0s")
    found = read(ROWS["opencode"], -15, b"", said.format("Overloaded").encode(), now=NOW, gave_up=True)
    assert (found.kind, found.retryable) == ("failed", True)


def test_why_it_tried_again_is_the_last_line_that_says_so_as_far_as_a_line_is_looked_at() -> None:
    said = 'message="stream error" error.error="{}"\n'
    long = 'message="stream error"' * LONGEST_LINE + ' error.error="beyond"\n'
    stderr = (said.format("first") + said.format("last") + long + "more\n").encode()
    found = read(ROWS["opencode"], -15, b"", stderr, now=NOW, gave_up=True)
    assert found.error == "it tried again and again, the last time after: last"


AIDER = """
Git repository created in /home/ada/kettle
Aider v0.86.2
Model: openai/gpt-6 with whole edit format
Git repo: .git with 0 files
Repo-map: using 1024 tokens, auto refresh

{}
"""


def aider(said: str) -> Outcome:
    return read(ROWS["aider"], 0, AIDER.format(said).encode(), b"Warning: Input is not a terminal (fd=0).\n", now=NOW)


def test_aiders_answer_is_picked_out_of_its_chat() -> None:
    found = aider("Forty-two.\n\nTokens: none\n\nVERDICT: accept\n\nTokens: 1.2k sent, 34 received.")
    assert (found.kind, found.answer) == ("answer", "Forty-two.\n\nTokens: none\n\nVERDICT: accept")
    assert (found.tokens_in, found.tokens_out) == (1200, 34)


@pytest.mark.parametrize(
    ("said", "kind", "retryable"),
    [
        (
            "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key",
            "not_logged_in",
            True,
        ),
        ("litellm.RateLimitError: RateLimitError: OpenAIException - try again in 1h0m0s", "usage_limit", True),
        ("litellm.NotFoundError: NotFoundError: OpenAIException - model not found", "incomplete", False),
        ("litellm.InternalServerError: InternalServerError: OpenAIException - boom", "incomplete", True),
        (
            "Empty response received from LLM. Check your provider account?\n\nTokens: 9 sent, 0 received.",
            "incomplete",
            True,
        ),
    ],
)
def test_aiders_errors_come_with_exit_code_0(said: str, kind: str, retryable: bool) -> None:
    found = aider(said)
    assert (found.kind, found.answer, found.retryable) == (kind, "", retryable) and said.split("\n")[0] in found.error


def test_a_plain_command_answers_with_its_stdout_and_fails_with_its_stderr() -> None:
    row = ROWS["command"].running(("sh",))
    assert read(row, 0, b"caf\xe9\n", b"noise").answer == "caf\ufffd\n"
    assert read(row, 3, b"", b"\x1b[31mno such thing\x1b[0m\n").error == "exit code 3: no such thing"
    assert read(row, -9, b"", b"").error == "stopped by signal 9, without a word"
    assert read(row, 0, b" \n", b"").kind == "incomplete"


def test_a_pattern_without_a_group_is_its_whole() -> None:
    reads = ROWS["command"].reads.replace(session_id=Reading(match=r"s-\d+"))
    assert read(ROWS["command"].replace(reads=reads), 0, b"42 (s-17)", b"").session_id == "s-17"


def test_output_of_any_kind_ends_as_something() -> None:
    odd = [
        b"",
        b"\x00\xff",
        b"[" * 100_000,
        b"null",
        b'{"type": "result", "result": {"a": 1}}',
        b'{"type": ["result"]}',
    ]
    for row in ROWS.values():
        for content in odd:
            assert not (row.reads.format != "text" and read(row, 0, content, content).ok)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        (f"Claude AI usage limit reached|{NOW // 1_000_000 + 600}", 10),
        ("5-hour limit reached ∙ resets 3:30pm (UTC)", 211),
        ("try again at Nov 30th, 2026 12:00 PM", 1441),
        ("Please retry in 90s.", 1.5),
        ("Your quota will reset after 1h30m.", 90),
        ("try again in 2 days 3 hours 5 minutes.", 51 * 60 + 5),
        ("resets at 2026-11-29T12:05:00Z", 5),
        ('{"resets_at": ' + str(NOW // 1_000_000 + 60), 1),
    ],
)
def test_the_end_of_a_limit_is_read_from_words(text: str, minutes: float, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert resets.found(text, NOW) == NOW + minutes * MINUTE


@pytest.mark.parametrize(
    "text",
    ["", "rate limit", "try again later", "resets 99pm", "resets 2020-01-01T00:00:00Z", "limit reached|9999999999"],
)
def test_a_message_that_names_no_time_gives_none(text: str) -> None:
    assert resets.found(text, NOW) is None
