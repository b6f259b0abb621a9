"""observation.Presence: a listener is listed while it listens."""

from __future__ import annotations

import threading

from agent_lanes.core.presence import API, CLAIM, DISPATCHER, decode_sign, encode_sign
from agent_lanes.ports import Backend
from agent_lanes.services import presence, waiting
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, claim, submit

LONG = 60.0


def listening(backend: Backend, lane: str | None = None) -> list[tuple[str, str, str, str]]:
    return [(sign.lane, sign.vendor, sign.owner, sign.kind) for sign in presence.listeners(backend, lane)]


def test_a_listener_is_listed_while_its_block_runs(backend: Backend) -> None:
    submit(backend)
    with presence.attending(backend, "review", vendor="codex", owner="me", kind=DISPATCHER):
        with presence.attending(backend, "a/b", owner="you", kind=CLAIM):
            assert listening(backend) == [("a/b", "any", "you", "claim"), ("review", "codex", "me", "dispatcher")]
            assert listening(backend, "review") == [("review", "codex", "me", "dispatcher")]
        assert listening(backend) == [("review", "codex", "me", "dispatcher")]
    assert listening(backend) == []


def test_two_of_the_same_are_two(backend: Backend) -> None:
    submit(backend)
    with presence.attending(backend, "l", owner="me", kind=API):
        with presence.attending(backend, "l", owner="me", kind=API):
            assert len(listening(backend)) == 2
        assert len(listening(backend)) == 1


def test_a_sign_says_who_where_and_since_when(backend: Backend, clock: Clock) -> None:
    submit(backend)
    with presence.attending(backend, "l", owner="me", kind=API):
        (sign,) = presence.listeners(backend)
    assert sign.since == clock.moment.wall and sign.pid > 0 and sign.host
    assert decode_sign(encode_sign(sign)) == sign


def heard(backend: Backend, id: str) -> tuple[int, str | None]:
    """How many listen for such a task as this one, and what a submit would say."""
    audience, task = presence.Audience(backend, every=True), backend.read(id).task
    return audience.count(task), audience.warning(task)


def test_who_takes_every_vendors_tasks_listens_for_each_and_others_for_their_own(backend: Backend) -> None:
    codex, anybody = submit(backend, "l", "codex"), submit(backend, "l")
    assert (heard(backend, codex)[0], heard(backend, anybody)[0]) == (0, 0)
    with presence.attending(backend, "l", vendor="claude", kind=API):
        assert (heard(backend, codex)[0], heard(backend, anybody)[0]) == (0, 1)
        with presence.attending(backend, "l", kind=API):
            assert (heard(backend, codex)[0], heard(backend, anybody)[0]) == (1, 2)
            with presence.attending(backend, "l", vendor="codex", kind=API):
                assert heard(backend, codex)[0] == 2
        with presence.attending(backend, "other", vendor="codex", kind=API):
            assert heard(backend, codex)[0] == 0


def test_a_task_is_unheard_where_nobody_listens_or_works(backend: Backend, clock: Clock) -> None:
    id = submit(backend, "l", "codex")
    line = heard(backend, id)[1]
    assert line is not None and "lane l for codex" in line and "VENDOR=codex LANE=l bash" in line
    with presence.attending(backend, "l", vendor="codex", kind=API):
        assert heard(backend, id)[1] is None
    claim(backend, submit(backend, "l"), lease_seconds=50)
    assert heard(backend, id)[1] is None
    clock.advance(60)
    assert heard(backend, id)[1] is not None


def test_nobody_needs_to_hear_of_a_task_that_may_not_be_taken_yet(backend: Backend, clock: Clock) -> None:
    later = submit(backend, "l", not_before=clock.moment.wall + 1_000_000)
    blocked = submit(backend, "l", depends_on=(later,))
    assert [heard(backend, id)[1] for id in (later, blocked)] == [None, None]


def test_a_wait_for_work_is_listed_while_it_blocks_and_no_longer(backend: Backend, queue: QueueService) -> None:
    submit(backend, "other")
    looked = threading.Event()

    def look() -> object:
        if listening(backend):
            looked.set()
        return queue.claim_next("l")

    def wait() -> None:
        attend = lambda: presence.attending(backend, "l", vendor="codex", owner="me", kind=API)  # noqa: E731
        waiting.for_work(backend, "l", look, timeout_seconds=LONG, attend=attend)

    thread = threading.Thread(target=wait)
    thread.start()
    assert looked.wait(LONG)
    assert listening(backend) == [("l", "codex", "me", "api")]
    submit(backend, "l")
    thread.join(LONG)
    assert not thread.is_alive() and listening(backend) == []
