"""The Python API, on a store of this process and on one on disk."""

from __future__ import annotations

import threading
from pathlib import Path
from types import NoneType

import pytest

import agent_lanes
from agent_lanes import AgentLanesError, ClaimedTask, Queue
from agent_lanes.errors import BadData, BadUsage, LostClaim, NotAllowed, NotFound, Refused, TaskFailed, TimedOut


@pytest.fixture(params=["memory:", "folder", "config"])
def queue(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """A queue, opened in each way there is."""
    monkeypatch.chdir(tmp_path)
    if request.param == "memory:":
        return Queue.open("memory:")
    if request.param == "folder":
        return Queue.open(str(tmp_path / "state"))
    (tmp_path / "handoff").mkdir()
    (tmp_path / "handoff/handoff.yaml").write_text("workspace_id: mine\n")
    return Queue.open()


def claimed(queue: Queue, lane: str = "default") -> ClaimedTask:
    task = queue.claim(lane)
    assert task is not None
    return task


def test_a_task_goes_from_submit_to_answer(queue: Queue) -> None:
    id = queue.submit("review", request="Please read plan.md", metadata={"required_vendor": "codex"})
    assert queue.claim("review", vendor="claude") is None
    task = queue.claim("review", vendor="codex", owner="ann", lease_seconds=60)
    assert task is not None
    assert (task.id, task.lease_seconds, len(task.token)) == (id, 60, 32)
    assert "Please read plan.md" in task.input
    task.event("half-way", data={"done": 1})
    response = task.respond("Looks good.", verdict="accept")
    assert queue.wait(id) == response
    assert (response.body, response.verdict, response.status) == ("Looks good.", "accept", "completed")
    assert [event.type for event in queue.events(id)] == ["created", "claimed", "note", "response", "fetched"]


def test_a_claim_waits_for_work_when_asked_to(queue: Queue) -> None:
    results: list[ClaimedTask | None] = []
    thread = threading.Thread(target=lambda: results.append(queue.claim("default", wait_seconds=60)))
    thread.start()
    id = queue.submit("default", prompt="p")
    thread.join(60)
    assert results[0] is not None
    assert results[0].id == id


def test_a_claim_without_work_is_none(queue: Queue) -> None:
    assert queue.claim("default") is None
    assert queue.claim("default", wait_seconds=0.01) is None


def test_a_wait_ends_with_the_answer_of_another_thread(queue: Queue) -> None:
    id = queue.submit("default", prompt="p")
    thread = threading.Thread(target=lambda: queue.respond(id, "fine"))
    thread.start()
    assert queue.wait(id, timeout_seconds=60).body == "fine"
    thread.join()


def test_a_wait_for_a_failed_task_raises_with_the_answer(queue: Queue) -> None:
    id = queue.submit("default", prompt="p")
    given = claimed(queue).fail("no disk", metadata={"code": 74})
    with pytest.raises(TaskFailed, match=f"task {id} failed: no disk") as failed:
        queue.wait(id)
    assert failed.value.args[1] == given
    assert (given.status, given.metadata) == ("failed", {"code": 74})


def test_a_wait_that_runs_out_loses_nothing(queue: Queue) -> None:
    id = queue.submit("default", prompt="p")
    for _ in range(2):
        with pytest.raises(TimedOut) as over:
            queue.wait(id, timeout_seconds=0.01)
        assert over.value.retryable
    queue.respond(id, "fine")
    assert queue.wait(id, timeout_seconds=0).body == "fine"


def test_a_claim_by_id_is_proved_by_its_token(queue: Queue) -> None:
    id = queue.submit("default", prompt="p")
    task = queue.claim_task(id, lease_seconds=60)
    with pytest.raises(Refused):
        queue.claim_task(id)
    with pytest.raises(LostClaim):
        queue.respond(id, "fine", token="stolen")
    renewed = queue.renew(id, task.token, lease_seconds=500)
    assert (renewed.lease.seconds, renewed.token) == (500, task.token)
    queue.release(id, task.token, reason="lunch")
    assert queue.read(id).state == "queued"
    with pytest.raises(Refused):
        task.renew()


def test_a_claimed_task_can_be_renewed_and_released(queue: Queue) -> None:
    queue.submit("default", prompt="p")
    task = claimed(queue)
    task.renew(500)
    claim = queue.read(task.id).claim
    assert claim is not None
    assert claim.lease.seconds == 500
    task.release("lunch")
    task.release_if_open("again")  # nothing is open any more: nothing happens
    assert queue.read(task.id).state == "queued"


def test_looks_show_what_the_commands_show(queue: Queue) -> None:
    first, other = queue.submit("default", prompt="p"), queue.submit("other", prompt="p")
    queue.respond(first, "fine")
    status = queue.status(first)
    assert (status["id"], status["state"], status["response_exists"]) == (first, "completed", True)
    assert {view["id"] for view in queue.list()} == {first, other}
    assert [view["id"] for view in queue.list(lane="other")] == [other]
    assert [view["id"] for view in queue.list(active_only=True)] == [other]


def test_an_unknown_task_is_not_found(queue: Queue) -> None:
    for look in (queue.read, queue.wait, queue.status, queue.events, queue.claim_task):
        with pytest.raises(NotFound):
            look("nothing")


def test_a_refused_submit_writes_nothing(queue: Queue) -> None:
    for kind, options in (
        (BadUsage, {}),
        (BadUsage, {"prompt": "p", "metadata": {"a": float("nan")}}),
        (BadData, {"request": "\ud800"}),
        (NotFound, {"request_path": "none.md"}),
    ):
        with pytest.raises(kind):
            queue.submit("default", **options)  # type: ignore[arg-type]
    assert queue.list() == []


def test_every_error_is_one_kind_with_a_code_and_a_hint(queue: Queue) -> None:
    with pytest.raises(AgentLanesError) as wrong:
        queue.wait("nothing")
    error = wrong.value
    assert (error.code, error.exit_code, error.http_status, error.retryable) == ("not_found", 5, 404, False)
    assert error.message and error.hint


# --- opening -------------------------------------------------------------------------------------------------


def test_a_config_says_workspace_and_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "handoff").mkdir()
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "handoff/handoff.yaml").write_text("workspace_id: mine\nqueue_root: ../q\n")
    (tmp_path / "request.md").write_text("please")
    monkeypatch.chdir(tmp_path / "deep/er")
    queue = Queue.open()
    assert queue.store == str(tmp_path / "q")
    id = queue.submit("default", request_path="request.md", response_to="out/answer.md")
    task = queue.read(id).task
    assert (task.workspace_id, task.workspace_root) == ("mine", str(tmp_path))
    assert (task.request_path, task.response_path) == (str(tmp_path / "request.md"), str(tmp_path / "out/answer.md"))
    with pytest.raises(NotAllowed):
        queue.submit("default", prompt="p", response_to="handoff/handoff.yaml")
    with pytest.raises(NotAllowed):
        queue.submit("default", prompt="p", response_to="q/tasks/x")


def test_the_environment_says_the_store_as_for_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGENT_LANES_STORE", str(tmp_path / "elsewhere"))
    assert Queue.open().store == str(tmp_path / "elsewhere")
    assert Queue.open("here").store == str(tmp_path / "here")


def test_nothing_to_open_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound):
        Queue.open()
    with pytest.raises(NotFound, match=r"none\.yaml"):
        Queue.open(config="none.yaml")


def test_opening_and_looking_make_nothing(tmp_path: Path) -> None:
    assert Queue.open(str(tmp_path / "state")).list() == []
    assert list(tmp_path.iterdir()) == []


def test_two_queues_on_one_folder_are_one_queue_and_two_in_memory_are_two(tmp_path: Path) -> None:
    one, other = Queue.open(str(tmp_path / "state")), Queue.open(str(tmp_path / "state"))
    id = one.submit("default", prompt="p")
    assert other.read(id) == one.read(id)
    assert Queue.open("memory:").list() == []
    Queue.open("memory:").submit("default", prompt="p")
    assert Queue.open("memory:").list() == []


def test_the_package_offers_its_public_names_and_no_others() -> None:
    names = ["AgentLanesError", "ClaimedTask", "NewTask", "Queue", "Submitted", "__version__"]
    assert sorted(agent_lanes.__all__) == names
    for name in agent_lanes.__all__:
        assert getattr(agent_lanes, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'queue_of_doom'"):
        agent_lanes.queue_of_doom  # noqa: B018


def test_many_tasks_are_submitted_together_each_with_its_outcome(queue: Queue) -> None:
    results = queue.submit_many(
        [
            {"lane": "a", "prompt": "one"},
            {"lane": " ", "prompt": "two"},
            {"lane": "a", "request": "three", "idempotency_key": "k"},
            {"lane": "a", "promt": "four"},  # type: ignore[typeddict-unknown-key]
            {"lane": "a", "prompt": 5},  # type: ignore[typeddict-item]
            {"prompt": "six"},  # type: ignore[typeddict-item]
            {"lane": "a", "request": 7},  # type: ignore[typeddict-item]
        ]
    )
    assert [bool(one.id) for one in results] == [True, False, True, False, False, False, False]
    assert [type(one.error) for one in results] == [NoneType, BadUsage, NoneType, BadUsage, BadData, BadUsage, BadUsage]
    assert "promt" in str(results[3].error)
    assert results[0].raise_if_failed() == results[0].id
    with pytest.raises(BadUsage, match="lane: ' '"):
        results[1].raise_if_failed()
    assert [task["id"] for task in queue.list()] == [results[0].id, results[2].id]
    again = queue.submit_many([{"lane": "a", "request": "three", "idempotency_key": "k"}])
    assert (again[0].id, again[0].already_done) == (results[2].id, True)


def test_more_tasks_than_one_commit_takes_keep_their_order(queue: Queue) -> None:
    results = queue.submit_many({"lane": "a", "prompt": str(number)} for number in range(1030))
    assert [queue.read(one.raise_if_failed()).task.prompt for one in results] == [str(n) for n in range(1030)]
    taken = queue.claim("a")
    assert taken is not None and taken.id == results[0].id
