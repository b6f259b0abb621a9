"""The command called in this process: what follows a disturbed run is some twenty calls, thousands of times.

It is the same main() on the same files, without a start of Python for each. Calls that are disturbed themselves, that
block, or that work beside another one, are real processes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def called(
    words: Sequence[str], environment: Mapping[str, str], folder: Path, stdin: bytes
) -> tuple[int, bytes, bytes]:
    """One call, to its end: exit code, stdout, stderr."""
    from agent_lanes.cli.app import main

    sys.stdout.flush()
    sys.stderr.flush()
    before, where = dict(os.environ), os.getcwd()
    ours = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
    kept = [os.dup(number) for number in range(3)]
    os.write(ours[0], stdin)
    os.lseek(ours[0], 0, os.SEEK_SET)
    try:
        for number, file in enumerate(ours):
            os.dup2(file, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        code = main(list(words))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        for number, file in enumerate(kept):
            os.dup2(file, number)
            os.close(file)
        os.environ.clear()
        os.environ.update(before)
        os.chdir(where)
    out, err = (os.pread(file, os.fstat(file).st_size, 0) for file in ours[1:])
    for file in ours:
        os.close(file)
    return code, out, err
