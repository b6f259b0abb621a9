"""What of a text may reach a terminal as it is, and how the rest is written.

A task's text comes from anywhere. Control characters (C0, C1) could steer the terminal, bidi controls show a line as
another than it is, and what has no width hides in a word. They are written as escapes (`\\x1b`, `\\u202e`). Spaces of
every width stay; so do joiners between letters and emoji that need them.

    one_line(text)    one line: line breaks and tabs are escaped, too
    readable(text)    lines and tabs stay
    harmless(json)    JSON that means the same

Sources: ECMA-48 (controls), UAX 9 (bidi), UTS 51 (joiners in emoji), UAX 14 and 44 (what has no width).
"""

from __future__ import annotations

SPACES = frozenset("\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000")
JOINERS = "\u200c\u200d"
# Printable as far as Python knows, and yet invisible: fillers, and selectors of variants beyond text and emoji style.
HIDDEN = (
    frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
    | frozenset(map(chr, range(0xFE00, 0xFE0E)))
    | frozenset(map(chr, range(0xE0100, 0xE01F0)))
)


def one_line(content: str) -> str:
    """The text with everything escaped that is more than a line of plain characters."""
    if content.isascii() and content.isprintable():
        return content
    return _escaped(content, "")


def readable(content: str) -> str:
    """The text for a terminal: lines and tabs stay; a carriage return before a line's end goes."""
    return _escaped(content.replace("\r\n", "\n"), "\n\t")


def harmless(content: str) -> str:
    """JSON in which everything is escaped that a terminal could mistake for a command; it means the same."""
    odd = {char for char in set(content) if not char.isprintable() and char != "\n"}
    return content.translate({ord(char): _json_escape(char) for char in odd}) if odd else content


def _escaped(content: str, kept: str) -> str:
    for joiner in JOINERS:
        if joiner in content:
            content = _joined(content, joiner)
    kept += JOINERS  # those that are left
    odd = (char for char in set(content) if char not in kept and _odd(char))  # one by one, 32 MiB would take minutes
    return content.translate({ord(char): _escape(char) for char in odd})


def _odd(char: str) -> bool:
    return char not in SPACES and (not char.isprintable() or char in HIDDEN)


def _joined(content: str, joiner: str) -> str:
    """Joiners stay where they join two characters beyond ASCII; elsewhere they would hide."""
    first, *rest = content.split(joiner)
    parts, before = [first], first
    for part in rest:
        joins = before[-1:] > "\x7f" and part[:1] > "\x7f"
        parts += (joiner if joins else _escape(joiner), part)
        before = part
    return "".join(parts)


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode()


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
