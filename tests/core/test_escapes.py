"""Which characters may reach a terminal as they are."""

from __future__ import annotations

import json
import unicodedata

import pytest

from agent_lanes.core.escapes import harmless, one_line, readable

EVERY = [chr(code) for code in range(0x110000)]


def test_no_control_format_or_unassigned_character_passes() -> None:
    for char in EVERY:
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            assert char not in one_line(f"a{char}b"), hex(ord(char))
            assert char not in readable(f"a{char}b") or char in "\n\t", hex(ord(char))


def test_every_letter_digit_sign_and_space_passes() -> None:
    hidden = ""
    for char in EVERY:
        if unicodedata.category(char)[0] in "LNPSZ" and unicodedata.category(char) not in ("Zl", "Zp"):
            hidden += "" if readable(f"a{char}b") == f"a{char}b" else char
    assert hidden == "\u115f\u1160\u2800\u3164\uffa0", "what is as good as invisible, and nothing else"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("pass\u200bword \u2060\ufeff", "pass\\u200bword \\u2060\\ufeff"),
        ("a\u200db", "a\\u200db"),
        ("\u200d\u200d", "\\u200d\\u200d"),
        ("a\U000e0101b", "a\\U000e0101b"),
        ("two\nlines\tand\r", "two\\nlines\\tand\\r"),
    ],
)
def test_what_could_steer_or_hide_is_written_as_an_escape(text: str, shown: str) -> None:
    assert one_line(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "naïve “quoted”",
        "全角\u3000空白",
        "10\u00a0%",
        "👩\u200d💻 ❤\ufe0f 1\ufe0f\u20e3",
        "\u0645\u06cc\u200c\u062e\u0648",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert one_line(text) == readable(text) == text


def test_lines_and_tabs_stay_in_a_page_and_lone_carriage_returns_do_not() -> None:
    assert readable("a\r\nb\tc\rd\n") == "a\nb\tc\\rd\n"


def test_json_means_the_same_and_holds_nothing_odd() -> None:
    value = "".join(EVERY[:0xD800]) + "\U0001f469\u200d\U000e0101\U0010ffff"
    told = harmless(json.dumps(value, ensure_ascii=False))
    assert json.loads(told) == value and told.isprintable()


def test_a_large_text_takes_no_longer_than_reading_it_a_few_times() -> None:
    text = "x\x1b\u200d" * 400_000
    assert len(readable(text)) > len(text), "linear: quadratic work would never end"
