"""Keep a signal from falling between a commit and the line that tells of it.

    with shielded():
        taken = claim()        SIGTERM, SIGINT and SIGHUP wait until the block is over
        print(taken.token)

A claim whose token nobody saw would keep its task for a whole lease. `kill -9` cannot be held back: against that
stand the lease itself and calls that can be repeated.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any


def _module() -> Any:
    """`_signal`, which is `signal` without its enums and their cost; where there is none, `signal` itself."""
    try:
        import _signal  # type: ignore[import-not-found]

        return _signal
    except ImportError:
        import signal

        return signal


class shielded:
    """Holds the signals back inside the block; they arrive at its end. Blocks may be nested."""

    def __enter__(self) -> None:
        """Hold them back."""
        self._signal = _module()
        held = (self._signal.SIGTERM, self._signal.SIGINT, self._signal.SIGHUP)
        self._before = self._signal.pthread_sigmask(self._signal.SIG_BLOCK, held)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let them come."""
        self._signal.pthread_sigmask(self._signal.SIG_SETMASK, self._before)
