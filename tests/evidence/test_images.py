"""K3-IMAGES as CI takes it: two transitions, on images of real file systems.

Skipped where this is not root, or where there are no loop devices: nobody can mount anything there, and the model
(test_power.py) looks at the same transitions. Where both are given, in CI a file system that cannot be mounted is a
failure; .ci/run fetches the programs that make them.
"""

from __future__ import annotations

import os
from pathlib import Path

import images
import pytest
from disk import trace
from disk.mounts import FILE_SYSTEMS, Disk, private
from experiment import Plan


def needs_file_systems(tmp_path: Path) -> None:
    """The reason, where there is none to be had."""
    missing = trace.available() or images.why_missing("ext4", str(tmp_path))
    if missing:
        could = os.geteuid() == 0 and os.path.exists("/dev/loop-control")
        assert not (os.environ.get("CI") and could), f"CI needs ext4 on a loop device: {missing}"
        pytest.skip(missing)


@pytest.mark.slow
def test_no_image_of_a_real_file_system_breaks_a_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_file_systems(tmp_path)
    monkeypatch.setattr(images, "SAMPLE", ("renew", "respond completed"))
    table = images.run(Plan(whole=False, work=tmp_path))
    assert table.problems == []
    assert {str(row[0]) for row in table.rows} == {"renew", "respond completed"}
    assert all(int(row[3]) > 1 for row in table.rows)
    mounted = {str(row[1]).split()[0].rstrip(",") for row in table.rows}
    assert "ext4" in mounted


@pytest.mark.slow
def test_an_image_holds_what_was_synced_and_not_what_was_not(tmp_path: Path) -> None:
    needs_file_systems(tmp_path)
    child = os.fork()  # what is mounted ends with it
    if child == 0:
        code = 1
        try:
            private()
            disk = Disk(FILE_SYSTEMS[0], tmp_path / "disk")
            disk.make()
            disk.mount()
            loose, synced = disk.mounted / "loose", disk.mounted / "synced"
            synced.write_bytes(b"kept")
            descriptor = os.open(synced, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
            loose.write_bytes(b"lost")
            image = disk.image()
            disk.unmount()
            disk.put(image)
            disk.mount()
            code = 0 if synced.read_bytes() == b"kept" and not loose.exists() else 2
            disk.unmount()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
