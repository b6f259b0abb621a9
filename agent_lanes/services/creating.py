"""A submission on its way into a store, alone or with others of its stream that it may depend on."""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.rules import LEFT_TO_THE_LANE, NO_LANES
from agent_lanes.core.task import Task
from agent_lanes.errors import AgentLanesError, BadUsage, NotFound, Refused
from agent_lanes.services.artifacts import Resolver
from agent_lanes.services.lanes import flow_of
from agent_lanes.services.submission import born, checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent_lanes.core.rules import Lanes
    from agent_lanes.ports import Backend, Birth
    from agent_lanes.services.submission import Submission

WHAT_WAS_ASKED = (
    "lane",
    "workspace_root",
    "prompt",
    "request_path",
    "request_sha256",
    "response_path",
    "supporting_paths",
    "worktree_path",
    "expected_branch",
    "metadata",
    "priority",
    "max_attempts",
    "max_cost_usd",
    "backoff_seconds",
    "depends_on",
    "on_failure",
    "unique_key",
)


class Named:
    """What a name of the stream stands for: a submission on its way, then the id of its task, or that there is none."""

    def __init__(self, name: str, creating: Creating | None = None) -> None:
        self.name, self.creating = name, creating
        self._id: str | None = None

    @property
    def id(self) -> str:
        """The id of its task. Raises Refused where it was not submitted."""
        id = self._known()
        if id is None:
            raise Refused(f"depends_on: {self.name} was not submitted", hint="mend that one first")
        return id

    def settle(self) -> None:
        """It has been submitted, or not: keep no more of it than its id."""
        self._id, self.creating = self._known(), None

    def _known(self) -> str | None:
        if self.creating is None:
            return self._id
        try:
            return self.creating.id
        except AgentLanesError:
            return None


class Creating:
    """A submission on its way into a store: what the store is told (ports.Creation), and what came of it.

    Raises what `checked` raises.
    """

    def __init__(
        self,
        wanted: Submission,
        backend: Backend,
        lanes: Lanes = NO_LANES,
        local: Mapping[str, Named] | None = None,
        places: Resolver | None = None,
    ) -> None:
        """`local` are those of the same stream that it may depend on; `places`, the paths that others have named."""
        asked = self._asked = checked(wanted, backend.address, lanes, places or Resolver())
        self._left = LEFT_TO_THE_LANE if wanted.terms is None else wanted.terms.left()
        self._depends_on = [_dependency(one, backend, local or {}) for one in asked.depends_on]
        self.lane, self.request, self.key = asked.lane, wanted.request_bytes, wanted.idempotency_key
        self.unique_key, self.refuses = asked.unique_key, bool(wanted.terms and wanted.terms.if_exists == "refuse")
        self.flow = flow_of(asked) if lanes.of(asked.lane).fair else None
        self.size = len(asked.prompt) + len(wanted.request_bytes or b"")
        self.needs: tuple[int, ...] = ()
        self.refusal: AgentLanesError | None = None
        self._made, self._found = list[Task](), list[Task | AgentLanesError]()

    @property
    def asked(self) -> Task:
        """What is asked for. Raises Refused where it depends on one of the stream that was not submitted."""
        ids = dict.fromkeys(one if isinstance(one, str) else one.id for one in self._depends_on)
        return self._asked.replace(depends_on=tuple(ids)) if ids else self._asked

    def make(self, birth: Birth) -> Task:
        """The task, as the store wants it born. Raises Refused as `asked` does."""
        try:
            task = born(self.asked, birth)
        except AgentLanesError as wrong:
            self.refusal = wrong
            raise
        self._made.append(task)  # of two that race for a key, both make one of the reserved id
        return task

    def place(self, places: Mapping[Creating, int]) -> None:
        """These are submitted together, in these places: note which of them it needs."""
        named = (one.creating for one in self._depends_on if not isinstance(one, str))
        self.needs = tuple(places[creating] for creating in named if creating is not None and creating in places)

    def settle(self, found: Task | AgentLanesError) -> None:
        """What the store has made of it (ports.Creation)."""
        self._found.append(found)

    @property
    def id(self) -> str:
        """The id of its task, as far as it is known. Raises Refused, or what kept it from being submitted."""
        found = next(iter(self._found[-1:] or self._made[-1:]), None)
        if found is None:
            raise Refused("not submitted")
        if isinstance(found, AgentLanesError):
            raise found
        return self.outcome(found)[0].id

    def outcome(self, task: Task) -> tuple[Task, bool]:
        """The task that the store holds now, and whether it is new.

        Raises Refused where the idempotency key was used for something else, or where an open task has the unique
        key and that was not to be.
        """
        again = self.key is not None and task.idempotency_key == self.key
        if self.unique_key is not None and not again and not self._is_new(task):
            if self.refuses:
                raise Refused(
                    f"unique_key: {names.shown(self.unique_key)} is that of task {task.id}, which is open in this lane",
                    hint=f"wait for it: agent-lanes wait {task.id}",
                )
            return task, False
        if self.key is not None and not same(task, self.asked, self._left):
            raise Refused(
                f"idempotency_key: {names.shown(self.key)} was used for task {task.id}, which asks for something else",
                hint="choose another key, or repeat exactly the same submission",
            )
        return task, self._is_new(task)

    def _is_new(self, task: Task) -> bool:
        return any(task is one for one in self._made)


def _dependency(named: str, backend: Backend, local: Mapping[str, Named]) -> str | Named:
    """The id of a task that is to complete first; of one on its way, what will know it. Raises NotFound, Refused."""
    from agent_lanes.core.terms import LOCAL

    here = local.get(named)
    if here is not None:
        return here.id if here.creating is None else here
    if named.startswith(LOCAL):
        problem = f"depends_on: {named} is a name, and names are for tasks submitted together"
        raise BadUsage(problem, hint="give the task's id, or key:KEY")
    return _existing(named, backend)


def _existing(dependency: str, backend: Backend) -> str:
    """The id of a task that is there; `key:K` names it by its idempotency key. Raises NotFound."""
    from agent_lanes.core.terms import BY_KEY

    if dependency.startswith(BY_KEY):
        id = backend.submitted_as(dependency[len(BY_KEY) :])
        if id is None:
            raise NotFound(
                f"depends_on: no task was submitted with the idempotency key {names.shown(dependency[len(BY_KEY) :])}",
                hint="submit that one first",
            )
        return id
    try:
        backend.finished(dependency)
    except NotFound:
        raise NotFound(f"depends_on: unknown task: {dependency}", hint="`agent-lanes list` shows the tasks") from None
    return dependency


def same(stored: Task, asked: Task, left: tuple[str, ...] = ()) -> bool:
    """Whether a task that was submitted before asks for the same as this one; what is `left` to the lane's rules, which
    may be others by now, is not asked for.
    """
    return all(getattr(stored, field) == getattr(asked, field) for field in WHAT_WAS_ASKED if field not in left)
