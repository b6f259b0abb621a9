"""JSON text in and out, without the cost of importing `json` (which imports re).

The C scanner and the C string encoder are the ones that `json` itself uses; where an interpreter has no such
private module, `json` is used. Written text is UTF-8, and always the same for the same value: keys sorted,
indented by 2, one closing newline, so that people read it with `cat` and compare it with `cmp`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
    JsonObject = dict[str, "Json"]

BLANKS = " \t\n\r"
NOTHING = "a JSON value is missing"
COMPLAINTS = (
    ("Expecting value", NOTHING),
    ("Expecting ','", "a comma or a closing bracket is missing"),
    ("Expecting ':'", "a colon is missing after the key"),
    ("Expecting property name", "a key in double quotes is missing"),
    ("Illegal trailing comma", "a comma with nothing after it"),
    ("Unterminated string", "a text that is not closed"),
    ("Invalid control character", "a control character inside a text; write it as an escape"),
    ("Invalid \\", "a backslash that begins no escape"),
)
MAX_DEPTH = 64
MAX_WRITTEN_DEPTH = MAX_DEPTH + 16  # what was read can be written again inside a report


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{digits[:20]} is too large a number")
    return value


class _Settings:
    """What `json.JSONDecoder` would tell the C scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = staticmethod(_finite)
    parse_int = int
    parse_constant = staticmethod(_no_constant)


def _parts() -> tuple[Any, Any]:
    """The scanner and the string encoder: from C where this interpreter has them, else by way of `json`."""
    try:
        import _json

        private: Any = _json
        return private.make_scanner(_Settings()), private.encode_basestring
    except (ImportError, TypeError, AttributeError):
        import json
        import json.encoder

        decoder: Any = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
        encoder: Any = json.encoder
        return decoder.scan_once, encoder.encode_basestring


_scan, _quote = _parts()
_PLAIN = {str: _quote, int: int.__repr__, bool: ("false", "true").__getitem__}
_names: dict[str, str] = {}
NAMES_KNOWN, LONGEST_NAME = 512, 64


def loads(text: str) -> Json:
    """The value of a JSON text, which `dumps` can write again.

    Raises ValueError: malformed, not finite, half a character, nested beyond MAX_DEPTH, trailing text.
    """
    start = 0
    while start < len(text) and text[start] in BLANKS:
        start += 1
    try:
        value, end = _scanned(text, start)
    except StopIteration as nothing:
        raise ValueError(_placed(text, nothing.value, NOTHING)) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as wrong:
        if not hasattr(wrong, "pos"):  # of ours: NaN, a number that is too large; or of int()
            raise ValueError("a number of too many digits" if "digits" in str(wrong) else str(wrong)) from None
        raise ValueError(_placed(text, wrong.pos, _in_words(str(getattr(wrong, "msg", ""))))) from None
    rest = text[end:].lstrip(BLANKS)
    if rest:
        raise ValueError(_placed(text, len(text) - len(rest), "there is more after the end of the value"))
    if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
        _check(value, 1)
    found: Json = value
    return found


def _scanned(text: str, start: int) -> tuple[Any, int]:
    try:
        found: tuple[Any, int] = _scan(text, start)
    except SystemError:  # the scanner of 3.11 has an error to raise, but takes its class from a module not loaded
        import json.decoder  # noqa: F401  # it looks in sys.modules

        found = _scan(text, start)
    return found


def _placed(text: str, at: int, problem: str) -> str:
    """What is wrong, and where: the line only where there are several."""
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    where = f"line {line}, column {column}" if "\n" in text.rstrip() else f"column {column}"
    return f"{where}: {problem}"


def _in_words(message: str) -> str:
    """The scanner's complaint in words that name no part of Python; none of them quotes the text."""
    return next((words for start, words in COMPLAINTS if message.startswith(start)), "this is no JSON")


def loads_object(text: str) -> JsonObject:
    """The same, where only an object will do. Raises ValueError."""
    value = loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _check(value: object, level: int) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("half a character (a lone surrogate)") from None
    elif isinstance(value, (dict, list)):
        if level > MAX_DEPTH:
            raise ValueError("nested too deeply")
        for item in value:
            _check(item, level + 1)
            if isinstance(value, dict):
                _check(value[item], level + 1)


def dumps(value: object) -> str:
    """The text of a value: indented by 2, keys sorted, a closing newline. Raises ValueError, TypeError."""
    out: list[str] = []
    _write(value, out, "\n", 1)
    out.append("\n")
    return "".join(out)


def dumps_line(value: object) -> str:
    """The text of a value on one line, without the newline."""
    out: list[str] = []
    _write(value, out, None, 1)
    return "".join(out)


def _write(value: object, out: list[str], newline: str | None, level: int) -> None:
    if isinstance(value, str):
        out.append(_quote(value))
    elif value is None:
        out.append("null")
    elif value is True or value is False:
        out.append("true" if value else "false")
    elif isinstance(value, int):
        out.append(int.__repr__(value))
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError(f"{value} is not JSON")
        out.append(float.__repr__(value))
    elif not isinstance(value, (dict, list, tuple)):
        raise TypeError(f"{type(value).__name__} is not JSON")
    elif not value:
        out.append("{}" if isinstance(value, dict) else "[]")
    elif level > MAX_WRITTEN_DEPTH:
        raise ValueError("nested too deeply")
    elif isinstance(value, dict):
        _write_object(value, out, newline, level)
    else:
        _write_array(value, out, newline, level)


def _write_object(mapping: dict[str, object], out: list[str], newline: str | None, level: int) -> None:
    inner = None if newline is None else newline + "  "
    separator, rest = "{" + (inner or ""), "," + (inner or " ")
    for key in sorted(mapping):
        name = _names.get(key) or _named(key)
        value = mapping[key]
        plain = _PLAIN.get(type(value))  # nearly everything in a record
        if value is None:
            out.append(f"{separator}{name}null")
        elif plain is not None:
            out.append(f"{separator}{name}{plain(value)}")
        else:
            out.append(separator + name)
            _write(value, out, inner, level + 1)
        separator = rest
    out.append((newline or "") + "}")


def _named(key: str) -> str:
    """A key as it stands before its value, remembered: records have the same few again and again."""
    if not isinstance(key, str):
        raise TypeError("a JSON key is a string")
    if len(_names) >= NAMES_KNOWN:
        _names.clear()
    name: str = f"{_quote(key)}: "
    if len(key) <= LONGEST_NAME:
        _names[key] = name
    return name


def _write_array(items: list[object] | tuple[object, ...], out: list[str], newline: str | None, level: int) -> None:
    inner = None if newline is None else newline + "  "
    separator = "[" + (inner or "")
    for value in items:
        out.append(separator)
        _write(value, out, inner, level + 1)
        separator = "," + (inner or " ")
    out.append((newline or "") + "]")
