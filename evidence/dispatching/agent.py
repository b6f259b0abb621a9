"""Agents that behave in every way an agent may: python agent.py KIND [WORD ...], the prompt on stdin."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def say(text: str) -> None:
    """Print it at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def tell(path: str) -> None:
    """Say that it has begun: a file appears, whole."""
    born = f"{path}.{os.getpid()}"
    Path(born).write_text(str(os.getpid()))
    os.rename(born, path)


def main(kind: str, *words: str) -> int:
    """Behave as `kind` does; `as-told FOLDER`: as the prompt says, with a line such as `as told: hang 17`."""
    prompt = sys.stdin.read()
    if kind != "as-told":
        return behave(kind, *words, prompt=prompt)
    told = prompt.rpartition("as told: ")[2].split()
    path = f"{words[0]}/{told[0]}-{told[1]}"
    return behave(told[0], {"fail": "3", "bytes": "66ff6e"}.get(told[0], path), prompt=prompt)


def behave(kind: str, *words: str, prompt: str) -> int:
    """Behave as `kind` does."""
    if kind == "echo":
        say(prompt)
    elif kind == "print":
        say(" ".join(words))
    elif kind == "bytes":
        sys.stdout.buffer.write(bytes.fromhex(words[0]))
    elif kind == "fail":
        sys.stderr.write("something is wrong\n")
        return int(words[0])
    elif kind == "hang":
        tell(words[0])
        time.sleep(3600)
    elif kind == "deaf":  # to every signal that can be ignored
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        tell(words[0])
        time.sleep(3600)
    elif kind == "flood":
        while True:
            sys.stdout.buffer.write(b"x" * 65_536)
    elif kind == "leave":  # a child in a session of its own, with a clean environment and another parent, and answer
        script = (
            f"import os, time\nif os.fork(): os._exit(0)\nopen({words[0]!r} + '.new', 'w').write(str(os.getpid()))\n"
        )
        script += f"os.rename({words[0]!r} + '.new', {words[0]!r})\ntime.sleep(3600)\n"
        kept = {} if "clean" in words else dict(os.environ)
        subprocess.Popen([sys.executable, "-c", script], start_new_session=True, env=kept, stdin=subprocess.DEVNULL)
        while not Path(words[0]).exists():
            time.sleep(0.01)
        if "stay" in words:
            time.sleep(3600)
        say("done")
    elif kind == "until":  # answers once a file appears
        tell(words[0])
        while not Path(words[1]).exists():
            time.sleep(0.01)
        say("finished")
    elif kind == "complain":
        for _ in range(int(words[0]) >> 16):
            sys.stderr.write("x" * 65_536)
        say("done")
    elif kind == "where":
        say(os.getcwd())
    elif kind == "touch":
        Path(words[0]).write_text("made by the agent\n")
        say("made it")
    elif kind == "spoil":
        Path(words[0]).write_text("half done")
        return 1
    elif kind == "read":
        say(Path(words[0]).read_text())
    elif kind == "environment":
        say("\n".join(os.environ.get(word, "-") for word in words))
    elif kind == "memory":
        try:
            say(str(len(bytearray(1 << 30))))
        except MemoryError:
            sys.stderr.write("MemoryError\n")
            return 1
    return 0


sys.exit(main(*sys.argv[1:]))
