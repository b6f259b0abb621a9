"""Every command that writes: what stands before it, the real command line, and what repeating the call must do.

One entry in CASES is all that a new command needs; tests/evidence/test_commands_covered.py fails where one that
writes has none. `{id}` and the like in a command line are what `before` found out (Stand.given).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from companions import Companion, answers_what_is_asked, asks_for_something
from scene import Scene

REQUEST = b"Please look at this.\n"
LINES = b'{"prompt": "One."}\n{"request_from": "request.md", "response_to": "out/2.md"}\n{"prompt": "Three."}\n'
GRAPH = (
    b'{"name": "c", "prompt": "Three.", "depends_on": ["@a", "@b"]}\n{"name": "a", "prompt": "One."}\n'
    b'{"name": "b", "prompt": "Two.", "depends_on": ["@a"]}\n'
)
LONG, SHORT = "7200", "0.1"  # leases: one that holds for the whole trial, one that is over before anybody looks
HOLDS_A_WHILE = "5"  # long enough to ask for the same claim again, short enough to wait for its end
LANES = ("work", "other", "review", "lost", "sweep")
AFTER_REBOOT = {"AGENT_LANES_BOOT_ID": "after-a-reboot"}

AGAIN, SAYS, REFUSED, SAME = "does it once more", "says so", "is refused, and says why", "gives the same"
EITHER = "gives the same, or is refused once that is seen to"
"""What the same call may do once it had been done. `says` stands in what it says; SAME: and no fact changes."""
REFUSAL = 4


@dataclass(frozen=True)
class Stand:
    """What stands before the command."""

    given: Mapping[str, str] = field(default_factory=dict)
    """What stands in the braces of the command line."""
    tokens: Mapping[str, str] = field(default_factory=dict)
    """Who holds what: a token for each id of a claim that its holder knows."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What is put back before everything is driven to its end: a request that had been changed."""


@dataclass(frozen=True)
class Case:
    """One command line, on one state of the queue."""

    name: str
    words: tuple[str, ...]
    before: Callable[[Scene], Stand]
    again: str = AGAIN
    says: str = ""
    code: int = 0
    """How an undisturbed run ends."""
    stdin: bytes = b""
    environment: Mapping[str, str] = field(default_factory=dict)
    companion: Companion | None = None
    """Another process, without which this one would block for ever."""
    lane: str = "work"
    store: str = "handoff/state"
    view: str = "facts"
    """What shows whether it was done: `facts`, `facts and hints`, `history`, or a path below the project."""
    alone: bool = False
    """Nobody can go on before the same call has been made again: there is no queue yet, or it is damaged."""
    steps: bool = False
    """It commits more than once, so that it may stop in between; the same call goes on."""

    @property
    def command(self) -> str:
        """The word of the command line that names the command."""
        words = self.words[2:] if self.words[0] == "--store" else self.words
        return words[0]


# --- what stands before -------------------------------------------------------------------------------------------


def project(scene: Scene) -> Stand:
    """A project with a queue in which nothing has happened yet but one task of another lane, long answered."""
    (scene.project / "request.md").write_bytes(REQUEST)
    (scene.project / "tasks").mkdir()
    (scene.project / "tasks" / "again.yaml").write_text(
        "lane: work\nrequest_from: request.md\nresponse_to: out/again.md\nprompt: Review it.\n"
    )
    scene.done("init")
    config = scene.project / "handoff" / "handoff.yaml"
    config.write_text(config.read_text().replace("\nlanes:\n", "\nlanes:\n" + "".join(map("  {}:\n".format, LANES))))
    os.utime(scene.project / "handoff" / "handoff.yaml", ns=(1, 1))  # old enough for its compiled copy
    done = submitted(scene, "--lane", "other", "--prompt", "Done long ago.")
    scene.done("respond", done, "--body", "An answer of old.")
    return Stand()


def submitted(scene: Scene, *words: str, stdin: bytes = b"") -> str:
    """A task more; its id."""
    return scene.done("submit", *words, stdin=stdin).out.decode().strip()


def claimed(scene: Scene, id: str, lease: str = LONG, *words: str) -> str:
    """Take it; the token."""
    return scene.done("claim", id, "--lease-seconds", lease, *words).values["claim_token"]


def no_project(scene: Scene) -> Stand:
    """An empty folder."""
    return Stand()


def many(scene: Scene) -> Stand:
    """Some tasks in a file."""
    project(scene)
    (scene.project / "many.jsonl").write_bytes(LINES.replace(b"{", b'{"lane": "work", '))
    return Stand()


def uncompiled(scene: Scene) -> Stand:
    """A project whose config no command has read yet."""
    project(scene)
    shutil.rmtree(scene.home / ".cache", ignore_errors=True)
    return Stand()


def queued(scene: Scene) -> Stand:
    """One task in the lane `work`, with a request and a response path."""
    project(scene)
    return Stand({"id": submitted(scene, "--lane", "work", "request.md", "--response-to", "out/answer.md")})


def stored_request(scene: Scene) -> Stand:
    """One task whose request lies in the store, without a response path."""
    project(scene)
    return Stand({"id": submitted(scene, "--lane", "work", "-", stdin=REQUEST)})


def keyed(scene: Scene) -> Stand:
    """One that was submitted with an idempotency key."""
    project(scene)
    return Stand({"id": submitted(scene, "--lane", "work", "request.md", "--idempotency-key", "k")})


def unique(scene: Scene) -> Stand:
    """One that was submitted with a unique key, and is answered, as its end has left it without its last step."""
    project(scene)
    id = submitted(scene, "--lane", "work", "request.md", "--unique-key", "u")
    (file,) = (scene.store / "unique").iterdir()
    scene.done("respond", id, "--body", "The answer.\n")
    file.write_text(f"{id}\n")
    file.chmod(0o600)
    return Stand()


def open_with_a_unique_key(scene: Scene) -> Stand:
    """One that has a unique key, and another that waits for it."""
    project(scene)
    id = submitted(scene, "--lane", "work", "request.md", "--unique-key", "u")
    submitted(scene, "--lane", "work", "request.md", "--depends-on", id)
    return Stand({"id": id})


def two_vendors(scene: Scene) -> Stand:
    """A task for one vendor at the head of the lane, one for another behind it."""
    project(scene)
    head = submitted(scene, "--lane", "work", "request.md", "--metadata", "required_vendor=claude")
    return Stand(
        {"head": head, "id": submitted(scene, "--lane", "work", "--prompt", "x", "--metadata", "required_vendor=codex")}
    )


def run_out(scene: Scene) -> Stand:
    """A claim whose lease has run out, and nobody has taken the task since."""
    stand = queued(scene)
    claimed(scene, stand.given["id"], SHORT)
    time.sleep(float(SHORT))
    return stand


def taken(scene: Scene) -> Stand:
    """A task that is claimed, and whose holder is at work."""
    id = queued(scene).given["id"]
    token = claimed(scene, id)
    return Stand({"id": id, "token": token}, {id: token})


def taken_by_request_id(scene: Scene) -> Stand:
    """The same, where the holder claimed it with a request id."""
    id = stored_request(scene).given["id"]
    token = claimed(scene, id, LONG, "--request-id", "r")
    (scene.project / "answer.md").write_text("The whole answer.\n")
    return Stand({"id": id, "token": token}, {id: token})


def taken_with_an_answer(scene: Scene) -> Stand:
    """The same, with the answer in a file."""
    (scene.project / "answer.md").write_text("The whole answer.\n")
    return taken(scene)


def changed_request(scene: Scene) -> Stand:
    """A task whose request is no longer what was submitted."""
    stand = queued(scene)
    (scene.project / "request.md").write_text("Something else.\n")
    return Stand(stand.given, files={"request.md": REQUEST})


def parked(scene: Scene) -> Stand:
    """A task that was parked, and whose request is back."""
    stand = changed_request(scene)
    scene.run("claim", stand.given["id"])
    (scene.project / "request.md").write_bytes(REQUEST)
    return stand


def answered(scene: Scene) -> Stand:
    """A task that is answered, with a response path to which nothing was written yet."""
    stand = queued(scene)
    scene.done("respond", stand.given["id"], "--body", "The answer.\n")
    return stand


def two_answered(scene: Scene) -> Stand:
    """One with a response path, and one without."""
    stand = answered(scene)
    other = submitted(scene, "--lane", "work", "--prompt", "x")
    scene.done("respond", other, "--body", "What the other one said.")
    return Stand({**stand.given, "other": other})


def answered_in_the_store(scene: Scene) -> Stand:
    """The same without a response path."""
    stand = stored_request(scene)
    scene.done("respond", stand.given["id"], "--status", "failed", "--body", "It could not be done.")
    return stand


def of_every_kind(scene: Scene) -> Stand:
    """A task in every state."""
    project(scene)
    submitted(scene, "--lane", "work", "request.md", "--idempotency-key", "k")
    stored = submitted(scene, "--lane", "work", "-", stdin=REQUEST)
    held = submitted(scene, "--lane", "review", "--prompt", "x")
    over = submitted(scene, "--lane", "review", "--prompt", "y")
    away = submitted(scene, "--lane", "review", "request.md", "--prompt", "z")
    scene.done("respond", stored, "--body", "The answer.")
    token = claimed(scene, held)
    claimed(scene, over, SHORT)
    (scene.project / "request.md").write_text("Something else.\n")
    scene.run("claim", away)
    (scene.project / "request.md").write_bytes(REQUEST)
    time.sleep(float(SHORT))
    return Stand({"id": held, "token": token}, {held: token})


def exported(scene: Scene) -> Stand:
    """The stream of such a store, and no store to bring it into yet."""
    stand = of_every_kind(scene)
    scene.done("export", "stream.jsonl")
    return Stand(stand.given, stand.tokens)


def on_hold(scene: Scene) -> Stand:
    """A task that is not offered for now."""
    stand = queued(scene)
    scene.done("hold", stand.given["id"])
    return stand


def lane_on_hold(scene: Scene) -> Stand:
    """A lane that is not served for now."""
    stand = queued(scene)
    scene.done("hold", "--lane", "work")
    return stand


def dead(scene: Scene) -> Stand:
    """A task whose one attempt has failed."""
    project(scene)
    id = submitted(scene, "--lane", "work", "--prompt", "x", "--max-attempts", "1")
    scene.done("respond", id, "--claim-token", claimed(scene, id), "--status", "failed", "--retry", "--body", "no")
    return Stand({"id": id})


def archived(scene: Scene) -> Stand:
    """An archive of a month that is over."""
    answered_in_the_store(scene)
    scene.done("archive", "--older-than", "0s")
    month = next((scene.store / "archive").iterdir())
    month.rename(month.with_name("2020-01"))
    return Stand()


def ailing(scene: Scene) -> Stand:
    """A store in which something of everything is wrong that the doctor can mend."""
    stand = of_every_kind(scene)
    tasks = scene.store / "tasks"
    broken = [submitted(scene, "--lane", "work", "--prompt", name) for name in ("asked", "claimed", "answered")]
    (tasks / broken[0] / "task.json").write_text("{")
    (tasks / broken[1] / "claim.json").write_text("{}")
    (tasks / broken[2] / "response.json").write_bytes(b"\xff")
    for path in scene.store.glob("tasks/*/*.json"):
        path.chmod(0o600)
    missing = submitted(scene, "--lane", "lost", "--prompt", "x")
    next(scene.store.glob(f"ready/lost/any/*/*{missing}")).unlink()
    litter = scene.store / "tmp" / "0123456789abcdef"
    litter.touch()
    os.utime(litter, (1, 1))
    (tasks / missing).chmod(0o755)
    return stand


# --- the commands -------------------------------------------------------------------------------------------------

SUBMIT = ("submit", "--lane", "work", "request.md")
CLAIM = ("claim", "--lane", "work", "--lease-seconds", SHORT)

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
    Case("claim, by id", ("claim", "{id}", "--lease-seconds", SHORT), queued),
    Case("claim, by lane", CLAIM, queued),
    Case("claim, by lane and vendor", (*CLAIM, "--vendor", "codex"), two_vendors),
    Case(
        "claim, a request id",
        ("claim", "--lane", "work", "--request-id", "r", "--lease-seconds", HOLDS_A_WHILE),
        queued,
        SAME,
    ),
    Case("claim, once the lease is over", CLAIM, run_out),
    Case("claim, waiting for work", (*CLAIM, "--wait", "60"), project, companion=asks_for_something),
    Case("claim that parks", ("claim", "{id}"), changed_request, REFUSED, "has changed", code=4),
    Case("claim of what was parked", ("claim", "{id}", "--lease-seconds", SHORT), parked),
    Case("renew", ("renew", "{id}", "--claim-token", "{token}", "--lease-seconds", "300"), taken),
    Case(
        "release",
        ("release", "{id}", "--claim-token", "{token}", "--reason", "not mine"),
        taken,
        SAYS,
        "had been released",
    ),
    Case(
        "respond, a file",
        ("respond", "{id}", "--claim-token", "{token}", "--file", "answer.md"),
        taken_with_an_answer,
        SAYS,
        "had this answer already",
    ),
    Case(
        "respond, failed",
        ("respond", "{id}", "--claim-token", "{token}", "--status", "failed", "--body", "no"),
        taken,
        SAYS,
        "had this answer already",
    ),
    Case(
        "respond, from stdin",
        ("respond", "{id}", "--claim-token", "{token}", "--verdict", "accept"),
        taken,
        SAYS,
        "had this answer already",
        stdin=b"An answer.\r\n" * 1000,
    ),
    Case(
        "respond, claimed by a request id",
        ("respond", "{id}", "--claim-token", "{token}", "--file", "answer.md"),
        taken_by_request_id,
        SAYS,
        "had this answer already",
    ),
    Case(
        "respond, to what nobody claimed",
        ("respond", "{id}", "--body", "An answer."),
        stored_request,
        SAYS,
        "had this answer already",
    ),
    Case(
        "respond, a unique key",
        ("respond", "{id}", "--body", "An answer."),
        open_with_a_unique_key,
        SAYS,
        "had this answer already",
    ),
    Case("wait --all", ("wait", "--all", "{id}", "{other}"), two_answered, SAME, view="out/answer.md"),
    Case(
        "respond, an attempt failed",
        (
            "respond",
            "{id}",
            "--claim-token",
            "{token}",
            "--status",
            "failed",
            "--retry",
            "--retry-in",
            "0s",
            "--body",
            "no",
        ),
        taken,
        SAME,
    ),
    Case("cancel", ("cancel", "{id}"), queued, SAME),
    Case("cancel, at work", ("cancel", "{id}"), taken, SAME),
    Case("hold", ("hold", "{id}", "--reason", "later"), queued, SAME),
    Case("resume", ("resume", "{id}"), on_hold, REFUSED, "not on hold"),
    Case("hold --lane", ("hold", "--lane", "work"), queued, SAME, view="handoff/state/holds/work/@.json"),
    Case(
        "resume --lane",
        ("resume", "--lane", "work"),
        lane_on_hold,
        REFUSED,
        "not on hold",
        view="handoff/state/holds/work/@.json",
    ),
    Case("retry", ("retry", "{id}"), answered_in_the_store),
    Case("dead retry", ("dead", "retry", "{id}"), dead, EITHER),
    Case("dead discard", ("dead", "discard", "{id}"), dead, EITHER, view="history"),
    Case("archive", ("archive", "--older-than", "0s"), of_every_kind, steps=True),
    Case("prune", ("prune", "--older-than", "0s"), archived, view="handoff/state/archive/2020-01", steps=True),
    Case("event", ("event", "{id}", "--message", "Half of it is done."), taken, view="history"),
    Case("wait, a response path", ("wait", "{id}"), answered, SAME, view="out/answer.md"),
    Case("wait, to stdout", ("wait", "{id}"), answered_in_the_store, SAME, code=8),
    Case(
        "wait, blocking",
        ("wait", "{id}", "--timeout", "60"),
        queued,
        SAME,
        companion=answers_what_is_asked,
        view="out/answer.md",
    ),
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

NOT_SWEPT = {
    "next": "the same as wait --lane, which changes nothing",
    "watch": "the same as wait --lane, which changes nothing",
    "show": "changes nothing",
    "status": "changes nothing",
    "list": "changes nothing",
    "tree": "changes nothing",
    "where": "changes nothing",
    "setup": "writes into the user's agents, not into the queue; tested in tests/cli",
    "top": "cancels, holds and retries by the services of those commands, on a terminal",
    "keep": "renews as renew does, in a process that goes on",
    "work": "claims, renews and answers as those commands do; its processes are killed in tests/dispatch",
    "serve": "runs the same services as the commands, in a process that goes on",
    "self-test": "runs these commands in a temporary folder, which it removes",
}
"""Commands without an entry, and why. None of them may be one that the table of the CLI says changes the store."""


def of(command: str) -> list[Case]:
    """The entries of a command."""
    return [case for case in CASES if case.command == command]


def words(case: Case, stand: Stand) -> tuple[str, ...]:
    """The real command line."""
    return tuple(word.format_map(stand.given) if "{" in word else word for word in case.words)
