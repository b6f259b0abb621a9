"""The table of vendors: that which comes with the package, and what is laid over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_lanes.config import check
from agent_lanes.config.model import Config
from agent_lanes.dispatch.vendors import Vendor, load, user_path
from agent_lanes.errors import BadData

SHIPPED = ("claude", "codex", "gemini", "opencode", "qwen", "copilot", "amp", "cursor", "aider", "command")
DANGEROUS = ("dangerously", "yolo", "--allow-all", "--auto", "--force", "bypass", "danger-full-access")


def config(**vendors: object) -> Config:
    return check.parse({"workspace_id": "kettle", "vendors": vendors}, "/p/handoff/handoff.yaml")


def words(vendor: Vendor, **asked: str) -> tuple[str, ...]:
    return vendor.command(folder="/", **asked).argv  # type: ignore[arg-type]


def test_every_vendor_of_the_documents_is_there() -> None:
    assert tuple(load(None)) == SHIPPED


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "command"])
def test_no_row_lets_an_agent_work_unchecked_unless_it_is_told_to(name: str) -> None:
    assert not [word for word in words(load(None)[name]) if any(part in word for part in DANGEROUS)]


def test_a_config_can_choose_another_permission() -> None:
    assert "--dangerously-skip-permissions" in words(load(config(claude={"permission": "full"}))["claude"])


def test_a_model_and_an_effort_become_words() -> None:
    asked = load(None)["claude"].command(folder="/", model_class="large", effort="high", max_cost_usd=2.5)
    assert " --model opus --effort high --max-budget-usd 2.5" in " ".join(asked.argv)
    assert (asked.model, asked.effort, asked.warnings) == ("opus", "high", ())


def test_an_unknown_name_is_passed_on_with_a_warning() -> None:
    asked = load(None)["claude"].command(folder="/", model_class="claude-next-9[1m]", effort="silly")
    assert asked.argv[-4:] == ("--model", "claude-next-9[1m]", "--effort", "silly")
    assert len(asked.warnings) == 2 and "silly" in asked.warnings[1]


def test_a_size_for_which_a_row_names_no_model_leaves_the_choice_to_the_program() -> None:
    asked = load(None)["opencode"].command(folder="/", model_class="large")
    assert "-m" not in asked.argv and asked.model == "" and "large" in asked.warnings[0]


def test_what_an_agent_has_no_words_for_is_left_out_with_a_warning() -> None:
    asked = load(None)["gemini"].command(folder="/", effort="high", max_cost_usd=1)
    assert "high" not in asked.argv
    assert [line.partition(":")[0] for line in asked.warnings] == [
        "gemini takes no effort",
        "gemini takes no ceiling for cost",
    ]


@pytest.mark.parametrize("value", ["--dangerously-skip-permissions", 'x" sandbox="y', "a b", "a\nb", "$(id)", ""])
@pytest.mark.parametrize("what", ["model_class", "effort"])
def test_a_value_of_a_task_is_never_taken_for_an_option(what: str, value: str) -> None:
    for vendor in load(None).values():
        if vendor.program and value:
            choice = vendor.model if what == "model_class" else vendor.effort
            if choice.words:
                with pytest.raises(BadData, match=what):
                    words(vendor, **{what: value})
            else:
                assert value not in words(vendor, **{what: value})


def test_the_users_table_is_laid_over_and_the_config_over_both(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = Path(user_path() or "")
    path.parent.mkdir()
    path.write_text("claude: {program: my-claude, extra: [--mine], environment: {A: '1', DISABLE_AUTOUPDATER: null}}\n")
    claude = load(config(claude={"extra": ["--ours"], "model": {"default": "opus"}}))["claude"]
    assert (claude.program, claude.extra, claude.model.default) == ("my-claude", ("--ours",), "opus")
    assert claude.environment["A"] == "1" and "DISABLE_AUTOUPDATER" not in claude.environment
    assert words(claude)[-3:] == ("--model", "opus", "--ours")


def test_a_new_vendor_can_begin_with_a_copy_of_another() -> None:
    rows = load(config(work={"like": "codex", "environment": {"CODEX_HOME": "/w"}}, mine={"program": "mine"}))
    assert rows["work"].replace(name="codex", environment={}) == rows["codex"].replace(environment={})
    assert words(rows["mine"]) == ("mine",) and rows["mine"].reads.format == "text"


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"programme": "x"}, "programme"),
        ({"words": {"a": "b"}}, "words"),
        ({"permission": "all"}, "permission: 'all'"),
        ({"reads": {"format": "xml"}}, "reads.format"),
        ({"reads": {"answer": {"match": "("}}}, "reads.answer.match"),
        ({"usage_limit": {"codes": ["x"]}}, "usage_limit.codes"),
        ({"like": "nobody"}, "like"),
        ({"environment": ["A=1"]}, "environment"),
    ],
)
def test_a_wrong_row_is_refused_with_its_file_and_key(row: dict[str, object], named: str) -> None:
    with pytest.raises(BadData) as wrong:
        load(config(claude=row))
    assert wrong.value.message.startswith("/p/handoff/handoff.yaml: vendors.claude") and named in wrong.value.message


@pytest.mark.parametrize("vendors", [["claude"], {"claude": "x"}, {"claude": {1: "x"}}, "claude"])
def test_a_config_whose_vendors_are_no_mapping_is_refused(vendors: object) -> None:
    with pytest.raises(BadData, match="vendors"):
        check.parse({"workspace_id": "kettle", "vendors": vendors}, "/p/handoff.yaml")


def test_a_prompt_that_begins_with_a_slash_is_no_command_of_the_program() -> None:
    rows = load(None)
    assert rows["claude"].guarded(b"/help me") == b"\n/help me"
    assert rows["claude"].guarded(b"help /me") == b"help /me"
    assert rows["codex"].guarded(b"/help me") == b"/help me"


def test_codex_may_write_into_the_git_folders_of_a_linked_work_tree(tmp_path: Path) -> None:
    main, linked = tmp_path / "main", tmp_path / "linked"
    own = main / ".git/worktrees/linked"
    (main / ".git/objects").mkdir(parents=True)
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/x\n")
    (own / "commondir").write_text("../..\n")
    linked.mkdir()
    (linked / ".git").write_text(f"gitdir: {own}\n")
    asked = load(None)["codex"].command(folder=str(linked))
    assert asked.argv[-5:] == ("--add-dir", str(own), "--add-dir", str(main / ".git"), "-")


def test_a_git_file_that_points_anywhere_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /etc\n")
    assert "--add-dir" not in load(None)["codex"].command(folder=str(tmp_path)).argv
