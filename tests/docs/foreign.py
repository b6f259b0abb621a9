"""Another program on the same store, written from CONTRACT.md, "State folder", alone: it imports nothing of ours.

foreign.py STORE submit LANE PROMPT     prints the id
foreign.py STORE claim LANE OWNER       prints id and token, or nothing
foreign.py STORE respond ID TOKEN BODY  exit code 4 if the token does not hold the task
foreign.py STORE drain LANE OWNER       claims and answers until the lane is empty
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator

LEASE_SECONDS = float(os.environ.get("FOREIGN_LEASE_SECONDS", "600"))
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
Record = dict[str, object]


class Refused(Exception):
    """The state does not allow it."""


def boot_id() -> str:
    """The id of this boot."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def boottime_us() -> int:
    """CLOCK_BOOTTIME."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def iso(seconds: float) -> str:
    """A time."""
    whole, micro = divmod(round(seconds * 1_000_000), 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{micro:06d}Z"


def text(record: Record) -> bytes:
    """JSON as the store has it."""
    return (json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def escaped(name: str) -> str:
    """A name as a file name."""
    plain = PLAIN - {"."} if name[:1] == "." else PLAIN
    return "".join(char if char in plain else "".join(f"%{byte:02X}" for byte in char.encode()) for char in name)


def raw(path: str) -> bytes | None:
    """The bytes of a file; None if it is not there."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def locked(path: str, how: int, flags: int = os.O_RDONLY) -> Iterator[int]:
    """A flock on the file or folder that has this name."""
    while True:
        descriptor = os.open(path, flags)
        fcntl.flock(descriptor, how)
        if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
            break
        os.close(descriptor)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Store:
    """One state folder, which agent-lanes has made."""

    def __init__(self, root: str) -> None:
        self.root = root

    @contextlib.contextmanager
    def gate(self) -> Iterator[None]:
        """The gate, shared; the store must be of this boot."""
        with locked(f"{self.root}/gate", fcntl.LOCK_SH) as descriptor:
            assert os.pread(descriptor, 200, 0) == f"2 {boot_id()}\n".encode()
            yield

    def stage(self, data: bytes) -> str:
        """A file in tmp/, fsynced."""
        path = f"{self.root}/tmp/{secrets.token_hex(8)}"
        self.write(path, data)
        return path

    def write(self, path: str, data: bytes) -> None:
        """A new file, fsynced."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync(self, folder: str) -> None:
        """The names in a folder, durable."""
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    def mark(self, path: str) -> None:
        """A marker, or an empty counter."""
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))

    def unmark(self, path: str) -> None:
        """No marker."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    def signal(self, lane: str) -> None:
        """Wake who waits."""
        descriptor = os.open(f"{self.root}/signals/{escaped(lane)}", os.O_WRONLY | os.O_CREAT, 0o600)
        os.pwrite(descriptor, b"\n", 0)
        os.close(descriptor)

    def ready(self, task: Record) -> str:
        """Where a task is listed while it may be claimed."""
        metadata, sequence = task["metadata"], task["sequence"]
        assert isinstance(metadata, dict) and isinstance(sequence, int)
        route = str(metadata.get("required_vendor", "any"))
        bucket = f"5{sequence // 512:010x}"
        return (
            f"{self.root}/ready/{escaped(str(task['lane']))}/{escaped(route)}/{bucket}/5-{sequence:012d}-{task['id']}"
        )

    def timer(self, task: Record, at: int) -> str:
        """Where a claimed task is listed."""
        return f"{self.root}/timers/{escaped(str(task['lane']))}/{at >> 26:012x}/{at:018d}-{task['id']}"

    def event(self, folder: str, kind: str, message: str, data: Record, epoch: int) -> None:
        """A line of history; the caller holds the task's lock."""
        with open(f"{folder}/events.jsonl", "ab+") as file:
            file.seek(0)
            number = file.read().count(b"\n") + 1
            lines = [{"type": kind, "message": message, "created_at": iso(time.time()), "data": data, "epoch": epoch}]
            if number == 1:
                with open(f"{folder}/task.json") as record:
                    task = json.load(record)
                first = {"type": "created", "message": "task queued", "data": {"lane": task["lane"]}, "epoch": 0}
                lines.insert(0, {**first, "created_at": task["created_at"]})
            for at, line in enumerate(lines, start=number):
                file.write(json.dumps({**line, "number": at}, sort_keys=True).encode() + b"\n")

    def submit(self, lane: str, prompt: str) -> str:
        """A task with nothing but a prompt."""
        with self.gate():
            task = self.new_task(lane, prompt)
            born, id = f"{self.root}/tmp/{secrets.token_hex(8)}", str(task["id"])
            os.mkdir(born, 0o700)
            self.write(f"{born}/task.json", text(task))
            self.sync(born)
            self.mark(self.ready(task))
            os.rename(born, f"{self.root}/tasks/{id}")
            self.sync(f"{self.root}/tasks")
            self.signal(lane)
            return id

    def new_task(self, lane: str, prompt: str) -> Record:
        """A task.json to be."""
        now = time.time()
        compact = "".join(char for char in iso(now) if char not in "-:.")
        names = ("request_path", "request_sha256", "response_path", "worktree_path", "expected_branch")
        return dict.fromkeys(names, None) | {
            "format": 2,
            "id": f"{compact}-foreign-{secrets.token_hex(6)}",
            "workspace_id": "foreign",
            "workspace_root": "/",
            "correlation_id": "foreign",
            "source_agent": "foreign",
            "lane": lane,
            "created_at": iso(now),
            "sequence": self.next_sequence(lane),
            "prompt": prompt,
            "request_stored": False,
            "supporting_paths": [],
            "metadata": {},
        }

    def next_sequence(self, lane: str) -> int:
        """The lane's counter."""
        path = f"{self.root}/ready/{escaped(lane)}/.sequence"
        self.mark(path)
        with locked(path, fcntl.LOCK_EX, os.O_RDWR) as descriptor:
            number = int(os.pread(descriptor, 32, 0) or b"0") + 1
            os.pwrite(descriptor, b"%012d\n" % number, 0)
        return number

    def candidates(self, lane: str) -> list[str]:
        """Ids of the route `any`, in order of bucket and name."""
        route, found = f"{self.root}/ready/{escaped(lane)}/any", []
        for bucket in sorted(os.listdir(route)) if os.path.isdir(route) else []:
            with contextlib.suppress(FileNotFoundError):
                found += [name[15:] for name in sorted(os.listdir(f"{route}/{bucket}"))]
        return found

    def claim(self, lane: str, owner: str) -> tuple[str, str] | None:
        """The next task of a lane that nobody holds."""
        with self.gate():
            for id in self.candidates(lane):
                token = self.take(id, owner)
                if token:
                    return id, token
        return None

    def take(self, id: str, owner: str) -> str | None:
        """One task; None if it may not be claimed."""
        folder = f"{self.root}/tasks/{id}"
        if os.path.exists(f"{folder}/response.json"):
            return None
        asked, before = raw(f"{folder}/task.json"), raw(f"{folder}/claim.json")
        task, held = json.loads(asked or b"{}"), json.loads(before or b"null")
        if not task or (held and held["released_at"] is None) or task["request_sha256"]:
            return None  # this small program leaves expired leases and requests with a file to others
        now, ends, token = time.time(), boottime_us() + round(LEASE_SECONDS * 1_000_000), secrets.token_hex(16)
        claim = {"format": 2, "epoch": (held["epoch"] if held else 0) + 1, "owner": owner, "token": token}
        claim |= {"claimed_at": iso(now), "updated_at": iso(now), "released_at": None, "reason": "", "parked": False}
        claim |= {"lease_seconds": LEASE_SECONDS, "lease_expires_at": iso(now + LEASE_SECONDS)}
        claim |= {"lease_boot_id": boot_id(), "lease_ends_boottime_us": ends}
        staged = self.stage(text(claim))
        with locked(folder, fcntl.LOCK_EX):
            if raw(f"{folder}/claim.json") != before or os.path.exists(f"{folder}/response.json"):
                os.unlink(staged)
                return None
            self.mark(self.timer(task, ends))
            os.rename(staged, f"{folder}/claim.json")
            self.event(folder, "claimed", "task claimed", {"owner": owner}, int(claim["epoch"]))
            self.unmark(self.ready(task))
        self.signal(str(task["lane"]))
        return token

    def respond(self, id: str, token: str, body: str) -> None:
        """The answer of the holder."""
        folder = f"{self.root}/tasks/{id}"
        with self.gate():
            asked, before = raw(f"{folder}/task.json"), raw(f"{folder}/claim.json")
            task, claim = json.loads(asked or b"{}"), json.loads(before or b"{}")
            if claim.get("token") != token or claim["released_at"] is not None:
                raise Refused(f"this token does not hold {id}")
            staged = self.stage(text(answer(id, str(claim["owner"]), body, int(claim["epoch"]), token)))
            try:
                with locked(folder, fcntl.LOCK_EX):
                    if raw(f"{folder}/claim.json") != before:
                        raise Refused(f"somebody else has {id}")
                    try:
                        os.link(staged, f"{folder}/response.json")
                    except FileExistsError:
                        raise Refused(f"{id} has its answer") from None
                    self.event(folder, "response", "response submitted", {}, int(claim["epoch"]))
                    self.unmark(self.timer(task, int(claim["lease_ends_boottime_us"])))
            finally:
                os.unlink(staged)
            self.sync(folder)


def answer(id: str, reviewer: str, body: str, epoch: int, token: str) -> Record:
    """A response.json to be."""
    none = dict.fromkeys(("reviewed_request_sha256", "verdict", "blocking_count", "nonblocking_count"), None)
    return none | {
        "format": 2,
        "task_id": id,
        "reviewer": reviewer,
        "status": "completed",
        "body": body,
        "created_at": iso(time.time()),
        "epoch": epoch,
        "token_sha256": hashlib.sha256(token.encode()).hexdigest(),
        "request_changed_before_response": False,
        "follow_up_required": False,
        "metadata": {},
    }


def main(root: str, verb: str, *words: str) -> int:
    """One command."""
    store = Store(root)
    try:
        if verb == "submit":
            sys.stdout.write(store.submit(*words))
        elif verb == "claim":
            sys.stdout.write(" ".join(store.claim(*words) or ()))
        elif verb == "respond":
            store.respond(*words)
        elif verb == "drain":
            while taken := store.claim(*words):
                store.respond(*taken, words[1])
    except Refused as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 4
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
