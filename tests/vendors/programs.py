"""The real programs, in the versions of the table, installed from the npm registry into a cache folder.

$AGENT_LANES_TEST_CACHE, else ~/.cache/agent-lanes-tests: `<vendor>-<version>/node_modules/.bin/<program>`, and a node
that is new enough for them. It may be deleted at any time.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from agent_lanes.dispatch.vendors import shipped

# Read when this is imported: the tests themselves get a home of their own.
CACHE = Path(os.environ.get("AGENT_LANES_TEST_CACHE") or Path.home() / ".cache/agent-lanes-tests")
NODE = "22"  # with an older one, npm silently takes older versions of the programs
INSTALL_SECONDS = 420
UNREACHABLE = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|E40[34]|EHOSTUNREACH|E50\d"
)


class NotToBeHad(Exception):
    """A program cannot be installed here; `unreachable`: because the registry is not there."""

    def __init__(self, why: str, *, unreachable: bool = False) -> None:
        super().__init__(why)
        self.unreachable = unreachable


def path_of(name: str) -> str:
    """A PATH on which the program of a vendor is found, and node. Raises NotToBeHad."""
    vendor, folders = shipped()[name], []
    if node_version() < int(NODE):
        folders.append(package(f"node-{NODE}", f"node@{NODE}"))
    version = vendor.verified.version
    folders.append(package(f"{name}-{version}", f"{vendor.install.split()[-1]}@{version}"))
    return ":".join([*(str(folder / "node_modules/.bin") for folder in folders), os.environ.get("PATH", os.defpath)])


def package(folder: str, wanted: str) -> Path:
    """The folder in the cache into which a package is installed; installed first, if it is not there."""
    place = CACHE / folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f".{folder}.lock").open("w") as lock:  # two test runs at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            install(place, wanted)
    return place


def install(place: Path, wanted: str) -> None:
    if shutil.which("npm") is None:
        raise NotToBeHad("npm is not installed")
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".installing-") as folder:
        made = Path(folder) / place.name
        made.mkdir()
        path = os.environ.get("PATH", os.defpath)
        node = CACHE / f"node-{NODE}/node_modules/.bin"
        try:
            done = subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(made), wanted],
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                env={**os.environ, "HOME": str(CACHE), "PATH": f"{node}:{path}"},
            )
        except subprocess.TimeoutExpired:
            raise NotToBeHad(f"npm install {wanted}: longer than {INSTALL_SECONDS} s", unreachable=True) from None
        if done.returncode != 0:
            why = done.stderr.strip().splitlines()[-8:]
            raise NotToBeHad(
                f"npm install {wanted}: {'; '.join(why)}", unreachable=bool(UNREACHABLE.search(done.stderr))
            )
        made.rename(place)


def node_version() -> int:
    """The major version of the node that is installed; 0 without one."""
    node = shutil.which("node")
    if node is None:
        return 0
    found = re.match(r"v(\d+)", subprocess.run([node, "--version"], capture_output=True, text=True).stdout)
    return int(found[1]) if found else 0
