"""CONTRACT.md says what the commands, formats and errors of the code say, no less and no more."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

from agent_lanes import errors
from agent_lanes.cli.options import GLOBAL
from agent_lanes.cli.table import COMMANDS, module_name
from agent_lanes.config import cache, check, load, rules, taskfile
from agent_lanes.core import codec, jsontext, names, terms, views
from agent_lanes.core.answers import encode_response
from agent_lanes.core.task import Claim, Event, Lease, Response, Snapshot, Task
from agent_lanes.services import artifacts, bodies, waiting
from docs import contract

ROOT = contract.ROOT
COMMAND_LINE = contract.section("Command line")
GLOBAL_FLAGS = {option.flag for option in GLOBAL} | {"--help", "--version"}
RESERVED = {0, 3, 7}


def module(name: str) -> ModuleType:
    return importlib.import_module(next(module_name(entry) for entry in COMMANDS if entry.name == name))


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    sections = [heading.strip("`") for heading in contract.headings(3, COMMAND_LINE)]
    assert sorted(sections) == sorted(entry.name for entry in COMMANDS)


@pytest.mark.parametrize("name", [entry.name for entry in COMMANDS])
def test_a_command_has_the_flags_of_its_section_and_no_others(name: str) -> None:
    written = contract.flags(contract.section(f"`{name}`"))
    real = {option.flag for option in module(name).OPTIONS if not option.positional}
    if name == "watch":  # "the same again"
        written |= contract.flags(contract.section("`next`"))
    if name == "next" or name == "watch":
        assert {"--lane"} <= real
    missing, phantom = real - written, written - real - GLOBAL_FLAGS
    if name == "run":  # submits and waits: its own flags stand under both
        missing -= contract.flags(contract.section("`submit`"))
    assert not missing, f"CONTRACT.md lacks {sorted(missing)} of {name}"
    assert not phantom, f"CONTRACT.md invents {sorted(phantom)} for {name}"


def test_no_flag_stands_anywhere_in_the_contract_that_no_command_has() -> None:
    real = {option.flag for entry in COMMANDS for option in module(entry.name).OPTIONS} | GLOBAL_FLAGS
    assert contract.flags(contract.TEXT) <= real


def test_the_defaults_in_the_contract_are_those_of_the_options() -> None:
    for entry in COMMANDS:
        text = contract.section(f"`{entry.name}`")
        for option in module(entry.name).OPTIONS:
            for value in re.findall(rf"{option.flag} ([\w.]+)\]", text):
                if option.default and not value.isupper():
                    assert value == str(option.default), f"{entry.name} {option.flag}"


def test_the_exit_codes_are_those_of_the_errors() -> None:
    table = [int(row[0]) for row in contract.rows(contract.section("Exit codes"))]
    assert table == sorted({kind.exit_code for kind in tree()} | RESERVED)


def test_the_table_of_errors_is_the_tree() -> None:
    written = {tuple(row[:4]) for row in contract.rows(contract.section("Errors"))}
    real = {
        (f"`{kind.code}`", str(kind.exit_code), str(kind.http_status), "yes" if kind.retryable else "no")
        for kind in tree()
    }
    assert written == real


def tree(kind: type[errors.AgentLanesError] = errors.AgentLanesError) -> list[type[errors.AgentLanesError]]:
    children = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return [kind, *(below for child in children for below in tree(child))]


def test_the_keys_of_config_and_task_files_are_those_that_are_read() -> None:
    config = {row[0].strip("`") for row in contract.rows(contract.section("Engine config"))}
    task_file = {row[0].strip("`") for row in contract.rows(contract.section("Task files"))}
    lanes = {row[0].strip("`") for row in contract.rows(contract.section("Lanes"))}
    assert (config, task_file, lanes) == (set(check.KEYS), set(taskfile.KEYS), set(rules.KEYS))


TASK = Task(
    id="i", workspace_id="w", workspace_root="/", correlation_id="c", source_agent="s", lane="l", created_at=0,
    sequence=1, metadata={},
)  # fmt: skip
CLAIM = Claim(epoch=1, owner="o", token="t", claimed_at=0, updated_at=0, lease=Lease(seconds=1, expires_at=1))
RESPONSE = Response(
    task_id="i", reviewer="r", status="failed", body="", created_at=0, metadata={}, failure_reason="of v0.1"
)
EVENT = Event(type="note", message="", created_at=0, data={}, by_holder=True)


@pytest.mark.parametrize(
    ("file", "record"),
    [
        ("task.json", codec.encode_task(TASK)),
        ("claim.json", codec.encode_claim(CLAIM)),
        ("response.json", encode_response(RESPONSE)),
        ("events.jsonl", codec.encode_event(EVENT)),
    ],
)
def test_the_fields_of_a_file_are_those_that_are_written(file: str, record: dict[str, object]) -> None:
    written = [row[0].strip("`") for row in contract.rows(contract.section(file))]
    assert sorted(written) == sorted(record)


def test_the_fields_of_records_and_statuses_are_those_that_commands_show() -> None:
    record, status = COMMAND_LINE.split("A *record* is", 1)[1].split("A *status* is", 1)
    snapshot = Snapshot(task=TASK, claim=CLAIM)
    written = set(contract.names(record)) - {"status"}
    assert written == set(views.record(snapshot, None))
    from agent_lanes.core.times import Moment

    shown = views.status(snapshot, None, EVENT, Moment(wall=0))
    status = status.partition("\n\n")[0]
    navigation = re.search(r"`navigation` `\{(.*?)\}`", status)
    assert navigation and isinstance(shown["navigation"], dict)
    assert navigation[1].split(", ") == list(shown["navigation"])
    assert {name for name in contract.names(status) if not name.startswith("{")} == set(shown) - written


LIMITS = {
    "236 characters": names.MAX_ID == 236,
    "200 characters": names.MAX_AGENT == names.MAX_NAME_BYTES == 200,
    "100 characters": names.MAX_KEY == 100,
    "262,144 bytes": names.MAX_METADATA_BYTES == 262_144,
    "16 levels": names.MAX_METADATA_DEPTH == 16,
    "64 levels": jsontext.MAX_DEPTH == 64,
    "32 levels": load.MAX_DEPTH == 32,
    "10,000 values": load.MAX_VALUES == 10_000,
    "at most 4 MiB": bodies.MAX_PROMPT_BYTES == load.MAX_PROMPT_BYTES == 4 << 20,
    "at most 32 MiB": bodies.MAX_BODY_BYTES == 32 << 20,
    "at most 256 KiB": load.MAX_YAML_BYTES == 256 << 10,
    "1000 files": artifacts.MAX_SUPPORTING == 1000,
    "at most 1,000": rules.MAX_LANES == 1_000,
    "0.1 to 31,622,400 seconds": (terms.SHORTEST_LEASE_SECONDS, terms.LONGEST_LEASE_SECONDS) == (0.1, 31_622_400),
    "0 to 31,622,400 seconds": waiting.LONGEST_WAIT_SECONDS == 31_622_400,
    "from 0 to 1,000,000": bodies.MOST_COUNTS == 1_000_000,
    "every 20 seconds": waiting.RECHECK_SECONDS == 20,
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_in_the_contract_is_the_one_in_the_code(limit: str) -> None:
    assert limit in contract.TEXT
    assert LIMITS[limit]


def test_every_section_that_the_code_refers_to_is_there() -> None:
    headings = {heading for level in (2, 3) for heading in contract.headings(level)}
    for path in sorted((ROOT / "agent_lanes").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for heading in re.findall(r'CONTRACT\.md[^"\n]{0,30}\s?"([A-Z][^"]+)"', text):
            assert heading in headings, f"{path.name} refers to {heading!r}"


def test_the_cache_is_where_the_contract_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == f"{tmp_path}/agent-lanes/config"
    assert "`$XDG_CACHE_HOME/agent-lanes/config/`" in contract.section("Engine config")
