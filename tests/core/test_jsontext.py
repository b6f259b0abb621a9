"""JSON in and out, compared with the `json` of the standard library."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent_lanes.core import jsontext
from agent_lanes.core.jsontext import MAX_DEPTH, MAX_WRITTEN_DEPTH, loads
from core.values import json_values


def pretty(value: object) -> str:
    """What `json` writes when told what CONTRACT.md says."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@given(json_values)
@example({"b": 1, "a": [], "ä": {}, "": [[], {}, [1]]})
@example('\0\x7f\u2028\u2029</script>"\\')
@example([1e300, -0.0, 1e-7, 123456789012345678901234567890])
def test_a_value_is_written_as_json_writes_it(value: object) -> None:
    assert jsontext.dumps(value) == pretty(value)
    assert jsontext.dumps_line(value) == json.dumps(value, sort_keys=True, ensure_ascii=False)


@given(json_values)
def test_what_is_written_is_read_again(value: object) -> None:
    assert jsontext.loads(jsontext.dumps(value)) == value
    assert jsontext.loads(jsontext.dumps_line(value)) == value


@given(json_values, st.sampled_from(["", " ", "\n\t\r "]), st.booleans())
def test_a_text_is_read_as_json_reads_it(value: object, blanks: str, ascii_only: bool) -> None:
    text = blanks + json.dumps(value, ensure_ascii=ascii_only) + blanks
    assert jsontext.loads(text) == json.loads(text)


@given(st.text() | st.text(alphabet='[]{}",:0123456789.eE+-truefalsn \\u"', max_size=20))
@example("1.")
@example("01")
@example("[1,]")
@example('{"a":1,}')
@example('{"a" 1}')
@example("'a'")
@example('"\\ud83d\\ude00"')
@example("\ufeff{}")
@example("\u00a0{}")
@example("tru")
@example('"\n"')
def test_a_text_is_refused_exactly_where_json_refuses_it(text: str) -> None:
    try:
        expected = json.loads(text, parse_constant=lambda name: math.nan if name == "never" else fail(name))
        json.dumps(expected, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        with pytest.raises(ValueError):
            jsontext.loads(text)
    else:
        assert jsontext.loads(text) == expected


def fail(name: str) -> float:
    raise ValueError(name)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"a": [NaN]}', "1e999", '{"a": -1e999}'])
def test_a_number_that_is_not_finite_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        jsontext.loads(text)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {"a": [math.nan]}])
def test_a_number_that_is_not_finite_is_not_written(value: object) -> None:
    for write in (jsontext.dumps, jsontext.dumps_line):
        with pytest.raises(ValueError, match="not JSON"):
            write(value)


@pytest.mark.parametrize("text", ["{} {}", "1 2", '{"a": 1}x', "[]\0"])
def test_text_after_the_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more after the end of the value"):
        jsontext.loads(text)


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a JSON value is missing"):
        jsontext.loads(text)


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 5_000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_beyond_all_use_is_refused_not_a_crash(levels: int, opening: str, closing: str) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        jsontext.loads(opening * levels + "1" + closing * levels)


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def test_what_is_read_can_be_written_down_to_the_deepest_level() -> None:
    deepest = nested(MAX_DEPTH)
    assert jsontext.loads(jsontext.dumps(deepest)) == deepest
    assert jsontext.loads(jsontext.dumps_line(deepest)) == deepest
    for write in (jsontext.dumps, jsontext.dumps_line):
        for levels in (MAX_WRITTEN_DEPTH + 1, 100_000):
            with pytest.raises(ValueError, match="nested too deeply"):
                write(nested(levels))


def test_a_number_of_more_digits_than_python_converts_is_refused() -> None:
    with pytest.raises(ValueError):
        jsontext.loads("1" * 5_000)
    assert jsontext.loads("1" * 1_000) == int("1" * 1_000)


@pytest.mark.parametrize("text", [r'"\ud800"', r'{"a": ["\uDFFF"]}', r'{"\ud800": 1}', r'"\ude00\ud83d"'])
def test_half_a_character_is_refused_because_no_file_and_no_terminal_can_hold_it(text: str) -> None:
    with pytest.raises(ValueError):
        jsontext.loads(text)
    assert jsontext.loads(r'"\ud83e\udd8a \\ud800"') == "🦊 \\ud800"


@pytest.mark.parametrize("text", ["[]", "1", "null", '"{}"'])
def test_only_an_object_is_a_record(text: str) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        jsontext.loads_object(text)
    assert jsontext.loads_object("{}") == {}


@pytest.mark.parametrize("value", [{1, 2}, b"a", object, {1: 2}, {None: 2}, {"a": {("b",): 1}}], ids=repr)
def test_what_is_no_json_is_not_written(value: object) -> None:
    for write in (jsontext.dumps, jsontext.dumps_line):
        with pytest.raises(TypeError):
            write(value)


FALLBACK = """
import sys
sys.modules["_json"] = None  # as on an interpreter without it
from agent_lanes.core import jsontext
assert type(jsontext._quote).__module__ != "_json"
value = {"b": [1, 2.5, None, True], "a": "é\\n\\0\\"", "": {}}
text = jsontext.dumps(value)
assert jsontext.loads(text) == value, text
for bad in ("", "NaN", "[1,]", "{} x", "[" * 100_000, '{"a": "\\n"}', "1e999", '"\\\\ud800"'):
    try:
        jsontext.loads(bad)
    except ValueError:
        continue
    raise SystemExit(f"accepted: {bad[:20]!r}")
sys.stdout.write(text)
"""


def test_without_the_private_c_module_the_same_text_comes_out() -> None:
    done = subprocess.run([sys.executable, "-c", FALLBACK], capture_output=True, encoding="utf-8", timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == pretty({"b": [1, 2.5, None, True], "a": 'é\n\0"', "": {}})


def test_reading_and_writing_json_does_not_import_the_json_package() -> None:
    code = (
        "import sys; before = set(sys.modules); from agent_lanes.core import jsontext; jsontext.loads('[1]');"
        "jsontext.dumps({}); print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-S", "-E", "-c", code], capture_output=True, text=True, timeout=60)
    if "No module named" in done.stderr:  # installed where only `site` finds it
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert {"json", "re"}.isdisjoint(done.stdout.split())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1 "b": 2}', "column 9: a comma or a closing bracket is missing"),
        ('{"a" 1}', "column 6: a colon is missing after the key"),
        ("{'a': 1}", "column 2: a key in double quotes is missing"),
        ('{"a": }', "column 7: a JSON value is missing"),
        ('{\n"a": tru}', "line 2, column 6: a JSON value is missing"),
        ('["secret', "column 2: a text that is not closed"),
        ('["a\tb"]', "column 4: a control character inside a text; write it as an escape"),
        ('["\\q"]', "column 3: a backslash that begins no escape"),
        ("{} secret", "column 4: there is more after the end of the value"),
        ("", "column 1: a JSON value is missing"),
        ("9" * 5000, "a number of too many digits"),
    ],
)
def test_a_refusal_says_where_and_what_in_words_of_its_own(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        loads(text)
