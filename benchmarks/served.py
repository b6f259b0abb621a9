"""A crowd on one server: long polls for an answer, and event streams. Its memory, threads, and CPU; one wake-up of all.

python benchmarks/served.py [NUMBER]      of each; 1000 by default; prints a line of JSON
"""

from __future__ import annotations

import json
import os
import re
import resource
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from measure import cpu_of

IDLE_SECONDS = 60
QUIET_SECONDS = 2.0
LONGEST_SECONDS = 300
COMMAND = os.path.join(os.path.dirname(sys.executable), "agent-lanes")


def main(number: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * number + 200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    folder = tempfile.mkdtemp(prefix="agent-lanes-served-")
    store = f"{folder}/state"
    id = call(store, "submit", "--lane", "crowd", "--prompt", "p").strip()
    words = [COMMAND, "--store", store, "serve", "--port", "0", "--no-auth"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=folder) as server:
        try:
            port = port_of(server)
            bare = memory(server.pid)
            polls = [asks(port, f"/tasks/{id}/response?wait_seconds=300") for _ in range(number)]
            streams = [asks(port, "/events", "Accept: text/event-stream") for _ in range(number)]
            until_read(streams, b"retry:")
            settle(server.pid)
            crowded, before = memory(server.pid), cpu_of(server.pid)
            time.sleep(IDLE_SECONDS)
            idle = cpu_of(server.pid) - before
            before, begun = cpu_of(server.pid), time.perf_counter()
            call(store, "respond", id, "--body", "ok")
            until_read([*polls, *streams], b'"response"')
            told = {
                "polls": number,
                "streams": number,
                "threads": len(os.listdir(f"/proc/{server.pid}/task")),
                "memory_mib_alone": round(bare / 1024, 1),
                "memory_mib": round(crowded / 1024, 1),
                "memory_kib_of_each": round((crowded - bare) / (2 * number), 1),
                "idle_cpu_seconds_a_minute": round(idle * 60 / IDLE_SECONDS, 2),
                "all_told_after_seconds": round(time.perf_counter() - begun, 2),
                "cpu_seconds_to_tell_all": round(cpu_of(server.pid) - before, 2),
            }
            print(json.dumps(told), flush=True)
        finally:
            server.terminate()
    shutil.rmtree(folder)


def port_of(server: subprocess.Popen[str]) -> int:
    """Where it listens, once it does."""
    assert server.stderr is not None
    while not (found := re.search(r"serve: http://127.0.0.1:(\d+)/", server.stderr.readline())):
        pass
    return int(found[1])


def asks(port: int, path: str, *more: str) -> socket.socket:
    """A client that has sent its request."""
    client = socket.create_connection(("127.0.0.1", port), timeout=LONGEST_SECONDS)
    client.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *more, "", ""]).encode())
    return client


def until_read(clients: list[socket.socket], part: bytes) -> None:
    """Until each has been sent this."""
    seen = dict.fromkeys(clients, b"")
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(LONGEST_SECONDS) or stuck():
                client = key.fileobj
                assert isinstance(client, socket.socket)
                seen[client] += client.recv(1 << 16)
                if part in seen[client]:
                    selector.unregister(client)


def stuck() -> list[tuple[selectors.SelectorKey, int]]:
    raise TimeoutError("somebody is never told")


def settle(pid: int) -> None:
    """Until it uses next to no CPU."""
    before = -1.0
    while (now := cpu_of(pid)) - before > 0.05:
        before = now
        time.sleep(QUIET_SECONDS)


def memory(pid: int) -> int:
    """KiB that belong to this process alone."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))


def call(store: str, *words: str) -> str:
    """One command; what it prints."""
    return subprocess.run([COMMAND, "--store", store, *words], check=True, capture_output=True, text=True).stdout


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
