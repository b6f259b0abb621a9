"""A line on stderr for every call of a backend: AGENT_LANES_TRACE=1.

    trace  0.000312 s  update('20261121T...', <decide>) -> (Snapshot(...), Change(...))

It wraps any backend and knows none. Generators are traced when they are made, not when they are drained.
"""

from __future__ import annotations

import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST = 120


class Traced:
    """Behaves as the backend that it was given, and says so."""

    def __init__(self, backend: object) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        """Whatever the backend has; a method is wrapped."""
        value = getattr(self._backend, name)
        if not callable(value):
            return value

        def call(*args: Any, **options: Any) -> Any:
            shown = ", ".join([*map(_short, args), *(f"{key}={_short(item)}" for key, item in options.items())])
            started = time.perf_counter()
            try:
                result = value(*args, **options)
            except BaseException as wrong:
                _say(started, f"{name}({shown}) raised {type(wrong).__name__}: {wrong}")
                raise
            _say(started, f"{name}({shown}) -> {_short(result)}")
            return result

        return call


def _short(value: object) -> str:
    if callable(value):
        return f"<{getattr(value, '__name__', 'function')}>"
    text = repr(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def _say(started: float, line: str) -> None:
    sys.stderr.write(f"trace  {time.perf_counter() - started:.6f} s  {line}\n")
