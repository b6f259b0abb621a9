"""Which config and store a call means: flags, environment, the folders above, a pool."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.process import BAD_DATA, NOT_FOUND, USAGE, Command, tree

KEYS = {
    "holds",
    *("status", "config", "config_why", "store", "store_why", "store_exists", "workspace_id", "workspace_root"),
    *("lanes", "listening"),
}


@pytest.fixture
def other(bare: Command) -> Path:
    """A second project, beside the first."""
    folder = bare.folder.parent / "other"
    folder.mkdir()
    bare("init", cwd=folder)
    return folder


def where(run: Command, *words: str, cwd: Path | None = None, **env: str) -> dict[str, object]:
    told = run(*words, "where", "--json", cwd=cwd, env=env).json
    assert told.keys() == KEYS and told["status"] == "ok"
    return told


def test_the_config_of_this_folder(run: Command) -> None:
    told = where(run)
    assert told["config"] == str(run.folder / "handoff" / "handoff.yaml")
    assert told["store"] == str(run.folder / "handoff" / "state") and told["store_exists"] is True
    assert (told["workspace_id"], told["workspace_root"]) == ("project", str(run.folder))
    assert told["lanes"] == ["default", "review"]
    assert str(run.folder) in str(told["config_why"]) and "queue_root" in str(told["store_why"])


def test_the_nearest_config_above_is_found_as_git_finds_its_own(run: Command) -> None:
    deep = run.folder / "a" / "b" / "c"
    deep.mkdir(parents=True)
    assert where(run, cwd=deep)["config"] == str(run.folder / "handoff" / "handoff.yaml")
    task_id = run("submit", "--lane", "default", "--prompt", "x", cwd=deep).line
    assert run("list").json["tasks"][0]["id"] == task_id
    run("init", str(run.folder / "a"))
    assert where(run, cwd=deep)["config"] == str(run.folder / "a" / "handoff" / "handoff.yaml")


def test_a_pool_above_is_found(bare: Command) -> None:
    made = bare("init-pool", ".", "--json").json
    deep = bare.folder / "some" / "project"
    deep.mkdir(parents=True)
    told = where(bare, cwd=deep)
    assert told["config"] == made["config"] and told["store"] == made["store"]


def test_flags_beat_the_environment_which_beats_the_folder(run: Command, other: Path) -> None:
    config, there = str(other / "handoff" / "handoff.yaml"), str(other / "handoff" / "state")
    by_env = where(run, AGENT_LANES_CONFIG=config)
    assert (by_env["config"], by_env["config_why"]) == (config, "AGENT_LANES_CONFIG") and by_env["store"] == there
    by_flag = where(run, "--config", "handoff/handoff.yaml", AGENT_LANES_CONFIG=config)
    assert by_flag["config"] == str(run.folder / "handoff" / "handoff.yaml") and by_flag["config_why"] == "--config"
    by_env = where(run, AGENT_LANES_STORE=there)
    assert (by_env["store"], by_env["store_why"]) == (there, "AGENT_LANES_STORE")
    assert by_env["workspace_id"] == "project"
    by_flag = where(run, "--store", "elsewhere", AGENT_LANES_STORE=there)
    assert (by_flag["store"], by_flag["store_why"]) == (str(run.folder / "elsewhere"), "--store")
    assert by_flag["store_exists"] is False


def test_a_config_by_flag_is_not_sent_to_a_store_of_the_environment(run: Command, other: Path) -> None:
    told = where(run, "--config", str(other / "handoff" / "handoff.yaml"), AGENT_LANES_STORE=str(run.folder / "x"))
    assert told["store"] == str(other / "handoff" / "state")


def test_empty_variables_are_as_if_unset_and_empty_flags_refused(run: Command) -> None:
    assert where(run, AGENT_LANES_CONFIG="", AGENT_LANES_STORE="") == where(run)
    for flag in ("--config", "--store"):
        assert flag in run(flag, "", "list", code=USAGE).why


def test_a_store_is_enough_to_work_with(bare: Command) -> None:
    told = where(bare, "--store", "queue")
    assert told["config"] is None and told["store"] == str(bare.folder / "queue")
    assert (told["workspace_id"], told["workspace_root"]) == ("project", str(bare.folder))
    task_id = bare("--store", "queue", "submit", "--lane", "x", "--prompt", "y").line
    assert bare("list", "--store", str(bare.folder / "queue")).json["tasks"][0]["id"] == task_id


@pytest.mark.parametrize("verb", ["list", "where", "status --all", "submit --lane x --prompt y", "claim --lane x"])
def test_without_a_config_the_path_that_was_looked_for_is_named(bare: Command, verb: str) -> None:
    why = bare(*verb.split(), code=NOT_FOUND).why
    assert "handoff/handoff.yaml" in why and str(bare.folder) in why
    why = bare(*verb.split(), "--config", "no/such.yaml", code=NOT_FOUND).why
    assert str(bare.folder / "no" / "such.yaml") in why
    assert os.listdir(bare.folder) == []


def test_a_store_may_lie_behind_a_link(run: Command) -> None:
    (run.folder / "link").symlink_to("handoff/state")
    task_id = run("submit", "--store", "link", "--lane", "default", "request.md").line
    assert run("list").json["tasks"][0]["id"] == task_id


def test_where_in_words(run: Command) -> None:
    page = run("where").text
    for part in (str(run.folder / "handoff" / "handoff.yaml"), str(run.folder / "handoff" / "state"), "project"):
        assert part in page
    assert "not there yet" in run("where", "--store", "elsewhere").text


def test_where_creates_nothing(run: Command) -> None:
    before = tree(run.folder)
    where(run)
    where(run, "--store", "elsewhere")
    assert tree(run.folder) == before


@pytest.mark.parametrize("value", ["/dev/null", "handoff/handoff.yaml"])
def test_a_store_that_is_no_folder_is_refused_not_empty(run: Command, value: str) -> None:
    before = (run.folder / "handoff" / "handoff.yaml").read_bytes()
    for words in (["list"], ["submit", "--lane", "x", "--prompt", "y"], ["wait", "--lane", "x", "--timeout", "0"]):
        assert "not a folder" in run(*words, "--store", value, code=74).why
    assert (run.folder / "handoff" / "handoff.yaml").read_bytes() == before


def test_a_store_that_somebody_else_is_just_making_is_taken_for_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two first commands at once: the folder appears after one of them has looked for it."""
    from agent_lanes.wiring import open_backend

    place = tmp_path / "state"
    for name in ("lexists", "isdir"):
        original = getattr(os.path, name)

        def look(path: str, original: Callable[[str], bool] = original) -> bool:
            there = original(path)
            place.mkdir(exist_ok=True)
            return there

        monkeypatch.setattr(os.path, name, look)
    assert open_backend(str(place)).address == str(place)


def test_a_newer_store_is_refused(run: Command, store: Path) -> None:
    run("submit", "--lane", "x", "--prompt", "y")
    record = store / "store.json"
    record.write_text(record.read_text().replace('"format": 2', '"format": 3'))
    (store / "gate").unlink()
    before = tree(store / "tasks")
    assert "newer" in run("submit", "--lane", "x", "--prompt", "y", code=BAD_DATA).why
    assert tree(store / "tasks") == before


@pytest.mark.parametrize(
    "words",
    [["list"], ["status", "--all"], ["stats"], ["wait", "--lane", "x", "--timeout", "0"], ["claim", "--lane", "x"]],
)
def test_a_store_that_is_not_there_is_no_empty_queue_without_a_word(
    run: Command, tmp_path: Path, words: list[str]
) -> None:
    typo = str(tmp_path / "stoer")
    said = run("--store", typo, *words).said
    assert [line for line in said if "warning" in line] == [
        f"agent-lanes: warning: there is no store at {typo} yet; `agent-lanes where` tells why it is that one"
    ]
    run("--store", str(tmp_path / "new"), "submit", "--lane", "x", "--prompt", "p", "--quiet")
    assert run("--store", str(tmp_path / "new"), *words).err.decode().count("warning") == 0
