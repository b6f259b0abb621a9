"""Submitting, in every way: alone, in streams, with keys, after others; and waiting at once."""

from __future__ import annotations

from companions import answers_what_is_asked

from commanding.case import SAME, SAYS, Case
from commanding.stands import LINES, REQUEST, keyed, many, project, uncompiled, unique

GRAPH = (
    b'{"name": "c", "prompt": "Three.", "depends_on": ["@a", "@b"]}\n{"name": "a", "prompt": "One."}\n'
    b'{"name": "b", "prompt": "Two.", "depends_on": ["@a"]}\n'
)
SUBMIT = ("submit", "--lane", "work", "request.md")

CASES = (
    Case("submit", (*SUBMIT, "--response-to", "out/new.md"), project),
    Case("submit, from stdin", ("submit", "--lane", "work", "-"), project, stdin=REQUEST),
    Case("submit, a key", (*SUBMIT, "--idempotency-key", "k"), project, SAYS, "was submitted before"),
    Case("submit, a key used before", (*SUBMIT, "--idempotency-key", "k"), keyed, SAYS, "was submitted before"),
    Case("submit, a unique key", (*SUBMIT, "--unique-key", "u"), project, SAYS, "has this unique key"),
    Case("submit, a unique key that was used", (*SUBMIT, "--unique-key", "u"), unique, SAYS, "has this unique key"),
    Case(
        "submit, after one that a key names",
        (*SUBMIT, "--depends-on", "key:k", "--idempotency-key", "d", "--metadata", "thread_id=t"),
        keyed,
        SAYS,
        "was submitted before",
    ),
    Case("submit, to be offered later", (*SUBMIT, "--delay", "2s"), project),
    Case("submit, a task file", ("submit", "--task", "tasks/again.yaml"), project),
    Case("submit, into a new store", ("--store", "new/state", *SUBMIT), project, store="new/state"),
    Case(
        "submit, a key, into a new store",
        ("--store", "new/state", *SUBMIT, "--idempotency-key", "k"),
        project,
        SAYS,
        "was submitted before",
        store="new/state",
    ),
    Case("submit, a config not read yet", SUBMIT, uncompiled),
    Case("submit --many", ("submit", "--many", "many.jsonl"), many, steps=True),
    Case(
        "submit --many, a key",
        ("submit", "--many", "-", "--idempotency-key", "k", "--lane", "work"),
        project,
        SAME,
        stdin=LINES,
        steps=True,
    ),
    Case(
        "submit --many, names",
        ("submit", "--many", "-", "--idempotency-key", "k", "--lane", "work"),
        project,
        SAME,
        stdin=GRAPH,
        steps=True,
    ),
    Case(
        "run",
        ("run", "--lane", "work", "request.md", "--response-to", "out/run.md", "--timeout", "60"),
        project,
        companion=answers_what_is_asked,
    ),
)
