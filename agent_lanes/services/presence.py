"""Who listens on a lane, and the sign that a listener leaves.

    with presence.attending(backend, "review", vendor="codex", owner=me, kind=DISPATCHER):
        ...                                 for as long as tasks are taken, also while one is worked on

Blocking waits for work leave one while they block. A sign is a hint: it goes with its process, however that ends, and
one that could not be left (a read-only store) hinders nothing.
"""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.presence import Sign, encode_sign
from agent_lanes.errors import AgentLanesError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from agent_lanes.core.jsontext import Json
    from agent_lanes.core.task import Task
    from agent_lanes.observation import Attendance
    from agent_lanes.ports import Backend, Watch
    from agent_lanes.services.submission import Submission


def attending(backend: Backend, lane: str, *, vendor: str | None = None, owner: str = "", kind: str) -> Attendance:
    """A sign that stands while the `with` block runs. `kind` is one of core.presence.KINDS. Raises BadUsage."""
    return backend.attend(names.lane(lane), vendor=vendor or names.ANY_VENDOR, owner=owner, kind=kind)


def watching(watch: Watch, here: Attendance) -> Watch:
    """The watch of a listener: its sign stands while the watch does."""
    return _Attended(watch, here)


def listeners(backend: Backend, lane: str | None = None) -> list[Sign]:
    """Everybody who listens, by lane, oldest first. Raises BadUsage, StorageFailed."""
    if lane is not None:
        names.lane(lane)
    return sorted(backend.signs(lane), key=lambda sign: (sign.lane, sign.since))


def listed(backend: Backend, lane: str | None = None) -> list[Json]:
    """The same as JSON."""
    return [encode_sign(sign) for sign in listeners(backend, lane)]


class Audience:
    """Who was there when tasks were submitted: looked at before the commit, which ends the wait of whoever takes it.

    With `every`, all who listen are counted; else the look ends at the first of them.
    """

    def __init__(self, backend: Backend, *, every: bool) -> None:
        self._backend, self._every = backend, every
        self._listeners: dict[tuple[str, str], int] = {}
        self._busy: dict[str, bool] = {}

    def look(self, wanted: Submission | AgentLanesError) -> None:
        """See who listens for a task that is about to be submitted; once for each lane and vendor. Never raises."""
        if not isinstance(wanted, AgentLanesError):
            self._look(wanted.lane, names.required_vendor(wanted.metadata))

    def count(self, task: Task) -> int:
        """How many listen for a task; looked at now where its lane sends it to another vendor than was asked for."""
        self._look(task.lane, task.vendor)
        return self._listeners[task.lane, task.vendor]

    def warning(self, task: Task) -> str | None:
        """A line where nobody listens for a new task, and nobody works on its lane."""
        later = task.not_before is not None or bool(task.depends_on)
        if later or self.count(task) or self._busy.get(task.lane, True):
            return None
        anybody = task.vendor == names.ANY_VENDOR
        lane, vendor = names.some([task.lane]), names.some([task.vendor])
        start = f"VENDOR={'NAME' if anybody else vendor} LANE={lane} bash handoff/dispatcher.sh"
        whom = "" if anybody else f" for {vendor}"
        return f"nobody is listening on lane {lane}{whom}: the task waits until somebody does (start one: {start})"

    def _look(self, lane: str, vendor: str) -> None:
        if (lane, vendor) in self._listeners:
            return
        self._listeners[lane, vendor] = 0
        try:
            for _ in self._backend.signs(lane, vendor):
                self._listeners[lane, vendor] += 1
                if not self._every:
                    return
            if lane not in self._busy:
                self._busy[lane] = self._backend.busy(lane)
        except (AgentLanesError, ValueError):
            pass  # a store that cannot be read, a lane that is no name: the submit itself says so


class Lasting:
    """A sign that stands longer than one wait, as a wait takes it: left now if it could not be before."""

    def __init__(self, here: Attendance) -> None:
        self._here = here

    def keep(self) -> None:
        """Leave the sign, if it could not be left before."""
        self._here.keep()

    def __enter__(self) -> Lasting:
        self._here.keep()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It goes on."""


class _Attended:
    """A watch and a sign."""

    def __init__(self, watch: Watch, here: Attendance) -> None:
        self._watch, self._here = watch, here

    def wait(self, timeout_seconds: float) -> bool:
        """As the watch; before it, the sign is left if it could not be until now."""
        self._here.keep()
        return self._watch.wait(timeout_seconds)

    def __enter__(self) -> _Attended:
        self._watch.__enter__()
        try:
            self._here.__enter__()
        except BaseException:
            self._watch.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Both end."""
        self._here.__exit__(kind, error, trace)
        self._watch.__exit__(kind, error, trace)
