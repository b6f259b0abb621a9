"""Bad values of flags: one line that names the flag, its exit code, and nothing written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent_lanes.core.names import MAX_ID
from cli.process import NOT_ALLOWED, NOT_FOUND, USAGE, Command, Word, tree

NAMES: dict[str, Word] = {
    "newline": "two\nlines",
    "carriage return": "a\rb",
    "escape": "\x1b[31mred",
    "bell": "a\x07",
    "tab": "a\tb",
    "delete": "a\x7f",
    "C1": "a\x9bb",
    "line separator": "a\u2028b",
    "right-to-left override": "a\u202eb",
    "not UTF-8": b"\xff\xfe",
    "blank in front": " a",
    "blank behind": "a ",
    "only blanks": "  ",
    "too long": "x" * 201,
}
SUBMIT = ("submit", "--prompt", "x")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A project for all of this file: a refused call changes nothing, so they cannot disturb one another."""
    base = tmp_path_factory.mktemp("bad")
    run = Command(base / "project", base / "home")
    for folder in (run.folder, run.home):
        folder.mkdir()
    (run.folder / "request.md").write_text("Please look at this.\n")
    run("init")
    run("submit", "--lane", "default", "request.md")
    return run


@pytest.fixture(scope="module")
def task_id(shared: Command) -> str:
    value = shared("list").json["tasks"][0]["id"]
    assert isinstance(value, str)
    return value


def refused(run: Command, *words: Word, code: int, part: str, stdin: bytes = b"") -> str:
    """The line of a call that fails like this and changes nothing in the project."""
    before = tree(run.folder)
    why = run(*words, code=code, stdin=stdin).why
    assert part in why and len(why) < 2000, why
    assert tree(run.folder) == before
    return why


@pytest.mark.parametrize("value", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (SUBMIT, "--lane"),
        (("claim",), "--lane"),
        (("wait", "--timeout", "0"), "--lane"),
        (("list",), "--lane"),
        (("claim", "--lane", "default"), "--vendor"),
        (("wait", "--lane", "default", "--timeout", "0"), "--vendor"),
        (("claim", "--lane", "default"), "--owner"),
        ((*SUBMIT, "--lane", "default"), "--source-agent"),
        ((*SUBMIT, "--lane", "default"), "--task-id"),
        ((*SUBMIT, "--lane", "default"), "--branch"),
    ],
)
def test_a_name_that_is_none(shared: Command, words: tuple[str, ...], flag: str, value: Word) -> None:
    refused(shared, *words, flag, value, code=USAGE, part=f"{flag}: ")


@pytest.mark.parametrize("value", NAMES.values(), ids=NAMES)
def test_a_name_that_is_none_on_an_answer_or_an_event(shared: Command, task_id: str, value: Word) -> None:
    refused(shared, "respond", task_id, "--body", "x", "--reviewer", value, code=USAGE, part="reviewer")
    refused(shared, "event", task_id, "--type", value, code=USAGE, part="--type")


@pytest.mark.parametrize("key", [value for name, value in NAMES.items()], ids=NAMES)
def test_a_metadata_key_that_is_none(shared: Command, task_id: str, key: Word) -> None:
    pair = os.fsencode(key) + b"=v"
    refused(shared, *SUBMIT, "--lane", "default", "--metadata", pair, code=USAGE, part="metadata key")
    refused(shared, "respond", task_id, "--body", "x", "--metadata", pair, code=USAGE, part="metadata key")
    refused(shared, "event", task_id, "--data", pair, code=USAGE, part="data key")


@pytest.mark.parametrize("pair", ["novalue", "=v", "", "="])
def test_a_pair_that_is_none(shared: Command, task_id: str, pair: str) -> None:
    refused(shared, *SUBMIT, "--lane", "default", "--metadata", pair, code=USAGE, part="--metadata")
    refused(shared, "event", task_id, "--data", pair, code=USAGE, part="--data")
    refused(shared, "claim", "--lane", "default", "--match", pair, code=USAGE, part="--match")


def test_metadata_values_that_no_file_can_hold(shared: Command, task_id: str) -> None:
    refused(shared, *SUBMIT, "--lane", "default", "--metadata", b"k=\xff", code=USAGE, part="--metadata k: ")
    refused(shared, "event", task_id, "--data", b"k=\xff", code=USAGE, part="--data k: ")
    vast = [word for number in range(3) for word in ("--metadata", f"k{number}=" + "x" * 100_000)]
    refused(shared, *SUBMIT, "--lane", "default", *vast, code=USAGE, part="metadata")
    refused(shared, *SUBMIT, "--lane", "default", "--metadata", "required_vendor=", code=USAGE, part="required_vendor")
    newline = "required_vendor=a\nb"
    refused(shared, *SUBMIT, "--lane", "default", "--metadata", newline, code=USAGE, part="required_vendor")


IDS = (
    "",
    ".",
    "..",
    "a..b",
    "../x",
    "a/b",
    "/etc",
    "-",
    ".x",
    "_x",
    "a b",
    "é",
    "a\nb",
    "\x1b[31m",
    "x" * (MAX_ID + 1),
    b"\xff",
)


@pytest.mark.parametrize("value", IDS, ids=repr)
@pytest.mark.parametrize("verb", ["claim", "wait", "status", "show", "event", "respond", "renew", "release"])
def test_a_task_id_that_is_none(shared: Command, verb: str, value: Word) -> None:
    extra = ("--claim-token", "x") if verb in ("renew", "release") else ()
    refused(shared, verb, *extra, "--", value, code=USAGE, part="task id")


def test_an_id_of_another_shape_is_just_unknown(shared: Command) -> None:
    for value in ("a", "0", "A-b_c.d", "x" * MAX_ID):
        refused(shared, "status", value, code=NOT_FOUND, part=value)


SECONDS = (
    "-1",
    "-0.5",
    "0.0999",
    "0",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "1e400",
    "1e308",
    "31622401",
    "x",
    "",
    "1h",
    "0x10",
)


@pytest.mark.parametrize("value", SECONDS)
def test_lease_seconds_that_make_no_sense(shared: Command, task_id: str, value: str) -> None:
    for words in (["claim", task_id], ["claim", "--lane", "default"], ["renew", task_id, "--claim-token", "x"]):
        why = refused(shared, *words, "--lease-seconds", value, code=USAGE, part="")
        assert "--lease-seconds" in why or "lease_seconds" in why


@pytest.mark.parametrize("value", [value for value in SECONDS if value not in ("0", "0.0999")])
def test_times_to_wait_that_make_no_sense(shared: Command, task_id: str, value: str) -> None:
    for words, flag in (
        (["wait", task_id], "--timeout"),
        (["wait", task_id, "--timeout", "0"], "--heartbeat-seconds"),
        (["wait", "--lane", "default"], "--timeout"),
        (["claim", "--lane", "nothing"], "--wait"),
        (["run", "--lane", "default", "--prompt", "x"], "--timeout"),
    ):
        refused(shared, *words, flag, value, code=USAGE, part=flag)


@pytest.mark.parametrize("value", ["-1", "1.5", "nan", "1e9", "1000001", "x", "", "9" * 5000])
@pytest.mark.parametrize("flag", ["--blocking-count", "--nonblocking-count"])
def test_counts_that_make_no_sense(shared: Command, task_id: str, flag: str, value: str) -> None:
    words = ("respond", task_id, "--body", "x", "--verdict", "needs-revision", flag, value)
    why = refused(shared, *words, code=USAGE, part="")
    assert flag in why or flag[2:].replace("-", "_") in why


@pytest.mark.parametrize("value", ["-1", "65536", "x", "80.5", "1e99", ""])
def test_a_port_that_is_none(shared: Command, value: str) -> None:
    refused(shared, "serve", "--port", value, code=USAGE, part="--port")


@pytest.mark.parametrize("value", ["x", "0" * 63, "0" * 65, "G" * 64, "A" * 64, b"\xff" * 64, "", "0" * 63 + "\n"])
def test_a_hash_that_is_none(shared: Command, task_id: str, value: Word) -> None:
    refused(shared, "respond", task_id, "--body", "x", "--expect-sha256", value, code=USAGE, part="sha256")


@pytest.fixture
def outside(shared: Command, tmp_path: Path) -> Path:
    """A file outside the workspace."""
    path = tmp_path / "outside.md"
    path.write_text("secret\n")
    return path


@pytest.mark.parametrize("how", ["absolute", "dots", "link to a file", "link to a folder"])
@pytest.mark.parametrize("flag", ["--request-from", "--response-to"])
def test_a_path_that_leaves_the_workspace(shared: Command, outside: Path, flag: str, how: str) -> None:
    links = {"link to a file": ("link.md", outside), "link to a folder": ("link", outside.parent)}
    name, target = links.get(how, ("", outside))
    if name:
        (shared.folder / name).unlink(missing_ok=True)
        (shared.folder / name).symlink_to(target)
    given = {
        "absolute": str(outside),
        "dots": os.path.relpath(outside, shared.folder),
        "link to a file": "link.md",
        "link to a folder": "link/outside.md",
    }[how]
    refused(shared, *SUBMIT, "--lane", "x", flag, given, code=NOT_ALLOWED, part=f"{flag} is outside workspace_root")
    if name:
        (shared.folder / name).unlink()


@pytest.mark.parametrize(
    "given",
    [
        *("request.md", "./handoff/../request.md", "handoff/handoff.yaml", "handoff", "handoff/", "new/"),
        *("handoff/state", "handoff/state/tasks/x.md", "handoff/state/new/deep.md", ".git/config", "a/.git/b", ".git"),
        *(".", "..", "link-to-request.md"),
    ],
)
def test_a_response_path_that_must_not_be_one(shared: Command, given: str) -> None:
    link = shared.folder / "link-to-request.md"
    if not link.is_symlink():
        link.symlink_to("request.md")
    words = ("submit", "--lane", "x", "request.md", "--response-to", given)
    refused(shared, *words, code=NOT_ALLOWED, part="--response-to")


def test_paths_that_no_store_could_name(shared: Command) -> None:
    for flag in ("--response-to", "--worktree-path", "--request-from"):
        refused(shared, *SUBMIT, "--lane", "x", flag, b"\xff", code=USAGE, part=f"{flag}: ")
    long = "x" * 5000
    before = tree(shared.folder)
    assert shared(*SUBMIT, "--lane", "x", "--request-from", long, code=None).code in (NOT_FOUND, 74)
    assert tree(shared.folder) == before


def test_names_that_are_odd_but_fine_come_back_as_given(run: Command) -> None:
    odd = ("a b", "../x", ".hidden", "a/b/c", "100%", "é\u0301 日本語 🎉", "%2E", "CON", "-dash", "x" * 200)
    for lane in odd:
        task_id = run("submit", f"--lane={lane}", "--prompt", "x", f"--task-id={lane}").line
        taken = run("claim", f"--lane={lane}", f"--owner={lane}", "--json").json
        assert (taken["task_id"], taken["task"]["lane"], taken["task"]["claim_owner"]) == (task_id, lane, lane)
        assert taken["task"]["correlation_id"] == lane
        assert run("list", f"--lane={lane}").json["count"] == 1
    places = {os.path.relpath(path, run.folder).split(os.sep)[0] for path in run.folder.rglob("*")}
    assert places == {"handoff", "request.md"}
