"""Every command that changes the store is swept by K1 and K2, or a line says why not."""

from __future__ import annotations

from commands import CASES, NOT_SWEPT

from agent_lanes.cli.table import COMMANDS


def test_every_command_that_changes_the_store_has_a_case_or_a_reason() -> None:
    changing = {command.name for command in COMMANDS if command.changes}
    swept = {case.command for case in CASES}
    assert changing - swept - set(NOT_SWEPT) == set()


def test_no_command_is_both() -> None:
    assert {case.command for case in CASES} & set(NOT_SWEPT) == set()


def test_every_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))
