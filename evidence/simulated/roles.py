"""What each kind of client does, over and over: scripts of users, which go on after their commands were killed."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from simulated.scenario import LANES, VENDORS
from simulated.shell import Shell
from simulated.truth import Op

LEASES = ("0.5", "2", "5", "30")
AGAIN = 6  # how often a script repeats a call that was killed, or was told to repeat
LIBC = ctypes.CDLL(None, use_errno=True)
RENAME_EXCHANGE, AT_FDCWD = 2, -100


@dataclass
class Board:
    """What the scripts of one run tell one another."""

    home: str
    state: str
    rounds: int
    acknowledged: list[str] = field(default_factory=list)
    """Ids that a submit has printed."""
    tokens: list[tuple[str, str]] = field(default_factory=list)
    """Every task and token that a claim has printed."""
    requests: dict[str, str] = field(default_factory=dict)
    """Request files, and what they hold."""
    handed_over: list[str] = field(default_factory=list)
    """Those whose task was acknowledged."""
    edited: set[str] = field(default_factory=set)
    """The paths of those that somebody has edited since."""


def repeat(
    shell: Shell, *words: str, stdin: bytes = b"", id: str | None = None, token: str | None = None, times: int = AGAIN
) -> Op:
    """Run a command again for as long as it is killed or says that one should."""
    for _ in range(times):
        op = shell.run(*words, stdin=stdin, id=id, token=token)
        if op.code not in (None, 75, 74):
            return op
        shell.sleep(shell.client.random.choice((0, 0.01, 1)))
    return op


def submitter(shell: Shell, board: Board) -> None:
    """Hands work over, with a key or without, and waits for some of it."""
    random = shell.client.random
    for number in range(board.rounds):
        if random.random() < 0.2:
            _submit_what_others_submit(shell, board, number)
            continue
        name = f"{shell.client.name}-{number}"
        words = ["submit", "--json", "--max-attempts", "0", "--lane", random.choice(LANES), "--prompt", f"do {name}"]
        vendor, how, key = random.choice(VENDORS), random.choice(("prompt", "file", "stdin")), None
        if vendor:
            words += ["--metadata", f"required_vendor={vendor}"]
        if how == "file":
            board.requests[name] = f"{board.home}/{name}.md"
            Path(board.requests[name]).write_text(f"request {name}")
            words += ["--request-from", f"{name}.md"]
        if how == "stdin":
            words += ["--request-from", "-"]
        if random.random() < 0.5:
            words += ["--response-to", f"out/{name}.md"]
        if random.random() < 0.7:
            key = name
            words += ["--idempotency-key", key]
        stdin = f"request {name}\r\n".encode()
        op = repeat(shell, *words, stdin=stdin, token=key, times=AGAIN if key else 1)
        if op.code == 0:
            id = op.json["task_id"]
            board.acknowledged.append(id)
            if how == "file":
                board.handed_over.append(name)
            if key and random.random() < 0.2:
                repeat(shell, *words, stdin=stdin, token=key)
            if random.random() < 0.4:
                shell.run("wait", id, "--timeout", random.choice(("0", "3", "40")), *_maybe_json(shell), id=id)
        shell.sleep(random.choice((0, 0.1, 1)))


def _submit_what_others_submit(shell: Shell, board: Board, number: int) -> None:
    """The same task under the same key, perhaps at the same time as another submitter: there is one of it."""
    key = f"shared-{number}"
    op = repeat(
        shell,
        "submit",
        "--json",
        "--max-attempts",
        "0",
        "--lane",
        LANES[0],
        "--prompt",
        key,
        "--idempotency-key",
        key,
        token=key,
    )
    if op.code == 0 and op.json["task_id"] not in board.acknowledged:
        board.acknowledged.append(op.json["task_id"])


def worker(shell: Shell, board: Board) -> None:
    """Claims the next task, works on it for too short or too long, renews, and answers, releases or vanishes."""
    random = shell.client.random
    for number in range(board.rounds * 2):
        words = ["claim", "--json", "--lane", random.choice(LANES), "--owner", shell.client.name]
        words += ["--lease-seconds", random.choice(LEASES), "--wait", random.choice(("0", "0", "3", "25"))]
        vendor = random.choice(VENDORS)
        if vendor:
            words += ["--vendor", vendor]
        if random.random() < 0.5:
            words += ["--request-id", f"{shell.client.name}-{number}"]
        op = repeat(shell, *words, times=AGAIN if "--request-id" in words else 1)
        if op.code == 0 and op.json["status"] == "claimed":
            id, token = op.json["task_id"], op.json["claim_token"]
            board.tokens.append((id, token))
            _work(shell, id, token)
        shell.sleep(random.choice((0, 0, 0.3)))


def _work(shell: Shell, id: str, token: str) -> None:
    random = shell.client.random
    for _ in range(random.choice((0, 0, 1, 3))):
        shell.sleep(random.choice((0.1, 1, 4)))
        if random.random() < 0.3:
            shell.run("event", id, "--message", "on it", id=id)
        if (
            shell.run(
                "renew", id, "--claim-token", token, "--lease-seconds", random.choice(LEASES), id=id, token=token
            ).code
            == 4
        ):
            return
    shell.sleep(random.choice((0, 0.2, 3, 35)))
    end = random.choice(("answer", "answer", "answer", "fail", "release", "vanish"))
    if end == "release":
        repeat(shell, "release", id, "--claim-token", token, "--json", id=id, token=token)
    elif end != "vanish":
        respond(shell, id, token, "failed" if end == "fail" else "completed")


def respond(shell: Shell, id: str, token: str | None, status: str = "completed") -> Op:
    """Answer with words of one's own; killed, with the same words again; and sometimes with others, in vain."""
    words = [
        "respond",
        id,
        "--json",
        "--status",
        status,
        "--body",
        f"{shell.client.name} {token} \r\n",
        "--reviewer",
        "r",
    ]
    if token:
        words += ["--claim-token", token]
    op = repeat(shell, *words, id=id, token=token)
    if op.code == 0 and shell.client.random.random() < 0.2:
        words[words.index("--body") + 1] = "another answer"
        repeat(shell, *words, id=id, token=token)
    return op


def waiter(shell: Shell, board: Board) -> None:
    """Waits for answers, or for work without taking it."""
    random = shell.client.random
    for _ in range(board.rounds):
        if board.acknowledged and random.random() < 0.7:
            id = random.choice(board.acknowledged)
            shell.run("wait", id, "--timeout", random.choice(("0", "5", "60")), *_maybe_json(shell), id=id)
        else:
            shell.run("wait", "--lane", random.choice(LANES), "--timeout", random.choice(("0", "5", "30")), "--json")
        shell.sleep(random.choice((0, 0.5)))


def renewer(shell: Shell, board: Board) -> None:
    """Keeps a claim alive beside the worker that has it, as a dispatcher does: often too late."""
    random = shell.client.random
    for _ in range(board.rounds * 4):
        if board.tokens:
            id, token = board.tokens[-1]
            shell.run("renew", id, "--claim-token", token, "--lease-seconds", random.choice(LEASES), id=id, token=token)
        shell.sleep(random.choice((0.1, 0.5, 1)))


def stale(shell: Shell, board: Board) -> None:
    """Comes back with a token from long ago."""
    random = shell.client.random
    for _ in range(board.rounds * 2):
        shell.sleep(random.choice((0.2, 2, 10)))
        if not board.tokens:
            continue
        id, token = random.choice(board.tokens)
        act = random.choice(("renew", "release", "respond", "claim"))
        if act == "respond":
            respond(shell, id, token)
        elif act == "claim":
            op = shell.run("claim", id, "--json", "--owner", shell.client.name, "--lease-seconds", "1", id=id)
            if op.code == 0:
                board.tokens.append((id, op.json["claim_token"]))
        else:
            lease = ("--lease-seconds", random.choice(LEASES)) if act == "renew" else ()
            shell.run(act, id, "--claim-token", token, "--json", *lease, id=id, token=token)


def local(shell: Shell, board: Board) -> None:
    """Answers without a claim, as a person would who does it by hand; leaves notes."""
    random = shell.client.random
    for _ in range(board.rounds):
        shell.sleep(random.choice((0, 1, 5)))
        if board.acknowledged:
            id = random.choice(board.acknowledged)
            shell.run("event", id, "--message", "still there?", id=id)
            respond(shell, id, None)


def looker(shell: Shell, board: Board) -> None:
    """Looks at one task, at all, at those that are not done."""
    random = shell.client.random
    for _ in range(board.rounds * 2):
        shell.sleep(random.choice((0, 0.2, 1)))
        what = random.choice(("one", "one", "show", "all", "active", "rack"))
        if what in ("one", "show") and board.acknowledged:
            id = random.choice(board.acknowledged)
            shell.run("status" if what == "one" else "show", id, "--json", id=id)
        elif what == "all":
            shell.run("list", "--json")
        elif what == "active":
            shell.run("list", "--active-only", "--json")
        else:
            shell.run("status", "--all", "--json", "--active-only")


def editor(shell: Shell, board: Board) -> None:
    """Edits requests that were handed over, and takes it back later."""
    random = shell.client.random
    for _ in range(board.rounds):
        shell.sleep(random.choice((0.1, 1)))
        if board.handed_over:
            name = random.choice(board.handed_over)
            board.edited.add(board.requests[name])
            Path(board.requests[name]).write_text("something else")
            shell.sleep(random.choice((0.05, 1, 5)))
            Path(board.requests[name]).write_text(f"request {name}")


def operator(shell: Shell, board: Board) -> None:
    """Replaces the folder of a task by a copy, as a restored backup would, under the lock that the contract names."""
    random, client = shell.client.random, shell.client
    for number in range(board.rounds * 3):
        shell.sleep(random.choice((0.05, 0.5, 2)))
        if not board.acknowledged:
            continue
        recent = [id for id, _ in board.tokens[-2:]] or board.acknowledged
        folder = f"{board.state}/tasks/{random.choice(random.choice((recent, board.acknowledged)))}"
        copy = f"{os.path.dirname(board.state)}/copies/{client.name}-{number}"
        with quietly(shell):
            os.makedirs(os.path.dirname(copy), exist_ok=True)
        locked = os.open(folder, os.O_RDONLY)
        import fcntl

        fcntl.flock(locked, fcntl.LOCK_EX)
        shell.sleep(random.choice((0, 0.05, 0.3)))
        shell.world.point(client, "copy", folder)
        with quietly(shell):
            shutil.copytree(folder, copy)
        shell.world.point(client, "exchange", folder)
        with quietly(shell):
            exchanged = LIBC.renameat2(AT_FDCWD, copy.encode(), AT_FDCWD, folder.encode(), RENAME_EXCHANGE)
            shell.world.counts["exchange"] += 1
            assert exchanged == 0, os.strerror(ctypes.get_errno())
        shell.sleep(random.choice((0, 0.05, 0.3)))  # who waits here waits for a folder that is no longer the task's
        os.close(locked)


def repairer(shell: Shell, board: Board) -> None:
    """Examines and repairs the store while everybody is at work."""
    random = shell.client.random
    for _ in range(board.rounds):
        shell.sleep(random.choice((0.2, 2)))
        shell.run("doctor", "--json", *random.choice(((), ("--repair",))))


class quietly:
    """Inside the block a script's own file operations are no steps."""

    def __init__(self, shell: Shell) -> None:
        self.world = shell.world

    def __enter__(self) -> None:
        self.world.quiet = True

    def __exit__(self, *_: object) -> None:
        self.world.quiet = False


def _maybe_json(shell: Shell) -> tuple[str, ...]:
    return ("--json",) if shell.client.random.random() < 0.5 else ()


KINDS: dict[str, Callable[[Shell, Board], None]] = {
    do.__name__: do for do in (submitter, worker, waiter, renewer, stale, local, looker, editor, operator, repairer)
}
