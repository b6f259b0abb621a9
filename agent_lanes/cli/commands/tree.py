"""What follows from a task, or belongs to a thread: drawn as a tree.

A task follows from those that it depends on, from the one that it does again (retry), and from the one that its
metadata names as parent_task_id. Each task stands in the tree once; where it follows from several, the other places
say so with ^. With --json: a list, parents first, with states, parents and children.
"""

from __future__ import annotations

import os

from agent_lanes.cli import output
from agent_lanes.cli.options import FLAG, ID, WHOLE, Arguments, Option
from agent_lanes.core.escapes import one_line
from agent_lanes.core.kin import DEPENDS_ON
from agent_lanes.core.names import short_id
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.services.trees import Node, Tree
    from agent_lanes.wiring import Session

OPTIONS = (
    ID,
    Option(flag="--thread", metavar="T", help="the tasks whose metadata has thread_id T"),
    Option(flag="--limit", metavar="N", kind=WHOLE, default=1000, help="at most N tasks, the nearest (default: 1000)"),
    Option(flag="--ascii", kind=FLAG, default=False, help="draw with plain characters"),
)
UNICODE, ASCII = ("├─ ", "└─ ", "│  ", "…"), ("|- ", "`- ", "|  ", "...")
MOST_INDENT = 48  # characters: what is deeper keeps its nearest lines only
WORDS = {"retry_of": "does it again", "parent_task_id": "follows from it"}


def run(args: Arguments, session: Session) -> int:
    """Draw it."""
    from agent_lanes.services import trees

    if (args.task_id is None) == (args.thread is None):
        raise BadUsage("tree takes a task id or --thread, one of the two")
    backend = session.backend
    if args.thread is not None:
        tree = trees.of_thread(backend, args.thread, limit=args.limit)
    else:
        tree = trees.of_task(backend, args.task_id, limit=args.limit)
    if args.json:
        named = {"root": args.task_id, "thread": args.thread}
        nodes = trees.view(tree)
        output.json({"status": "ok", **named, "tasks": nodes, "count": len(nodes), "left_off": tree.left_off})
    else:
        signs = ASCII if args.ascii or not _unicode() else UNICODE
        width = os.get_terminal_size(1).columns if output.on_terminal(1) else 0
        output.text("".join(_fit(line, width, signs[3]) + "\n" for line in drawn(tree, signs)))
    return 0


def drawn(tree: Tree, signs: tuple[str, str, str, str]) -> Iterator[str]:
    """The lines of a tree, whatever their width."""
    nodes = {node.id: node for node in tree.nodes}
    after = {id: here for here, ids in _beneath(tree).items() for id in ids[-1:]}
    indents: dict[str | None, str] = {}
    for node in tree.nodes:
        if node.under is None:
            yield from (f"^ {_words(relation)}{short_id(id)}" for relation, id in node.parents if id not in nodes)
            before, beneath = "", ""
        else:
            last = after.get(node.id) == node.under
            indent = indents[node.under]
            before = indent + signs[1 if last else 0]
            beneath = indent + ("   " if last else signs[2])
        indents[node.id] = signs[3] + beneath[-MOST_INDENT:] if len(beneath) > MOST_INDENT else beneath
        yield before + _line(node)
    if tree.left_off:
        yield f"{signs[3]} and {tree.left_off} more (--limit)"


def _beneath(tree: Tree) -> dict[str | None, list[str]]:
    found: dict[str | None, list[str]] = {}
    for node in tree.nodes:
        found.setdefault(node.under, []).append(node.id)
    return found


def _line(node: Node) -> str:
    parts = [short_id(node.id), node.state]
    if node.snapshot is not None:
        task = node.snapshot.task
        parts += dict.fromkeys((one_line(task.lane), one_line(task.correlation_id)))
    return "  ".join([*parts, *_notes(node)])


def _notes(node: Node) -> Iterator[str]:
    """What a person wants to know beside the state."""
    snapshot = node.snapshot
    yield from (WORDS[relation] for relation, id in node.parents if id == node.under and relation in WORDS)
    others = [id for _, id in node.parents if id != node.under]
    if node.under is not None and others:
        yield f"^ also after {short_id(others[0])}" + (f" and {len(others) - 1} more" if len(others) > 1 else "")
    if snapshot is None:
        return
    claim, response = snapshot.claim, snapshot.response
    if response is not None and (response.cause or response.verdict):
        yield one_line(response.cause or response.verdict or "")
    elif claim is not None and claim.held and response is None:
        yield f"by {one_line(claim.owner)}"
    elif snapshot.open_dependencies:
        yield f"waits for {len(snapshot.open_dependencies)}"
    if node.left_off:
        yield f"({node.left_off} children not shown)"


def _words(relation: str) -> str:
    return "after " if relation == DEPENDS_ON else "again: " if relation == "retry_of" else "from "


def _fit(line: str, width: int, cut: str) -> str:
    return line if not width or len(line) <= width else line[: max(1, width - len(cut))] + cut


def _unicode() -> bool:
    """Whether the terminal's locale is one of UTF-8, as programs decide that: the first of these that is set."""
    named = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := os.environ.get(name))), "")
    return "UTF" in named.upper()
