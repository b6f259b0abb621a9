"""What follows from a task, and what belongs to a thread: found on every backend, whatever the records say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent_lanes.backends.files.store import FileStore
from agent_lanes.core import kin
from agent_lanes.errors import BadUsage, NotFound
from agent_lanes.ports import Backend
from agent_lanes.services import retries, trees
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, in_threads, respond, submit
from contracts.test_many import Wanted

DAY = 86_400_000_000


@pytest.fixture
def ask(backend: Backend, clock: Clock) -> Callable[..., str]:
    """Submit a task, a second after the one before: ids of one second are in no order."""

    def submitted(**fields: object) -> str:
        clock.advance(1)
        return submit(backend, **fields)  # type: ignore[arg-type]

    return submitted


Ask = Callable[..., str]


def shape(tree: trees.Tree) -> list[tuple[int, str]]:
    return [(node.depth, node.id) for node in tree.nodes]


def test_a_task_is_found_by_all_that_it_names(backend: Backend, queue: QueueService, ask: Ask) -> None:
    root = ask()
    waits = ask(depends_on=(root,))
    follows = ask(metadata={"parent_task_id": root})
    queue.respond(root, "done")
    again = retries.again(backend, root)[0].id
    assert set(backend.children(root)) == {waits, follows, again}
    tree = trees.of_task(backend, root)
    assert shape(tree) == [(0, root), *((1, id) for id in sorted((waits, follows, again)))]
    assert {node.id: node.parents for node in tree.nodes} == {
        root: (),
        waits: (("depends_on", root),),
        follows: (("parent_task_id", root),),
        again: (("retry_of", root),),
    }
    assert tree.nodes[0].children == tuple(sorted((waits, follows, again)))


def test_a_join_stands_once_and_names_all_that_it_waits_for(backend: Backend, ask: Ask) -> None:
    root = ask()
    left, right = ask(depends_on=(root,)), ask(depends_on=(root,))
    join = ask(depends_on=(left, right))
    tree = trees.of_task(backend, root)
    assert shape(tree) == [(0, root), (1, left), (2, join), (1, right)]
    assert [node.children for node in tree.nodes] == [(left, right), (join,), (), (join,)]
    assert tree.nodes[2].parents == (("depends_on", left), ("depends_on", right))


def test_circles_and_parents_that_are_gone_do_no_harm(backend: Backend, ask: Ask) -> None:
    one = ask(metadata={"parent_task_id": "nobody", "thread_id": "t"})
    two = ask(metadata={"parent_task_id": one, "thread_id": "t"})
    backend.create("default", lambda birth: backend.read(one).task.replace(
        id="late", metadata={"parent_task_id": two, "thread_id": "t"}))  # fmt: skip
    backend.create("default", lambda birth: backend.read(one).task.replace(
        id="ring-1", metadata={"parent_task_id": "ring-2", "thread_id": "t"}))  # fmt: skip
    backend.create("default", lambda birth: backend.read(one).task.replace(
        id="ring-2", metadata={"parent_task_id": "ring-1", "thread_id": "t"}))  # fmt: skip
    for odd in ({"parent_task_id": 7}, {"parent_task_id": "../.."}, {"parent_task_id": ["x"], "thread_id": {"a": 1}}):
        ask(metadata=odd)
    assert shape(trees.of_task(backend, "ring-1")) == [(0, "ring-1"), (1, "ring-2")]
    assert backend.children("nobody") == [one]
    found = shape(trees.of_thread(backend, "t"))
    assert found == [(0, one), (1, two), (2, "late"), (0, "ring-1"), (1, "ring-2")]


def test_a_thread_holds_its_tasks_and_what_follows_from_them(backend: Backend, ask: Ask) -> None:
    first = ask(metadata={"thread_id": "plan / 7"})
    ask(metadata={"thread_id": "another"})
    second = ask(metadata={"thread_id": "plan / 7"})
    follows = ask(depends_on=(first,))
    assert shape(trees.of_thread(backend, "plan / 7")) == [(0, first), (1, follows), (0, second)]
    assert kin.thread(backend.read(first).task) == "plan / 7"
    with pytest.raises(NotFound, match="nobody's"):
        trees.of_thread(backend, "nobody's")
    with pytest.raises(BadUsage):
        trees.of_thread(backend, "two\nlines")


def test_of_very_many_the_nearest_are_shown_and_the_others_counted(backend: Backend) -> None:
    root = submit(backend)
    many = [task.id for task in backend.create_many([Wanted(depends_on=(root,)) for _ in range(600)])]  # type: ignore[union-attr]
    submit(backend, depends_on=(many[0],))
    tree = trees.of_task(backend, root, limit=100)
    assert (len(tree.nodes), tree.nodes[0].left_off) == (100, 501)
    assert tree.left_off >= 501
    assert len(trees.of_task(backend, root).nodes) == 602
    for limit in (0, -1, True, 10**9):
        with pytest.raises(BadUsage, match="limit"):
            trees.of_task(backend, root, limit=limit)


def test_a_long_chain_is_no_matter(backend: Backend) -> None:
    chain = [submit(backend)]
    for _ in range(1500):
        chain.append(submit(backend, depends_on=(chain[-1],)))
    tree = trees.of_task(backend, chain[0], limit=5000)
    assert shape(tree) == list(enumerate(chain))


def test_it_stays_when_tasks_end_and_are_archived_and_goes_when_they_are_pruned(
    backend: Backend, queue: QueueService, ask: Ask, clock: Clock
) -> None:
    root = ask()
    child = ask(depends_on=(root,), metadata={"thread_id": "t"})
    respond(backend, root)
    respond(backend, child)
    clock.advance(1)
    list(backend.archive(clock.moment.wall))
    assert shape(trees.of_task(backend, root)) == [(0, root), (1, child)]
    list(backend.prune(clock.moment.wall + 400 * DAY))
    assert (backend.children(root), backend.in_thread("t")) == ([], [])


def test_nobody_is_missing_when_many_submit_at_once(backend: Backend) -> None:
    root = submit(backend)
    found = in_threads(16, lambda number: submit(backend, metadata={"parent_task_id": root}))
    assert backend.children(root) == sorted(map(str, found))


def test_a_name_without_a_task_is_passed_over(backend: Backend) -> None:
    if not isinstance(backend, FileStore):
        return
    root = submit(backend)
    child = submit(backend, depends_on=(root,))
    from pathlib import Path

    folder = Path(backend.layout.children(root))
    (folder / "nobody").touch()
    other = submit(backend)
    (folder / other).touch()  # its record names nobody
    (Path(backend.layout.task(child)) / "task.json").write_text("{")
    tree = trees.of_task(backend, root)
    assert [(node.id, node.state) for node in tree.nodes] == [(root, "queued"), (child, "damaged")]
