"""What follows from a task, and what belongs to a thread: a tree, in the order in which it is drawn.

    tree = of_task(looks, id)        the task, and all that names it, and so on
    tree = of_thread(looks, thread)  the tasks of a thread, under one another where one names the other
    tree.nodes                       each task once, parents before children, none deeper than it must be

Children are found through hints and checked against their own records. Nearest first, up to a limit: so of ten
thousand children the oldest are there, and the number of the others. Circles (parent_task_id is free text), tasks
that are gone and records that cannot be read do no harm.
"""

from __future__ import annotations

from agent_lanes.core import kin, names
from agent_lanes.core.fields import maybe_iso
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import Snapshot
from agent_lanes.errors import BadUsage, Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.ports import Backend

DEFAULT_LIMIT, MOST_NODES = 1000, 100_000


class Node(Frozen):
    """One task of a tree. `snapshot` is None where its record cannot be read.

    `under` is the task beneath which it stands, None for a root; `parents` are how and from which tasks it follows;
    `children` are those in the tree that name it, `left_off` how many more there may be.
    """

    id: str
    depth: int
    under: str | None = None
    snapshot: Snapshot | None = None
    parents: tuple[tuple[str, str], ...] = ()
    children: tuple[str, ...] = ()
    left_off: int = 0

    @property
    def state(self) -> str:
        """The state of the task, or `damaged`."""
        return self.snapshot.state if self.snapshot is not None else "damaged"


class Tree(Frozen):
    """The tasks as they are drawn, and how many more there are at least."""

    nodes: tuple[Node, ...]
    left_off: int = 0


def of_task(backend: Backend, id: str, *, limit: int = DEFAULT_LIMIT) -> Tree:
    """A task and what follows from it. Raises NotFound, Damaged, BadUsage."""
    grown = _Growing(backend, _checked(limit))
    grown.plant(backend.read(names.task_id(id)))
    return grown.tree()


def of_thread(backend: Backend, thread: str, *, limit: int = DEFAULT_LIMIT) -> Tree:
    """The tasks of a thread, and what follows from them. Raises NotFound where there are none, BadUsage."""
    grown = _Growing(backend, _checked(limit))
    ids = backend.in_thread(names.key("thread", thread))
    members: dict[str, Snapshot] = {}
    for id in ids[:limit]:
        found = grown.read(id)
        if found is not None and kin.thread(found.task) == thread:
            members[id] = found
    if not members:
        raise NotFound(
            f"no task belongs to thread {names.shown(thread)}", hint="a task says it in its metadata, as thread_id"
        )
    roots = [one for one in members.values() if not any(id in members for _, id in kin.parents(one.task))]
    for snapshot in (*roots, *members.values()):  # the latter: where they go round in a circle
        grown.plant(snapshot)
    return grown.tree(left_off=max(0, len(ids) - limit))


def view(tree: Tree) -> list[JsonObject]:
    """The nodes for programs."""
    return [_view(node) for node in tree.nodes]


class _Growing:
    """A tree while it is looked for: breadth first, so that what is near is there."""

    def __init__(self, backend: Backend, limit: int) -> None:
        self.backend, self.limit = backend, limit
        self.found: dict[str, Node] = {}

    def plant(self, root: Snapshot) -> None:
        """A root, unless it stands in the tree already, and all that follows from it."""
        if root.id in self.found or len(self.found) >= self.limit:
            return
        self.found[root.id] = Node(id=root.id, depth=0, snapshot=root, parents=kin.parents(root.task))
        row = [root.id]
        while row:
            row = [child for id in row for child in self._grow(id)]

    def tree(self, left_off: int = 0) -> Tree:
        """Each task beneath the one under which it was found, in the order of creation."""
        below: dict[str | None, list[str]] = {}
        for node in self.found.values():
            below.setdefault(node.under, []).append(node.id)
        nodes, stack = list[Node](), below.get(None, [])[::-1]
        while stack:
            node = self.found[stack.pop()]
            nodes.append(node)
            stack += reversed(below.get(node.id, []))
        return Tree(nodes=tuple(nodes), left_off=left_off + sum(node.left_off for node in nodes))

    def read(self, id: str) -> Snapshot | None:
        """A task, if it can be read."""
        try:
            return self.backend.read(id)
        except (NotFound, Damaged):
            return None

    def _grow(self, id: str) -> Iterator[str]:
        """The children of a task that are new; all of them are noted at it."""
        parent, children, left_off = self.found[id], list[str](), 0
        for child in self.backend.children(id):
            if child not in self.found:
                if len(self.found) >= self.limit:
                    left_off += 1
                    continue
                node = self._node(child, parent)
                if node is None:
                    continue
                self.found[child] = node
                yield child
            if any(id == named for _, named in self.found[child].parents):
                children.append(child)
        self.found[id] = parent.replace(children=tuple(children), left_off=left_off)

    def _node(self, id: str, parent: Node) -> Node | None:
        """A child, if it is one: a hint is only a hint."""
        try:
            snapshot = self.backend.read(id)
        except NotFound:
            return None
        except Damaged:
            return Node(id=id, depth=parent.depth + 1, under=parent.id, parents=(("", parent.id),))
        named = kin.parents(snapshot.task)
        if not any(parent.id == one for _, one in named):
            return None
        return Node(id=id, depth=parent.depth + 1, under=parent.id, snapshot=snapshot, parents=named)


def _checked(limit: object) -> int:
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_NODES:
        raise BadUsage(f"limit: {names.shown(limit)} is not a whole number from 1 to {MOST_NODES}")
    return limit


def _view(node: Node) -> JsonObject:
    snapshot = node.snapshot
    shown: JsonObject = {
        "task_id": node.id,
        "state": node.state,
        "depth": node.depth,
        "under": node.under,
        "parents": [{"relation": relation, "task_id": id} for relation, id in node.parents],
        "children": list(node.children),
        "left_off": node.left_off,
    }
    if snapshot is not None:
        task, claim, response = snapshot.task, snapshot.claim, snapshot.response
        shown |= {
            "lane": task.lane,
            "correlation_id": task.correlation_id,
            "thread_id": kin.thread(task),
            "created_at": maybe_iso(task.created_at),
            "ended_at": maybe_iso(response.created_at) if response else None,
            "waits_for": list(snapshot.open_dependencies),
            "claim_owner": claim.owner if claim and claim.held else None,
            "verdict": response.verdict if response else None,
            "cause": response.cause if response else None,
        }
    return shown
