"""Writes docs/reference/ from the code: commands, exit codes, files, Python API, vendors. And the man page.

    python docs/reference.py            write the pages
    python docs/reference.py --check    change nothing; exit 1 and name what is stale

What the pages say is said in the code (summaries, options, docstrings, encoders) and only there.
"""

from __future__ import annotations

import importlib
import inspect
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import manpage

from agent_lanes import api, errors
from agent_lanes.backends.files import gate, journal, layout
from agent_lanes.cli.options import FLAG, GLOBAL, PAIRS, Option
from agent_lanes.cli.table import COMMANDS, Command, module_name
from agent_lanes.core import codec, jsontext, placement
from agent_lanes.core import task as values
from agent_lanes.core.answers import encode_response
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import Claim, Event, Lease, Response, Snapshot, Supporting, Task
from agent_lanes.core.times import Moment, parse_iso
from agent_lanes.dispatch.vendor import Choice, Vendor
from agent_lanes.dispatch.vendors import shipped
from agent_lanes.services.queue import QueueService

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
NOTICE = "<!-- Written by docs/reference.py from the code. Do not edit: change the code and run it again. -->\n\n"
RESERVED = {0: "done", 3: "no route to the peer (reserved)", 7: "not this role's to do (reserved)"}
API = ("Queue", "ClaimedTask")
VALUES = ("Task", "Supporting", "Claim", "Lease", "Response", "Event", "Snapshot")


def commands() -> str:
    """Every command with its options."""
    lines = [
        "# Commands",
        "",
        "What each prints and promises stands in [CONTRACT.md](../../CONTRACT.md#command-line).",
        "",
    ]
    lines += ["These options go with every command, before or after it:", "", *_options(GLOBAL)]
    group = ""
    for entry in COMMANDS:
        if entry.group != group:
            group = entry.group
            lines += ["", f"## {group.capitalize()}"]
        lines += ["", *_command(entry)]
    return "\n".join(lines) + "\n"


def _command(entry: Command) -> list[str]:
    module = importlib.import_module(module_name(entry))
    story = "" if entry.module else (module.__doc__ or "").partition("\n\n")[2].strip()
    lines = [f"### {entry.name}", "", f"{entry.summary[0].upper()}{entry.summary[1:]}."]
    if story:
        lines += ["", story]
    older = entry.name in ("next", "watch")  # they serve lanes alone, with the module of wait
    options = [option for option in module.OPTIONS if not option.hidden and not (older and option.positional)]
    return [*lines, "", *_options(tuple(options))] if options else lines


def _options(options: tuple[Option, ...]) -> list[str]:
    lines = ["| option | meaning |", "| --- | --- |"]
    for option in options:
        value = option.metavar or "{" + ",".join(option.choices) + "}" if option.kind != FLAG else ""
        name = option.flag if option.positional or not value or value == "{}" else f"{option.flag} {value}"
        extra = "; required" if option.required else ""
        again = "; repeatable" if option.kind == PAIRS and "repeatable" not in option.help else ""
        lines.append(f"| `{name}` | {_cell(option.help)}{again}{extra} |")
    return lines


def exit_codes() -> str:
    """Every exit code and every error, from the tree in errors.py."""
    kinds = sorted(_tree(errors.AgentLanesError), key=lambda kind: kind.exit_code)
    lines = ["# Exit codes and errors", "", "| exit code | errors |", "| --- | --- |"]
    for code in sorted(RESERVED.keys() | {kind.exit_code for kind in kinds}):
        names = ", ".join(f"`{kind.code}`" for kind in kinds if kind.exit_code == code)
        lines.append(f"| {code} | {names or RESERVED[code]} |")
    lines += ["", "| code | class | exit | HTTP | retryable | meaning |", "| --- | --- | --- | --- | --- | --- |"]
    for kind in kinds:
        meaning = (kind.__doc__ or "").splitlines()[0]
        cells = [f"`{kind.code}`", f"`{kind.__name__}`", str(kind.exit_code), str(kind.http_status)]
        lines.append("| " + " | ".join([*cells, "yes" if kind.retryable else "no", _cell(meaning)]) + " |")
    return "\n".join(lines) + "\n"


def _tree(kind: type[errors.AgentLanesError]) -> list[type[errors.AgentLanesError]]:
    """The classes of errors.py below one, each once, parents first (doors may have private ones of their own)."""
    below = [one for child in kind.__subclasses__() if child.__module__ == errors.__name__ for one in _tree(child)]
    return [kind, *below]


def files() -> str:
    """One task's files, as the encoders write them; and the paths, as the layout makes them."""
    asked, held, answer, line, now = _sample()
    place = layout.Layout("<queue_root>")
    snapshot = Snapshot(task=asked)
    markers = {
        "queued": placement.ready(snapshot),
        "claimed": placement.placement(snapshot.replace(claim=held), now),
        "parked": placement.Parked(lane=asked.lane, id=asked.id),
    }
    folder = place.task(asked.id)
    records = {
        f"{folder}/{layout.TASK}": jsontext.dumps(codec.encode_task(asked)),
        f"{folder}/{layout.CLAIM}": jsontext.dumps(codec.encode_claim(held)),
        f"{folder}/{layout.RESPONSE}": jsontext.dumps(encode_response(answer)),
        f"{folder}/{layout.EVENTS}": journal.line(line).decode(),
        place.gate: gate.Gate(place, now.boot_id, lambda: now).content.decode(),
    }
    lines = [
        "# Files",
        "",
        "One task as it lies on the disk. What each field means, and in which order files are written, stands in",
    ]
    lines += ["[CONTRACT.md](../../CONTRACT.md#state-folder).", ""]
    for path, content in records.items():
        lines += [f"## `{path.replace(asked.id, '<id>')}`", "", "```json", content.rstrip("\n"), "```", ""]
    lines += ["## Markers", "", "Empty files. The same task is listed", ""]
    lines += [f"- while {state}: `{place.marker(where)}`" for state, where in markers.items()]
    lines += ["", "## Other paths", ""]
    lines += [
        f"- `{path}`" for path in (place.store_record, place.tmp, place.sequence("review"), place.signal("review"))
    ]
    lines.append(f"- `{place.correlation(asked.workspace_id, asked.correlation_id)}`")
    return "\n".join(lines) + "\n"


def _sample() -> tuple[Task, Claim, Response, Event, Moment]:
    """One task with everything in it."""
    then, digest = (
        parse_iso("2026-11-21T03:20:39.158949Z"),
        "c3964bb3b70a957ec9b233c7dd3653f6ba17701ab00facf88ae1393dc6155577",
    )
    now = Moment(wall=then, boot_id="0328f35a-15ce-4408-a563-e5563b4be54a", boottime=3_000_000_000)
    asked = Task(
        id="20261121T032039158949Z-plan-review-ab7d9acffe2b",
        workspace_id="kettle",
        workspace_root="/home/ada/kettle",
        correlation_id="plan-review",
        source_agent="orchestrator",
        lane="review",
        created_at=then,
        sequence=17,
        prompt="Review this plan.",
        request_path="/home/ada/kettle/plan.md",
        request_sha256=digest,
        response_path="/home/ada/kettle/out/plan-review.md",
        supporting_paths=(Supporting(path="/home/ada/kettle/notes.md", sha256=digest),),
        worktree_path="/home/ada/kettle-review",
        expected_branch="main",
        metadata={"required_vendor": "codex"},
    )
    lease = Lease(seconds=7200, expires_at=then + 7_200_000_000, boot_id=now.boot_id, ends_boottime=10_200_000_000)
    claim = Claim(
        epoch=1,
        owner="ada-codex-4711",
        token="b53635b27724a5348b30fac34576fe66",  # noqa: S106 - an example
        claimed_at=then,
        updated_at=then,
        lease=lease,
    )
    response = Response(
        task_id=asked.id,
        reviewer=claim.owner,
        status="completed",
        body="Looks right.\n\nVERDICT: accept\n",
        created_at=then + 90_000_000,
        epoch=1,
        token_sha256="edb28e4de90a1b2d1f65093ff774d868dd306b9dee827c3ccc88d575d7b0fd32",  # noqa: S106 - an example
        reviewed_request_sha256=digest,
        verdict="accept",
        blocking_count=0,
        nonblocking_count=2,
        metadata={"vendor": "codex"},
    )
    data: jsontext.JsonObject = {"owner": claim.owner, "lease_seconds": 7200}
    event = Event(type="claimed", message="task claimed", created_at=then, data=data, epoch=1, number=2)
    return asked, claim, response, event, now


def python() -> str:
    """The classes of the Python API: signatures, fields and docstrings."""
    story = (api.__doc__ or "").partition("\n\n")[2]
    lines = ["# Python API", "", *_fenced(story)]
    for home, names in ((api, API), (values, VALUES)):
        for name in names:
            lines += _class(getattr(home, name))
    lines += ["## Details of respond", "", "What `respond` and `fail` take by keyword, beyond body and token.", ""]
    details = inspect.signature(QueueService.respond).parameters.values()
    for one in details:
        if one.kind is one.KEYWORD_ONLY and one.name != "token":
            lines.append(f"- `{one.name}: {one.annotation} = {one.default!r}`")
    lines += ["", inspect.getdoc(QueueService.respond) or ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def vendors() -> str:
    """The table of vendors: how each agent is called, and how that was verified."""
    rows = shipped().values()
    lines = [
        "# Vendors",
        "",
        "How each agent is run, from [the table](../../agent_lanes/dispatch/vendors.yaml). What can be changed,",
        "and where, stands in [CONTRACT.md](../../CONTRACT.md#vendors). `agent-lanes vendors` tells what is installed.",
        "",
        "| vendor | verified with | on | how |",
        "| --- | --- | --- | --- |",
    ]
    for row in rows:
        tried = row.verified
        lines.append(
            f"| [{row.name}](#{row.name}) | {tried.version or '-'} | {tried.date or '-'} | {_cell(tried.how)} |"
        )
    for row in rows:
        lines += _vendor(row)
    return "\n".join(lines) + "\n"


def _vendor(row: Vendor) -> list[str]:
    if not row.program:
        return ["", f"## {row.name}", "", "Any other program: the prompt on stdin, the answer on stdout."]
    lines = ["", f"## {row.name}", "", "```sh", shlex.join(row.command(folder="/").argv) + "   < prompt", "```", ""]
    facts = {
        "install": row.install,
        "log in": row.login,
        **{f"permission `{name}`": _words(words) or "nothing" for name, words in row.permissions.items()},
        "model": _choice(row.model),
        "effort": _choice(row.effort),
        "session": _words(row.session),
        "ceiling in USD": _words(row.max_cost),
        "environment": ", ".join(f"`{name}={value}`" for name, value in row.environment.items()),
        "output": row.reads.format,
    }
    return [*lines, "| | |", "| --- | --- |", *(f"| {name} | {_cell(text)} |" for name, text in facts.items() if text)]


def _words(words: tuple[str, ...]) -> str:
    return f"`{shlex.join(words)}`".replace("'{}'", "{}") if words else ""


def _choice(choice: Choice) -> str:
    known = {name: value for name, value in choice.names.items() if value}
    names = ", ".join(name if name == value else f"{name} → {value}" for name, value in known.items())
    return f"{_words(choice.words)}{': ' if names else ''}{names}" if choice.words else "no words for it"


def _fenced(story: str) -> list[str]:
    """A docstring that is code, then prose."""
    code = [line[4:] for line in story.split("\n") if line.startswith("    ") or not line]
    prose = [line for line in story.split("\n") if line and not line.startswith("    ")]
    return ["```python", *"\n".join(code).strip("\n").split("\n"), "```", "", *prose, ""]


def _class(kind: type) -> list[str]:
    lines = [f"## {kind.__name__}", "", inspect.getdoc(kind) or "", ""]
    if issubclass(kind, Frozen):
        lines += ["| field | type | default |", "| --- | --- | --- |"]
        for name in kind._fields:
            default = f"`{vars(kind)[name]!r}` |" if name in vars(kind) else "|"
            lines.append(f"| `{name}` | `{_cell(kind.__annotations__[name])}` | {default}")
        lines.append("")
    for name, member in vars(kind).items():
        if not name.startswith("_") and (callable(member) or isinstance(member, (property, classmethod))):
            lines += _member(name, member)
    return lines


def _member(name: str, member: object) -> list[str]:
    function = getattr(member, "fget", None) or getattr(member, "__func__", None) or member
    signature = inspect.signature(cast("Callable[..., object]", function))
    note = " (property)" if isinstance(member, property) else " (class method)" if function is not member else ""
    note = " (context manager)" if hasattr(function, "__wrapped__") else note
    arguments = _arguments(list(signature.parameters.values())[1:]) if not isinstance(member, property) else ""
    lines = [f"### {name}{note}", "", "```python", f"{name}{arguments} -> {signature.return_annotation}", "```", ""]
    return [*lines, inspect.getdoc(function) or "", ""]


def _arguments(parameters: list[inspect.Parameter]) -> str:
    """`(...)`, with a line for each argument where they are many."""
    shown, starred = [], False
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY and not starred:
            shown.append("*")
            starred = True
        stars = "**" if one.kind is one.VAR_KEYWORD else ""
        default = "" if one.default is one.empty else f" = {one.default!r}"
        shown.append(f"{stars}{one.name}: {one.annotation}{default}")
    text = f"({', '.join(shown)})"
    return text if len(text) < 80 else "(\n    " + ",\n    ".join(shown) + ",\n)"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


PAGES = {"commands": commands, "exit-codes": exit_codes, "files": files, "python": python, "vendors": vendors}


def main(arguments: list[str]) -> int:
    """Write every page, or check them."""
    stale = []
    texts = {f"docs/reference/{name}.md": NOTICE + page() for name, page in PAGES.items()}
    texts["docs/man/agent-lanes.1"] = manpage.page()
    for name, text in texts.items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    if "--check" not in arguments:
        return 0
    for path in stale:
        sys.stderr.write(f"stale: {path.relative_to(ROOT)}; run: python docs/reference.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
