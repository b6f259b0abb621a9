"""holds/<lane>/<vendor>.json: what a person put on hold; `@` stands for every lane, and for everybody.

A fact, replaced by one rename, durable when the call returns. As a rule there is no such folder, and whoever claims
looks for it once. A hold that cannot be read still holds: somebody wanted it, and `resume` removes it.
"""

from __future__ import annotations

import os

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic, durable
from agent_lanes.backends.files.layout import Layout
from agent_lanes.core.fields import FORMAT
from agent_lanes.core.holds import Hold, decode_hold, encode_hold
from agent_lanes.core.jsontext import dumps, loads_object
from agent_lanes.core.names import escape, unescape

ALL = "@"  # an escaped name has none
SUFFIX = ".json"
MOST_BYTES = 1 << 20


def read_all(layout: Layout) -> tuple[Hold, ...]:
    """Every hold, by lane and vendor. Raises OSError."""
    found = list[Hold]()
    for lane in atomic.names(layout.holds):
        for name in atomic.names(f"{layout.holds}/{lane}"):
            if name.endswith(SUFFIX):
                hold = _read(f"{layout.holds}/{lane}/{name}", lane, name.removesuffix(SUFFIX))
                found += [hold] if hold is not None else []
    return tuple(found)


def put(layout: Layout, hold: Hold) -> None:
    """Let a hold stand, in place of one of the same lane and vendor; durable when this returns.

    Raises OSError; Unconfirmed after the commit.
    """
    path, record = _path(layout, hold.lane, hold.vendor), {"format": FORMAT, **encode_hold(hold)}
    for last in (False, False, False, True):  # whoever resumes another one may remove the emptied folder meanwhile
        atomic.make_folder(os.path.dirname(path))
        try:
            atomic.replace(path, dumps(record).encode(), f"{layout.tmp}/{chance(16)}", durable=True)
            break
        except FileNotFoundError:
            if last:
                raise
    durable.confirm_hold((os.path.dirname(path), layout.holds, layout.root), f"{hold.what} is on hold")


def drop(layout: Layout, lane: str | None, vendor: str | None) -> bool:
    """End a hold, durably; whether there was one. Raises OSError; Unconfirmed after it."""
    path = _path(layout, lane, vendor)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    folder = os.path.dirname(path)
    durable.confirm_hold((folder,), "resumed")
    for empty in (folder, layout.holds):
        try:
            os.rmdir(empty)
        except OSError:  # there are others
            break
    return True


def _path(layout: Layout, lane: str | None, vendor: str | None) -> str:
    parts = (ALL if part is None else escape(part) for part in (lane, vendor))
    return f"{layout.holds}/{'/'.join(parts)}{SUFFIX}"


def _read(path: str, lane: str, vendor: str) -> Hold | None:
    try:
        named = [None if part == ALL else unescape(part) for part in (lane, vendor)]
    except ValueError:
        return None  # a foreign file
    try:
        return decode_hold(loads_object(atomic.read(path, MOST_BYTES).decode())).replace(lane=named[0], vendor=named[1])
    except FileNotFoundError:
        return None  # just resumed
    except (ValueError, atomic.Unreadable):
        return Hold(lane=named[0], vendor=named[1], reason=f"its record cannot be read: {path}", created_at=0)
