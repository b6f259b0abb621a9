"""P2: takes with their ack beside Redis with appendfsync always, a table in SQLite's WAL, and beanstalkd."""

from __future__ import annotations

from bench import Bench, Figure

from figures.p1 import beside, durability

LEAST = {"redis": 0.3, "wal": 0.12}


def measure(bench: Bench) -> Figure:
    """The table is what a program would do with 20 lines of its own; Redis and beanstalkd need a server."""
    figure = Figure("P2", "Beside a table of one's own, and beside servers: rates over theirs")
    for peer in ("redis", "wal", "beanstalkd"):
        beside(bench, figure, (peer,), {"take and ack": LEAST[peer]} if peer in LEAST else {})
    durability(bench, figure, ("redis", "wal", "beanstalkd"))
    return figure
