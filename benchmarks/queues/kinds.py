"""The queues that are compared, each with two operations: `put` a body; `take` one and acknowledge it (None: empty).

Third-party packages are imported by the kind that needs them. Each kind is as durable as it can be set to; what that
is stands in stage.py, and P1 counts the fsyncs.
"""

from __future__ import annotations

import http.client
import json
import os
import sqlite3
from typing import Any

LANE = "bench"


class This:
    """This build, by its Python API: submit; claim and respond."""

    def __init__(self, address: str) -> None:
        from agent_lanes import Queue

        self.queue = Queue.open(store=address)

    def put(self, body: str) -> None:
        self.queue.submit(LANE, prompt=body)

    def take(self) -> str | None:
        task = self.queue.claim(LANE)
        if task is None:
            return None
        task.respond("ok")
        return str(task.task.prompt)


class Http:
    """Either build over the HTTP of v0.1: POST /tasks; GET /tasks/next, POST claim, POST response.

    0.1.1 documents no Python API; its commands take 130 ms of CPU to start. A new connection for each request, as
    0.1.1's server closes it.
    """

    def __init__(self, address: str) -> None:
        self.port, self.root = address.split(":", 1)

    def put(self, body: str) -> None:
        fields = {"lane": LANE, "correlation_id": "c", "workspace_id": "bench", "workspace_root": self.root}
        files = {"request_path": "request.md", "response_path": "answer.md"}
        self._call("POST", "/tasks", {**fields, **files, "prompt": body})

    def take(self) -> str | None:
        while (task := self._call("GET", f"/tasks/next?lane={LANE}&wait_seconds=0")["task"]) is not None:
            claim = self._call("POST", f"/tasks/{task['id']}/claim", {"owner": "w"}, refused=True)
            if "task" in claim:
                answer = {"body": "ok", "claim_token": claim["task"]["claim_token"]}
                self._call("POST", f"/tasks/{task['id']}/response", answer)
                return str(task["prompt"])
        return None

    def _call(self, method: str, path: str, body: Any = None, refused: bool = False) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", int(self.port), timeout=60)
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found = json.loads(answer.read())
        connection.close()
        if answer.status >= 400 and not refused:
            raise RuntimeError(f"{method} {path}: {answer.status} {found}")
        return found


class Wal:
    """A table in SQLite, WAL, synchronous=FULL: one transaction to put, one to claim, one to answer."""

    def __init__(self, address: str) -> None:
        self.base = sqlite3.connect(f"{address}/queue.db", timeout=60, isolation_level=None)
        self.base.execute("pragma journal_mode=wal")
        self.base.execute("pragma synchronous=full")
        columns = "id integer primary key, body text, owner text, answer text"
        self.base.execute(f"create table if not exists tasks ({columns})")
        self.base.execute("create index if not exists waiting on tasks (id) where owner is null")

    def put(self, body: str) -> None:
        self.base.execute("insert into tasks (body) values (?)", (body,))

    def take(self) -> str | None:
        first = "select id from tasks where owner is null order by id limit 1"
        self.base.execute("begin immediate")
        found = self.base.execute(f"update tasks set owner = 'w' where id = ({first}) returning id, body").fetchone()
        self.base.execute("commit")
        if found is None:
            return None
        self.base.execute("update tasks set answer = 'ok' where id = ?", (found[0],))
        return str(found[1])


class Huey:
    """huey's SqliteHuey with fsync=True. Taking deletes: there is nothing to acknowledge, and a crash loses it."""

    def __init__(self, address: str) -> None:
        from huey import SqliteHuey

        self.storage = SqliteHuey(filename=f"{address}/huey.db", fsync=True, timeout=60).storage

    def put(self, body: str) -> None:
        self.storage.enqueue(body.encode())

    def take(self) -> str | None:
        body = self.storage.dequeue()
        return None if body is None else bytes(body).decode()


class PersistFile:
    """persist-queue's file queue, saved at every put and at every task_done. It knows no fsync."""

    def __init__(self, address: str) -> None:
        import persistqueue

        os.makedirs(f"{address}/tmp", exist_ok=True)
        self.queue = persistqueue.Queue(f"{address}/file", autosave=True, tempdir=f"{address}/tmp")

    def put(self, body: str) -> None:
        self.queue.put(body)

    def take(self) -> str | None:
        if not self.queue.qsize():
            return None
        body = self.queue.get()
        self.queue.task_done()
        return str(body)


class PersistAck:
    """persist-queue's SQLiteAckQueue, committing at once."""

    def __init__(self, address: str) -> None:
        import persistqueue

        self.empty = persistqueue.Empty
        self.queue = persistqueue.SQLiteAckQueue(f"{address}/ack", auto_commit=True)

    def put(self, body: str) -> None:
        self.queue.put(body)

    def take(self) -> str | None:
        try:
            body = self.queue.get(block=False)
        except self.empty:
            return None
        self.queue.ack(body)
        return str(body)


class Lite:
    """litequeue with synchronous=FULL (its own default is off)."""

    def __init__(self, address: str) -> None:
        from litequeue import LiteQueue

        self.queue = LiteQueue(f"{address}/lite.db", timeout=60)
        self.queue.conn.execute("pragma synchronous=full")

    def put(self, body: str) -> None:
        self.queue.put(body)

    def take(self) -> str | None:
        message = self.queue.pop()
        if message is None:
            return None
        self.queue.done(message.message_id)
        return str(message.data)


class Redis:
    """Redis with appendfsync always: LPUSH; LMOVE to a list of work in hand, LREM from it."""

    def __init__(self, address: str) -> None:
        import redis

        self.redis = redis.Redis(unix_socket_path=f"{address}/redis.sock")

    def put(self, body: str) -> None:
        self.redis.lpush("waiting", body)

    def take(self) -> str | None:
        body = self.redis.lmove("waiting", "in hand", "RIGHT", "LEFT")
        if body is None:
            return None
        self.redis.lrem("in hand", 1, body)
        return str(body.decode())


class Beanstalk:
    """beanstalkd with -f0: put; reserve, delete."""

    def __init__(self, address: str) -> None:
        import greenstalk

        self.timed_out = greenstalk.TimedOutError
        self.client = greenstalk.Client(f"{address}/beanstalk.sock")

    def put(self, body: str) -> None:
        self.client.put(body)

    def take(self) -> str | None:
        try:
            job = self.client.reserve(timeout=0)
        except self.timed_out:
            return None
        self.client.delete(job)
        return str(job.body)


KINDS = {
    "this": This,
    "this-http": Http,
    "earlier-http": Http,
    "wal": Wal,
    "huey": Huey,
    "persist-file": PersistFile,
    "persist-ack": PersistAck,
    "litequeue": Lite,
    "redis": Redis,
    "beanstalkd": Beanstalk,
}
