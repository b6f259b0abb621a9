"""Every page: links lead somewhere, commands have the flags that they are shown with, generated parts are fresh."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree
from pathlib import Path

import pytest

from agent_lanes.cli.options import GLOBAL
from agent_lanes.cli.table import COMMANDS, module_name
from agent_lanes.core.transitions import TABLE
from docs import contract

ROOT = contract.ROOT
FOLDERS = ("", "docs", "docs/how-to", "docs/reference", "dispatchers", "handoff_template", "examples/*")
PAGES = sorted(str(path.relative_to(ROOT)) for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.md".lstrip("/")))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CALL = re.compile(r"(?:agent-lanes|bin/handoff)((?: --(?:config|store) \S+)*) ([a-z][a-z-]+)\b([^\n`|&;#)]*)")


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page, made of its headings as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(plain.replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in LINK.findall(text(page)):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        place = (ROOT / page).parent / path if path else ROOT / page
        assert place.exists(), f"{page}: {target}"
        assert not anchor or anchor in anchors(place), f"{page}: {target}"


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_shown_with_flags_that_they_have(page: str) -> None:
    known = {entry.name: entry for entry in COMMANDS}
    for _, verb, rest in CALL.findall(text(page)):
        if verb not in known:
            assert not contract.flags(rest), f"{page}: agent-lanes {verb}{rest}"
            continue
        options = importlib.import_module(module_name(known[verb])).OPTIONS
        real = {option.flag for option in (*options, *GLOBAL)} | {"--help"}
        outside = re.sub(r"'[^']*'|\"[^\"]*\"", "", rest)
        assert contract.flags(outside) <= real, f"{page}: agent-lanes {verb}{rest}"


def test_every_page_is_reached_from_the_index() -> None:
    """From docs/index.md over links between pages of docs/."""
    seen, open_pages = set[Path](), [ROOT / "docs/index.md"]
    while open_pages:
        page = open_pages.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if "://" not in target and target.partition("#")[0]:
                open_pages.append((page.parent / target.partition("#")[0]).resolve())
    assert {ROOT / page for page in PAGES if page.startswith("docs/") and "/charts/" not in page} <= seen


@pytest.mark.parametrize("script", ["docs/reference.py", "docs/drawings.py"])
def test_what_is_made_from_the_code_is_fresh(script: str) -> None:
    done = subprocess.run([sys.executable, ROOT / script, "--check"], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_diagrams_show_every_row_of_the_state_table() -> None:
    table = {tuple(row[:3]) for row in contract.rows(contract.section("States and transitions"))}
    assert table == {(state, verb, after) for (state, verb), after in TABLE.items()}
    mermaid = re.findall(r"^    (\w+) --> (\w+) : (.+)$", text("docs/concepts.md"), re.MULTILINE)
    assert {(before, verb, after) for before, after, verbs in mermaid for verb in verbs.split(", ")} == table
    labels = " ".join(xml.etree.ElementTree.fromstring(text("docs/pictures/states.svg")).itertext())
    for state, verb, _ in table:
        assert state in labels and verb in labels


def test_the_picture_of_the_layers_has_every_layer() -> None:
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(one for one in contracts if one["type"] == "layers")["layers"]
    rooms = [room.strip().removeprefix("agent_lanes.") for layer in layers for room in layer.split("|")]
    drawn = list(xml.etree.ElementTree.fromstring(text("docs/pictures/layers.svg")).itertext())
    assert [label.strip() for label in drawn if label.strip() and label != "imports"] == rooms


def test_every_file_that_agents_md_names_is_there() -> None:
    for row in contract.rows(contract.section("Rooms", text("AGENTS.md"))):
        for path in contract.names(row[0]):
            assert (ROOT / path).exists(), path


def test_the_readme_sets_up_and_tests_with_one_command_each() -> None:
    readme = text("README.md")
    tests = re.findall(r"^```bash\n(.*?)^```$", contract.section("Tests", readme), re.MULTILINE | re.DOTALL)
    assert len(tests) == 1 and tests[0].count("\n") == 1
    assert contract.section("Tests", readme).count("```") == 2
    for part in ("python3 -m venv .venv", "-e .", "--group dev", ".venv/bin/python -m pytest"):
        assert part in tests[0]
    first = re.findall(r"^```bash\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)[0]
    assert first.count("\n") == 1 and "examples/two-terminal/run.sh" in first
    assert (ROOT / "examples/two-terminal/run.sh").is_file()


def test_the_changelog_has_the_version_of_the_package() -> None:
    from agent_lanes import __version__

    assert f"## [{__version__}]" in text("CHANGELOG.md")


def test_the_exit_codes_of_the_readme_are_in_the_contract() -> None:
    codes = {code for row in contract.rows(text("README.md")) for code in row[0].split(", ")}
    assert codes <= {row[0] for row in contract.rows(contract.section("Exit codes"))}


@pytest.mark.parametrize("name", ["two-terminals", "agents"])
def test_the_pictures_of_terminals_show_commands_that_exist(name: str) -> None:
    lines = list(xml.etree.ElementTree.fromstring(text(f"docs/pictures/{name}.svg")).itertext())
    shown = [line for line in lines if line.startswith("agent-lanes ")]
    assert shown
    for line in shown:
        _, verb, rest = CALL.findall(line)[0]
        options = importlib.import_module(module_name(next(one for one in COMMANDS if one.name == verb))).OPTIONS
        assert contract.flags(rest) <= {option.flag for option in options}
    assert (ROOT / f"docs/pictures/{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_recording_of_two_agents_is_a_cast_that_ends_with_both_answers() -> None:
    head, *events = map(json.loads, text("docs/pictures/agents.cast").splitlines())
    assert head["version"] == 2 and events == sorted(events, key=lambda event: event[0])
    shown = "".join(output for _, _, output in events)
    assert shown.count("VERDICT: accept") == 2
