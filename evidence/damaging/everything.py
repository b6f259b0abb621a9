"""A store that holds something of everything, and how everything in it stands."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from commanding import stands
from scene import Scene


@dataclass
class Everything:
    """The tasks, by what they are there for."""

    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    waits_for: dict[str, str] = field(default_factory=dict)
    """Who depends on whom."""


def store(scene: Scene) -> Everything:
    """Make it."""
    stands.project(scene)
    made = Everything()

    def submit(name: str, *words: str, stdin: bytes = b"") -> str:
        made.ids[name] = stands.submitted(scene, "--lane", "work", *words, stdin=stdin)
        return made.ids[name]

    def claim(name: str, lease: str = stands.LONG, *words: str) -> str:
        made.tokens[name] = stands.claimed(scene, made.ids[name], lease, *words)
        return made.tokens[name]

    for name in ("archived", "archived too"):
        scene.done("respond", submit(name, "--prompt", "x", "--idempotency-key", name), "--body", "An answer of old.")
    scene.done("archive", "--older-than", "0s")
    submit("first", "request.md", "--response-to", "out/first.md")
    submit("keyed", "--prompt", "x", "--idempotency-key", "k")
    submit("stored", "-", stdin=stands.REQUEST)
    submit("claimed", "--prompt", "x")
    claim("claimed", stands.LONG, "--request-id", "r", "--owner", "holder")
    submit("over", "--prompt", "x")
    claim("over", stands.SHORT)
    submit("released", "--prompt", "x")
    scene.done("release", made.ids["released"], "--claim-token", claim("released"))
    submit("answered", "-", stdin=stands.REQUEST)
    scene.done("respond", made.ids["answered"], "--claim-token", claim("answered"), "--body", "The answer.")
    submit("failed", "--prompt", "x")
    scene.done("respond", made.ids["failed"], "--status", "failed", "--body", "no")
    submit("cancelled", "--prompt", "x")
    scene.done("cancel", made.ids["cancelled"])
    submit("on hold", "--prompt", "x")
    scene.done("hold", made.ids["on hold"])
    submit("delayed", "--prompt", "x", "--delay", "1d")
    submit("tried", "--prompt", "x", "--max-attempts", "3")
    proof = ("--claim-token", claim("tried"), "--status", "failed", "--retry", "--retry-in", "1d", "--body", "no")
    scene.done("respond", made.ids["tried"], *proof)
    submit("dependent", "--prompt", "x", "--depends-on", made.ids["first"])
    made.waits_for["dependent"] = "first"
    submit("last", "--prompt", "x")
    scene.done("event", made.ids["last"], "--message", "A note.")
    time.sleep(float(stands.SHORT))
    return made
