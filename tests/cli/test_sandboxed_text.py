"""What a task holds never steers the terminal of who looks at it: every looking command, in a real one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.process import Command
from cli.terminal import Terminal

EVIL = "\x1b]0;pwned\x07\x1b[2J\x9b31m\x1bc \u202etxt.exe\u2066 pass\u200bword\rover"
OURS = re.compile(rb"\x1b\[[0-9;]*m|\x1b\[\?(1049|25)[hl]|\x1b\[[HKJ]")  # colours; the page of --watch
LOOKS = {
    "show": ["show", "ID"],
    "show --input": ["show", "ID", "--input"],
    "show --json": ["show", "ID", "--json"],
    "status": ["status", "ID"],
    "status --json": ["status", "ID", "--json"],
    "status --all": ["status", "--all"],
    "list": ["list"],
    "list --json": ["list", "--json"],
    "wait": ["wait", "ID"],
    "wait --json": ["wait", "ID", "--json"],
    "wait --lane": ["wait", "--lane", "default"],
    "export": ["export"],
    "list --ready": ["list", "--ready", "--lane", "default"],
    "list --archived": ["list", "--archived"],
    "tree": ["tree", "ID"],
    "wait --all": ["wait", "--all", "ID"],
    "dead": ["dead", "list"],
    "protocol": ["protocol"],
    "prompt": ["prompt", "reviewer", "--lane", EVIL, "--owner", EVIL],
    "__complete": ["__complete", "zsh", "show", ""],
    "where": ["where"],
    "where --json": ["where", "--json"],
    "doctor": ["doctor"],
    "an unknown id": ["show", EVIL],
    "an unknown lane": ["wait", "--lane", EVIL],
}


@pytest.fixture
def hostile(run: Command) -> dict[str, str]:
    """A task in whose every free text is what a terminal would obey; another one that is open."""
    (run.folder / "evil.md").write_text(EVIL + "\n")
    ids = {}
    for state in ("answered", "open"):
        ids[state] = run("submit", "--lane", "default", "evil.md", "--prompt", EVIL, "--metadata", f"k={EVIL}").line
        run("event", ids[state], "--message", EVIL, "--data", f"k={EVIL}")
    run("respond", ids["answered"], "--body", EVIL, "--metadata", f"k={EVIL}")
    return ids


def clean(seen: bytes) -> str:
    """What a terminal was sent, without the colours that are ours; nothing else in it may steer."""
    text = OURS.sub(b"", seen).decode().replace("\r\n", "\n")
    odd = {char for char in text if not char.isprintable() and char not in "\n\r\t"}
    assert not odd, (odd, text)
    return text


@pytest.mark.parametrize("name", LOOKS)
def test_no_look_lets_a_task_steer_the_terminal(run: Command, hostile: dict[str, str], name: str) -> None:
    words = [hostile["answered"] if word == "ID" else word for word in LOOKS[name]]
    with Terminal(run, *words, columns=400) as terminal:
        seen = clean(terminal.end(code=None))
    if not name.startswith(("where", "doctor", "list --archived", "tree", "dead", "protocol", "wait --all")):
        assert "1b]0;pwned" in seen, "it is shown, not left out"


@pytest.mark.parametrize("name", ["show", "status", "list"])
def test_nor_of_an_open_task(run: Command, hostile: dict[str, str], name: str) -> None:
    words = [name] if name == "list" else [name, hostile["open"]]
    with Terminal(run, *words, columns=400) as terminal:
        assert "1b]0;pwned" in clean(terminal.end())


def test_a_folder_of_that_kind_does_not_either(run: Command, tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[2Jb"
    folder.mkdir()
    for words in (["where"], ["init"], ["init-pool", "pool"]):
        with Terminal(Command(folder, run.home), *words) as terminal:
            assert "a\\x1b[2Jb" in clean(terminal.end(code=None))


def test_run_shows_progress_and_answer_without_it(run: Command) -> None:
    with Terminal(run, "run", "--lane", "default", "request.md", columns=400) as whole:
        whole.until(b"queued")
        taken = run("claim", "--lane", "default", "--owner", "me", "--wait", "60", "--json").json
        run("event", taken["task_id"], "--type", "note", "--message", EVIL)
        whole.until(b"pwned")
        run("respond", taken["task_id"], "--claim-token", taken["claim_token"], "--body", EVIL)
        assert clean(whole.end()).count("pwned") >= 2


def test_where_no_terminal_is_every_byte_is_what_it_was(run: Command, hostile: dict[str, str]) -> None:
    assert run("wait", hostile["answered"]).text == EVIL
    given = run("show", hostile["answered"], "--input").text
    assert given.count(EVIL) == 2
    assert run("show", hostile["answered"], "--json").json["response"]["body"] == EVIL
