"""SHA-256, without the cost of loading OpenSSL for a few kilobytes.

`hashlib` takes longer to load than to hash a mebibyte by Python's own C code, and a third of a command's start.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

LARGE_BYTES = 1 << 20  # from here on OpenSSL is worth its loading
_own: Any = None  # the constructor, once it was looked for: an import that fails looks through all folders each time


def sha256(first: bytes, more: Iterable[bytes] = ()) -> str:
    """The SHA-256 of some bytes, and of those that follow, as 64 lower-case hex digits."""
    digest = _hasher(large=len(first) >= LARGE_BYTES)(first)
    for part in more:
        digest.update(part)
    found: str = digest.hexdigest()
    return found


def _hasher(*, large: bool) -> Any:
    """Python's own code; else, and for what is large, hashlib."""
    global _own
    if large:
        import hashlib

        return hashlib.sha256
    if _own is None:
        _own = _found()
    return _own


def _found() -> Any:
    """Python's own code is private and has two names."""
    try:
        if sys.version_info >= (3, 12):
            import _sha2 as own  # type: ignore[import-not-found]
        else:
            import _sha256 as own  # type: ignore[import-not-found]
        return own.sha256
    except ImportError:
        import hashlib

        return hashlib.sha256
