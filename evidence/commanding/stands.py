"""What stands before a command: the queue, made by real commands; and what a command line must know of it."""

from __future__ import annotations

import os
import shutil
import time

from scene import Scene

from commanding.case import Stand

REQUEST = b"Please look at this.\n"
LINES = b'{"prompt": "One."}\n{"request_from": "request.md", "response_to": "out/2.md"}\n{"prompt": "Three."}\n'
LONG, SHORT = "7200", "0.1"  # leases: one that holds for the whole trial, one that is over before anybody looks
LANES = ("work", "other", "lost", "sweep")  # beside those that `init` declares


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
