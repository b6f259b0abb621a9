"""setup: agents are told of the queue in their own files; --uninstall gives every byte back."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest
import yaml

from cli.process import FAILED, NOT_FOUND, PROGRAM, USAGE, Command, tree
from cli.terminal import Terminal

ALL = ("--claude", "--codex", "--gemini", "--opencode", "--qwen", "--copilot")
BEGIN, END = "<!-- agent-lanes:begin", "<!-- agent-lanes:end -->"


def contents(*folders: Path) -> dict[str, object]:
    """Names, modes, links and bytes below folders; not what compiled configs are kept in."""
    return {
        str(path): (path.lstat().st_mode, os.readlink(path) if path.is_symlink() else content(path))
        for folder in folders
        for path in folder.rglob("*")
        if ".cache" not in path.parts
    }


def content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def everywhere(run: Command) -> dict[str, object]:
    return contents(run.folder, run.home)


@pytest.fixture
def lax(run: Command) -> Command:
    """Exit code 1 with an answer: something is left to the user."""
    return Command(run.folder, run.home, PROGRAM, checks=False)


@pytest.mark.parametrize("scope", ["--project", "--user"])
def test_every_byte_comes_back(run: Command, scope: str) -> None:
    (run.folder / "AGENTS.md").write_bytes(b"Mine, without an end")
    (run.folder / "CLAUDE.md").write_bytes(b"# Claude\r\n\r\nMine.\r\n")
    (run.folder / "CLAUDE.md").chmod(0o640)
    (run.home / ".codex").mkdir(mode=0o700)
    (run.home / ".codex/AGENTS.md").write_text("For codex.\n\n")
    before = everywhere(run)
    made = run("setup", *ALL, scope, "--yes", "--json").json
    assert made["status"] == "done" and {file["status"] for file in made["files"]} == {"create", "change"}
    assert everywhere(run).keys() > before.keys()
    again = run("setup", *ALL, scope, "--yes", "--json").json
    assert again["status"] == "unchanged" and {file["status"] for file in again["files"]} == {"current"}
    gone = run("setup", "--uninstall", "--yes", "--json").json
    assert gone["status"] == "done" and all(file["exact"] for file in gone["files"])
    assert everywhere(run) == before
    assert run("setup", "--uninstall", "--yes", "--json").json == {"status": "unchanged", "files": []}
    assert everywhere(run) == before


def test_without_yes_and_without_a_terminal_nothing_is_changed(run: Command) -> None:
    before = tree(run.folder)
    for words in ((), ("--dry-run",), ("--dry-run", "--yes"), ("--json",)):
        shown = run("setup", "--claude", *words)
        assert ".claude/skills/agent-lanes/SKILL.md" in shown.text
        assert "+## Other agents" in shown.text
        assert not (run.home / ".local").exists()
    assert tree(run.folder) == before


@pytest.mark.parametrize(("answer", "made"), [("y\n", True), ("n\n", False), ("\n", False), ("\x04", False)])
def test_on_a_terminal_it_asks(run: Command, answer: str, made: bool) -> None:
    with Terminal(run, "setup", "--claude") as terminal:
        terminal.until(b"[y/N]")
        terminal.type(answer)
        assert terminal.end() is not None
    assert (run.folder / ".claude/skills/agent-lanes/SKILL.md").exists() == made


def test_skills_have_a_name_a_description_and_the_agents_own_vendor(run: Command) -> None:
    run("setup", "--claude", "--codex", "--yes")
    for vendor in ("claude", "codex"):
        for skill in ("agent-lanes", "agent-lanes-dispatcher"):
            text = (run.folder / f".{vendor}/skills/{skill}/SKILL.md").read_text()
            head = yaml.safe_load(text.split("---\n")[1])
            assert head["name"] == skill and 50 < len(head["description"]) <= 1024
        assert f"--vendor {vendor} " in text and "VENDOR" not in text and "@" not in text
        assert str(run.folder) not in text, "a project's files may be committed"


def test_claude_reads_agents_md_so_no_claude_md_is_made(run: Command) -> None:
    run("setup", "--claude", "--yes")
    assert BEGIN in (run.folder / "AGENTS.md").read_text() and not (run.folder / "CLAUDE.md").exists()


@pytest.mark.parametrize(("says", "place"), [("Mine.\n", "CLAUDE.md"), ("@AGENTS.md\nMine.\n", "AGENTS.md")])
def test_a_claude_md_gets_the_note_unless_it_takes_in_agents_md(run: Command, says: str, place: str) -> None:
    (run.folder / "CLAUDE.md").write_text(says)
    run("setup", "--claude", "--yes")
    assert BEGIN in (run.folder / place).read_text()
    assert not (run.folder / "AGENTS.md").exists() or BEGIN not in (run.folder / "CLAUDE.md").read_text()


def test_a_shared_file_has_one_note_and_keeps_it_for_whoever_is_left(run: Command) -> None:
    run("setup", "--codex", "--opencode", "--yes")
    note = (run.folder / "AGENTS.md").read_text()
    assert note.count(BEGIN) == note.count(END) == 1
    files = run("setup", "--uninstall", "--codex", "--yes", "--json").json["files"]
    assert {file["what"]: file["status"] for file in files}["note"] == "shared"
    assert (run.folder / "AGENTS.md").read_text() == note
    assert not (run.folder / ".codex").exists() and (run.folder / ".opencode").exists()
    run("setup", "--uninstall", "--opencode", "--yes")
    assert not (run.folder / "AGENTS.md").exists() and not (run.folder / ".opencode").exists()


def test_what_the_user_has_written_since_stays(run: Command) -> None:
    run("setup", "--claude", "--yes")
    notes = run.folder / "AGENTS.md"
    notes.write_text("Above.\n" + notes.read_text() + "Below.\n")
    (run.folder / ".claude/skills/agent-lanes/extra.md").write_text("mine\n")
    gone = run("setup", "--uninstall", "--yes", "--json").json
    assert gone["status"] == "done"
    assert notes.read_text() == "Above.\nBelow.\n"
    assert os.listdir(run.folder / ".claude/skills") == ["agent-lanes"], "a folder with something in it stays"
    assert not (run.home / ".local").exists()


def test_ours_that_was_edited_is_left_and_named(run: Command, lax: Command) -> None:
    run("setup", "--claude", "--yes")
    skill, notes = run.folder / ".claude/skills/agent-lanes/SKILL.md", run.folder / "AGENTS.md"
    skill.write_text(skill.read_text() + "One more rule of mine.\n")
    notes.write_text(notes.read_text().replace("Other agents", "My agents"))
    for words in (("--claude",), ("--uninstall",)):
        answer = lax("setup", *words, "--yes", "--json", code=FAILED).json
        left = {Path(file["path"]).name: file["reason"] for file in answer["files"] if file["status"] == "by_hand"}
        assert answer["status"] == "partial" and left.keys() == {"SKILL.md", "AGENTS.md"}
        assert all("edited" in reason for reason in left.values())
    assert "One more rule of mine." in skill.read_text() and "My agents" in notes.read_text()


def test_check_tells_what_is_current_stale_missing_and_edited(run: Command, lax: Command) -> None:
    assert run("setup", "--check", "--json").json == {"status": "ok", "files": []}
    run("setup", "--claude", "--codex", "--yes")
    assert {file["status"] for file in run("setup", "--check", "--json").json["files"]} == {"current"}
    (run.folder / ".codex/skills/agent-lanes/SKILL.md").unlink()
    skill = run.folder / ".claude/skills/agent-lanes/SKILL.md"
    skill.write_text(skill.read_text() + "mine\n")
    (run.folder / "handoff/bin/handoff").unlink()  # from now on the skills would say something else
    answer = lax("setup", "--check", "--json", code=FAILED).json
    found = {os.path.relpath(file["path"], run.folder): file["status"] for file in answer["files"]}
    assert answer["status"] == "stale" and found == {
        "AGENTS.md": "stale",
        ".mcp.json": "stale",
        ".claude/skills/agent-lanes/SKILL.md": "by_hand",
        ".claude/skills/agent-lanes-dispatcher/SKILL.md": "stale",
        ".codex/skills/agent-lanes/SKILL.md": "missing",
        ".codex/skills/agent-lanes-dispatcher/SKILL.md": "stale",
    }
    lax("setup", "--claude", "--codex", "--yes", code=FAILED)
    assert "./handoff/bin/handoff" not in (run.folder / "AGENTS.md").read_text()
    run("setup", "--uninstall", "--codex", "--yes")
    assert not (run.folder / ".codex").exists()


def test_check_in_another_project_says_the_same(run: Command, tmp_path_factory: pytest.TempPathFactory) -> None:
    run("setup", "--claude", "--yes")
    other = Command(tmp_path_factory.mktemp("other"), run.home)
    other("init")
    assert {file["status"] for file in other("setup", "--check", "--json").json["files"]} == {"current"}


@pytest.mark.parametrize("kind", ["folder", "pipe", "latin", "dangling", "out", "hard", "markers"])
def test_a_file_that_is_none_to_change_is_named_and_all_else_is_done(
    run: Command, lax: Command, tmp_path: Path, kind: str
) -> None:
    notes, outside = run.folder / "AGENTS.md", tmp_path / "outside"
    outside.write_text("somebody's\n")
    {
        "folder": lambda: notes.mkdir(),
        "pipe": lambda: os.mkfifo(notes),
        "latin": lambda: notes.write_bytes(b"caf\xe9\n"),
        "dangling": lambda: notes.symlink_to("nowhere"),
        "out": lambda: notes.symlink_to(outside),
        "hard": lambda: (notes.write_text("x"), os.link(notes, run.folder / "other")),
        "markers": lambda: notes.write_text(f"{BEGIN} -->\n"),
    }[kind]()
    before = contents(run.folder)
    answer = lax("setup", "--codex", "--yes", "--json", code=FAILED).json
    (left,) = (file for file in answer["files"] if file["status"] == "by_hand")
    assert left["path"] == str(notes) and left["reason"] and left["snippet"].startswith(BEGIN)
    assert {name: contents(run.folder)[name] for name in before} == before
    assert (run.folder / ".codex/skills/agent-lanes/SKILL.md").exists()
    assert outside.read_text() == "somebody's\n"
    run("setup", "--uninstall", "--yes")
    assert contents(run.folder) == before


def test_a_link_is_followed_and_stays_one(run: Command) -> None:
    (run.folder / "docs").mkdir()
    (run.folder / "docs/agents.md").write_text("Mine.\n")
    for name in ("AGENTS.md", "CLAUDE.md", "GEMINI.md"):
        (run.folder / name).symlink_to("docs/agents.md")
    before = everywhere(run)
    run("setup", "--claude", "--codex", "--gemini", "--yes")
    assert (run.folder / "AGENTS.md").is_symlink()
    assert (run.folder / "docs/agents.md").read_text().count(BEGIN) == 1, "one file, one note"
    run("setup", "--uninstall", "--yes")
    assert everywhere(run) == before


def test_an_mcp_server_is_one_more_of_the_users(run: Command) -> None:
    pytest.importorskip("mcp")
    texts = {
        run.folder / ".mcp.json": '{"mcpServers": {"other": {"command": "x"}}}',
        run.folder / ".gemini/settings.json": '// mine\n{\n  "ui": {"theme": "dark"}, // so\n}\n',
        run.home / ".codex/config.toml": '# mine\nmodel = "m"\n[mcp_servers.other]\ncommand = "x"',
    }
    for path, text in texts.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    before = everywhere(run)
    run("setup", "--claude", "--gemini", "--project", "--yes")
    run("setup", "--codex", "--user", "--yes")
    servers = json.loads((run.folder / ".mcp.json").read_text())["mcpServers"]
    assert servers.keys() == {"other", "agent-lanes"}
    assert servers["agent-lanes"]["command"] == "./handoff/bin/handoff" and servers["agent-lanes"]["args"] == ["mcp"]
    toml = tomllib.loads((run.home / ".codex/config.toml").read_text())
    assert toml["model"] == "m" and toml["mcp_servers"].keys() == {"other", "agent-lanes"}
    assert "// so" in (run.folder / ".gemini/settings.json").read_text()
    run("setup", "--uninstall", "--user", "--yes")
    run("setup", "--uninstall", "--project", "--yes")
    assert everywhere(run) == before


def test_a_diff_of_settings_shows_nothing_of_the_users(run: Command) -> None:
    pytest.importorskip("mcp")
    (run.folder / ".mcp.json").write_text('{"mcpServers": {"other": {"env": {"KEY": "secret"}}}}\n')
    for words in (("setup", "--claude", "--yes"), ("setup", "--uninstall")):
        shown = run(*words, "--dry-run").text + run(*words, "--dry-run", "--json").text
        assert ".mcp.json" in shown and "secret" not in shown
        run(*words, "--yes")


def test_a_skill_of_that_name_that_setup_has_not_written_is_not_touched(run: Command, lax: Command) -> None:
    skill = run.folder / ".claude/skills/agent-lanes/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("my own\n")
    lax("setup", "--claude", "--yes", code=FAILED)
    assert skill.read_text() == "my own\n"
    run("setup", "--uninstall", "--yes")
    assert skill.read_text() == "my own\n"


def test_the_mode_of_a_file_stays(run: Command) -> None:
    notes = run.folder / "AGENTS.md"
    notes.write_text("secret\n")
    notes.chmod(0o600)
    run("setup", "--codex", "--yes")
    assert stat.S_IMODE(notes.stat().st_mode) == 0o600 and BEGIN in notes.read_text()


def test_agents_are_found_on_path(run: Command, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    path = {"PATH": f"{programs}:/usr/bin:/bin"}
    refused = run("setup", "--dry-run", code=NOT_FOUND, env=path)
    assert "claude" in refused.why and "--claude" in refused.why
    (programs / "gemini").write_text("#!/bin/sh\n")
    (programs / "gemini").chmod(0o755)
    files = run("setup", "--json", env=path).json["files"]
    assert {agent for file in files for agent in file["agents"]} == {"gemini"}


def test_where_there_is_no_config_it_is_for_the_user(bare: Command) -> None:
    files = bare("setup", "--claude", "--json").json["files"]
    assert {file["scope"] for file in files} == {"user"}
    assert all(file["path"].startswith(str(bare.home / ".claude")) for file in files)
    moved = bare("setup", "--claude", "--json", env={"CLAUDE_CONFIG_DIR": str(bare.folder / "c")}).json["files"]
    assert all(file["path"].startswith(str(bare.folder / "c")) for file in moved)


def test_odd_calls_are_refused(run: Command) -> None:
    for words in (("--user", "--project"), ("--check", "--uninstall")):
        assert words[0] in run("setup", *words, code=USAGE).why
    assert "HOME" in run("setup", "--claude", code=NOT_FOUND, env={"HOME": ""}).why


def test_a_damaged_record_is_named(run: Command) -> None:
    run("setup", "--claude", "--yes")
    record = next((run.home / ".local/state/agent-lanes/setup").iterdir())
    record.write_text("{")
    assert str(record) in run("setup", "--uninstall", "--yes", code=65).why
