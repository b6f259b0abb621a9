"""What may be called what, and how a name becomes a file name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent_lanes.core import names
from agent_lanes.core.times import LAST_INSTANT
from agent_lanes.errors import BadUsage

printable = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)
chance = st.text("0123456789abcdef", min_size=12, max_size=12)

# --- ids -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "id", ["a", "0", "a.b", "a-b_c.d", "20261121T023929158949Z-x-0123456789ab", "a" * names.MAX_ID]
)
def test_an_id_of_letters_digits_and_a_few_marks_is_accepted_as_it_is(id: str) -> None:
    assert names.task_id(id) == id


@pytest.mark.parametrize(
    "id",
    [
        "",
        ".",
        "..",
        "-a",
        "_a",
        ".a",
        "a..b",
        "a/b",
        "/etc",
        "a b",
        " a",
        "a\n",
        "a\0",
        "é",
        "٣",
        "a%2Eb",
        "a" * (names.MAX_ID + 1),
    ]
    + [None, 1, b"a", ["a"], True],
)
def test_anything_else_is_no_id(id: object) -> None:
    with pytest.raises(BadUsage, match="task id: "):
        names.task_id(id)


@given(st.integers(0, LAST_INSTANT), st.text(max_size=300), chance)
@example(0, "..", "000000000000")
@example(0, "." * 300 + "a" * 300, "000000000000")
@example(0, "-.-.-" * 40, "000000000000")
def test_every_id_that_is_made_is_a_legal_id(created_at: int, correlation: str, hex_digits: str) -> None:
    names.task_id(names.new_task_id(created_at, correlation, hex_digits))


@given(st.integers(0, LAST_INSTANT), st.integers(0, LAST_INSTANT), printable, printable)
def test_ids_sort_by_creation(first: int, second: int, one: str, other: str) -> None:
    a, b = (names.new_task_id(at, name, "0" * 12) for at, name in ((first, one), (second, other)))
    assert first == second or (first < second) == (a < b)


@given(st.text(max_size=300))
@example("a..b")
@example("a---b")
@example("-...")
def test_a_slug_is_short_plain_and_never_empty(text: str) -> None:
    slug = names.slug(text)
    assert 1 <= len(slug) <= 60
    assert names.PLAIN.issuperset(slug)
    assert ".." not in slug
    assert slug[0] not in ".-_"


def test_a_slug_keeps_what_is_plain() -> None:
    assert names.slug("Review.of_plan-2") == "Review.of_plan-2"
    assert names.slug("plan (draft): v2!") == "plan-draft-v2"
    assert names.slug("?!") == "task"


# --- escapes -------------------------------------------------------------------------------------------------


@given(printable)
@example(".")
@example("..")
@example(".a.b")
@example("%")
@example("%2E")
@example("a%")
@example("/../../etc/passwd")
@example("é%é.")
@example("\U0001d518")
def test_a_name_comes_back_from_its_file_name(name: str) -> None:
    assert names.unescape(names.escape(name)) == name


@given(printable, printable)
@example(".", "%2E")
@example("a.b", "a%2Eb")
def test_two_names_never_share_a_file_name(one: str, other: str) -> None:
    assert (one == other) == (names.escape(one) == names.escape(other))


@given(printable)
@example("..")
@example("a/b")
def test_an_escaped_name_is_one_plain_file_name_that_never_begins_with_a_dot(name: str) -> None:
    escaped = names.escape(name)
    assert (names.PLAIN | {"%"}).issuperset(escaped)
    assert escaped[0] != "."
    assert os.path.basename(escaped) == escaped


@pytest.mark.parametrize("file_name", ["a%", "%", "a%2", "%4", "%zz", "%2e", "%41", "% 2", ".a", "%FF", "a b", "é"])
def test_what_escape_cannot_have_made_is_not_unescaped(file_name: str) -> None:
    with pytest.raises(ValueError):
        names.unescape(file_name)


# --- lanes, vendors, agents ----------------------------------------------------------------------------------

CHECKS = {
    "lane": names.lane,
    "vendor": names.vendor,
    "owner": lambda value: names.agent("owner", value),
    "correlation_id": names.correlation_id,
    "workspace_id": names.workspace_id,
    "type": names.event_type,
}
BAD_TEXTS = ["", " ", " a", "a ", "a\nb", "a\tb", "a\0b", "\x1b[31m", "a\u2028b", "\u202ea", "\ud800"]
BAD = [*BAD_TEXTS, None, 1, [], b"a", True]
GOOD = ["default", "code review", "..", "a/b", "naïve", "レビュー", "🦊", "100%", "'\"`$(x)"]


@pytest.mark.parametrize("value", BAD, ids=ascii)
@pytest.mark.parametrize("field", CHECKS)
def test_a_name_is_one_printable_line_and_the_refusal_names_its_field(field: str, value: object) -> None:
    with pytest.raises(BadUsage) as refused:
        CHECKS[field](value)
    assert refused.value.message.startswith(f"{field}: ")
    assert refused.value.message.isprintable()


@pytest.mark.parametrize("field", CHECKS)
@pytest.mark.parametrize("value", GOOD)
def test_a_printable_name_is_accepted_as_it_is(field: str, value: str) -> None:
    assert CHECKS[field](value) == value


@pytest.mark.parametrize(("field", "limit"), [("owner", 200), ("correlation_id", 200), ("type", 100)])
def test_a_name_has_a_limit_in_characters(field: str, limit: int) -> None:
    CHECKS[field]("é" * limit)
    with pytest.raises(BadUsage, match=f"{limit + 1} characters are too many; at most {limit}"):
        CHECKS[field]("é" * (limit + 1))


@pytest.mark.parametrize("field", ["lane", "vendor"])
@pytest.mark.parametrize(("char", "most"), [("a", 200), ("é", 33), ("🦊", 16), ("/", 66)])
def test_a_lane_has_a_limit_in_bytes_of_its_file_name(field: str, char: str, most: int, tmp_path: Path) -> None:
    longest = CHECKS[field](char * most)
    (tmp_path / names.escape(longest)).mkdir()
    with pytest.raises(BadUsage, match=f"{field}: .*too (long|many)"):
        CHECKS[field](char * (most + 1))


@given(st.text())
def test_what_an_error_line_shows_of_a_value_is_one_short_ascii_line(value: str) -> None:
    shown = names.shown(value)
    assert shown.isascii() and shown.isprintable()
    assert len(shown) <= 63 * len("\\U00000000") + 2


# --- metadata ------------------------------------------------------------------------------------------------


def nested(levels: int, kind: str) -> object:
    value: object = "leaf"
    for _ in range(levels):
        value = {"k": value} if kind == "mapping" else [value]
    return value


def test_metadata_of_every_json_type_is_accepted_as_it_is() -> None:
    value = {"n": None, "b": True, "i": -3, "f": 0.5, "s": "é\n\0", "l": [1, [2]], "o": {"k": {}}}
    assert names.metadata("metadata", value) is value


@pytest.mark.parametrize("value", [None, [], "a=b", 1, b"", {("a",): 1}, {1: 2}, {"": 1}, {"a\n": 1}, {"k" * 101: 1}])
def test_metadata_is_a_mapping_with_printable_keys(value: object) -> None:
    with pytest.raises(BadUsage, match=r"^metadata"):
        names.metadata("metadata", value)


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", object, 1j, range(3)], ids=repr)
def test_metadata_that_json_cannot_carry_is_refused_by_its_place(value: object) -> None:
    with pytest.raises(BadUsage, match=r"^metadata\.a\[1\]: "):
        names.metadata("metadata", {"a": [0, value]})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 2**1024, -(2**1024)], ids=repr)
def test_numbers_that_are_not_finite_or_absurdly_large_are_refused(value: float) -> None:
    with pytest.raises(BadUsage, match=r"^metadata\.a"):
        names.metadata("metadata", {"a": value})


def test_the_largest_integer_is_accepted() -> None:
    names.metadata("metadata", {"a": 2**1024 - 1, "b": -(2**1024 - 1)})


@pytest.mark.parametrize("value", ["\ud800", "a\udfff", ["\ud800"], {"k": "\ud800"}], ids=ascii)
def test_half_characters_are_refused(value: object) -> None:
    with pytest.raises(BadUsage, match="half a character"):
        names.metadata("metadata", {"a": value})


@pytest.mark.parametrize("kind", ["mapping", "list"])
def test_metadata_may_be_nested_sixteen_levels_and_no_deeper(kind: str) -> None:
    names.metadata("metadata", {"a": nested(15, kind)})
    for levels in (16, 500):
        with pytest.raises(BadUsage, match="nested deeper than 16 levels"):
            names.metadata("metadata", {"a": nested(levels, kind)})


def test_metadata_may_have_256_kib_and_no_more() -> None:
    names.metadata("metadata", {"a": "x" * (256 * 1024 - 10)})
    for too_much in ({"a": "x" * 256 * 1024}, {"a": ["é"] * 70_000}, {f"k{i}": "" for i in range(50_000)}):
        with pytest.raises(BadUsage, match="bytes are too many"):
            names.metadata("metadata", too_much)


@pytest.mark.parametrize("value", [None, "codex", "vendor with blanks"])
def test_a_required_vendor_may_be_absent_or_any_name(value: object) -> None:
    names.metadata("metadata", {"required_vendor": value})


@pytest.mark.parametrize("value", ["", " codex", "co\ndex", 1, ["codex"], {}, "x" * 201])
def test_a_required_vendor_that_is_no_name_is_refused(value: object) -> None:
    with pytest.raises(BadUsage, match=r"^metadata\.required_vendor: "):
        names.metadata("metadata", {"required_vendor": value})


@pytest.mark.parametrize("metadata", [{}, {"required_vendor": None}, {"required_vendor": ""}, {"required_vendor": 3}])
def test_a_task_that_names_no_vendor_is_for_any(metadata: dict[str, object]) -> None:
    assert names.required_vendor(metadata) == "any"  # type: ignore[arg-type]
