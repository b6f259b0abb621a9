"""What the routes take: the fields of bodies and the parameters of queries, name to JSON Schema.

What a route does not know is refused: a misspelt field would be a task without its dependency, a misspelt parameter a
list of all lanes.
"""

from __future__ import annotations

from agent_lanes.core import names, terms
from agent_lanes.core.task import ACTIVE, COMPLETED, FAILED, FINISHED, LEAST_URGENT, ON_FAILURE, VERDICTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.core.jsontext import Json, JsonObject
    from agent_lanes.errors import AgentLanesError

    Fields = dict[str, JsonObject]

TEXT: JsonObject = {"type": "string"}
NUMBER: JsonObject = {"type": "number"}
WHOLE: JsonObject = {"type": "integer"}
FLAG: JsonObject = {"type": "boolean"}
OBJECT: JsonObject = {"type": "object"}
TEXTS: JsonObject = {"type": "array", "items": TEXT}


def maybe(schema: JsonObject) -> JsonObject:
    """The same, or null."""
    kind = schema["type"]
    kinds: list[Json] = [*kind, "null"] if isinstance(kind, list) else [kind, "null"]
    choices = schema.get("enum")
    return {**schema, "type": kinds, **({"enum": [*choices, None]} if isinstance(choices, list) else {})}


def fields(words: str, schema: JsonObject) -> Fields:
    """Several of one kind, each of which may be null."""
    return dict.fromkeys(words.split(), maybe(schema))


def choice(words: Iterable[str]) -> JsonObject:
    """One of these."""
    return {"type": "string", "enum": [*words]}


PERIOD: JsonObject = {"type": ["number", "string"]}
LANE: Fields = {"lane": TEXT}
LIMIT: Fields = {"limit": {"type": "integer", "minimum": 0}}
WAIT: Fields = {"wait_seconds": {"type": "number", "minimum": 0}}
TOKEN: Fields = {"claim_token": TEXT}
BY: Fields = fields("by reason", TEXT)
FOR: Fields = {"for_seconds": NUMBER, **BY}
HELD: Fields = fields("lane vendor", TEXT)
LETTERS: Fields = {**fields("task_id lane", TEXT), "all": FLAG}
TERMS: Fields = {
    "priority": maybe({"type": "integer", "minimum": 0, "maximum": LEAST_URGENT}),
    "max_attempts": maybe({"type": "integer", "minimum": 0, "maximum": terms.MOST_ATTEMPTS}),
    **fields("delay expires backoff max_cost_usd", PERIOD),
    **fields("not_before expires_at unique_key", TEXT),
    **fields("depends_on", TEXTS),
    **fields("on_failure", choice(ON_FAILURE)),
    **fields("if_exists", choice(terms.IF_EXISTS)),
}
TASK: Fields = {
    "lane": TEXT,
    **fields("request request_path prompt response_path workspace_id workspace_root worktree_path", TEXT),
    **fields("expected_branch source_agent correlation_id idempotency_key", TEXT),
    **fields("supporting_paths", TEXTS),
    **fields("metadata", OBJECT),
    **TERMS,
}
NAMED: Fields = {**TASK, **fields("name", TEXT)}
MANY: Fields = {"tasks": {"type": "array", "items": {**OBJECT, "description": "as of POST /tasks, and a name"}}}
CLAIM: Fields = {**fields("owner", TEXT), "lease_seconds": NUMBER}
EVENT: Fields = {**fields("type message claim_token", TEXT), **fields("data", OBJECT)}
ANSWER: Fields = {
    **fields("body claim_token reviewer expect_sha256", TEXT),
    **fields("status", choice((COMPLETED, FAILED))),
    **fields("verdict", choice(VERDICTS)),
    **fields("blocking_count nonblocking_count", {"type": "integer", "minimum": 0}),
    "follow_up_required": FLAG,
    **fields("metadata", OBJECT),
}
SEVERAL: Fields = {"ids": TEXTS, **fields("first", WHOLE), **WAIT}
LISTED: Fields = {
    **LANE,
    "state": choice((*ACTIVE, *FINISHED)),
    "active_only": FLAG,
    "match": TEXTS,
    "cursor": TEXT,
    **LIMIT,
}
READY: Fields = {**LANE, "vendor": TEXT, "match": TEXTS, **LIMIT}
EVENTS: Fields = {"since": TEXT, **LANE, "task_id": TEXT, "type": TEXTS, **LIMIT}


def known(kind: type[AgentLanesError], given: Iterable[str], taken: Fields, what: str) -> None:
    """Refuse, with an error of this kind, what nobody would look at; `what` says what it was meant to be."""
    for name in given:
        if name not in taken:
            hint = f"there are {', '.join(taken)}" if taken else "there are none"
            raise kind(f"{names.shown(name)} is no {what}", hint=hint)
