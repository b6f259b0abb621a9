"""What a route is: a method and a path, what it takes, what it answers, and the function behind it.

No sockets here. A function gets a Call and returns a Reply; a Pending where it has to wait, for which the transport
holds a thread (threads.py) or a coroutine (asgi.py); or a Stream, which has no end. openapi.py describes them all.
"""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.frozen import Frozen
from agent_lanes.errors import AgentLanesError, BadUsage, WrongMethod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.logged import Logged
    from agent_lanes.server.workspaces import Workspaces
    from agent_lanes.services.queue import QueueService
    from agent_lanes.services.waiting import Sought

    Outcome: TypeAlias = "Reply | Pending | Stream"

JSON = "application/json; charset=utf-8"


class Reply(Frozen):
    """What is sent back. `body` is made JSON, unless `text` is given."""

    status: int = 200
    body: JsonObject = {}
    text: str | None = None
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


class Pending(Frozen):
    """A wait: `found` makes the Reply once something is found, `over` when the time has run out (or raises)."""

    sought: Sought
    seconds: float
    found: Callable[[Any], Reply]
    over: Callable[[], Reply]


class Stream(Frozen):
    """The events after a cursor (None: from now on) that are `wanted`, for as long as the client listens."""

    cursor: str | None
    wanted: Callable[[Logged], bool]


class Request(Frozen):
    """What a transport has read: `parts` of the path, decoded; names of `headers` in lower case."""

    method: str
    parts: tuple[str, ...]
    query: dict[str, list[str]] = {}
    headers: dict[str, str] = {}
    body: JsonObject = {}


class Call:
    """A request to a route: the services behind it, and the id in its path."""

    def __init__(self, queue: QueueService, workspaces: Workspaces, request: Request, id: str = "") -> None:
        self.queue, self.workspaces, self.id = queue, workspaces, id
        self.headers, self.body, self._query = request.headers, request.body, request.query

    def one(self, name: str) -> str | None:
        """A parameter of the query, or None. Raises BadUsage where it stands there twice."""
        given = self._query.get(name)
        if given is None:
            return None
        if len(given) > 1:
            raise BadUsage(f"{name}: given {len(given)} times; give it once")
        return given[0]

    def each(self, name: str) -> tuple[str, ...]:
        """A parameter that may be given several times."""
        return tuple(self._query.get(name, ()))

    def needed(self, name: str) -> str:
        """A parameter that must be there. Raises BadUsage."""
        value = self.one(name)
        if value is None:
            raise BadUsage(f"{name}: missing; give it in the query: ?{name}=...")
        return value

    def whole(self, name: str, default: int, most: int) -> int:
        """A whole number of the query, from 0 to `most`. Raises BadUsage."""
        text = self.one(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) > most:
            raise BadUsage(f"{name}: {names.shown(text)} is not a whole number from 0 to {most}")
        return int(text)

    def yes(self, name: str) -> bool:
        """`true` or `1`, `false` or `0`; false where it is missing. Raises BadUsage."""
        text = self.one(name) or "false"
        if text not in ("true", "1", "false", "0"):
            raise BadUsage(f"{name}: {names.shown(text)} is not true or false")
        return text in ("true", "1")


class Route(Frozen):
    """One route. `query` and `body` say what it takes, name to JSON Schema, and `needed` what it must have.

    `keys` are those of its answer; with `is_open` it asks for no token.
    """

    method: str
    path: str
    run: Callable[[Call], Outcome]
    summary: str
    query: dict[str, JsonObject] = {}
    body: dict[str, JsonObject] | None = None
    needed: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    statuses: tuple[int, ...] = (200,)
    media: str = "application/json"
    is_open: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The path, split."""
        return tuple(self.path.strip("/").split("/"))

    def lies_at(self, parts: tuple[str, ...]) -> bool:
        """Whether this is its path."""
        return len(parts) == len(self.parts) and all(
            own in ("{id}", given) for own, given in zip(self.parts, parts, strict=True)
        )

    def fits(self, method: str, parts: tuple[str, ...]) -> bool:
        """Whether a request is for this route."""
        return self.method == method and self.lies_at(parts)


def refusal(wrong: AgentLanesError) -> Reply:
    """The Reply that an error is."""
    headers = (("Allow", wrong.allowed),) if isinstance(wrong, WrongMethod) else ()
    return Reply(status=wrong.http_status, body=as_object(wrong), headers=headers)


def as_object(wrong: AgentLanesError) -> JsonObject:
    """An error as answers have it."""
    return {"error": wrong.message, "code": wrong.code, "hint": wrong.hint, "retryable": wrong.retryable}
