"""Run a command of either build and note when it gives a task or an answer its name.

    python stamp.py LOG COMMAND ARGUMENT...

Run with the build's own interpreter. The installed command runs unchanged in this process; os.rename, os.replace and
os.link are wrapped to note the monotonic nanosecond before each call that succeeds. LOG gets one line a call.
"""

from __future__ import annotations

import atexit
import os
import runpy
import sys
import time

log, sys.argv = sys.argv[1], sys.argv[2:]
calls: list[str] = []


def stamped(real):  # type: ignore[no-untyped-def]
    def call(source, target, *more, **named):  # type: ignore[no-untyped-def]
        at = time.monotonic_ns()
        done = real(source, target, *more, **named)
        calls.append(f"{at} {os.fspath(target)}\n")
        return done

    return call


def write() -> None:
    with open(log, "w") as file:
        file.writelines(calls)


for name in ("link", "rename", "replace"):
    setattr(os, name, stamped(getattr(os, name)))


def leave(code: int, ended=os._exit) -> None:  # type: ignore[no-untyped-def]
    write()  # this build ends without atexit
    ended(code)


os._exit = leave  # type: ignore[assignment]
atexit.register(write)
runpy.run_path(sys.argv[0], run_name="__main__")
