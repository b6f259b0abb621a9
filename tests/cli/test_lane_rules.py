"""The rules of lanes in handoff.yaml, as commands keep them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent_lanes.config.check import parse
from agent_lanes.config.model import dump, restore
from agent_lanes.core.rules import Rules
from agent_lanes.errors import BadData
from cli.process import Command

SCHEMA = {"type": "object", "required": ["verdict"]}
EVERYTHING: dict[str, Any] = {
    "description": "d", "priority": 1, "max_attempts": 0, "backoff_seconds": 0.5, "lease_seconds": 60,
    "max_lease_seconds": 90.5, "concurrency": 3, "concurrency_by": {"project": 1}, "fair": True,
    "route_by": "model_class", "response_schema": SCHEMA, "retention": "2d",
}  # fmt: skip


def config(**lanes: Any) -> Any:
    return parse({"workspace_id": "w", "lanes": lanes}, "/x/handoff.yaml")


def rules(run: Command, text: str) -> None:
    """Let the project's config end with this."""
    path = run.folder / "handoff" / "handoff.yaml"
    path.write_text("workspace_id: w\n" + text)


def test_every_key_of_a_lane_is_read_and_survives_the_compiled_copy() -> None:
    found = config(all=EVERYTHING, text="words", nothing=None)
    expected = Rules(
        **{key: value for key, value in EVERYTHING.items() if key != "retention"}, retention_seconds=172800
    )
    assert found.lanes == {"all": expected, "text": Rules(description="words"), "nothing": Rules()}
    assert restore(json.loads(json.dumps(dump(found)))) == found


WRONG = [
    ("priority", 10), ("priority", "1"), ("max_attempts", -1), ("max_attempts", 1.5), ("backoff_seconds", 3601),
    ("backoff_seconds", "soon"), ("lease_seconds", 0), ("max_lease_seconds", True), ("concurrency", 0),
    ("concurrency_by", 3), ("concurrency_by", {"project": 0}), ("concurrency_by", {7: 1}), ("fair", "yes"),
    ("route_by", ""), ("route_by", 1), ("response_schema", 5), ("retention", "long"), ("description", 1),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), WRONG, ids=str)
def test_a_wrong_rule_is_refused_by_file_lane_and_key(key: str, value: object) -> None:
    with pytest.raises(BadData, match=rf"^/x/handoff\.yaml: lanes\.a\.{key}"):
        config(a={key: value})


def test_an_unknown_rule_is_ignored_with_a_warning() -> None:
    assert config(a={"colour": "red"}).warnings == ("/x/handoff.yaml: lanes.a has unknown keys (ignored): colour",)


def test_a_task_file_flag_and_lane_agree_on_the_terms(run: Command) -> None:
    rules(run, "lanes: {review: {max_attempts: 5, backoff_seconds: 20, priority: 1}}\n")
    (run.folder / "task.yaml").write_text("lane: review\nprompt: x\nbackoff: 2m\nmax_attempts: 0\n")
    shown = [run("submit", *words, "--json").json["task"] for words in (
        ("--lane", "review", "--prompt", "x"),
        ("--task", "task.yaml"),
        ("--task", "task.yaml", "--backoff", "3s", "--max-attempts", "1", "--priority", "9"),
    )]  # fmt: skip
    terms = [(task["max_attempts"], task["backoff_seconds"], task["priority"]) for task in shown]
    assert terms == [(5, 20, 1), (None, 120, 1), (1, 3, 9)]


def test_at_is_the_same_as_delay_and_not_given_beside_it(run: Command) -> None:
    words = ("submit", "--lane", "default", "--prompt", "x", "--at", "2039-01-02T03:04:05Z")
    assert run(*words, "--json").json["task"]["not_before"] == "2039-01-02T03:04:05.000000Z"
    assert "--at" in run(*words, "--delay", "1h", code=64).err.decode()


def test_a_lane_that_is_not_declared_is_warned_of_or_refused(run: Command) -> None:
    submit = ("submit", "--prompt", "x", "--lane")
    rules(run, "lanes: {review: words}\n")
    assert "declared" not in run(*submit, "review").err.decode()
    assert "lane 'reviwe' is not declared" in run(*submit, "reviwe").err.decode()
    rules(run, "lanes: {review: words}\nstrict_lanes: true\n")
    refused = run(*submit, "reviwe", code=4)
    assert "not declared" in refused.err.decode() and "review" in refused.err.decode()
    rules(run, "strict_lanes: 1\n")
    assert "strict_lanes" in run(*submit, "review", code=65).err.decode()


def test_rules_are_those_of_the_store_of_the_config(run: Command, tmp_path: Path) -> None:
    rules(run, "lanes: {review: {max_attempts: 5}}\nstrict_lanes: true\n")
    elsewhere = ("--store", str(tmp_path / "elsewhere"))
    assert run("submit", "--lane", "other", "--prompt", "x", "--json", *elsewhere).json["task"]["max_attempts"] == 3


def test_a_lease_that_was_cut_is_told(run: Command) -> None:
    rules(run, "lanes: {review: {max_lease_seconds: 90}}\n")
    run("submit", "--lane", "review", "--prompt", "x")
    taken = run("claim", "--lane", "review", "--lease-seconds", "900", "--json")
    assert taken.json["task"]["lease_seconds"] == 90 and "90 s" in taken.err.decode()
    words = ("renew", taken.json["task_id"], "--claim-token", taken.json["claim_token"])
    assert "90 s" in run(*words, "--lease-seconds", "91").err.decode()
    assert run(*words).err.decode() == ""


def test_an_answer_is_held_to_the_schema_that_the_agent_is_shown(run: Command) -> None:
    pytest.importorskip("jsonschema")
    (run.folder / "handoff" / "answer.json").write_text(json.dumps(SCHEMA))
    rules(run, "lanes: {review: {response_schema: answer.json}}\n")
    id = run("submit", "--lane", "review", "--prompt", "x").line
    assert '"verdict"' in run("show", id, "--input").out.decode()
    (run.folder / "handoff" / "answer.json").unlink()
    refused = run("respond", id, "--body", "{}", code=65)
    assert "'verdict' is a required property" in refused.err.decode()
    run("respond", id, "--body", '{"verdict": 1}')


def test_the_attempts_of_a_task_are_shown(run: Command) -> None:
    id = run("submit", "--lane", "default", "--prompt", "x").line
    token = run("claim", id, "--owner", "ann", "--json").json["claim_token"]
    fail = ("--status", "failed", "--retry", "--body", "boom", "--metadata", "tokens_out=7")
    run("respond", id, "--claim-token", token, *fail)
    for words in (("status", id), ("show", id, "--json")):
        (attempt,) = run(*words).json["attempts_history"]
        assert (attempt["owner"], attempt["outcome"], attempt["reason"]) == ("ann", "failed", "boom")
        assert attempt["metadata"] == {"tokens_out": "7"}


@pytest.mark.parametrize(
    "words",
    [
        ["claim", "--lane", "reviwe"],
        ["wait", "--timeout", "0", "--lane", "reviwe"],
        ["work", "--once", "--wait", "0", "--lane", "reviwe", "--", "true"],
        ["hold", "--lane", "reviwe"],
    ],
)
def test_who_asks_for_the_work_of_a_lane_that_is_a_slip_is_told(run: Command, words: list[str]) -> None:
    rules(run, "lanes: {review: words}\n")
    slip = "lane 'reviwe' is not declared"
    assert slip in run(*words, code=None).err.decode()
    rules(run, "lanes: {review: words}\nstrict_lanes: true\n")
    refused = run(*words, code=4)
    assert slip in refused.why and "declared are: review" in refused.why
    rules(run, "lanes: {reviwe: words}\n")
    run("submit", "--lane", "reviwe", "--prompt", "x", "--quiet")
    rules(run, "lanes: {review: words}\nstrict_lanes: true\n")
    assert slip not in run(*words, code=None).err.decode(), "what is in it may be done"


LOOKS = [
    ["list"],
    ["list", "--ready", "--json"],
    ["stats"],
    ["events"],
    ["status", "--all"],
    ["costs"],
    ["listeners", "--json"],
    ["dead"],
    ["archive", "--dry-run"],
]


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_who_looks_at_a_lane_that_is_a_slip_is_told_whatever_the_config_declares(
    run: Command, words: list[str]
) -> None:
    run("submit", "--lane", "revision", "--prompt", "x", "--quiet")
    for config in ("lanes: {review: words}\n", "lanes: {review: words}\nstrict_lanes: true\n"):
        rules(run, config)
        [told] = [line for line in run(*words, "--lane", "reviwe").err.decode().splitlines() if "reviwe'" in line]
        assert "lane 'reviwe' is not declared in" in told and told.endswith("did you mean 'review'?")
        assert "did you mean" not in run(*words, "--lane", "elsewhere").err.decode()
        assert "warning" not in run(*words, "--lane", "review").err.decode()
        assert "warning" not in run(*words, "--lane", "revision").err.decode()
    rules(run, "")
    told = run(*words, "--lane", "revisoin").err.decode()
    assert "agent-lanes: warning: lane 'revisoin' has never had a task; did you mean 'revision'?\n" in told
    assert "warning" not in run(*words, "--lane", "elsewhere").err.decode()
