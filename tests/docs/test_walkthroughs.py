"""The tutorial, the how-to pages and the tour of the README do what they say: every command is run."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docs.terminals import blocks, walk

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    "docs/tutorial.md",
    *sorted(f"docs/how-to/{path.name}" for path in (ROOT / "docs/how-to").glob("*.md")),
    "README.md",
]
CLAUDE_SAYS = {
    "type": "result", "subtype": "success", "is_error": False, "num_turns": 1,
    "result": "a headless claude would answer here\nVERDICT: accept",
}  # fmt: skip
CODEX_SAYS = {
    "type": "item.completed", "item": {"type": "agent_message", "text": "a headless codex would answer here"}
}  # fmt: skip
PROGRAMS = {
    "agent-lanes": f'exec "{sys.executable}" -P -m agent_lanes "$@"',
    "python3": f'exec "{sys.executable}" "$@"',
    "claude": f"cat >/dev/null; cat <<'END'\n{json.dumps(CLAUDE_SAYS)}\nEND",
    "codex": f"""cat >/dev/null; cat <<'END'\n{json.dumps(CODEX_SAYS)}\n{{"type": "turn.completed"}}\nEND""",
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home, and on PATH this very agent-lanes, and stand-ins for the vendors' programs."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, line in PROGRAMS.items():
        program = programs / name
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": f"{programs}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "HOME": str(home),
        "PYTHON": sys.executable,
        "LANG": "C.UTF-8",
        "TMPDIR": str(tmp_path),
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_runs_and_shows_what_the_page_says(
    page: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = Path(environment["HOME"])
    PREPARE.get(page, lambda folder: None)(folder)
    assert walk((ROOT / page).read_text(), folder, environment) > 0


@pytest.mark.parametrize("page", PAGES)
def test_no_block_of_commands_is_left_out_of_the_run(page: str) -> None:
    """A block with bash in it either names its terminal, or is one of the README's two commands for a fresh clone."""
    text = (ROOT / page).read_text()
    named = sum(block.kind in ("bash", "sh", "console") for block in blocks(text))
    unnamed = text.count("```bash\n") + text.count("```sh\n") + text.count("```console\n")
    assert unnamed == (2 if page == "README.md" else 0)
    assert named > 0


def _store_of_0_1(folder: Path) -> None:
    """A project whose queue holds one queued task, as 0.1 wrote it."""
    state, id = folder / "handoff/state", "20250101T000000000000Z-default-0123456789ab"
    record = {
        "id": id,
        "workspace_id": "old",
        "workspace_root": str(folder),
        "correlation_id": "default",
        "lane": "default",
        "prompt": "an old task",
        "state": "queued",
        "created_at": "2025-01-01T00:00:00.000000Z",
        "updated_at": "2025-01-01T00:00:00.000000Z",
    }
    (state / "tasks" / id).mkdir(parents=True)
    (state / "lock").touch()
    (state / "tasks" / id / "task.json").write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")
    (folder / "handoff/handoff.yaml").write_text("workspace_id: old\n")


PREPARE: dict[str, Callable[[Path], None]] = {"docs/how-to/upgrade.md": _store_of_0_1}
