"""One member of a JSON file, lines between markers: put in and taken out, every other byte as it was."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_lanes.setup import formats, marked, members
from agent_lanes.setup.piece import BLOCK, JSON, TOML, ByHand, Piece, Scope

SCOPE = Scope(name="user", folder="/home/ada")
ENTRY = {"command": "agent-lanes", "args": ["mcp"]}
SERVER = Piece(
    path="/x", format=JSON, what="server", keys=("mcpServers", "agent-lanes"), entry=ENTRY, agents=(), scope=SCOPE
)
NOTE = Piece(path="/x", format=BLOCK, what="note", core=marked.between(BLOCK, "Hello.\nYou."), agents=(), scope=SCOPE)
KEYS = ("mcp_servers", "agent-lanes")
TABLE = Piece(
    path="/x", format=TOML, what="server", core=marked.between(TOML, marked.table(KEYS, ENTRY)), keys=KEYS,
    entry=ENTRY, agents=(), scope=SCOPE,
)  # fmt: skip

JSON_FILES = [
    "{}",
    "{}\n",
    "{\n}\n",
    '{"a": 1}',
    '{"a":1,"b":[1,{"mcpServers":{}}]}\n',
    '{\n  "a": 1\n}\n',
    '{\n    "a": 1,\n    "mcpServers": {}\n}',
    '{\n\t"mcpServers": {\n\t\t"other": {"command": "x"}\n\t},\n\t"b": "}"\n}\n',
    '{\r\n  "a": "\\"{//",\r\n  "mcpServers": {\r\n    "o": {}\r\n  }\r\n}\r\n',
    '// settings\n{\n  "a": 1, // one\n  /* two { */ "mcpServers": {\n    "x": {}, // the last\n  },\n}\n',
    '{"mcpServers": {"o": {"agent-lanes": 1}}}',
    '{ "ünïcode": "\\u00e9" , "mcpServers" : { } }',
]


def says(text: str) -> object:
    return members.parsed(text)


@pytest.mark.parametrize("text", JSON_FILES)
def test_a_member_is_added_and_taken_out_byte_for_byte(text: str) -> None:
    edit = formats.put(text, SERVER, None)
    wanted = says(text)
    wanted.setdefault("mcpServers", {})["agent-lanes"] = ENTRY  # type: ignore[attr-defined]
    assert says(edit.text) == wanted
    assert edit.text.startswith(text[: text.index("{")])
    assert formats.take(edit.text, JSON, SERVER.keys, (edit,)) == text
    assert formats.put(edit.text, SERVER, None).text == edit.text, "put twice, it is there once"


def test_a_member_stands_as_its_neighbours_do() -> None:
    edit = formats.put('{\n    "mcpServers": {\n        "o": {}\n    }\n}\n', SERVER, None)
    assert edit.text == (
        '{\n    "mcpServers": {\n        "o": {},\n        "agent-lanes": {\n            "command": "agent-lanes",\n'
        '            "args": [\n                "mcp"\n            ]\n        }\n    }\n}\n'
    )
    assert formats.put(None, SERVER, None).text == json.dumps({"mcpServers": {"agent-lanes": ENTRY}}, indent=2) + "\n"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"a": 1', '{"a" 1}', '{"mcpServers": 3}', '{"mcpServers": {}, "mcpServers": {}}', "nonsense",
     '{"mcpServers": {"agent-lanes": {"command": "mine"}}}', "[" * 5000],
)  # fmt: skip
def test_what_is_no_place_for_a_member_is_left_to_the_user(text: str) -> None:
    with pytest.raises(ByHand):
        formats.put(text, SERVER, None)


@pytest.mark.parametrize("text", JSON_FILES)
def test_a_file_that_was_written_anew_since_keeps_the_rest(text: str) -> None:
    edit = formats.put(text, SERVER, None)
    rewritten = json.dumps({**json.loads(json.dumps(says(edit.text))), "new": True}, indent=1)
    after = formats.take(rewritten, JSON, SERVER.keys, (edit,))
    assert after is not None
    wanted = {"mcpServers": {}, **says(text), "new": True}  # type: ignore[dict-item]
    assert json.loads(after) == wanted


def test_a_member_that_was_edited_since_stays() -> None:
    edit = formats.put("{}", SERVER, None)
    with pytest.raises(ByHand, match="edited"):
        formats.take(edit.text.replace('"mcp"', '"mcp", "--more"'), JSON, SERVER.keys, (edit,))


def test_a_member_that_is_gone_is_gone() -> None:
    edit = formats.put("{}", SERVER, None)
    assert formats.take('{"a": 1}', JSON, SERVER.keys, (edit,)) is None


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(names, values, max_size=4),
    st.none() | st.dictionaries(names.filter(lambda name: name != "agent-lanes"), values, max_size=3),
    st.sampled_from([None, 1, 4, "\t"]),
    st.booleans(),
)
def test_any_settings_get_the_member_and_their_bytes_back(
    data: dict[str, object], servers: dict[str, object] | None, indent: int | str | None, ascii: bool
) -> None:
    data.pop("mcpServers", None)
    if servers is not None:
        data["mcpServers"] = servers
    text = json.dumps(data, indent=indent, ensure_ascii=ascii)
    edit = formats.put(text, SERVER, None)
    assert json.loads(edit.text) == {**data, "mcpServers": {**(servers or {}), "agent-lanes": ENTRY}}
    assert formats.take(edit.text, JSON, SERVER.keys, (edit,)) == text


@pytest.mark.parametrize("text", ["", "\n", "Mine", "Mine\n", "Mine\r\n\r\n", "a\n\n\n", "# T\n\n```\ncode\n```"])
@pytest.mark.parametrize("piece", [NOTE, TABLE], ids=["note", "table"])
def test_lines_go_to_the_end_and_come_out_byte_for_byte(text: str, piece: Piece) -> None:
    if piece is TABLE:
        text = text.replace("Mine", 'mine = "a"').replace("a\n\n\n", '[b]\nx = "# agent-lanes"\n').replace("```", "#")
        text = text.replace("code", "# code")
    edit = formats.put(text, piece, None)
    assert edit.text.startswith(text) and edit.core in edit.text
    assert ("\r\n" in edit.core) == ("\r\n" in text)
    assert formats.take(edit.text, piece.format, piece.keys, (edit,)) == text
    assert formats.put(edit.text, piece, None).text == edit.text
    more = "before\n".replace("before", "# before") + edit.text + "# after\n"
    assert formats.take(more, piece.format, piece.keys, (edit,)) == f"# before\n{text}# after\n"


def test_a_table_is_one_more_and_a_table_of_that_name_is_the_users() -> None:
    edit = formats.put('[mcp_servers.other]\ncommand = "x"\n', TABLE, None)
    assert tomllib.loads(edit.text) == {"mcp_servers": {"other": {"command": "x"}, "agent-lanes": ENTRY}}
    for text in ('[mcp_servers.agent-lanes]\ncommand = "mine"\n', "mcp_servers = 1\n", "no toml", 'a = """\n'):
        with pytest.raises(ByHand):
            formats.put(text, TABLE, None)


def test_an_older_version_of_ours_is_replaced_where_it_stands() -> None:
    old = formats.put("above\n", NOTE.replace(core=marked.between(BLOCK, "Old.")), None)
    new = formats.put(old.text + "below\n", NOTE, (old.core,))
    assert new.text == "above\n\n" + NOTE.core + "below\n"
    with pytest.raises(ByHand, match="edited"):
        formats.put(old.text.replace("Old.", "Mine."), NOTE, (old.core,))
    with pytest.raises(ByHand, match="another note"):
        formats.put(old.text, NOTE, None)


@pytest.mark.parametrize("text", ["<!-- agent-lanes:begin -->\n", "<!-- agent-lanes:end -->\n", NOTE.core + NOTE.core])
def test_markers_that_are_no_pair_are_left_alone(text: str) -> None:
    with pytest.raises(ByHand, match="markers"):
        formats.put(text, NOTE, ())
