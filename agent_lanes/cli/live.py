"""A screen that is drawn anew when the store has changed, until Ctrl-C: `--watch`.

    run(args, backend, draw)         draw(columns, lines) -> the lines to show

The terminal's own page comes back at the end, with the last picture below what stood there. Between two changes it is
drawn every few seconds, because ages grow; drawing never takes more than a small part of the time.
"""

from __future__ import annotations

import time

from agent_lanes.cli import output
from agent_lanes.cli.screen import size
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType, TracebackType

    from agent_lanes.cli.options import Arguments
    from agent_lanes.ports import Backend, Watch

    Draw = Callable[[int, int], Sequence[str]]

REDRAW_SECONDS = 2.0
LEAST_SECONDS = 0.1  # a wake-up may come just before its change, and changes come in bursts
SHARE = 10  # drawing may take this part of the time: one tenth
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # another page without a cursor, and back
HOME, REST_OF_LINE, REST_OF_PAGE = "\x1b[H", "\x1b[K", "\x1b[J"


def run(args: Arguments, backend: Backend, draw: Draw) -> int:
    """Draw and wait until Ctrl-C, which is exit code 0. Raises BadUsage where nobody looks on."""
    if args.json or not output.on_terminal(1):
        what = "given beside --json" if args.json else "stdout is no terminal"
        raise BadUsage(f"--watch: {what}", hint="leave it out, and get JSON once")
    page = Page(draw)
    try:
        with page, backend.watch_changes() as watch:
            page.keep_drawing(watch)
    except KeyboardInterrupt:
        pass
    page.leave_behind()
    return 0


class Page:
    """The page. Leaving the `with` gives the terminal back, whatever happened."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._last: Sequence[str] = ()

    def __enter__(self) -> Page:
        import signal

        self._before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGHUP)}
        output.styled(ENTER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import signal

        output.styled(LEAVE)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def keep_drawing(self, watch: Watch) -> None:
        """Draw, and again after each change."""
        while True:
            started = time.monotonic()
            columns, lines = size(1)
            self._last = self._draw(columns, lines)[:lines]
            output.styled(HOME + f"{REST_OF_LINE}\n".join(self._last) + REST_OF_LINE + REST_OF_PAGE)
            busy = SHARE * (time.monotonic() - started)
            watch.wait(max(REDRAW_SECONDS, busy))
            time.sleep(max(LEAST_SECONDS, busy + started - time.monotonic()))

    def leave_behind(self) -> None:
        """Print the last picture where the terminal keeps it."""
        output.styled("".join(line + "\n" for line in self._last))


def _stop(number: int, frame: FrameType | None) -> None:
    """A signal that ends the program: but the terminal is given back first."""
    raise SystemExit(128 + number)
