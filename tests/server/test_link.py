"""A person who starts the server is given a link; a program is not."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess

from cli.process import PATIENCE_SECONDS, PROGRAM, Command


def test_on_a_terminal_serve_says_a_link_with_the_token(run: Command) -> None:
    ours, theirs = pty.openpty()
    token = "a-token+with/signs%of"
    with subprocess.Popen(
        [PROGRAM, "serve", "--port", "0"],
        cwd=run.folder,
        env={**os.environ, "HOME": str(run.home), "AGENT_LANES_TOKEN": token},
        stderr=theirs,
    ) as server:
        os.close(theirs)
        said = b""
        while b"#token=" not in said or not said.endswith(b"\n"):
            said += os.read(ours, 4096)
        server.send_signal(signal.SIGINT)
        assert server.wait(PATIENCE_SECONDS) == 0
    os.close(ours)
    assert re.search(rb"open http://127\.0\.0\.1:\d+/#token=a-token%2Bwith%2Fsigns%25of\r\n", said), said
