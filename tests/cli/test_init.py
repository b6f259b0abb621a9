"""init and init-pool: what they make, what they say, what they refuse."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from cli.process import REFUSED, USAGE, Command, tree

ODD_NAMES = ("it's here", 'a "quoted" name', "with  blanks", "a$b`c`;d", "ünïcode ok", "#hash: yes", "-dash")


def config(path: Path) -> dict[str, object]:
    value = yaml.safe_load(path.read_text())
    assert isinstance(value, dict)
    return value


def test_init_scaffolds_the_engine(bare: Command) -> None:
    made = bare("init", "--json").json
    handoff = bare.folder / "handoff"
    assert made.keys() == {"status", "handoff", "workspace_id", "workspace_root", "queue_root", "next_steps"}
    assert made["status"] == "initialized" and made["handoff"] == str(handoff)
    assert (made["workspace_id"], made["workspace_root"], made["queue_root"]) == ("project", "..", "state")
    assert made["next_steps"] and all(isinstance(step, str) for step in made["next_steps"])
    for name in ("handoff.yaml", "bin/handoff", "dispatcher.sh", "README.md", "REVIEWER-AGENT-PROMPT.md", "state"):
        assert (handoff / name).exists(), name
    for name in ("bin/handoff", "dispatcher.sh"):
        assert os.access(handoff / name, os.X_OK), name


def test_the_scaffolded_config_means_what_init_said(bare: Command) -> None:
    bare("init", "--workspace-id", "mine", "--workspace-root", ".", "--queue-root", "elsewhere")
    written = config(bare.folder / "handoff" / "handoff.yaml")
    assert (written["workspace_id"], written["workspace_root"], written["queue_root"]) == ("mine", ".", "elsewhere")
    where = bare("where", "--json").json
    assert where["workspace_id"] == "mine"
    assert where["workspace_root"] == str(bare.folder / "handoff")
    assert where["store"] == str(bare.folder / "handoff" / "elsewhere")


def test_the_state_folder_is_for_its_owner_alone(bare: Command) -> None:
    bare("init")
    assert stat.S_IMODE((bare.folder / "handoff" / "state").stat().st_mode) == 0o700


def test_init_takes_a_path(bare: Command) -> None:
    bare("init", "deep/er/project")
    assert (bare.folder / "deep/er/project/handoff/handoff.yaml").is_file()


@pytest.mark.parametrize("queue_root", ["state", "../../pool/state", "/srv/pool's state", "a b", "#1", "yes"])
def test_the_queue_root_is_written_as_given(bare: Command, queue_root: str) -> None:
    made = bare("init", "--queue-root", queue_root, "--json").json
    assert made["queue_root"] == queue_root
    assert config(bare.folder / "handoff" / "handoff.yaml")["queue_root"] == queue_root


@pytest.mark.parametrize("name", ["handoff", "handoff/handoff.yaml"])
def test_init_refuses_to_overwrite(bare: Command, name: str) -> None:
    (bare.folder / "handoff").mkdir()
    if name != "handoff":
        (bare.folder / name).write_text("mine\n")
    before = tree(bare.folder / "handoff")
    refused = bare("init", code=REFUSED)
    assert "already exists" in refused.why and str(bare.folder / "handoff") in refused.why
    assert tree(bare.folder / "handoff") == before
    assert os.listdir(bare.folder) == ["handoff"]


def test_two_inits_at_once_make_one_engine(bare: Command) -> None:
    with bare.start("init", "--workspace-id", "one") as one, bare.start("init", "--workspace-id", "two") as two:
        results = [one.end(None), two.end(None)]
    winner = next(result for result in results if result.code == 0)
    assert f"workspace_id: {config(bare.folder / 'handoff' / 'handoff.yaml')['workspace_id']}" in winner.text
    assert os.listdir(bare.folder) == ["handoff"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_project_may_have_any_name(bare: Command, name: str) -> None:
    folder = bare.folder / name
    folder.mkdir()
    bare("init", cwd=folder)
    task_id = bare("submit", "--lane", "default", "--prompt", "x", cwd=folder).line
    assert bare("status", task_id, cwd=folder).json["task"]["workspace_id"] == name
    wrapper = subprocess.run(
        [str(folder / "handoff" / "bin" / "handoff"), "status", task_id],
        cwd="/",
        env=bare.environment(),
        capture_output=True,
        check=True,
    )
    assert task_id.encode() in wrapper.stdout


def test_the_scaffolded_handoff_finds_its_python_without_a_path(bare: Command) -> None:
    bare("init")
    tools = bare.folder / "tools"
    tools.mkdir()
    for tool in ("sh", "dirname", "readlink"):
        (tools / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    said = subprocess.run(
        ["handoff/bin/handoff", "where", "--json"],
        cwd=bare.folder,
        env=bare.environment({"PATH": str(tools)}),
        capture_output=True,
        check=True,
    )
    assert str(bare.folder / "handoff" / "handoff.yaml").encode() in said.stdout


def test_handoff_is_the_same_program(run: Command) -> None:
    other = Command(run.folder, run.home, os.path.join(os.path.dirname(run.program), "handoff"))
    task_id = other("submit", "--lane", "default", "request.md").line
    assert run("status", task_id).json["task"]["state"] == "queued"


def test_a_dispatcher_without_vendor_says_what_to_do(bare: Command) -> None:
    bare("init")
    said = subprocess.run(
        ["bash", "handoff/dispatcher.sh"],
        cwd=bare.folder,
        env=bare.environment({"VENDOR": ""}),
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert said.returncode != 0 and b"VENDOR" in said.stderr and b"claude" in said.stderr


def test_a_name_that_cannot_be_one_is_refused_and_nothing_made(bare: Command) -> None:
    for name in ("two\nlines", "\x1b[31m", " blank ", "x" * 201):
        assert "--workspace-id" in bare("init", "--workspace-id", name, code=USAGE).why
    assert os.listdir(bare.folder) == []


def test_init_pool_makes_a_queue_and_dispatchers(bare: Command) -> None:
    made = bare("init-pool", "pool", "--json").json
    pool = bare.folder / "pool"
    contract = {"status", "workspace_id", "queue", "config", "store", "dispatchers", "polling_prompt"}
    assert contract <= made.keys() <= contract | {"next_steps"}
    assert (made["status"], made["workspace_id"]) == ("initialized", "pool")
    assert made["queue"] == str(pool / ".agent-lanes-queue")
    assert made["config"] == str(pool / ".agent-lanes-queue" / "handoff.yaml")
    assert made["store"] == str(pool / ".agent-lanes-queue" / "state")
    assert made["dispatchers"] == [
        {"vendor": vendor, "wrapper": str(pool / "dispatchers" / f"{vendor}.sh")}
        for vendor in ("claude", "codex", "gemini", "opencode")
    ]
    assert made["polling_prompt"] == str(pool / "dispatchers" / "POLLING-CHAT-PROMPT.md")
    for name in (".agent-lanes-queue/handoff.yaml", ".agent-lanes-queue/state", "dispatchers/README.md"):
        assert (pool / name).exists(), name


@pytest.mark.parametrize("taken", [".agent-lanes-queue", "dispatchers"])
def test_init_pool_refuses_to_overwrite_and_makes_nothing(bare: Command, taken: str) -> None:
    (bare.folder / taken).mkdir()
    before = tree(bare.folder)
    assert taken in bare("init-pool", ".", code=REFUSED).why
    assert tree(bare.folder) == before


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_pool_may_lie_in_a_folder_of_any_name(bare: Command, name: str) -> None:
    made = bare("init-pool", f"./{name}", "--workspace-id", "shared", "--json").json
    assert config(Path(made["config"]))["workspace_id"] == "shared"
    for wrapper in (entry["wrapper"] for entry in made["dispatchers"]):
        subprocess.run(["bash", "-n", wrapper], check=True)
    commands = [
        line for line in Path(made["polling_prompt"]).read_text().splitlines() if "agent-lanes --config" in line
    ]
    claim = next(shlex.split(line) for line in commands if " claim " in line)
    assert claim[claim.index("--config") + 1] == made["config"]
    bare("submit", "--store", made["store"], "--lane", "default", "--prompt", "x")
    assert bare("list", cwd=bare.folder / name).json["count"] == 1


def test_projects_share_the_queue_of_a_pool(bare: Command) -> None:
    store = bare("init-pool", "pool", "--json").json["store"]
    for name in ("a", "b"):
        (bare.folder / name).mkdir()
        (bare.folder / name / "request.md").write_text(f"from {name}\n")
        bare("init", name, "--queue-root", store)
        bare("submit", "--lane", "default", "--request-from", "request.md", cwd=bare.folder / name)
    tasks = bare("list", cwd=bare.folder / "pool").json["tasks"]
    assert [task["workspace_id"] for task in tasks] == ["a", "b"]
    assert [task["request_path"] for task in tasks] == [str(bare.folder / name / "request.md") for name in ("a", "b")]
    assert sorted(os.listdir(Path(store) / "indexes" / "correlations")) == ["a--default.json", "b--default.json"]
    taken = bare("claim", "--lane", "default", "--json", cwd=bare.folder / "b").json
    assert taken["task"]["workspace_id"] == "a"


def test_init_pool_needs_a_path(bare: Command) -> None:
    assert "PATH" in bare("init-pool", code=USAGE).why


def test_a_prompt_pack_comes_with_a_project_or_to_one_that_is_there(bare: Command) -> None:
    made = bare("init", "new", "--pack", "--json").json
    assert made["prompt_pack"] == str(bare.folder / "new/prompt-pack") and "handoff" in made
    bare("init", "old")
    before = tree(bare.folder / "old/handoff")
    added = bare("init", "old", "--pack", "--json").json
    assert added.keys() == {"status", "prompt_pack", "next_steps"}
    assert tree(bare.folder / "old/handoff") == before
    assert tree(bare.folder / "old/prompt-pack").keys() == {
        path.replace("/new/", "/old/") for path in tree(bare.folder / "new/prompt-pack")
    }
    assert os.access(bare.folder / "old/prompt-pack/run.sh", os.X_OK)
    assert "already exists" in bare("init", "old", "--pack", code=REFUSED).why
