"""`top` where there is nothing to show it on, or nothing to show it with."""

from __future__ import annotations

from pathlib import Path

from cli.process import FAILED, USAGE, Command
from cli.terminal import Terminal


def test_without_a_terminal_it_is_refused(run: Command) -> None:
    refused = run("top", code=USAGE)
    assert b"is no terminal" in refused.err and b"status --all" in refused.err


def test_it_has_no_json(run: Command) -> None:
    run("top", "--json", code=USAGE)


def test_without_textual_it_says_what_to_install(run: Command, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    missing.mkdir()
    for name in ("textual", "rich"):
        (missing / f"{name}.py").write_text(f"raise ModuleNotFoundError('No module named {name}', name={name!r})\n")
    with Terminal(run, "top", env={"PYTHONPATH": str(missing)}) as terminal:
        assert b"top: textual is not installed (pip install 'agent-lanes[tui]')" in terminal.end(FAILED)
