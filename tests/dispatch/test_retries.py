"""An agent that says that it tries again, and nothing else, is stopped; one that goes on is not."""

from __future__ import annotations

import json

import pytest

from dispatch.conftest import Scene

AGENT = """#!/bin/sh
cat >/dev/null
{}
"""
RETRIES = {"match": "^retrying: (.*)", "seconds": 3}


@pytest.fixture
def patient(scene: Scene) -> Scene:
    """With a vendor `patient`, whose agent is patient.sh."""
    row = {"program": "./patient.sh", "retries": RETRIES, "usage_limit": {"text": ["usage limit"]}}
    config = scene.project / "handoff/handoff.yaml"
    config.write_text(f"{config.read_text()}\nvendors: {json.dumps({'patient': row})}\n")
    return scene


def handled(scene: Scene, script: str) -> tuple[str, str]:
    """What became of a task of that agent, and what the dispatcher said."""
    (scene.project / "patient.sh").write_text(AGENT.format(script))
    (scene.project / "patient.sh").chmod(0o700)
    id = scene.submit("--metadata", "required_vendor=patient", attempts=2)
    done = scene.run("work", "--vendor", "patient", "--once", "--wait", "60", env=scene.environment)
    return id, done.err.decode()


def test_a_usage_limit_that_an_agent_waits_out_is_told_and_costs_no_attempt(patient: Scene) -> None:
    id, said = handled(patient, "echo 'retrying: usage limit, try again in 2h' >&2; sleep 600")
    assert "the last time after: usage limit, try again in 2h" in said
    assert (patient.status(id)["state"], patient.status(id)["attempts"]) == ("queued", 0)
    (hold,) = json.loads(patient.run("status", "--all").out)["holds"]
    assert (hold["vendor"], hold["by"]) == ("patient", "usage-limit")


def test_an_error_that_it_tries_again_after_for_ever_costs_an_attempt(patient: Scene) -> None:
    id, _ = handled(patient, "while true; do echo 'retrying: overloaded' >&2; sleep 0.1; done")
    assert (patient.status(id)["state"], patient.status(id)["attempts"]) == ("queued", 1)


def test_an_agent_that_goes_on_after_all_is_left_to_it(patient: Scene) -> None:
    goes_on = "for second in 1 2 3 4; do sleep 0.5; printf forty-; sleep 0.5; done; echo two"
    id, _ = handled(patient, f"echo 'retrying: overloaded' >&2; {goes_on}")
    assert patient.answer(id)["body"] == "forty-" * 4 + "two\n"
