"""SHA-256 is SHA-256, whoever computes it."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lanes.core.digest import LARGE_BYTES, sha256

PIECES = st.lists(st.binary(max_size=300), max_size=5)


@given(st.binary(max_size=300), PIECES)
def test_the_hash_is_that_of_hashlib(first: bytes, more: list[bytes]) -> None:
    assert sha256(first, more) == hashlib.sha256(first + b"".join(more)).hexdigest()


def test_much_is_hashed_the_same() -> None:
    for size in (LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES + 1):
        assert sha256(b"x" * size, iter([b"y" * size])) == hashlib.sha256(b"x" * size + b"y" * size).hexdigest()


@pytest.mark.parametrize("missing", [(), ("_sha2",), ("_sha256",), ("_sha2", "_sha256")])
def test_an_interpreter_without_the_private_modules_uses_hashlib(missing: tuple[str, ...]) -> None:
    """The names differ between versions of Python, and none of them is promised."""
    code = f"""
import sys
for name in {missing!r}:
    sys.modules[name] = None  # as on an interpreter without it
from agent_lanes.core.digest import sha256
print(sha256(b"abc"), "hashlib" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    digest, by_hashlib = done.stdout.split()
    assert digest == hashlib.sha256(b"abc").hexdigest()
    assert by_hashlib == str(len(missing) == 2 or not _has_own(missing))


def _has_own(missing: tuple[str, ...]) -> bool:
    own = "_sha2" if sys.version_info >= (3, 12) else "_sha256"
    return own not in missing
