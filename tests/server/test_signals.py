"""What ends a server: the same, whatever carries the requests."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli.process import PROGRAM, Command, Running

TOKEN = "a-token-for-these-tests"


@pytest.fixture(params=["uvicorn", "a bare install"])
def carried(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment for either transport."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    if request.param != "uvicorn":
        (hidden / "uvicorn.py").write_text("raise ImportError('hidden')\n")
    return {"PYTHONPATH": str(hidden), "AGENT_LANES_TOKEN": TOKEN}


@contextmanager
def in_the_background(run: Command, carried: dict[str, str]) -> Iterator[Running]:
    """A server that a shell without job control has put into the background."""
    words = ("sh", "-c", '"$0" serve --port 0 & echo $!; wait $!', PROGRAM)
    pipe = subprocess.PIPE
    shell = subprocess.Popen(words, stdout=pipe, stderr=pipe, cwd=run.folder, env=run.environment(carried))
    with Running(words, shell) as running:
        yield running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_ends_a_server_well(run: Command, carried: dict[str, str], number: int) -> None:
    with run.start("serve", "--port", "0", env=carried) as server:
        assert server.line("agent-lanes serve: http").endswith("; Ctrl-C ends it")
        server.process.send_signal(number)
        assert server.end(0).said[-1] == "agent-lanes serve: ended"


def test_a_server_in_a_scripts_background_leaves_an_interrupt_to_the_script_and_ends_on_sigterm(
    run: Command, carried: dict[str, str]
) -> None:
    with in_the_background(run, carried) as shell:
        assert shell.line("agent-lanes serve: http").endswith("; SIGTERM ends it")
        assert shell.process.stdout is not None
        server = int(shell.process.stdout.readline())
        ignored = next(line for line in Path(f"/proc/{server}/status").read_text().splitlines() if "SigIgn" in line)
        assert int(ignored.split()[1], 16) >> signal.SIGINT - 1 & 1
        os.kill(server, signal.SIGINT)
        os.kill(server, signal.SIGTERM)
        assert shell.end(0).said[-1] == "agent-lanes serve: ended"
