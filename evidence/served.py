"""K9: the HTTP server, and whoever sends it what it must not take. Each case is one row.

Every case has a store and a server of its own. Whatever is done, at the end the server answers, has not grown, has not
touched a file outside its store, has said nothing on stderr, and ends when it is told to; the store is healthy. Every
answer on the way is JSON, no error is a defect of the server, repeats what it was sent, or names a flag of a command.

python evidence/run.py K9              those that take less than ten seconds
python evidence/run.py K9 --whole      all of them
"""

from __future__ import annotations

from pathlib import Path

from experiment import Plan, Table
from holding.place import Case
from playing import table
from serving import fields, guarded, wire
from serving.house import House

BARE = "a bare install: "
REFUSED = "refused, nothing changes"
CASES = (
    Case("every route, without the token or with another", "401 but for what is open, nothing changes", guarded.tokens),
    Case("every route, for a foreign Host, from a foreign page", f"403, {REFUSED}", guarded.foreign),
    Case("every route, by a method that it does not know", "405, and which it knows", guarded.methods),
    Case("every route, with what is not said to be JSON, or is none", f"415 or 400, {REFUSED}", guarded.contents),
    Case("every route of a task, with ids that lead elsewhere", f"400, 404 or 405, {REFUSED}", guarded.ids),
    Case("addresses that lead to files", "a page of the server, or 400 or 404", guarded.targets),
    Case("paths in bodies that leave the workspace", "400 by name; nothing read, hashed or written", guarded.files),
    Case(
        "every field of every body, with every wrong type",
        "400 by name, nothing changes",
        fields.wrong_types,
        long=True,
    ),
    Case(
        "every text of every body, with texts that hurt",
        "taken as text, or 400 by name",
        fields.hurting_texts,
        long=True,
    ),
    Case("every parameter of every query, wrong or twice", "400 by name, nothing changes", fields.wrong_queries),
    Case("heads that could be two requests, or are none", "refused; what hides behind is not done", wire.framing),
    Case("lines that end with half of what they should", "one request at most", wire.bare_line_ends),
    Case("a request byte by byte", "it is taken", wire.pieces),
    Case("large bodies at once", "429 beyond 256 MiB, 413 beyond 64 MiB, the others served", wire.announced),
    Case("200 clients whose heads do not come", "cut off after 10 s, the others served", wire.slow_heads, long=True),
    Case("a body that comes byte by byte", "408 after 60 s", wire.slow_bodies, long=True),
    Case(
        "200 long polls and streams that are left", "no thread each; gone with their clients", wire.abandoned, long=True
    ),
    Case("4,096 clients that stay", "all served; 429 for one more, until they leave", wire.crowded, long=True),
    Case("a client that takes no answer", "cut off after 60 s", wire.stuck, long=True),
)
WITHOUT_EXTRAS = (
    *(guarded.tokens, guarded.foreign, guarded.methods, guarded.ids, guarded.files),
    *(wire.framing, wire.pieces, wire.announced, wire.slow_heads, wire.slow_bodies, wire.crowded, wire.stuck),
)
AT_ONCE = 2


def house(case: Case, root: Path) -> House:
    """The place of a case."""
    return House(root, bare=case.done.startswith(BARE))


def cases(*, whole: bool) -> list[Case]:
    """All of them, or those of the sample."""
    bare = [Case(BARE + one.done, one.promised, one.play, one.long) for one in CASES if one.play in WITHOUT_EXTRAS]
    return [case for case in (*CASES, *bare) if whole or not case.long]


def run(plan: Plan) -> Table:
    """See experiment.py."""
    return table(plan, "K9", cases(whole=plan.whole), house, AT_ONCE)
