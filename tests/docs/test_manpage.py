"""The man page: formatters take it without a complaint, and it has every command and every flag."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent_lanes import guide
from agent_lanes.cli.options import GLOBAL
from agent_lanes.cli.table import COMMANDS, module_name

MAN = Path(__file__).resolve().parents[2] / "docs" / "man"
PAGE = MAN / "agent-lanes.1"
IN_CI = os.environ.get("CI") == "true"


def needs(program: str) -> None:
    if shutil.which(program) is None:
        assert not IN_CI, f"{program} is not installed"
        pytest.skip(f"{program} is not installed")


def shown(page: Path = PAGE) -> str:
    """What a reader sees in a terminal of 80 columns."""
    needs("man")
    environment = {**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""}
    done = subprocess.run(
        ["man", "--warnings=w", "-l", str(page)], cwd=MAN, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


def test_groff_has_no_complaint() -> None:
    needs("groff")
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", str(PAGE)], capture_output=True, text=True, check=True)
    assert done.stderr == "" and PAGE.read_text().isascii()


def test_man_shows_every_command_flag_and_exit_code() -> None:
    text = shown()
    for entry in COMMANDS:
        section = re.search(
            rf"^   agent-lanes {re.escape(entry.name)}( [^\n]*)?$(.*?)(?=^ {{0,3}}\S)", text, re.M | re.S
        )
        assert section, entry.name
        for option in importlib.import_module(module_name(entry)).OPTIONS:
            if not option.positional and not option.hidden:
                assert option.flag in section[2], f"{entry.name} {option.flag}"
    for option in GLOBAL:
        assert option.flag in text
    status = text.partition("\nEXIT STATUS\n")[2].partition("\nENVIRONMENT\n")[0]
    assert [int(code) for code in re.findall(r"^       (\d+)\b", status, re.M)] == list(guide.EXIT_CODES)


def test_handoff_is_the_same_page() -> None:
    assert (MAN / "handoff.1").read_text() == ".so man1/agent-lanes.1\n"
