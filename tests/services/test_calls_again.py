"""A call repeated by whoever does not know whether it took place: what it returns, tells and leaves, in races too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from contracts.stores import Clock, ClockedFileStore, in_threads

from agent_lanes.backends.memory import MemoryStore
from agent_lanes.core.task import QUEUED, Snapshot
from agent_lanes.errors import BadUsage, LostClaim, Refused
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission


@pytest.fixture(params=["memory", "files"])
def both(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[QueueService]:
    """The services on each backend."""
    in_memory = request.param == "memory"
    yield QueueService(MemoryStore(now=clock) if in_memory else ClockedFileStore(str(tmp_path / "state"), clock))


@pytest.fixture
def keyed(wanted: Submission) -> Submission:
    """A submission with a key."""
    return wanted.replace(idempotency_key="k")


def everything(queue: QueueService) -> list[tuple[Snapshot, list[str]]]:
    """All that the facts say."""
    found = [snapshot for snapshot in queue.backend.scan() if isinstance(snapshot, Snapshot)]
    return [(snapshot, [event.type for event in queue.events(snapshot.id)]) for snapshot in found]


def test_the_same_submission_again_writes_nothing(both: QueueService, keyed: Submission) -> None:
    task, new = both.submit(keyed)
    before = everything(both)
    assert new
    assert both.submit(keyed) == (task, False)
    assert everything(both) == before


def test_a_request_whose_content_has_changed_is_another_request(
    both: QueueService, keyed: Submission, workspace: Path
) -> None:
    both.submit(keyed)
    before = everything(both)
    (workspace / "request.md").write_text("please, and quickly")
    with pytest.raises(Refused, match="asks for something else"):
        both.submit(keyed)
    assert everything(both) == before


def test_a_key_stands_for_its_task_also_when_that_is_claimed_and_answered(
    both: QueueService, keyed: Submission
) -> None:
    task, _ = both.submit(keyed)
    claim = both.claim(task.id).claim
    assert claim is not None and both.submit(keyed) == (task, False)
    both.respond(task.id, "fine", token=claim.token)
    assert both.submit(keyed) == (task, False)


def test_of_many_threads_with_one_key_exactly_one_is_told_that_its_task_is_new(
    both: QueueService, keyed: Submission
) -> None:
    results = in_threads(8, lambda number: both.submit(keyed))
    assert all(isinstance(result, tuple) for result in results), results
    assert len({task.id for task, _ in results}) == len(everything(both)) == 1  # type: ignore[misc]
    assert sum(new for _, new in results) == 1  # type: ignore[misc]


def test_of_many_threads_with_one_key_for_two_requests_one_request_wins(both: QueueService, keyed: Submission) -> None:
    results = in_threads(8, lambda number: both.submit(keyed.replace(prompt=f"{number % 2}")))
    made = [result[0] for result in results if isinstance(result, tuple)]
    assert (len(made), sum(isinstance(result, Refused) for result in results)) == (4, 4), results
    assert len({task.id for task in made}) == len(everything(both)) == 1


def test_a_request_given_as_a_path_and_as_a_text_is_refused(both: QueueService, keyed: Submission) -> None:
    with pytest.raises(BadUsage, match=r"^request: given twice"):
        both.submit(keyed.replace(request_bytes=b"please"))
    assert everything(both) == []


def test_a_claim_asked_for_again_is_as_it_was_renewed(both: QueueService, keyed: Submission) -> None:
    id = both.submit(keyed)[0].id
    claim = both.claim(id, owner="ann", request_id="r").claim
    assert claim is not None
    renewed = both.renew(id, claim.token, lease_seconds=500)
    assert both.claim_next("default", owner="ann", request_id="r") == renewed


def test_many_threads_with_one_request_id_get_one_token(both: QueueService, keyed: Submission) -> None:
    id = both.submit(keyed)[0].id
    results = in_threads(6, lambda number: both.claim(id, owner="ann", request_id="r"))
    assert all(isinstance(result, Snapshot) for result in results), results
    assert len({result.claim.token for result in results if isinstance(result, Snapshot) and result.claim}) == 1
    assert both.read(id).epoch == 1


def test_two_owners_with_the_same_request_id_each_keep_their_own(both: QueueService, wanted: Submission) -> None:
    for _ in range(3):
        both.submit(wanted)
    taken = {owner: both.claim_next("default", owner=owner, request_id="r") for owner in ("ann", "bob")}
    for owner, claimed in taken.items():
        assert both.claim_next("default", owner=owner, request_id="r") == claimed


def test_a_release_repeated_with_its_token_is_told_and_writes_nothing(both: QueueService, keyed: Submission) -> None:
    id = both.submit(keyed)[0].id
    claim = both.claim(id).claim
    assert claim is not None
    after, repeated = both.release(id, claim.token, reason="tired")
    assert (after.state, repeated) == (QUEUED, False)
    before = everything(both)
    assert both.release(id, claim.token, reason="tired") == (after, True)
    assert everything(both) == before


def test_a_release_repeated_after_somebody_else_has_the_task_is_refused(both: QueueService, keyed: Submission) -> None:
    id = both.submit(keyed)[0].id
    claim = both.claim(id).claim
    assert claim is not None
    both.release(id, claim.token)
    other = both.claim(id, owner="bob")
    with pytest.raises(LostClaim, match="this token does not hold it"):
        both.release(id, claim.token)
    assert both.read(id) == other
