"""Every command, in the order of the help: name, module, whether it changes the store, one line.

Adding a command is one module in commands/, one line here, one line in CONTRACT.md; tests fail otherwise.
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen


class Command(Frozen):
    """One line of the table. `module` is the file in commands/. Not `needs_store`: there may well be none yet."""

    name: str
    summary: str
    module: str = ""
    changes: bool = False
    needs_store: bool = True
    group: str = ""


ASK, WORK, LOOK, SETUP = "hand work over", "take work on", "look", "set up"

COMMANDS = (
    Command(name="run", group=ASK, changes=True, needs_store=False, summary="submit a task, wait, print the answer"),
    Command(name="submit", group=ASK, changes=True, needs_store=False, summary="queue a task and print its id"),
    Command(name="wait", group=ASK, summary="block until a task is answered (or, with --lane, until there is work)"),
    Command(name="cancel", group=ASK, changes=True, summary="stop a task: nobody is to work on it any more"),
    Command(name="hold", group=ASK, changes=True, summary="do not offer a task, a lane or a vendor for now"),
    Command(name="resume", group=ASK, changes=True, summary="offer a task, a lane or a vendor again"),
    Command(name="retry", group=ASK, changes=True, summary="do a finished task once more, as a new task"),
    Command(
        name="dead", group=ASK, changes=True, summary="tasks whose attempts or time were over: list, retry, discard"
    ),
    Command(name="claim", group=WORK, changes=True, summary="take a task: by its id, or the next one of a lane"),
    Command(name="renew", group=WORK, changes=True, summary="lengthen the lease of a claim"),
    Command(name="respond", group=WORK, changes=True, summary="answer a task"),
    Command(name="release", group=WORK, changes=True, summary="put a claimed task back"),
    Command(name="work", group=WORK, changes=True, summary="run an agent on every task of a lane, until told to stop"),
    Command(name="keep", group=WORK, changes=True, summary="keep a claim alive for as long as its work goes on"),
    Command(name="event", group=WORK, changes=True, summary="add a line to a task's history"),
    Command(name="next", module="wait", group=WORK, summary="the same as wait --lane (an older name)"),
    Command(name="watch", module="wait", group=WORK, summary="the same as wait --lane (an older name)"),
    Command(name="show", group=LOOK, summary="one task for people: request, history, answer"),
    Command(name="status", group=LOOK, summary="how one task stands, or with --all the whole queue"),
    Command(name="list", group=LOOK, summary="all tasks"),
    Command(name="tree", group=LOOK, summary="what follows from a task, or belongs to a thread"),
    Command(name="events", group=LOOK, summary="what happens in the whole store, and with --follow what will"),
    Command(name="top", group=LOOK, changes=True, summary="the queue live in the terminal, with keys to step in"),
    Command(name="listeners", group=LOOK, summary="who waits for work right now"),
    Command(name="stats", group=LOOK, summary="how each lane stands, and what it has done, in numbers"),
    Command(name="costs", group=LOOK, summary="what agents took: attempts, tokens, money, time"),
    Command(name="where", group=LOOK, needs_store=False, summary="which config, store and workspace this is, and why"),
    Command(name="vendors", group=LOOK, summary="which agents are installed, and whether they were tried"),
    Command(name="protocol", group=LOOK, summary="the guide for an agent of any make: submit, wait, claim, respond"),
    Command(name="prompt", group=LOOK, summary="the prompt that makes an agent orchestrator, dispatcher or reviewer"),
    Command(name="init", group=SETUP, changes=True, needs_store=False, summary="scaffold handoff/ in a project"),
    Command(
        name="init-pool", group=SETUP, changes=True, needs_store=False, summary="scaffold one queue for many projects"
    ),
    Command(
        name="setup",
        group=SETUP,
        changes=True,
        summary="tell the agents on this machine of the queue; --uninstall undoes it",
    ),
    Command(name="serve", group=SETUP, needs_store=False, summary="the HTTP server"),
    Command(name="mcp", group=SETUP, needs_store=False, summary="the queue as an MCP server on stdin and stdout"),
    Command(name="doctor", group=SETUP, changes=True, summary="examine the store, and with --repair mend it"),
    Command(name="archive", group=SETUP, changes=True, summary="move finished tasks into compressed monthly files"),
    Command(name="prune", group=SETUP, changes=True, summary="delete old months of the archive"),
    Command(name="export", group=SETUP, summary="the whole store as one JSON-lines stream"),
    Command(
        name="import",
        module="import_",
        group=SETUP,
        changes=True,
        needs_store=False,
        summary="bring an exported stream into an empty store",
    ),
    Command(name="completion", group=SETUP, summary="the completion script for bash, zsh or fish"),
    Command(name="self-test", group=SETUP, summary="run a whole cycle in a temporary folder"),
)


def command(name: str) -> Command | None:
    """The command of that name, if there is one."""
    return next((entry for entry in COMMANDS if entry.name == name), None)


def module_name(entry: Command) -> str:
    """The module that serves a command."""
    return "agent_lanes.cli.commands." + (entry.module or entry.name.replace("-", "_"))
