"""Paths are followed as the system follows them, with fewer looks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent_lanes.services.artifacts import Resolver


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    base = Path(os.path.realpath(tmp_path))
    (base / "a" / "b").mkdir(parents=True)
    (base / "a" / "file").write_text("x")
    for name, target in (
        ("link", "a"),
        ("deep", "link/b"),
        ("a/up", ".."),
        ("absolute", str(base / "a" / "b")),
        ("loop", "loop"),
        ("ring", "a/ring"),
        ("a/ring", "../ring"),
        ("nowhere", "not/there"),
        ("a/b/file", "../file"),
    ):
        (base / name).symlink_to(target)
    return base


PARTS = ("a", "b", "link", "deep", "up", "absolute", "loop", "ring", "nowhere", "file", "..", ".", "", "new")


def test_every_path_leads_where_the_system_says(tree: Path) -> None:
    shared = Resolver()
    for one in PARTS:
        for two in PARTS:
            for three in PARTS:
                path = f"{tree}/{one}/{two}/{three}"
                wanted = os.path.realpath(path)
                assert Resolver().real(path) == wanted, path
                assert shared.real(path) == wanted, path


def test_a_relative_path_is_taken_from_the_current_folder_and_odd_ones_as_the_system_takes_them(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree)
    for path in ("a/file", "deep/file", "new", ".", "", "/", "//", "//tmp", "///tmp"):
        assert Resolver().real(path) == os.path.realpath(path)
