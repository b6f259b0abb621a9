"""What an agent is told about the queue: the guide (`protocol`), and the prompts that give it a role.

The texts are Markdown files, in which the facts of the code and of this store are filled in. A prompt is a file that
`init` or `init-pool` copies, too; here the commands in it name the config, so that they can be run from any folder.
"""

from __future__ import annotations

import os
import re
import shlex

from agent_lanes import scaffold
from agent_lanes.core.task import VERDICTS
from agent_lanes.core.transitions import TABLE
from agent_lanes.errors import NotFound
from agent_lanes.services.naming import SHORTEST_PART

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

PROMPTS = {
    "orchestrator": (scaffold.TEMPLATE, "ORCHESTRATOR-AGENT-PROMPT.md"),
    "dispatcher": (scaffold.DISPATCHERS, "POLLING-CHAT-PROMPT.md"),
    "reviewer": (scaffold.TEMPLATE, "REVIEWER-AGENT-PROMPT.md"),
}
NAMES = {"orchestrator": "orchestrator", "dispatcher": "", "reviewer": "reviewer"}  # a dispatcher chooses its own
NO_LANES = "none yet: any name will do"
EXIT_CODES = {
    0: "done",
    1: "failed: read the line",
    2: "timed out, nothing is lost: call again",
    4: "refused (state, token, lost race, changed request): the task is not yours, or not any more; stop",
    5: "no such task, config, store or file",
    6: "not allowed: permissions, or a path that leaves its place",
    8: "the awaited task failed: the answer says why",
    9: "the task was cancelled: stop",
    64: "wrong usage: see --help",
    65: "bad data: the content of a file, a body or a record",
    74: "I/O error, disk full: mend that, call again",
    75: "busy: call again",
    76: "done, but not confirmed: run the same command once more",
    130: "interrupted: call again",
}


def protocol(session: Session) -> str:
    """The guide, with config, store and lanes of this call, where it finds any. Raises BadData, StorageFailed."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "protocol.md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        config, store = session.found.config_path or "none", session.store_address
        lanes, where = _lanes(session), _where(session)
    except NotFound:
        config, store, lanes, where = "none", "none here; `agent-lanes init` makes one", NO_LANES, "--config PATH"
    facts = {
        "CONFIG": config,
        "STORE": store,
        "LANES": lanes,
        "WHERE": where,
        "VERDICTS": "|".join(VERDICTS),
        "STATES": _states(),
        "CODES": "\n".join(f"    {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items()),
        "SHORTEST": str(SHORTEST_PART),
    }
    return re.sub(r"@([A-Z]+)@", lambda found: facts[found[1]], text)


def prompt(session: Session, role: str, *, lane: str, vendor: str, owner: str | None) -> str:
    """The text that makes an agent an orchestrator, a dispatcher or a reviewer. Raises NotFound, BadData."""
    name = owner or NAMES[role]
    words = {"LANE": lane, "VENDOR": vendor, **(dict.fromkeys(("OWNER", "NAME"), name) if name else {})}
    return prompt_with(role, f"agent-lanes {_where(session)}", words)


def prompt_with(role: str, command: str, words: dict[str, str]) -> str:
    """That text with a command line for the queue, and values for some of its words in capitals."""
    text = scaffold.template(*PROMPTS[role]).partition("\n---\n")[2].lstrip("\n")
    text = text.replace("agent-lanes --config @CONFIG@", command).replace("./handoff/bin/handoff", command)
    if not words:
        return text
    return re.sub(rf"\b({'|'.join(words)})\b", lambda found: shlex.quote(words[found[1]]), text)


def _where(session: Session) -> str:
    """The global option that names this very queue."""
    config = session.found.config_path
    if config is not None and session.found.store is None:
        return f"--config {shlex.quote(config)}"
    return f"--store {shlex.quote(session.store_address)}"


def _lanes(session: Session) -> str:
    declared = session.config.lanes if session.config is not None else {}
    return ", ".join(sorted({*declared, *session.backend.lanes()})) or NO_LANES


def _states() -> str:
    """The state table, a line for each state: what may be done to a task there, and what becomes of it."""
    rows: dict[str, dict[str, list[str]]] = {}
    for (state, verb), after in TABLE.items():
        rows.setdefault(state, {}).setdefault("as it is" if after == state else after, []).append(verb)
    became = {
        state: "; ".join(f"{', '.join(verbs)} → {after}" for after, verbs in row.items()) for state, row in rows.items()
    }
    return "\n".join(f"    {state:<10} {text}" for state, text in became.items())
