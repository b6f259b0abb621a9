"""Several tasks at a time, and a dispatcher that goes on."""

from __future__ import annotations

import json
import signal

from dispatch.conftest import Scene


def test_as_many_agents_run_at_a_time_as_were_allowed(scene: Scene) -> None:
    ids = [scene.submit() for _ in range(4)]
    go = scene.tmp / "own-go"
    work = scene.work("until", scene.tmp / "own-begun", go, flags=("--concurrency", "3"))
    scene.until(lambda: [scene.status(id)["state"] for id in ids].count("claimed") == 3, "three are claimed")
    work.line("at work")
    assert scene.status(ids[3])["state"] == "queued"
    go.touch()
    scene.until(lambda: all(scene.status(id)["state"] == "completed" for id in ids), "all are answered")
    work.process.send_signal(signal.SIGTERM)
    work.end()


def test_what_became_of_the_tasks_is_counted(scene: Scene) -> None:
    scene.submit()
    words = ("work", "--once", "--wait", "60", "--json", "--", "true")
    told = json.loads(scene.run(*words, env=scene.environment).out)
    assert told == {"status": "done", "answered": 0, "failed": 1, "released": 0, "lost": 0, "stopped": 0}


def test_an_agent_cannot_read_its_dispatchers_words_nor_a_shell_the_tasks(scene: Scene) -> None:
    id = scene.submit(prompt="$(touch own-shell) `touch own-shell`; touch own-shell")
    scene.handle("echo")
    assert "$(touch own-shell)" in scene.answer(id)["body"]
    assert not (scene.project / "own-shell").exists()


def test_a_renewed_lease_outlives_its_length(scene: Scene) -> None:
    id, go = scene.submit(), scene.tmp / "own-go"
    flags = ("--once", "--lease-seconds", "1", "--renew-seconds", "0.2")
    work = scene.work("until", scene.tmp / "own-begun", go, flags=flags)
    scene.until(lambda: [event["type"] for event in scene.events(id)].count("renewed") >= 8, "eight renewals")
    assert not scene.status(id)["lease_expired"]
    go.touch()
    work.end()
    assert scene.answer(id)["body"] == "finished"
