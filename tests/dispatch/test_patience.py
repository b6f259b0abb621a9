"""How long an agent may do nothing but try again."""

from __future__ import annotations

import math
import time

from agent_lanes.dispatch.patience import LONGEST_LINE, Patience


def test_it_runs_out_after_a_line_that_came_in_pieces_unless_something_is_printed() -> None:
    patience = Patience({"match": "^retrying", "seconds": 5})
    patience.complained(b"not retrying\nretr")
    assert patience.left(time.monotonic()) == math.inf
    patience.complained(b"ying: overloaded\n")
    assert 0 < patience.left(time.monotonic()) <= 5
    patience.answered()
    assert patience.left(time.monotonic()) == math.inf


def test_of_a_vendor_without_such_a_line_it_never_runs_out() -> None:
    patience = Patience({"match": "", "seconds": 5})
    patience.complained(b"retrying\n")
    assert patience.left(time.monotonic()) == math.inf


def test_of_a_long_line_only_the_beginning_is_looked_at_so_that_no_pattern_takes_long() -> None:
    patience = Patience({"match": "retrying", "seconds": 5})
    patience.complained(b"x" * LONGEST_LINE + b" retrying")
    patience.complained(b" retrying\n")
    assert patience.left(time.monotonic()) == math.inf
    patience.complained(b"retrying" + b"x" * LONGEST_LINE + b"\n")
    assert patience.left(time.monotonic()) <= 5
