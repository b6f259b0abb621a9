"""`vendors`: which agents are installed, and whether the table was tried with them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from conftest import Run

from agent_lanes.core.jsontext import loads_object
from agent_lanes.dispatch.vendors import load


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def found(agent_lanes: Run, tmp_path: Path) -> dict[str, dict[str, object]]:
    done = agent_lanes("vendors", "--json", env={"PATH": f"{tmp_path}/bin"})
    assert done.returncode == 0, done.stderr
    listed = loads_object(done.stdout)["vendors"]
    assert isinstance(listed, list)
    return {row["name"]: row for row in listed}


def test_it_tells_what_is_installed_and_whether_the_table_was_tried_with_it(agent_lanes: Run, tmp_path: Path) -> None:
    tried = load(None)["claude"].verified.version
    program(tmp_path / "bin", "claude", f"echo '{tried} (Claude Code)'")
    program(tmp_path / "bin", "codex", "echo codex-cli 0.1.2")
    program(tmp_path / "bin", "gemini", "exit 1")
    rows = found(agent_lanes, tmp_path)
    assert [rows[name]["verified"] for name in ("claude", "codex", "gemini")] == ["yes", "other_version", "unknown"]
    assert (rows["claude"]["version"], rows["claude"]["path"]) == (tried, f"{tmp_path}/bin/claude")
    assert (rows["codex"]["version"], rows["codex"]["verified_version"]) == (
        "0.1.2",
        load(None)["codex"].verified.version,
    )
    assert rows["gemini"]["version"] is None
    assert rows["qwen"]["path"] is None and "npm install" in str(rows["qwen"]["install"])


def test_people_read_a_line_for_each(agent_lanes: Run, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    lines = agent_lanes("vendors", env={"PATH": f"{tmp_path}/bin"}).stdout.splitlines()
    assert [line.split()[0] for line in lines] == [row.name for row in load(None).values() if row.program]
    assert all("not installed (" in line for line in lines)


def test_a_permission_that_is_not_safe_is_shown(agent_lanes: Run, tmp_path: Path) -> None:
    assert agent_lanes("init").returncode == 0
    config = tmp_path / "handoff/handoff.yaml"
    config.write_text(config.read_text() + "vendors: {claude: {permission: full}}\n")
    program(tmp_path / "bin", "claude", "echo 1.0.0")
    assert "permission: full" in agent_lanes("vendors", env={"PATH": f"{tmp_path}/bin"}).stdout


def test_a_program_that_does_not_end_is_stopped_with_all_that_it_started(agent_lanes: Run, tmp_path: Path) -> None:
    program(tmp_path / "bin", "amp", f"/bin/sleep 1000 & echo $! > {tmp_path}/child; echo 3.4.5; exit 0")
    assert found(agent_lanes, tmp_path)["amp"]["version"] == "3.4.5"
    child = (tmp_path / "child").read_text().strip()
    deadline = time.monotonic() + 60  # it is told to end, and may do so a moment later
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(child)


def test_a_table_that_is_wrong_is_named(agent_lanes: Run, tmp_path: Path) -> None:
    (tmp_path / "agent-lanes").mkdir()
    (tmp_path / "agent-lanes/vendors.yaml").write_text("claude: {programme: x}\n")
    done = agent_lanes("vendors", env={"XDG_CONFIG_HOME": str(tmp_path), "PATH": os.devnull})
    assert done.returncode == 65 and done.stdout == ""
    assert f"{tmp_path}/agent-lanes/vendors.yaml.claude: 'programme' is no key" in done.stderr
