"""Which agents are installed here, in which versions, and whether the table was tried with those."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from agent_lanes.core.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.dispatch.vendor import Vendor

LONGEST_SECONDS = 20  # a program that takes longer to tell its version tells nothing
AT_ONCE = 4
NUMBER = re.compile(r"\d+\.\d+[\w.+-]*")
YES, OTHER, NO, UNKNOWN = "yes", "other_version", "no", "unknown"


class Installed(Frozen):
    """One vendor on this machine; `path` and `version` are empty where it is not there, or does not tell."""

    vendor: Vendor
    path: str = ""
    version: str = ""

    @property
    def verified(self) -> str:
        """Whether the row was tried: with this version, with another one, not at all; unknown without a version."""
        tried = self.vendor.verified.version
        if not tried:
            return NO
        if tried == "any" or tried == self.version:
            return YES
        return OTHER if self.version else UNKNOWN


def installed(vendors: Iterable[Vendor]) -> list[Installed]:
    """Every vendor that has a program, in their order. The programs are started to ask for their versions."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(_look, [vendor for vendor in vendors if vendor.program]))


def _look(vendor: Vendor) -> Installed:
    path = shutil.which(vendor.program)
    if path is None:
        return Installed(vendor=vendor)
    return Installed(vendor=vendor, path=path, version=_version(path, vendor))


def _version(path: str, vendor: Vendor) -> str:
    """What it says that it is. In a folder of its own, and stopped with all that it started if it does not end."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        try:
            started = subprocess.Popen(  # noqa: S603 - a program of the table, with words of the table
                [path, *vendor.version],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, **vendor.environment},
                start_new_session=True,
            )
        except OSError:
            return ""
        try:
            started.wait(LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(started.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        started.wait()
        output.seek(0)
        found = NUMBER.search(output.read(4096).decode("utf-8", "replace"))
    return found[0].rstrip(".") if found else ""
