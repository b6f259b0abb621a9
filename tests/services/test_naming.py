"""Parts of ids: exact first, else the one task that has the part."""

from __future__ import annotations

import pytest
from contracts.stores import make, respond

from agent_lanes.backends.memory import MemoryStore
from agent_lanes.errors import BadUsage
from agent_lanes.services.naming import whole_id

IDS = (
    "20261121T032039158949Z-plan-review-ab7d9acffe2b",
    "20261121T032039158950Z-plan-review-00ff9acffe2b",
    "20261122T000000000000Z-other-123456789abc",
    "plan",
)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    for id in IDS:
        store.create("default", make(id=id))
    return store


@pytest.mark.parametrize(
    ("part", "id"),
    [
        ("123456789abc", IDS[2]),
        ("9abc", IDS[2]),
        ("1234", IDS[2]),
        ("20261122", IDS[2]),
        ("ab7d9acffe2b", IDS[0]),
        ("7d9acffe2b", IDS[0]),
        ("20261121T032039158950Z", IDS[1]),
        (IDS[0], IDS[0]),
        ("plan", "plan"),
    ],
)
def test_a_part_that_one_task_has_means_that_task(store: MemoryStore, part: str, id: str) -> None:
    assert whole_id(store, part) == id


@pytest.mark.parametrize("part", ["", "abc", "dead", "review", "../x", "a b", "ab7d9acffe2b "])
def test_what_no_task_has_or_is_too_short_or_no_id_is_left_as_it_is(store: MemoryStore, part: str) -> None:
    assert whole_id(store, part) == part


def test_a_part_of_several_names_them_and_is_refused(store: MemoryStore) -> None:
    with pytest.raises(BadUsage) as refused:
        whole_id(store, "9acffe2b")
    assert IDS[0] in refused.value.message and IDS[1] in refused.value.message and IDS[2] not in refused.value.message


def test_of_many_only_five_are_named(store: MemoryStore) -> None:
    with pytest.raises(BadUsage) as refused:
        for number in range(10):
            store.create("default", make(id=f"many-{number}"))
        whole_id(store, "many")
    assert refused.value.message.count("many-") == 10 and "and 5 more" in refused.value.message


def test_of_the_archive_parts_are_found_that_no_other_task_has(store: MemoryStore) -> None:
    for id in IDS[1:3]:
        respond(store, id)
    assert sum(step.tasks for step in store.archive(store.now().wall + 1)) == 2
    assert (whole_id(store, "1234"), whole_id(store, "00ff")) == (IDS[2], IDS[1])
    assert whole_id(store, "9acffe2b") == IDS[0], "what goes on comes first"
    assert whole_id(store, "beef") == "beef"
    respond(store, IDS[0])
    list(store.archive(store.now().wall + 1))
    with pytest.raises(BadUsage, match="part of 2"):
        whole_id(store, "9acffe2b")


def test_a_whole_id_costs_no_look() -> None:
    class Blind:
        def ids(self) -> list[str]:
            raise AssertionError("looked")

    assert whole_id(Blind(), IDS[0]) == IDS[0]  # type: ignore[arg-type]
