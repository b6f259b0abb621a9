"""What the rules of a lane make of its tasks, on every backend."""

from __future__ import annotations

from typing import Any

import pytest

from agent_lanes.core.rules import Lanes, Rules
from agent_lanes.core.terms import Terms
from agent_lanes.errors import AgentLanesError, BadData, BadUsage, Refused
from agent_lanes.ports import Backend
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission
from contracts.stores import Clock, submit

SCHEMA = {"type": "object", "required": ["verdict"], "properties": {"verdict": {"enum": ["good", "bad"]}}}


def with_rules(backend: Backend, strict: bool = False, **rules: Any) -> QueueService:
    return QueueService(backend, lambda: Lanes(rules={"ruled": Rules(**rules)}, strict=strict))


def asked(lane: str = "ruled", terms: Terms | None = None, **fields: Any) -> Submission:
    common: dict[str, Any] = {"workspace_id": "w", "workspace_root": "/", "base": "/", "prompt": "x", "metadata": {}}
    return Submission(lane=lane, terms=terms, **{**common, **fields})


def test_a_task_has_three_attempts_unless_somebody_says_otherwise(backend: Backend) -> None:
    queue = with_rules(backend, max_attempts=7)
    limits = [
        queue.submit(one)[0].max_attempts
        for one in (asked("other"), asked(), asked(terms=Terms(max_attempts=1)), asked(terms=Terms(max_attempts=0)))
    ]
    assert limits == [3, 7, 1, None]


def test_what_a_submitter_leaves_open_is_as_the_lane_says_and_stands_in_the_record(backend: Backend) -> None:
    queue = with_rules(backend, priority=2, backoff_seconds=60, lease_seconds=50, max_lease_seconds=90)
    id = queue.submit(asked())[0].id
    task = backend.read(id).task
    assert (task.priority, task.backoff_seconds, task.lease_seconds, task.max_lease_seconds) == (2, 60, 50, 90)
    task = backend.read(queue.submit(asked(terms=Terms(priority=8, backoff_seconds=1)))[0].id).task
    assert (task.priority, task.backoff_seconds) == (8, 1)


def test_a_lease_is_the_lanes_and_never_longer_than_it_allows_at_any_door(backend: Backend, clock: Clock) -> None:
    with_rules(backend, lease_seconds=50, max_lease_seconds=90).submit(asked())
    queue = QueueService(backend)  # knows no rules
    held = queue.claim_next("ruled")
    assert held is not None and held.claim is not None and held.claim.lease.seconds == 50
    token = held.claim.token
    for wanted, given in ((1000, 90), (None, 50), (20, 20)):
        claim = queue.renew(held.id, token, lease_seconds=wanted).claim
        assert claim is not None and claim.lease.seconds == given
    queue.release(held.id, token)
    claim = queue.claim(held.id, lease_seconds=91).claim
    assert claim is not None and claim.lease.seconds == 90
    clock.advance(90)
    assert backend.read(held.id).lease_expired(clock())


def test_strict_lanes_take_tasks_for_declared_lanes_alone(backend: Backend) -> None:
    queue = with_rules(backend, strict=True)
    queue.submit(asked())
    with pytest.raises(Refused, match="lane 'other' is not declared"):
        queue.submit(asked("other"))
    outcomes = queue.submit_many([asked("other"), asked()])
    assert [type(one.error) for one in outcomes] == [Refused, type(None)]
    assert len(list(backend.scan())) == 2


def test_route_by_takes_the_place_of_the_vendor(backend: Backend) -> None:
    queue = with_rules(backend, route_by="model_class")
    metadata = {"model_class": "deep", "required_vendor": "codex"}
    deep = queue.submit(asked(metadata=metadata))[0].id
    anybody = queue.submit(asked(metadata={"required_vendor": "codex"}))[0].id
    taken = queue.claim_next("ruled", vendor="codex")
    assert taken is not None and taken.id == anybody
    assert backend.read(deep).task.vendor == "deep"
    assert backend.read(anybody).task.vendor == "any"
    taken = queue.claim_next("ruled", vendor="deep")
    assert taken is not None and taken.id == deep
    with pytest.raises(BadUsage, match=r"metadata\.model_class"):
        queue.submit(asked(metadata={"model_class": 5}))


def test_the_same_key_finds_its_task_though_the_rules_have_changed_since(backend: Backend) -> None:
    first, new = with_rules(backend, max_attempts=5).submit(asked(idempotency_key="k"))
    again, repeated = with_rules(backend, max_attempts=2, priority=0).submit(asked(idempotency_key="k"))
    assert (again.id, new, repeated) == (first.id, True, False)
    with pytest.raises(Refused, match="asks for something else"):
        with_rules(backend).submit(asked(terms=Terms(max_attempts=2), idempotency_key="k"))


def test_an_answer_that_does_not_match_the_schema_is_refused_by_its_paths_and_the_task_stays_held(
    backend: Backend,
) -> None:
    pytest.importorskip("jsonschema")
    with_rules(backend, response_schema=SCHEMA).submit(asked())
    queue = QueueService(backend)
    held = queue.claim_next("ruled")
    assert held is not None and held.claim is not None
    token = held.claim.token
    for body, problem in (
        ("fine", "it is none"),
        ("[]", r"\$: \[\] is not of type"),
        ('{"verdict": 1}', r"\$\.verdict"),
    ):
        with pytest.raises(BadData, match=problem):
            queue.respond(held.id, body, token=token)
    assert backend.read(held.id).state == "claimed"
    assert queue.respond(held.id, '{"verdict": "good"}', token=token)[0].state == "completed"
    assert queue.respond(held.id, '{"verdict": "good"}', token=token)[1]


def test_a_failure_needs_no_schema(backend: Backend) -> None:
    pytest.importorskip("jsonschema")
    id = with_rules(backend, response_schema=SCHEMA).submit(asked())[0].id
    assert QueueService(backend).respond(id, "no idea", status="failed")[0].state == "failed"


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "nothing"}, "not a JSON Schema"),
        ({"$ref": "http://127.0.0.1:9/x"}, "lies outside of it"),
        ({"properties": {"a": {"$ref": "other.json"}}}, "lies outside of it"),
        ("/nowhere/schema.json", "there is no file"),
    ],
)
def test_a_schema_that_is_none_is_refused_at_submit_and_nothing_is_stored(
    backend: Backend, schema: Any, problem: str
) -> None:
    pytest.importorskip("jsonschema")
    with pytest.raises(BadData, match=problem):
        with_rules(backend, response_schema=schema).submit(asked())
    assert list(backend.scan()) == []


def test_without_jsonschema_a_submit_says_what_to_install(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(AgentLanesError, match="jsonschema is not installed") as refused:
        with_rules(backend, response_schema=SCHEMA).submit(asked())
    assert refused.value.hint == "pip install 'agent-lanes[schema]'"
    assert list(backend.scan()) == []


def test_strict_lanes_give_the_work_of_declared_lanes_and_of_those_that_had_tasks(backend: Backend) -> None:
    queue = QueueService(backend, lambda: Lanes(rules={"review": Rules()}, strict=True))
    for ask in (queue.claim_next, queue.peek_next):
        assert ask("review") is None
        with pytest.raises(Refused, match="lane 'other' is not declared"):
            ask("other")
    id = submit(backend, "other")
    found = queue.peek_next("other"), queue.claim_next("other")
    assert [one.id for one in found if one is not None] == [id, id]
