"""ledger/<month>.jsonl: torn lines, many writers, a disk that does not take it."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from agent_lanes.backends.files.store import FileStore
from agent_lanes.core.ledger import Entry
from agent_lanes.errors import StorageFailed


def entry(number: int) -> Entry:
    return Entry(
        at=1_790_000_000_000_000,
        task="t",
        epoch=number,
        lane="l",
        vendor="v",
        thread="th",
        source_agent="s",
        outcome="answered",
    )


def file(store: FileStore) -> Path:
    (found,) = Path(store.address, "ledger").iterdir()
    return found


def test_a_line_that_was_cut_off_is_left_out_and_closed_by_the_next(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "state"))
    store.enter(entry(1))
    path = file(store)
    with path.open("a") as out:
        out.write('{"at": "2026-')
    assert [one.epoch for one in store.entries()] == [1] == [one.epoch for one in store.latest_entries()]
    store.enter(entry(2))
    assert [one.epoch for one in store.entries()] == [1, 2] == [one.epoch for one in store.latest_entries()]
    assert path.name == "2026-09.jsonl" and stat.S_IMODE(path.stat().st_mode) == 0o600


def test_many_writers_lose_no_line(tmp_path: Path) -> None:
    stores = [FileStore(str(tmp_path / "state")) for _ in range(4)]

    def write(first: int) -> None:
        for number in range(first, first + 50):
            stores[first // 50].enter(entry(number))

    threads = [threading.Thread(target=write, args=(first,)) for first in range(0, 200, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.epoch for one in stores[0].entries()) == list(range(200))
    assert all(json.loads(line) for line in file(stores[0]).read_text().splitlines() if line)


def test_the_tail_begins_with_a_whole_line(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "state"))
    for number in range(600):
        store.enter(entry(number))
    latest = [one.epoch for one in store.latest_entries()]
    assert 100 < len(latest) < 600 and latest == list(range(latest[0], 600))


def test_what_cannot_be_written_is_an_error_and_doctor_tells_of_it(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "state"))
    store.prepare()
    Path(store.address, "ledger").write_text("")
    with pytest.raises(StorageFailed):
        store.enter(entry(1))
    assert list(store.entries()) == []
    assert "ledger is no folder" in [finding.message.replace("'", "") for finding in store.examine()]


@pytest.mark.parametrize("minutes_back", [0, 1, 90, 1_500, 5_000])
def test_the_end_of_a_long_month_is_found_without_its_beginning(tmp_path: Path, minutes_back: int) -> None:
    store = FileStore(str(tmp_path / "state"))
    last = 1_790_000_000_000_000
    minutes = [*range(2_000, 0, -1), 30, 0]  # one ended half an hour before it was entered
    for number, back in enumerate(minutes):
        store.enter(entry(number).replace(at=last - back * 60_000_000))
    since = last - minutes_back * 60_000_000
    wanted = [number for number, back in enumerate(minutes) if back <= minutes_back]
    assert [one.epoch for one in store.entries(since)] == wanted


def test_what_was_entered_before_the_clock_was_set_back_by_hours_is_still_counted(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "state"))
    midnight = 20_718 * 86_400_000_000
    for number, hour in enumerate([3] * 300 + [-9] * 600 + [5]):
        store.enter(entry(number).replace(at=midnight + hour * 3_600_000_000))
    assert sum(1 for _ in store.entries(midnight)) == 301
