"""Records two terminals with two real agents at work, on a model that is not there: agents.cast, .svg and .png.

    python docs/pictures/agents.py

Left the orchestrator: it submits two tasks and waits for both. Right two dispatchers: the real Claude Code and the real
Codex, in the versions of the table of vendors, out of the cache of the tests (fetched from npm where they are not
there). Their model is the fake one of tests/vendors, on loopback, and their home a temporary one. The recording is what
tmux showed to a terminal, and when: `asciinema play docs/pictures/agents.cast`.

Needs tmux, npm, and rsvg-convert for the PNG, in the environment of the tests.
"""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import pty
import shlex
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import terminals
from make import HERE, PROJECT, project
from terminals import SHELL, Screen, Terminal, tmux

sys.path.insert(0, str(HERE.parents[1] / "tests"))
from vendors.agents import Agent
from vendors.model import Model, Request
from vendors.wires import Call, Say, Step

COLUMNS, ROWS = 165, 27
THINKS_SECONDS = 1.5
TITLES = {
    "orchestrator": "terminal 1: the orchestrator",
    "claude": "terminal 2: Claude Code",
    "codex": "terminal 3: Codex",
}
READ = {
    "claude": Call("Read", {"file_path": f"{PROJECT}/spec.md"}),
    "codex": Call("exec_command", {"cmd": "cat spec.md", "login": False}),
}
ANSWERS = {
    "claude": "It says what is heated and how long, not what\nif it is dry.\n\nVERDICT: accept-with-follow-ups",
    "codex": "1. It boils dry while nobody is there.\n2. Forty minutes are not tested anywhere.\n\nVERDICT: accept",
}
COMMANDS = (
    "agent-lanes submit --lane default spec.md --prompt 'Is it whole?' --metadata required_vendor=claude | tee ids",
    "agent-lanes submit --lane default spec.md --prompt 'What may fail?' --metadata required_vendor=codex | tee -a ids",
    "for id in $(cat ids); do agent-lanes wait $id; done",
    "agent-lanes costs",
)


class Recording:
    """A terminal that shows the session, and what it showed, as asciinema has it (version 2)."""

    def __init__(self) -> None:
        self.events: list[tuple[float, str, str]] = []
        self._begin, self._decoder = time.monotonic(), codecs.getincrementaldecoder("utf-8")("replace")
        self._pid, self._screen = pty.fork()
        if self._pid == 0:
            os.environ.update(TERM="xterm-256color", LANG="C.UTF-8")
            os.execvp("tmux", [*terminals.TMUX, "attach", "-t", "main"])  # noqa: S606, S607 - by name, as everywhere
        fcntl.ioctl(self._screen, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def end(self) -> None:
        """Wait until the session is over."""
        self._reader.join()
        os.waitpid(self._pid, 0)
        os.close(self._screen)

    def write(self, path: Path) -> None:
        """The cast."""
        head = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "agent-lanes: two agents at work"}
        path.write_text("".join(json.dumps(line) + "\n" for line in (head, *self.events)), encoding="utf-8")

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._screen, 1 << 16)
            except OSError:  # nobody holds the other end any more
                return
            if not chunk:
                return
            self.events.append((round(time.monotonic() - self._begin, 3), "o", self._decoder.decode(chunk)))


def script(name: str) -> list[Step]:
    """What the model says to an agent: read the document, then answer, and it takes its time."""

    def answer(request: Request) -> Step:
        time.sleep(THINKS_SECONDS)
        return Say(ANSWERS[name])

    return [READ[name], answer]  # type: ignore[list-item]


@contextmanager
def agents(folder: Path) -> Iterator[dict[str, Agent]]:
    """Both agents, each with a home and a model of its own."""
    with Model(*script("claude")) as first, Model(*script("codex")) as second:
        made = {}
        for name, model in (("claude", first), ("codex", second)):
            (folder / name).mkdir()
            made[name] = Agent(name, model, folder / name)
        yield made
        strangers = first.strangers + second.strangers
        assert not strangers, f"an agent tried to reach {strangers}"


def panes(agents: dict[str, Agent]) -> dict[str, Terminal]:
    """Left the orchestrator, right a terminal for each agent, with the environment of each."""
    size = ("-x", str(COLUMNS), "-y", str(ROWS))
    where = ("-c", str(PROJECT), "-P", "-F", "#{pane_id}")
    made = {"orchestrator": tmux("new-session", "-d", "-s", "main", *size, *where, SHELL).strip()}
    for option, value in (
        ("status", "off"),
        ("pane-border-status", "top"),
        ("pane-border-format", " #{pane_title} "),
    ):
        tmux("set-option", "-g", option, value)
    for name, beside, how in (("claude", "orchestrator", "-h"), ("codex", "claude", "-v")):
        own = agents[name].environment
        words = [word for key, value in own.items() for word in ("-e", f"{key}={value}")]
        path = f"PATH={shlex.quote(own['PATH'])}"  # of all variables, tmux takes this one from its client
        made[name] = tmux("split-window", how, "-t", made[beside], *words, *where, f"{path} {SHELL}").strip()
    for name, pane in made.items():
        tmux("select-pane", "-t", pane, "-T", TITLES[name])
    tmux("select-pane", "-t", made["orchestrator"])
    return {name: Terminal(pane) for name, pane in made.items()}


def perform(panes: dict[str, Terminal]) -> None:
    """The job, from two dispatchers that wait to two answers."""
    first = panes["orchestrator"]
    for name in ("claude", "codex"):
        panes[name].at_prompt()
        panes[name].type(f"agent-lanes work --vendor {name} --owner {name}-1")
        panes[name].until("waits on lane default")
    for command in COMMANDS:
        time.sleep(1)  # for who looks at it
        first.type(command)
        first.until(command[-20:])
        first.at_prompt()
    for text in ANSWERS.values():
        first.until(text.rpartition("\n")[2])
    time.sleep(2)


def drawn(panes: dict[str, Terminal]) -> list[Screen]:
    """The three screens as they stood."""
    screens = {}
    for name, pane in panes.items():
        width, height = map(int, tmux("display", "-p", "-t", pane.pane, "#{pane_width} #{pane_height}").split())
        shown = pane.shown()
        screens[name] = Screen(TITLES[name], shown + [""] * (height - len(shown)), width)
    left = screens["orchestrator"]
    right = terminals.below([screens["claude"], screens["codex"]], x=left.width + terminals.GAP)
    lines = (right[-1].y + right[-1].height - left.height) // terminals.LINE
    return [left._replace(lines=left.lines + [""] * lines), *right]


def main() -> None:
    """Record, draw, convert."""
    with tempfile.TemporaryDirectory(prefix="agent-lanes-picture-") as folder, agents(Path(folder)) as both:
        with project():
            shown = panes(both)
            recording = Recording()
            perform(shown)
            screens = drawn(shown)
        recording.end()
        for agent in both.values():
            agent.end()
    recording.write(HERE / "agents.cast")
    terminals.write(HERE / "agents.svg", screens)


if __name__ == "__main__":
    main()
