"""P1: puts, and takes with their ack, beside other queues without a server: huey, persist-queue, litequeue.

A take of this build is a claim and an answer that is kept; theirs is the ack alone, which is noted where it matters.
How durable each is stands beside it, with the fsyncs that strace counts in its worker.
"""

from __future__ import annotations

import tempfile

from bench import Bench, Figure, Row
from measure import flock, median, new_file_and_fsync, ratio
from queues.stage import ABOUT, Stage, Worker, versions
from syscalls import SYNCS

PEERS = ("huey", "persist-file", "persist-ack", "litequeue")
LEAST = 1.0
COUNTED = 20


def measure(bench: Bench) -> Figure:
    """Ratios to each peer in one process, and in 8 where the peer allows it."""
    figure = Figure("P1", "Beside queues without a server: rates over theirs")
    beside(bench, figure, PEERS, {"put": LEAST, "take and ack": LEAST})
    durability(bench, figure, ("this", *PEERS))
    told = ", ".join(f"{name} {version}" for name, version in versions().items())
    figure.rows.append(Row("versions", "", None, note=told))
    floor = median([new_file_and_fsync(bench.disk) for _ in range(50)])
    figure.rows.append(Row("floor: a new file and its fsync", "/s", 1 / floor))
    figure.rows.append(
        Row("floor: a flock got and given back", "/s", 1 / median([flock(bench.disk) for _ in range(50)]))
    )
    return figure


def beside(bench: Bench, figure: Figure, peers: tuple[str, ...], least: dict[str, float]) -> None:
    """A row for each peer, operation and number of processes."""
    turns, crowds = bench.turns(), bench.crowds()
    for peer in peers:
        for name, one, several in (("put", turns.put, crowds.put), ("take and ack", turns.take, crowds.take)):
            for many in (1, 8):
                if peer not in one or (many > 1 and (peer, many) not in several):
                    continue
                ours, theirs = (one[kind] if many == 1 else several[kind, many] for kind in ("this", peer))
                times, low, high = ratio(ours, theirs)
                asked = least.get(name) if many == 1 else None
                note = f"{median(ours):,.0f} over {median(theirs):,.0f} /s"
                what = f"{name}, over {ABOUT[peer][0]}" + (f", {many} processes" if many > 1 else "")
                figure.rows.append(Row(what, "x", times, None, None, low, high, note, asked))
                figure.samples |= {f"{what}: this": ours, f"{what}: peer": theirs}


def durability(bench: Bench, figure: Figure, kinds: tuple[str, ...]) -> None:
    """A row for each queue: what it promises, and the fsyncs that it makes for that."""
    for kind in kinds:
        if kind in bench.turns().put:
            name, durable, _ = ABOUT[kind]
            puts, takes = _syncs(bench, kind)
            counted = "" if puts is None else f"; fsyncs counted: {puts:.2g} a put, {takes:.2g} a take"
            figure.rows.append(Row(f"durability of {name}", "", None, note=durable + counted))


def _syncs(bench: Bench, kind: str) -> tuple[float | None, float | None]:
    """fsyncs and their like of one put and one take, in the worker itself; None where a server does them."""
    stage = Stage(bench, kind, 1)
    try:
        if stage.servers:
            return None, None
        with tempfile.NamedTemporaryFile("r") as report:
            before = ("strace", "-f", "-e", f"trace={','.join(SYNCS)}", "-o", report.name)
            worker = Worker(stage, stage.addresses[0], before)
            counts = []
            for line in ("put 1 a", "take", f"put {COUNTED} b", "take"):
                worker.tell(line)
                worker.done()
                report.seek(0)
                counts.append(report.read().count("("))
            worker.end()
        return (counts[2] - counts[1]) / COUNTED, (counts[3] - counts[2]) / COUNTED
    finally:
        stage.close()
