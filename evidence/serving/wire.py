"""What is no request, or could be taken for two of them; and clients that take their time, or leave."""

from __future__ import annotations

import contextlib
import re
import resource
import select
import socket
import time

from holding.place import expect
from scene import PATIENCE_SECONDS

from serving.house import TOKEN, House

SMUGGLED = "smuggled"
BODY = b'{"lane": "framed", "prompt": "y"}'
HIDDEN_BODY = b'{"lane": "smuggled", "prompt": "y"}'
HEAD_SECONDS = 10  # as the server promises
ANNOUNCED = 64 << 20
POLLS = 200
MOST_CONNECTIONS, OTHER_FILES = 4096, 100


def head(*lines: str, method: str = "POST", path: str = "/tasks", end: str = "\r\n") -> bytes:
    """The head of a request that may do what it says."""
    always = ("Host: localhost", f"Authorization: Bearer {TOKEN}", "Content-Type: application/json")
    return end.join([f"{method} {path} HTTP/1.1", *always, *lines, "", ""]).encode("latin-1")


HIDDEN = head(f"Content-Length: {len(HIDDEN_BODY)}", "Connection: close") + HIDDEN_BODY
LENGTH = f"Content-Length: {len(BODY)}"
CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
TRICKS: dict[str, bytes] = {
    "no length": head() + HIDDEN,
    "two lengths": head("Content-Length: 5", f"Content-Length: {len(HIDDEN)}") + HIDDEN,
    "two lengths, the short one last": head(f"Content-Length: {len(HIDDEN)}", "Content-Length: 0") + HIDDEN,
    "two lengths in one line": head(f"Content-Length: 0, {len(HIDDEN)}") + HIDDEN,
    "two lengths that agree, and a third": head("Content-Length: 0, 0", f"Content-Length: {len(HIDDEN)}") + HIDDEN,
    "a negative length": head("Content-Length: -1") + HIDDEN,
    "a signed length": head("Content-Length: +0") + HIDDEN,
    "a length in hexadecimal": head("Content-Length: 0x0") + HIDDEN,
    "a length in other digits": head("Content-Length: \xb2") + HIDDEN,
    "a length of 5000 digits": head("Content-Length: " + "9" * 5000) + HIDDEN,
    "a length beyond the limit": head("Content-Length: 99999999999") + HIDDEN,
    "a length with a blank before the colon": head("Content-Length : 0") + HIDDEN,
    "a length that goes on in the next line": head("Content-Length:", f" {len(HIDDEN)}") + HIDDEN,
    "chunks": head("Transfer-Encoding: chunked") + CHUNK + HIDDEN,
    "chunks beside a length": head("Transfer-Encoding: chunked", f"Content-Length: {len(CHUNK) + len(HIDDEN)}")
    + CHUNK
    + HIDDEN,
    "a length beside chunks": head(LENGTH, "Transfer-Encoding: chunked") + CHUNK + HIDDEN,
    "an unknown encoding": head("Transfer-Encoding: xchunked", "Content-Length: 0") + HIDDEN,
    "an encoding twice": head("Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Content-Length: 0")
    + HIDDEN,
    "chunks of a negative size": head("Transfer-Encoding: chunked") + b"-1\r\n" + HIDDEN,
    "an encoding with a tab": head("Transfer-Encoding:\tchunked", "Content-Length: 0") + CHUNK + HIDDEN,
    "a body behind a GET": head(f"Content-Length: {len(HIDDEN)}", method="GET", path="/health") + HIDDEN,
    "a bare carriage return": head("X: a\rContent-Length: 0", "Content-Length: 5") + HIDDEN,
    "a NUL in a header": head("X: a\0b", f"Content-Length: {len(HIDDEN)}") + HIDDEN,
    "a header without a colon": head("Content-Length 0") + HIDDEN,
    "a header that begins with a blank": head(" Content-Length: 0") + HIDDEN,
    "another version": head(LENGTH).replace(b"HTTP/1.1", b"HTTP/9.9") + HIDDEN,
    "no version": b"POST /tasks\r\n" + HIDDEN,
    "an upgrade": head("Connection: upgrade", "Upgrade: h2c", f"Content-Length: {len(HIDDEN)}") + HIDDEN,
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + HIDDEN,
    "two hosts": head("Host: example.com", LENGTH) + BODY + HIDDEN,
    "a huge line": b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\n\r\n" + HIDDEN,
    "a huge header": head("X: " + "x" * 200_000, "Content-Length: 0") + HIDDEN,
    "10,000 headers": head(*("X: y" for _ in range(10_000)), "Content-Length: 0") + HIDDEN,
    "an endless head": head()[:-2] + b"X: y\r\n" * 50_000,
    "half a request": b"POST /ta",
    "less than announced": head("Content-Length: 500") + BODY,
    "nothing": b"",
}


def framing(house: House) -> str:
    """Refused, and what hides behind is never done."""
    for name, sent in TRICKS.items():
        answer = house.raw(sent)
        statuses = [int(status) for status in re.findall(rb"HTTP/1\.\d (\d+) ", answer)]
        house.asked.update(statuses)
        expect(all(400 <= one < 500 for one in statuses) or "GET" in name, f"{name}: answered {statuses}")
        found = house.get(f"/tasks?lane={SMUGGLED}")[1]["count"]
        expect(found == 0, f"{name}: what hid behind was done")
    return house.sound()


def bare_line_ends(house: House) -> str:
    """Taken as one request or refused; never as two."""
    for ends in ("\n", "\r"):
        answer = house.raw(head(LENGTH, "Connection: close", end=ends) + BODY + HIDDEN)
        expect(answer.count(b"HTTP/1.1 ") <= 1, f"lines that end with {ends!r}: {answer!r}")
        expect(
            house.get(f"/tasks?lane={SMUGGLED}")[1]["count"] == 0, f"lines that end with {ends!r}: what hid was done"
        )
    return house.sound()


def pieces(house: House) -> str:
    """A request that comes byte by byte is a request."""
    with house.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head(LENGTH, "Connection: close") + BODY:
            connection.sendall(bytes([byte]))
        answer = connection.recv(1 << 16)
    expect(answer.startswith(b"HTTP/1.1 201 "), f"byte by byte: {answer!r}")
    return house.sound()


def announced(house: House) -> str:
    """Room for four of the largest bodies at once; one more is told to come again, and can, once they have left."""
    with contextlib.ExitStack() as stack:
        five = [stack.enter_context(house.connect()) for _ in range(5)]
        for one in five:
            one.sendall(head(f"Content-Length: {ANNOUNCED}"))
        answered, _, _ = select.select(five, (), (), PATIENCE_SECONDS)
        answers = [one.recv(1 << 16) for one in answered]
        alone = len(answers) == 1 and answers[0].startswith(b"HTTP/1.1 429 ")
        expect(alone, f"five bodies of 64 MiB: {[answer[:200] for answer in answers]}")
        expect(house.get("/health")[0] == 200, "nobody else is served")
    house.until(lambda: house.post("/tasks", {"lane": "work", "prompt": "x"})[0] == 201, "there is room again")
    answer = house.raw(head(f"Content-Length: {ANNOUNCED + 1}"))
    expect(answer.startswith(b"HTTP/1.1 413 "), f"a body beyond the limit: {answer[:200]!r}")
    return house.sound()


def crowded(house: House) -> str:
    """As many as are promised are served at once; one more is told so, and can come once they have left."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MOST_CONNECTIONS + OTHER_FILES), hard))
    before = house.counts()
    with contextlib.ExitStack() as stack:
        for number in range(1, MOST_CONNECTIONS + 1):
            one = stack.enter_context(house.connect())
            one.sendall(head(method="GET", path="/health"))
            answer = one.recv(1 << 12)
            expect(answer.startswith(b"HTTP/1.1 200 "), f"client {number}: {answer[:200]!r}")
        with house.connect() as beyond:
            answer = beyond.recv(1 << 12)
        expect(answer.startswith(b"HTTP/1.1 429 "), f"client {MOST_CONNECTIONS + 1}: {answer[:200]!r}")
        held = house.memory()
    house.until(lambda: house.counts()[1] <= before[1] + 2, "their descriptors are free")
    return f"it held {held >> 10} MiB meanwhile; {house.sound()}"


def slow_heads(house: House) -> str:
    """Cut off after ten seconds, while everybody else is served."""
    before = house.counts()
    slow = [house.connect() for _ in range(POLLS)]
    begin = time.monotonic()
    left = set(slow)
    while left:
        for one in list(left):
            try:
                one.sendall(b"G" if time.monotonic() - begin < 1 else b"x")
            except OSError:
                left.discard(one)
        expect(house.get("/health")[0] == 200, "nobody else is served")
        expect(time.monotonic() - begin < 6 * HEAD_SECONDS, f"{len(left)} clients are waited for")
        time.sleep(0.5)
    seconds = time.monotonic() - begin
    for one in slow:
        one.close()
    house.until(lambda: house.counts()[1] <= before[1] + 2, "their descriptors are free")
    return f"{POLLS} clients were cut off within {seconds:.0f} s; {house.sound()}"


def slow_bodies(house: House) -> str:
    """408 after a minute, though a byte comes each second."""
    with house.connect() as connection:
        connection.sendall(head("Content-Length: 1000") + b"{")
        begin, answer = time.monotonic(), b""
        connection.settimeout(1)
        while not answer and time.monotonic() - begin < 100:
            connection.sendall(b" ")
            with contextlib.suppress(TimeoutError):
                answer = connection.recv(1 << 16)
        seconds = time.monotonic() - begin
    expect(answer.startswith(b"HTTP/1.1 408 "), f"a body that does not come: {answer[:200]!r}")
    return f"408 after {seconds:.0f} s; {house.sound()}"


def abandoned(house: House) -> str:
    """Each costs no thread, and is gone with its client."""
    threads, before = house.counts()
    paths = (f"/tasks/{house.task}/response?wait_seconds=300", "/tasks/next?lane=empty&wait_seconds=300", "/events")
    for path in paths:
        accept = "Accept: text/event-stream" if path == "/events" else "Accept: */*"
        there = [house.connect() for _ in range(POLLS)]
        for one in there:
            one.sendall(head(accept, method="GET", path=path))
        if path == "/events":
            for one in there:
                expect(one.recv(1 << 12).startswith(b"HTTP/1.1 200 "), "a stream begins")
        else:
            house.until(lambda: house.counts()[1] >= before + POLLS, "all wait")
        expect(house.get("/health")[0] == 200, f"nobody else is served beside {POLLS} of {path}")
        expect(house.counts()[0] <= max(threads, 20) + 2, f"{house.counts()[0]} threads for {POLLS} of {path}")
        for one in there:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # by a reset
            one.close()
        house.until(lambda: house.counts()[1] <= before + 5, f"{path}: their descriptors are free")
        house.until(lambda: not house.get("/listeners?lane=empty")[1]["listeners"], "nobody is said to listen")
    return f"{len(paths)} times {POLLS} came and went; {house.sound()}"


def stuck(house: House) -> str:
    """A client that takes nothing is cut off after a minute; it holds nobody up."""
    large = house.post("/tasks", {"lane": "work", "prompt": "x" * (4 << 20)})[1]["task_id"]
    with house.connect() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.sendall(head(method="GET", path=f"/tasks/{large}") * 20)
        begin = time.monotonic()
        house.until(lambda: house.waits_to_send() > 0, "it does not take what is sent")
        house.until(lambda: house.waits_to_send() == 0, "it is cut off")
        seconds = time.monotonic() - begin
    return f"cut off after {seconds:.0f} s; {house.sound()}"
