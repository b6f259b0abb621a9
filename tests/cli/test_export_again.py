"""A store that went through export and import exports the same again, also when the import was killed on its way."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess

import pytest

from cli.process import PROGRAM, REFUSED, Command, tree
from cli.test_interrupted_and_piped import needs_strace


@pytest.fixture
def stream(run: Command) -> bytes:
    """The export of a store with a task in each state, a request on stdin, events and a key."""
    keyed = run("submit", "--lane", "default", "request.md", "--idempotency-key", "k").line
    run("event", keyed, "--message", "two\nlines", "--data", "k=v")
    taken = run("submit", "--lane", "other", "-", stdin="Grüße\r\n\0".encode()).line
    run("claim", taken, "--owner", "me", "--request-id", "r")
    back = run("submit", "--lane", "default", "request.md").line
    token = run("claim", back, "--json").json["claim_token"]
    run("release", back, "--claim-token", token, "--reason", "tired")
    (run.folder / "gone.md").write_text("x")
    parked = run("submit", "--lane", "parked", "gone.md").line
    (run.folder / "gone.md").write_text("y")
    run("claim", parked, code=REFUSED)
    for status in ("completed", "failed"):
        done = run("submit", "--lane", "default", "--prompt", "x").line
        run("respond", done, "--status", status, "--body", "fine\r\n\t", "--metadata", "k=v")
    return run("export").out


def rest(stream: bytes) -> list[bytes]:
    """All but the first line, which says when it was exported."""
    return stream.splitlines(keepends=True)[1:]


def test_a_second_export_is_the_same_byte_for_byte(run: Command, stream: bytes) -> None:
    run("--store", "new", "import", "-", stdin=stream)
    assert rest(run("--store", "new", "export").out) == rest(stream)
    again = run("--store", "new", "submit", "--lane", "default", "request.md", "--idempotency-key", "k", "--json").json
    assert again["already_done"] is True
    assert len(rest(stream)) == 7


def test_another_stream_into_the_same_store_is_refused_and_changes_nothing(run: Command, stream: bytes) -> None:
    run("--store", "new", "import", "-", stdin=stream)
    before = tree(run.folder / "new")
    other = stream.replace(b"two\\nlines", b"two lines").replace(b'"tired"', b'"awake"')
    assert other != stream
    assert "not empty" in run("--store", "new", "import", "-", stdin=other, code=REFUSED).why
    assert tree(run.folder / "new") == before


@pytest.mark.parametrize("call", ["rename", "fsync", "mkdir"])
def test_killed_in_the_middle_the_same_import_goes_on_where_it_was(run: Command, stream: bytes, call: str) -> None:
    needs_strace()
    (run.folder / "backup").write_bytes(stream)
    killed = 0
    for number in (1, 3, 5, 17):
        shutil.rmtree(run.folder / "new", ignore_errors=True)
        hit = ["strace", "-f", "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={number}"]
        ended = subprocess.run(
            [*hit, PROGRAM, "--store", "new", "import", "backup"],
            cwd=run.folder,
            env=run.environment({"PYTHONDONTWRITEBYTECODE": "1"}),
            capture_output=True,
            timeout=120,
        )
        killed += ended.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        run("--store", "new", "import", "backup")
        new = run("--store", "new", "export").out
        assert rest(new) == rest(stream), number
        told = [json.loads(line) for line in rest(new)]
        assert told[-1] == {"end": True, "tasks": 6}
        found = [run("--store", "new", "claim", "--lane", "default", "--json").json["status"] for _ in range(3)]
        assert found == ["claimed", "claimed", "idle"], number
    assert killed >= 2
