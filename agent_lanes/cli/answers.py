"""Telling an answer: written to the response path of its task, printed, and noted as fetched."""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.errors import TaskCancelled, TaskFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_lanes.cli.options import Arguments
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Snapshot
    from agent_lanes.wiring import Session


def report(found: Snapshot, args: Arguments, session: Session) -> int:
    """Write the answer to its response path, or print it; the exit code that its status has."""
    task, response = found.task, found.response
    assert response is not None
    path = _write(found, session)
    if args.json:
        output.json(_view(found, path))
    elif path is not None and args.verb == "wait":
        output.values(status=response.status, task_id=task.id, response_path=path, verdict=response.verdict)
    else:
        _print(found, path, args.verb)
    noted([found], session)
    return {"failed": TaskFailed.exit_code, "cancelled": TaskCancelled.exit_code}.get(response.status, 0)


def written(found: Snapshot, session: Session) -> JsonObject:
    """What `wait --json` says of an answer, which is written to its response path."""
    return _view(found, _write(found, session))


def noted(ended: Sequence[Snapshot], session: Session) -> None:
    """Note that these answers were fetched, now that they are told."""
    from agent_lanes.core.presence import WAIT
    from agent_lanes.services import receipts

    receipts.fetched(session.backend, ended, WAIT)


def _print(found: Snapshot, path: str | None, verb: str) -> None:
    """The answer itself on stdout; on stderr what a reader of it alone would not know."""
    response = found.response
    assert response is not None
    if path is not None or response.status != "completed" or response.verdict:
        verdict = f", verdict {response.verdict}" if response.verdict else ""
        written = f", written to {path}" if path is not None else ""
        output.note(f"agent-lanes {verb}: task {found.id} {response.status}{verdict}{written}")
    output.body(response.body)


def _view(found: Snapshot, path: str | None) -> JsonObject:
    from agent_lanes.core import views

    return views.answer(found, path)


def _write(found: Snapshot, session: Session) -> str | None:
    """Write the answer to its response path, if it has one; the path."""
    if found.task.response_path is None:
        return None
    from agent_lanes.services import artifacts

    assert found.response is not None
    store, config = session.store_address, session.found.config_path
    return artifacts.write_answer(found.task, found.response.body, store=store, config=config)
