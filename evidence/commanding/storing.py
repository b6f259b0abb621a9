"""What is done to a whole store: archive, prune, export, import, doctor, init; and the first calls after a reboot."""

from __future__ import annotations

from commanding.case import REFUSED, SAME, Case
from commanding.stands import SHORT, ailing, archived, exported, no_project, of_every_kind

AFTER_REBOOT = {"AGENT_LANES_BOOT_ID": "after-a-reboot"}

CASES = (
    Case("archive", ("archive", "--older-than", "0s"), of_every_kind, steps=True),
    Case("prune", ("prune", "--older-than", "0s"), archived, view="handoff/state/archive/2020-01", steps=True),
    Case("export, a file", ("export", "out.jsonl"), of_every_kind, REFUSED, "exists", view="out.jsonl"),
    Case("export, to stdout", ("export",), of_every_kind, SAME),
    Case("import", ("--store", "new/state", "import", "stream.jsonl"), exported, SAME, store="new/state", steps=True),
    Case("doctor --repair", ("doctor", "--repair"), ailing, SAME, view="facts and hints", alone=True, steps=True),
    Case("init", ("init",), no_project, REFUSED, "already exists", view="handoff", alone=True),
    Case(
        "init-pool",
        ("init-pool", "pool"),
        no_project,
        REFUSED,
        "already exists",
        store="pool/.agent-lanes-queue/state",
        view="pool/.agent-lanes-queue",
        alone=True,
    ),
    Case(
        "the first change after a reboot",
        ("event", "{id}", "--message", "Back."),
        of_every_kind,
        environment=AFTER_REBOOT,
        view="history",
    ),
    Case(
        "the first claim after a reboot",
        ("claim", "--lane", "review", "--lease-seconds", SHORT),
        of_every_kind,
        environment=AFTER_REBOOT,
        lane="review",
    ),
)
