"""The completion script of a shell: commands, flags, and the tasks, lanes and vendors of the store at hand.

bash   in ~/.bashrc:                 eval "$(agent-lanes completion bash)"
zsh    in ~/.zshrc, after compinit:  eval "$(agent-lanes completion zsh)"
fish   once:                         agent-lanes completion fish > ~/.config/fish/completions/agent-lanes.fish
"""

from __future__ import annotations

import os

from agent_lanes.cli import output
from agent_lanes.cli.options import Arguments, Option
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

SHELLS = ("bash", "zsh", "fish")
OPTIONS = (Option(flag="SHELL", help="bash, zsh or fish", choices=SHELLS),)


def run(args: Arguments, session: Session) -> int:
    """Print the script."""
    if args.shell is None:
        raise BadUsage(f"completion needs a shell: {', '.join(SHELLS)}")
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(f"{folder}/completions/agent-lanes.{args.shell}", encoding="utf-8") as file:
        script = file.read()
    if args.json:
        output.json({"status": "ok", "shell": args.shell, "script": script})
    else:
        output.text(script)
    return 0
