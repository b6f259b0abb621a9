"""Bad configs, task files, prompts and bodies: refused by name with nothing written, or returned byte for byte."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from pathlib import Path

import pytest

from cli.process import BAD_DATA, NOT_FOUND, Command, tree

MIB = 1 << 20


def limited() -> None:
    """Half a GiB of memory and a minute of CPU: what explodes is caught by this, and not by the machine."""
    resource.setrlimit(resource.RLIMIT_AS, (MIB * 512, MIB * 512))
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))


def chain(link: str, length: int) -> str:
    """YAML in which each key refers to the one before, several times."""
    lines = ["k0: &k0 {a: 1}"]
    lines += [f"k{n}: &k{n} {link.format(before=f'*k{n - 1}', n=n)}" for n in range(1, length)]
    return "\n".join(lines) + "\n"


HOSTILE: dict[str, bytes | None] = {
    "a key twice": b"{good}\nextra: 1\nextra: 2\n",
    "a key twice, deeper": b"{good}\nextra: {a: 1, a: 2}\n",
    "a tag of Python": b"{good}\nextra: !!python/object/apply:os.system ['touch pwned']\n",
    "a tag of its own": b"{good}\nextra: !mine x\n",
    "a tag of YAML's": b"{good}\nextra: !!str x\n",
    "a tag that builds a set": b"{good}\nextra: !!set {a, b}\n",
    "a tag that says nothing": b"{good}\nextra: ! x\n",
    "an endless number": b"{good}\nextra: " + b"1" * 5000 + b"\n",
    "an endless hexadecimal number": b"{good}\nextra: 0x" + b"f" * 5000 + b"\n",
    "an endless number as a key": b"{good}\n0x" + b"f" * 5000 + b": 1\n",
    "aliases that explode": b"{good}\n" + chain("[{before}, {before}, {before}, {before}]", 40).encode(),
    "merges that explode": b"{good}\n" + chain("{{<<: [{before}, {before}], a{n}: 1}}", 300).encode(),
    "an alias of itself": b"{good}\nextra: &a [*a]\n",
    "a mapping in itself": b"{good}\nextra: &a {b: *a}\n",
    "an unknown alias": b"{good}\nextra: *nobody\n",
    "deep brackets": b"{good}\nextra: " + b"[" * 5000 + b"]" * 5000 + b"\n",
    "open brackets": b"{good}\nextra: " + b"[" * 100_000,
    "deep blocks": b"{good}\nextra:\n" + b"".join(b" " * n + b"k:\n" for n in range(1, 300)),
    "a control character": b"{good}\nextra: \x00\n",
    "an escape": b"{good}\nextra: a\x1bb\n",
    "not UTF-8": b"{good}\nextra: \xff\xfe\n",
    "UTF-16": "{good}\nextra: 1\n".encode("utf-16"),
    "two documents": b"{good}\n---\n{good}\n",
    "a tab": b"{good}\nextra:\n\t- 1\n",
    "a list as a key": b"{good}\n? [1, 2]\n: x\n",
    "cut off": b"{good}\nextra: 'no end\n",
    "a list": b"- 1\n- 2\n",
    "a text": b"just words\n",
    "a number": b"42\n",
    "a little too long": b"{good}\nextra: '" + b"x" * (256 << 10) + b"'\n",
    "20 MB": b"{good}\nextra: '" + b"x" * (20 * MIB) + b"'\n",
    "many values": b"{good}\nextra: [" + b"1," * 10_001 + b"]\n",
    "a FIFO": None,
    "a folder": None,
}


def place(path: Path, name: str, good: bytes) -> None:
    """Put this hostile file there."""
    content = HOSTILE[name]
    if content is not None:
        path.write_bytes(content.replace(b"{good}", good))
    elif name == "a FIFO":
        os.mkfifo(path)
    else:
        path.mkdir()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_config_is_refused(bare: Command, name: str) -> None:
    place(bare.folder / "bad.yaml", name, b"workspace_id: x")
    why = bare("--config", "bad.yaml", "submit", "--lane", "x", "--prompt", "y", code=BAD_DATA, before=limited).why
    assert "bad.yaml" in why and len(why) < 1000
    assert os.listdir(bare.folder) == ["bad.yaml"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_task_file_is_refused(run: Command, name: str) -> None:
    place(run.folder / "bad.yaml", name, b"lane: x\nprompt: y")
    before = {name: entry for name, entry in tree(run.folder).items() if not name.endswith("bad.yaml")}
    why = run("submit", "--task", "bad.yaml", code=BAD_DATA, before=limited).why
    assert "bad.yaml" in why and len(why) < 1000
    assert {name: entry for name, entry in tree(run.folder).items() if not name.endswith("bad.yaml")} == before


WRONG: dict[str, list[object]] = {
    "workspace_id": [None, "", " a", "a\nb", 5, True, ["a"], {"a": 1}, "x" * 201, "\x1b[31m"],
    "workspace_root": ["", 5, False, ["a"], {"a": 1}, "a\0b", "\ud800"],
    "queue_root": ["", 0, 1.5, ["a"], {}, "a\0b", "\ud800"],
    "worktree_path": ["", 5, [], {}, "\ud800"],
    "expected_branch": ["", 5, [], {}, "\ud800", "a\nb"],
    "lanes": [
        "",
        "default",
        5,
        ["default"],
        {"": "x"},
        {"a\nb": "x"},
        {"a": 5},
        {"a": ["x"]},
        {"a": {"description": 5}},
    ],
}


@pytest.mark.parametrize("key", WRONG)
def test_a_config_with_a_wrong_type_names_file_and_key(bare: Command, key: str) -> None:
    for value in WRONG[key]:
        (bare.folder / "bad.yaml").write_text(json.dumps({"workspace_id": "x", key: value}))
        why = bare("--config", "bad.yaml", "where", code=BAD_DATA).why
        assert "bad.yaml" in why and (key in why or key[:-1] in why), value
    assert os.listdir(bare.folder) == ["bad.yaml"]


def test_a_config_without_a_workspace_id_or_empty_is_refused(bare: Command) -> None:
    for content in ("", "# nothing\n", "{}", "lanes: {}\n", "null\n"):
        (bare.folder / "bad.yaml").write_text(content)
        assert "workspace_id" in bare("--config", "bad.yaml", "where", code=BAD_DATA).why


def test_a_config_with_checkpoints_points_to_task_files(bare: Command) -> None:
    (bare.folder / "bad.yaml").write_text("workspace_id: x\ncheckpoints:\n  a: {lane: b}\n")
    why = bare("--config", "bad.yaml", "list", code=BAD_DATA).why
    assert "checkpoints" in why and "tasks/<id>.yaml" in why


def test_unknown_keys_of_a_config_are_warned_of_and_ignored(bare: Command) -> None:
    (bare.folder / "c.yaml").write_text("workspace_id: x\nqueueroot: y\nlanes: {a: one, b: {description: two}, c: }\n")
    for _ in range(2):  # also from the compiled copy
        result = bare("--config", "c.yaml", "where", "--json")
        assert len(result.said) == 1 and "queueroot" in result.said[0] and "warning" in result.said[0]
        assert result.json["lanes"] == ["a", "b", "c"]


def test_many_unknown_keys_are_named_in_one_line_of_a_sane_length(bare: Command) -> None:
    (bare.folder / "c.yaml").write_text("workspace_id: x\n" + "".join(f"odd{n}: 1\n" for n in range(1000)))
    (line,) = bare("--config", "c.yaml", "where", "--json").said
    assert "odd0, odd1, odd10" in line and line.endswith("and 990 more") and len(line) < 1000


def test_dates_and_odd_scalars_stay_what_they_look_like(bare: Command) -> None:
    (bare.folder / "c.yaml").write_text("workspace_id: 2026-11-21\nqueue_root: 2026-11-21T01:02:03Z\n")
    told = bare("--config", "c.yaml", "where", "--json").json
    assert told["workspace_id"] == "2026-11-21" and told["store"] == str(bare.folder / "2026-11-21T01:02:03Z")
    (bare.folder / "c.yaml").write_text("workspace_id: 12:30\nqueue_root: 1:2:3.5\nexpected_branch: =\n")
    told = bare("--config", "c.yaml", "where", "--json").json
    assert told["workspace_id"] == "12:30" and told["store"] == str(bare.folder / "1:2:3.5")


@pytest.mark.parametrize(
    "key", ["lane", "request_from", "response_to", "prompt_file", "worktree_path", "branch", "prompt"]
)
def test_half_a_character_in_a_task_file_names_file_and_key(run: Command, store: Path, key: str) -> None:
    before = tree(store)
    for value in ("\ud800", "a\udcffb"):
        (run.folder / "bad.json").write_text(json.dumps({"lane": "x", key: value}))
        why = run("submit", "--task", "bad.json", code=BAD_DATA).why
        assert f"{key}: " in why and "bad.json" in why
    assert tree(store) == before


def test_a_name_in_a_task_file_that_is_none_names_file_and_key(run: Command, store: Path) -> None:
    before = tree(store)
    for key, value in (("branch", "a\nb"), ("lane", "\x1b[31m"), ("prompt_file", "a\0b"), ("response_to", "a\0b")):
        (run.folder / "bad.json").write_text(json.dumps({"lane": "x", "prompt": "y", key: value}))
        why = run("submit", "--task", "bad.json", code=BAD_DATA).why
        assert f"{key}: " in why and "bad.json" in why
    assert tree(store) == before


BODIES = {
    "empty": b"",
    "a newline": b"\n",
    "NUL": b"a\0b\0",
    "CRLF": b"one\r\ntwo\rthree\n\r",
    "a byte order mark": b"\xef\xbb\xbfwith a mark",
    "escapes": b"\x1b]0;title\x07\x1b[2J",
    "every ASCII character": bytes(range(128)),
    "line separators": "\u2028\u2029\x85\x0b\x0c".encode(),
    "far planes": "\U0001f389\U0010ffff\ufffe\uffff\u202e".encode(),
    "no newline at the end": b"end",
    "JSON": b'{"status": "error"}\n',
    "backslashes": b"\\ \\n \\u0000 \"'",
    "8 MB": b"0123456789abcde\n" * (MIB // 2),
}


@pytest.mark.parametrize("how", [["--file", "body"], ["--file", "-"], []])
def test_a_body_comes_back_byte_for_byte_whichever_way_it_came(run: Command, how: list[str]) -> None:
    body = BODIES["CRLF"] + BODIES["NUL"] + BODIES["a byte order mark"]
    (run.folder / "body").write_bytes(body)
    task_id = run("submit", "--lane", "x", "--prompt", "y").line
    run("respond", task_id, *how, stdin=b"not this" if "body" in how else body)
    assert run("wait", task_id).out == body


@pytest.mark.parametrize("name", BODIES)
def test_a_body_comes_back_byte_for_byte(run: Command, name: str) -> None:
    body = BODIES[name]
    task_id = run("submit", "--lane", "x", "--prompt", "y", "--response-to", "answer.md").line
    run("respond", task_id, stdin=body)
    told = run("wait", task_id, "--json").json
    assert (run.folder / "answer.md").read_bytes() == body == told["response"]["body"].encode()


@pytest.mark.parametrize("name", ["a byte order mark", "CRLF", "NUL", "8 MB", "far planes"])
def test_a_request_on_stdin_comes_back_byte_for_byte(run: Command, name: str) -> None:
    task_id = run("submit", "--lane", "x", "-", stdin=BODIES[name]).line
    path = run("status", task_id).json["task"]["request_path"]
    assert Path(path).read_bytes() == BODIES[name]
    run("claim", task_id)


NOT_TEXT = {
    "a lone byte": b"a\xffb",
    "a cut character": "é".encode()[:1],
    "an overlong form": b"\xc0\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "33 MB": b"x" * (33 * MIB),
}


@pytest.mark.parametrize("name", NOT_TEXT)
def test_a_body_that_is_no_text_or_too_long_is_refused(run: Command, store: Path, name: str) -> None:
    task_id = run("submit", "--lane", "x", "--prompt", "y").line
    (run.folder / "body").write_bytes(NOT_TEXT[name])
    before = tree(store)
    for words in (["respond", task_id, "--file", "body"], ["respond", task_id], ["submit", "--lane", "x", "-"]):
        why = run(*words, stdin=NOT_TEXT[name], code=BAD_DATA).why
        assert ("body" if words[0] == "respond" else "request") in why
        assert ("32 MiB" if name == "33 MB" else "UTF-8") in why
    assert tree(store) == before


def test_arguments_that_are_no_text_are_refused(run: Command, store: Path) -> None:
    task_id = run("submit", "--lane", "x", "--prompt", "y").line
    token = run("claim", task_id, "--json").json["claim_token"]
    before = tree(store)
    for words, field in (
        (["submit", "--lane", "x", "--prompt", b"\xff"], "prompt"),
        (["respond", task_id, "--claim-token", token, "--body", b"\xff"], "body"),
        (["event", task_id, "--message", b"\xff"], "message"),
        (["release", task_id, "--claim-token", token, "--reason", b"\xff"], "reason"),
    ):
        assert field in run(*words, code=BAD_DATA).why
    assert tree(store) == before


def test_a_folder_is_neither_a_body_nor_a_request(run: Command, store: Path) -> None:
    task_id = run("submit", "--lane", "x", "--prompt", "y").line
    os.mkfifo(run.folder / "fifo")
    before = tree(store)
    assert "not a file" in run("respond", task_id, "--file", "handoff", code=BAD_DATA).why
    for name in ("handoff", "fifo"):
        assert name in run("submit", "--lane", "x", name, code=NOT_FOUND).why
    assert tree(store) == before


def test_a_body_may_come_through_a_pipe(run: Command) -> None:
    task_id = run("submit", "--lane", "x", "--prompt", "y").line
    script = f"'{run.program}' respond {task_id} --file <(printf 'one\\r\\ntwo\\0')"
    subprocess.run(["bash", "-c", script], cwd=run.folder, env=run.environment(), check=True, capture_output=True)
    assert run("wait", task_id).out == b"one\r\ntwo\0"


def test_prompts_and_messages_have_a_limit(run: Command, store: Path) -> None:
    task_id = run("submit", "--lane", "x", "--prompt", "y").line
    (run.folder / "long.md").write_text("x" * (5 * MIB))
    (run.folder / "vast.md").write_text("x" * (9 * MIB))
    before = tree(store)
    for name in ("long.md", "vast.md"):
        assert "prompt" in run("submit", "--lane", "x", "--prompt-file", name, code=BAD_DATA).why
    assert "message" in run("event", task_id, "--message", "x" * 70_000, code=BAD_DATA).why
    assert tree(store) == before
