"""ports.Signals: a watch that was set before a change is woken by it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from agent_lanes.errors import NotFound
from agent_lanes.ports import Backend, Watch
from agent_lanes.services import waiting
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, claim, release, respond, submit

LONG = 60.0  # a wait that is not woken makes the test fail, late; one that is woken is not delayed by it


def woken(watch: Watch, until: Callable[[], bool]) -> bool:
    """Whether the watch wakes for as long as it takes to see the change; spurious wake-ups are allowed."""
    while not until():
        if not watch.wait(LONG):
            return False
    return True


def woken_by(watch: Watch, change: Callable[[], object], until: Callable[[], bool]) -> bool:
    """Set watch, then change, then wait: the change may come before the wait, and from another thread."""
    with watch:
        thread = threading.Thread(target=change)
        thread.start()
        try:
            return watch.wait(LONG) and woken(watch, until)
        finally:
            thread.join()


def test_an_answer_wakes_a_watch_on_its_task(backend: Backend) -> None:
    id = submit(backend)
    assert woken_by(backend.watch_task(id), lambda: respond(backend, id), lambda: backend.finished(id))


@pytest.mark.parametrize("lane", ["default", "a/b é"])
def test_a_new_task_wakes_a_watch_on_its_lane(backend: Backend, lane: str) -> None:
    submit(backend, "elsewhere")
    assert woken_by(
        backend.watch_lane(lane), lambda: submit(backend, lane), lambda: any(backend.candidates(lane, None))
    )


def test_a_release_wakes_a_watch_on_its_lane(backend: Backend) -> None:
    id = submit(backend)
    claim(backend, id)
    assert woken_by(
        backend.watch_lane("default"), lambda: release(backend, id), lambda: any(backend.candidates("default", None))
    )


def test_a_change_between_watch_and_wait_is_not_lost(backend: Backend) -> None:
    id = submit(backend)
    with backend.watch_task(id) as watch:
        respond(backend, id)
        assert watch.wait(LONG)
    with backend.watch_lane("default") as watch:
        submit(backend)
        assert watch.wait(LONG)


def test_a_watch_can_be_waited_on_again(backend: Backend) -> None:
    submit(backend)
    with backend.watch_lane("default") as watch:
        for count in range(2, 5):
            submit(backend)
            assert woken(watch, lambda count=count: len(list(backend.candidates("default", None))) == count)  # type: ignore[misc]


def test_several_watches_are_all_woken(backend: Backend) -> None:
    id = submit(backend)
    with backend.watch_task(id) as one, backend.watch_task(id) as other:
        respond(backend, id)
        assert one.wait(LONG)
        assert other.wait(LONG)


def test_a_wait_returns_by_itself_when_the_time_is_over(backend: Backend) -> None:
    id = submit(backend)
    with backend.watch_task(id) as watch:
        watch.wait(0.01)
    assert not backend.finished(id)


# --- the waits of the services, on every backend -------------------------------------------------------------


def in_background(do: Callable[[], object]) -> Callable[[], object]:
    """Start it; the function returned gives its result."""
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(do()), daemon=True)
    thread.start()

    def result() -> object:
        thread.join(2 * LONG)
        assert results, "still waiting"
        return results[0]

    return result


def test_a_blocked_wait_for_an_answer_ends_with_it(backend: Backend) -> None:
    id = submit(backend)
    blocked = threading.Event()
    result = in_background(
        lambda: waiting.for_answer(
            backend, id, timeout_seconds=LONG, heartbeat_seconds=0.001, beat=lambda snapshot: blocked.set()
        )
    )
    assert blocked.wait(LONG)
    respond(backend, id)
    assert result() == backend.read(id)


def test_a_blocked_wait_for_work_ends_with_a_task_that_it_may_take(backend: Backend, queue: QueueService) -> None:
    looked = threading.Semaphore(0)

    def look() -> object:
        found = queue.claim_next("default", vendor="codex")
        looked.release()
        return found

    result = in_background(lambda: waiting.for_work(backend, "default", look, timeout_seconds=LONG))
    looked.acquire()
    looked.acquire()  # the second look comes after the watch was set
    submit(backend, vendor="claude")
    id = submit(backend, vendor="codex")
    assert result() == backend.read(id)


def test_a_wait_for_what_is_there_returns_at_once_without_a_watch(backend: Backend, queue: QueueService) -> None:
    id = submit(backend)
    respond(backend, id)

    class NoWatch:
        def __getattr__(self, name: str) -> object:
            assert not name.startswith("watch")
            return getattr(backend, name)

    no_watch: Backend = NoWatch()  # type: ignore[assignment]
    assert waiting.for_answer(no_watch, id, timeout_seconds=LONG) == backend.read(id)
    assert waiting.for_work(no_watch, "default", lambda: id, timeout_seconds=LONG) == id
    assert waiting.for_work(no_watch, "default", lambda: None, timeout_seconds=0) is None


def test_a_wait_for_work_sleeps_no_longer_than_the_next_lease(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    """The lease of a crashed worker ends: nothing writes to the store then, so no watch can tell."""
    id = submit(backend)
    claim(backend, id, lease_seconds=10)
    slept: list[float] = []

    class Sleeper:
        def __enter__(self) -> Sleeper:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def wait(self, timeout_seconds: float) -> bool:
            slept.append(timeout_seconds)
            clock.advance(timeout_seconds)
            return False

    class Slept:
        def watch_lane(self, lane: str) -> Sleeper:
            return Sleeper()

        def __getattr__(self, name: str) -> object:
            return getattr(backend, name)

    sleeping: Backend = Slept()  # type: ignore[assignment]
    found = waiting.for_work(sleeping, "default", lambda: queue.claim_next("default"), timeout_seconds=LONG)
    assert found == backend.read(id)
    assert slept == [10.0]


def test_a_wait_for_an_unknown_task_is_refused(backend: Backend) -> None:
    submit(backend)
    with pytest.raises(NotFound):
        waiting.for_answer(backend, "20261121T023929158949Z-nothing-000000000000", timeout_seconds=LONG)


def test_a_watch_of_everything_is_woken_by_a_change_of_any_task(backend: Backend) -> None:
    id = submit(backend, "one")
    with backend.watch_changes() as watch:
        submit(backend, "two")
        assert watch.wait(60)
        watch.wait(0)
        respond(backend, id)
        assert watch.wait(60)
