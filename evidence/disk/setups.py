"""What has been there for long, when a story begins: none of it is recorded."""

from __future__ import annotations

import json
import os
import subprocess

from disk import steps
from disk.facts import Answered, Asked, Spoiled
from disk.world import BODY, REQUEST, World


def request_file(world: World) -> None:
    """A file to be asked about."""
    (world.folder / "request.md").write_text(REQUEST)


def many_file(world: World) -> None:
    """A file of tasks."""
    request_file(world)
    lines = [{"lane": lane, "prompt": f"One of many: {lane}.", "request": REQUEST} for lane in steps.MANY]
    (world.folder / "many.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def with_config(world: World) -> None:
    """A project, in which `init` will be called."""
    request_file(world)
    world.use(world.folder / "handoff" / "state", config=True)


def exported(world: World) -> None:
    """A file of another store: backup.jsonl, of tasks in every state."""
    request_file(world)
    world.use(world.folder / "former")
    steps.answered(world)
    steps.older(world)
    world.run("export", "backup.jsonl")
    world.use(world.folder / "state")


def hints_lost(world: World) -> None:
    """What a power cut and the like leave: a claim of zeros, a lost counter, no markers."""
    request_file(world)
    steps.renewed(world)
    steps.submit_with_key(world)
    claim = world.store / "tasks" / world.ids["a"] / "claim.json"
    claim.write_bytes(b"\0" * len(claim.read_bytes()))
    (world.store / "ready" / "default" / ".sequence").write_bytes(b"")
    for marker in (world.store / "ready").rglob("5-*"):
        marker.unlink()


def spoiled(world: World) -> None:
    """A damaged claim, a damaged answer, a damaged task; and others."""
    request_file(world)
    steps.older(world)
    steps.renewed(world)
    for name, file, content in (
        ("a", "claim.json", b'{"format": 2, "epoch": 1, "own'),
        ("old", "response.json", b"\0" * 300),
        ("broken", "task.json", b"{}"),
    ):
        if name not in world.ids:
            world.submit(name, "--prompt", "Not to be read any more.")
        (world.store / "tasks" / world.ids[name] / file).write_bytes(content)
        world.promise(Spoiled(world.ids[name], content))
    world.first = (("doctor", "--repair"),)


def peer() -> str | None:
    """The program of agent-lanes 0.1.1, where there is one."""
    named = os.environ.get("AGENT_LANES_PEER")
    return os.path.join(named, "agent-lanes") if named and os.path.isdir(named) else named


def store_of_v01(world: World) -> None:
    """What 0.1.1 leaves: tasks queued, claimed, answered, failed."""
    request_file(world)
    program = peer()
    assert program is not None

    def old(*words: str, stdin: str = "") -> str:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AGENT_LANES_")}
        kept.pop("PYTHONPATH", None)  # it is another program
        environment = kept | {"HOME": str(world.home)}
        done = subprocess.run(
            [program, *words],
            cwd=world.folder,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    old("init", ".", "--workspace-id", "old")
    world.use(world.folder / "handoff" / "state")
    for name in ("queued", "claimed", "answered", "failed"):
        words = ("--lane", "default", "--request-from", "request.md", "--response-to", f"out/{name}.md")
        id = world.ids[name] = old("submit", *words).strip().splitlines()[-1].split("=")[-1]
        world.promise(Asked(id, (REQUEST,)))
        if name != "queued":
            lines = old("claim", id, "--owner", "old", "--lease-seconds", "0").splitlines()
            token = next(line.split("=", 1)[1] for line in lines if line.startswith("claim_token="))
        if name in ("answered", "failed"):
            status = "completed" if name == "answered" else "failed"
            old("respond", id, "--claim-token", token, "--status", status, "--file", "-", stdin=BODY)
            world.promise(Answered(id, BODY, status))
    world.ids["a"] = world.ids["queued"]
