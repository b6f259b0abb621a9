"""The routes without a transport: what a request is answered, on a store of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent_lanes.server.route import Pending, Reply, Request
from agent_lanes.server.routes import Routes
from agent_lanes.server.workspaces import Workspaces
from agent_lanes.services import waiting
from agent_lanes.services.queue import QueueService
from agent_lanes.wiring import open_backend


class Http:
    """Requests to the routes of a store in memory."""

    def __init__(self, folder: Path) -> None:
        self.routes = Routes(QueueService(open_backend("memory:")), Workspaces("w", [str(folder)]))

    def answer(
        self, method: str, path: str, query: dict[str, Any] | None = None, body: dict[str, Any] | None = None
    ) -> Reply:
        """What a request is answered, without waiting."""
        parts = tuple(path.strip("/").split("/"))
        texts = {name: [str(value)] for name, value in (query or {}).items()}
        outcome = self.routes.answer(Request(method=method, parts=parts, query=texts, body=body or {}))
        if isinstance(outcome, Pending):
            found = waiting.until(outcome.sought, 0)
            return outcome.over() if found is None else outcome.found(found)
        assert isinstance(outcome, Reply)
        return outcome

    def post(self, path: str, **body: object) -> dict[str, Any]:
        """The object that it answers."""
        return self.answer("POST", path, body=body).body
