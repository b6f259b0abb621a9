"""The table against the real programs: each run here ends as the table says that it ends."""

from __future__ import annotations

import re
import time

import pytest

from agent_lanes.dispatch.installed import installed
from agent_lanes.dispatch.outcome import FAILED, INCOMPLETE, NOT_LOGGED_IN, USAGE_LIMIT
from vendors.agents import MARK, marked
from vendors.conftest import MakeAgent
from vendors.wires import TOKENS_IN, TOKENS_OUT, Cut, Fail, Hang, Say

pytestmark = [pytest.mark.slow, pytest.mark.real_agents]

FILLING = "".join(f"line {number}: not one of these may get lost\n" for number in range(7_000))  # 300 KB
STOPPED = {"claude": 143, "codex": -15, "gemini": 0, "opencode": -15, "qwen": -15, "copilot": -15}
# They wait out limits and errors, and say so on stderr: what ends that is the guard (test_work.py).
PATIENT = {name: f"{name} tries again for longer than a test may take" for name in ("opencode", "qwen")}


def test_an_answer_comes_back_with_what_it_took(make: MakeAgent, name: str) -> None:
    agent = make(name, Say("The answer is 42."))
    done = agent.run("What is six times seven?")
    assert (done.outcome.kind, done.outcome.answer) == ("answer", "The answer is 42."), done
    assert done.outcome.session_id, done
    if name != "copilot":  # which tells none
        assert (done.outcome.tokens_in or 0) >= TOKENS_IN and (done.outcome.tokens_out or 0) >= TOKENS_OUT, done
    if name in ("claude", "opencode"):
        assert done.outcome.cost_usd, done
    strangers = {host for host in agent.model.strangers if not host.startswith("registry.")}  # opencode: its plugins
    assert not strangers, "it tried to reach other hosts"


@pytest.mark.parametrize("first", ["- a point\n", "--help\n", "/help me\n", "@README.md\n"])
def test_a_long_prompt_arrives_whole_whatever_it_begins_with(make: MakeAgent, name: str, first: str) -> None:
    agent = make(name, Say("42"))
    filling = FILLING[:60_000] if name == "copilot" else FILLING  # it refuses what its model has no room for
    done = agent.run(f"{first}{filling}the end\n")
    assert done.outcome.ok, done
    sent = agent.model.work[0].texts
    assert first.strip() in sent and f"{filling}the end" in sent


def test_model_and_effort_reach_the_model(make: MakeAgent, name: str) -> None:
    agent = make(name, Say("42"))
    known = {"claude": "opus", "opencode": "fake/fake-model"}.get(name, "fake-model")
    done = agent.run("hello", model_class=known, effort="high" if agent.vendor.effort.words else None)
    assert done.outcome.ok, done
    request = agent.model.work[0]
    assert known.rpartition("/")[2] in f"{request.path} {request.body.get('model')}"
    if name in ("claude", "codex", "copilot"):
        assert re.search(r'"?(effort|reasoning_effort)"?\W+high', str(request.body)), str(request.body)[:1000]


def test_a_key_that_is_refused_means_not_logged_in(make: MakeAgent, name: str) -> None:
    done = make(name, Fail(401, "invalid x-api-key", "authentication_error")).run("hello")
    assert (done.outcome.kind, done.outcome.answer) == (NOT_LOGGED_IN, ""), done


def test_a_missing_login_means_not_logged_in(make: MakeAgent, name: str) -> None:
    if name == "opencode":
        pytest.skip("opencode needs none for a provider of one's own")
    agent = make(name, Say("42"), logged_in=False)
    done = agent.run("hello")
    assert done.outcome.kind == NOT_LOGGED_IN and not agent.model.requests, done


def limit(name: str, at: int) -> Fail:
    """A usage limit until an instant (seconds since 1970), as the vendor's service tells it."""
    if name == "claude":
        told = {"status": "rejected", "reset": str(at), "representative-claim": "five_hour"}
        headers = {f"anthropic-ratelimit-unified-{key}": value for key, value in told.items()}
        return Fail(429, "This request would exceed your account's rate limit", "rate_limit_error", headers)
    if name == "codex":
        more = {"plan_type": "pro", "resets_at": at}
        return Fail(429, "The usage limit has been reached", "usage_limit_reached", more=more)
    if name == "gemini":
        metric = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel", "quotaMetric": "requests_per_model_per_day"}
        details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [metric]}]
        return Fail(429, "You exceeded your current quota", "RESOURCE_EXHAUSTED", more={"details": details})
    return Fail(429, "Rate limit reached, please try again in 1h0m0s", "rate_limit_exceeded")


def test_a_usage_limit_is_told_from_other_failures_and_so_is_its_end(make: MakeAgent, name: str) -> None:
    if name in PATIENT:
        pytest.skip(PATIENT[name])
    at = int(time.time()) + 3_600
    agent = make(name, limit(name, at))
    if name == "claude":  # limits are told to those who have a subscription
        del agent.environment["ANTHROPIC_API_KEY"]
        agent.environment["CLAUDE_CODE_OAUTH_TOKEN"] = "sk-ant-oat01-fake"
    done = agent.run("hello")
    assert done.outcome.kind == USAGE_LIMIT and done.outcome.retryable, done
    if name != "gemini":  # which keeps it to itself
        assert done.outcome.reset_at and 0 <= done.outcome.reset_at / 1e6 - at <= 120, done


def test_an_error_of_the_model_may_be_tried_again(make: MakeAgent, name: str) -> None:
    if name in PATIENT:
        pytest.skip(PATIENT[name])
    done = make(name, Fail(500, "boom", "api_error")).run("hello")
    assert (done.outcome.kind, done.outcome.retryable) == (FAILED, True) and done.outcome.error, done


def test_a_model_that_does_not_exist_is_not_tried_again(make: MakeAgent, name: str) -> None:
    done = make(name, Fail(404, "model not found", "not_found_error")).run("hello")
    assert (done.outcome.kind, done.outcome.retryable) == (FAILED, False), done


def test_an_empty_answer_is_none(make: MakeAgent, name: str) -> None:
    done = make(name, Say("")).run("hello")
    assert done.outcome.kind in (INCOMPLETE, FAILED) and done.outcome.retryable and done.outcome.error, done


def test_an_answer_that_breaks_off_is_none(make: MakeAgent, name: str) -> None:
    if name == "opencode":
        pytest.skip(PATIENT[name])
    done = make(name, Cut()).run("hello")
    assert done.outcome.kind in (FAILED, INCOMPLETE) and done.outcome.answer == "", done


def test_sigterm_to_the_group_ends_it_and_leaves_nothing_running(make: MakeAgent, name: str) -> None:
    agent = make(name, Hang())
    marker = agent.environment[MARK]
    running = agent.started("hello")
    agent.model.wait_for_request()
    assert marked(marker)
    done = running.stopped()
    assert done.code == STOPPED[name] and not done.outcome.ok, done
    deadline = time.monotonic() + 20
    while marked(marker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not marked(marker)


def test_its_version_is_the_one_that_the_table_was_tried_with(
    make: MakeAgent, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = make(name, Say("42"))
    for key, value in agent.environment.items():
        monkeypatch.setenv(key, value)
    (found,) = installed([agent.vendor])
    assert (found.version, found.verified) == (agent.vendor.verified.version, "yes")
