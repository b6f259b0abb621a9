"""Runs commands in the name of a client: the real main(), as a process of its own that can be killed."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from agent_lanes.cli import app
from simulated.truth import Op, Truth
from simulated.world import Client, Crash, World


class Shell:
    """What a client's script types its commands into."""

    def __init__(self, client: Client, truth: Truth, judge: Callable[[Op], None]) -> None:
        self.client, self.truth, self.judge = client, truth, judge

    @property
    def world(self) -> World:
        """Where this takes place."""
        return self.client.world

    def run(self, *words: str, stdin: bytes = b"", id: str | None = None, token: str | None = None) -> Op:
        """One command, to its end or to its death. `id` and `token` are what it is about, for the judge."""
        client, world = self.client, self.world
        op = Op(client.name, words, world.steps, world.elapsed, world.boot_id, world.boottime, id, token)
        client.processes, client.verb = client.processes + 1, words[0]
        client.stdin, client.out, client.err = stdin, bytearray(), bytearray()
        client.dead, client.running = False, True
        self.truth.ops[client.name] = op
        world.tell(client, "$", shlex.join(words).replace("\r\n", "\\r\\n"))
        try:
            op.code = app.main(list(words))
        except Crash:
            pass
        finally:
            client.running = client.dead = False
        self._ended(op)
        return op

    def _ended(self, op: Op) -> None:
        client, world = self.client, self.world
        world.quiet = True
        try:
            op.ended, op.ended_at, op.out, op.err = world.steps, world.elapsed, bytes(client.out), client.err.decode()
            shown = op.out.decode().replace(world.root, "")
            world.tell(client, "=", f"{op.code} {shown!r} {op.err!r}")
            if op.code is not None and client.descriptors:
                world.problem(f"{op.verb} left files open: {sorted(client.descriptors.values())}")
            client.open_files_close()
            self.truth.watches[:] = [watch for watch in self.truth.watches if watch.client is not client]
            self.truth.ops.pop(client.name, None)
            self.judge(op)
        finally:
            world.quiet = False

    def sleep(self, seconds: float) -> None:
        """The script does something else for so long."""
        self.world.sleep(self.client, round(seconds * 1_000_000))
