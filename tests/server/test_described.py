"""The description that the server gives of itself, held to what it does: schemathesis derives requests from it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.process import Command

from agent_lanes.server.routes import TABLE
from server.client import LONGEST_SECONDS, Client
from server.test_routes import submit

PROGRAM = os.path.join(os.path.dirname(sys.executable), "schemathesis")
EXAMPLES, SEED = 10, 1
# A body that has the right shape may name a path that leaves the workspace, or a task in a state that forbids it.
NOT_ASKED = "positive_data_acceptance"
SETTINGS = """
[parameters]
"path.id" = "{id}"
"query.wait_seconds" = 0
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_every_route_keeps_to_its_description(run: Command, http: Client, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(SETTINGS.format(id=submit(http)["id"]))
    words = [PROGRAM, "--config-file", "settings.toml", "run", f"http://127.0.0.1:{http.port}/openapi.json"]
    words += ["-H", f"Authorization: Bearer {http.token}", "--phases", "coverage,fuzzing", "--continue-on-failure"]
    words += ["--exclude-checks", NOT_ASKED, "--max-examples", str(EXAMPLES), "--seed", str(SEED), "--no-color"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=LONGEST_SECONDS)
    assert done.returncode == 0, done.stdout
    assert f"Tested: {len(TABLE) - 1}" in done.stdout  # all but the description itself
