"""The tracing decorator says what is called and changes nothing; the clock knows the boot."""

from __future__ import annotations

import os
import time

import pytest
from contracts.stores import submit

from agent_lanes.backends import clock
from agent_lanes.backends.memory import MemoryStore
from agent_lanes.backends.traced import Traced
from agent_lanes.errors import NotFound
from agent_lanes.wiring import open_backend

Captured = pytest.CaptureFixture[str]


def test_every_call_is_a_line_with_its_arguments_and_result(capsys: Captured) -> None:
    traced = Traced(MemoryStore())
    id = submit(traced, prompt="p")  # type: ignore[arg-type]
    assert traced.finished(id) is False
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("trace  0.")
    assert " create('default', <born>) -> Task(" in first
    assert second.endswith(f" finished('{id}') -> False")


def test_a_call_that_raises_says_so_and_raises_the_same(capsys: Captured) -> None:
    with pytest.raises(NotFound, match="unknown task: nothing"):
        Traced(MemoryStore()).read("nothing")
    assert "read('nothing') raised NotFound: unknown task: nothing" in capsys.readouterr().err


def test_a_line_is_cut_however_long_its_values_are(capsys: Captured) -> None:
    traced = Traced(MemoryStore())
    submit(traced, prompt="x" * 100_000)  # type: ignore[arg-type]
    assert len(capsys.readouterr().err) < 400


def test_what_is_no_method_passes_through(capsys: Captured) -> None:
    assert Traced(MemoryStore()).address == "memory:"
    with pytest.raises(AttributeError):
        _ = Traced(MemoryStore()).nothing
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("value", "traced"), [("1", True), ("", False), ("0", False)])
def test_the_environment_turns_it_on(monkeypatch: pytest.MonkeyPatch, value: str, traced: bool) -> None:
    monkeypatch.setenv("AGENT_LANES_TRACE", value)
    assert isinstance(open_backend("memory:"), Traced) is traced


# --- the clock -----------------------------------------------------------------------------------------------

needs_boottime = pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no CLOCK_BOOTTIME")


@needs_boottime
def test_the_boot_has_an_id_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENT_LANES_BOOT_ID", raising=False)
    assert clock.boot_id() == clock.boot_id()
    if os.path.exists(clock.BOOT_ID_PATH):
        with open(clock.BOOT_ID_PATH, encoding="ascii") as file:
            assert clock.boot_id() == file.read().strip()


@needs_boottime
@pytest.mark.parametrize("given", ["container-7", "a b", "é", "x" * 100])
def test_the_environment_names_the_boot(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("AGENT_LANES_BOOT_ID", given)
    assert clock.boot_id() == given


@needs_boottime
@pytest.mark.parametrize("given", ["a\nb", "x" * 101, "\x1b", "\udcff"], ids=ascii)
def test_a_name_of_the_boot_that_would_break_a_line_is_another_name_of_the_same_boot(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("AGENT_LANES_BOOT_ID", given)
    named = clock.boot_id()
    assert named.isprintable()
    assert 0 < len(named) <= 100
    assert clock.boot_id() == named


@needs_boottime
def test_a_moment_has_both_clocks_and_they_go_forward() -> None:
    one, other = clock.moment("b"), clock.moment("b")
    assert one.boot_id == "b"
    assert 0 < one.boottime <= other.boottime
    assert one.wall > 1_700_000_000_000_000


def test_where_there_is_no_boot_a_moment_is_the_wall_clock() -> None:
    moment = clock.moment("")
    assert (moment.boot_id, moment.boottime) == ("", 0)


def test_chance_has_as_many_digits_as_asked_for_and_does_not_repeat() -> None:
    assert [len(clock.chance(digits)) for digits in (1, 12, 32, 33)] == [1, 12, 32, 33]
    assert len({clock.chance(12) for _ in range(1000)}) == 1000
