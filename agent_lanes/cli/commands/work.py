"""Run an agent on every task of a lane: claim, run, answer, and again, until told to stop.

work --vendor V runs the agent that the table of vendors names (agent-lanes vendors). work -- COMMAND... runs a
program of yours, with the task on stdin and the answer on stdout; no shell reads either. Without --vendor that
takes the tasks that are for anybody, or for a vendor of the program's name; with --vendor any, everybody's.

Ctrl-C or SIGTERM: nothing new is begun, what runs is finished. Once more: the agents are stopped, their tasks
released. A failed agent costs its task one attempt; a usage limit or a missing login costs none.
With --once exit code 2 says that nothing came. Exit code 130 or 143: stopped before its tasks were finished.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import FLAG, LANE, NUMBER, REST, VENDOR, WHOLE, Arguments, Option
from agent_lanes.errors import BadUsage, NotFound, TimedOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.dispatch.settings import Settings
    from agent_lanes.dispatch.vendor import Vendor
    from agent_lanes.wiring import Session

LANE = LANE.replace(default="default", help="the lane's name (default: default)")
VENDOR = VENDOR.replace(help="whose agent to run, on tasks for it or for anybody; any: COMMAND, on every task")
OPTIONS = (
    LANE,
    VENDOR,
    Option(flag="--once", kind=FLAG, default=False, help="handle one task, then end; exit code 2 if none came"),
    Option(flag="--concurrency", metavar="N", kind=WHOLE, default=1, help="how many tasks at a time (default: 1)"),
    Option(flag="--owner", metavar="NAME", help="who claims and answers (default: USER-VENDOR-PID)"),
    Option(flag="--lease-seconds", metavar="N", kind=NUMBER, default=900, help="how long a claim holds (default: 900)"),
    Option(flag="--renew-seconds", metavar="N", kind=NUMBER, help="time between renewals; 0: none (default: a third)"),
    Option(flag="--wait", metavar="SECONDS", kind=NUMBER, default=21600, help="how long one wait is (default: 21600)"),
    Option(
        flag="--max-run-seconds",
        metavar="N",
        kind=NUMBER,
        default=21600,
        help="an agent that takes longer is stopped (default: 21600, six hours)",
    ),
    Option(
        flag="--max-output-bytes",
        metavar="N",
        kind=WHOLE,
        default=64 << 20,
        help="an agent that prints more is stopped (default: 67108864)",
    ),
    Option(flag="--max-memory-bytes", metavar="N", kind=WHOLE, default=0, help="data of each of its processes"),
    Option(flag="COMMAND", kind=REST, help="after --: the program to run instead of the vendor's, and its arguments"),
)
MOST_AT_ONCE = 1000
LONGEST_SECONDS = 366 * 86_400


def run(args: Arguments, session: Session) -> int:
    """Work until there is an end."""
    import time

    from agent_lanes.cli.progress import Progress
    from agent_lanes.dispatch.loop import NOTHING_CAME, Loop
    from agent_lanes.dispatch.reply import KINDS

    settings = _settings(args)
    vendor = _vendor(settings, session)
    session.serves(settings.lane)

    watched = output.on_terminal(2)
    with Progress() as progress:

        def say(line: str) -> None:
            progress.clear()
            output.note(f"agent-lanes work: {time.strftime('%F %T')} {line}")

        loop = Loop(
            session.queue, settings, vendor, say=say, tick=progress.show if watched else None, reread=session.reread
        )
        code = loop.run()
    if code == NOTHING_CAME:
        _, why, _ = session.looks.idle(settings.lane, vendor=settings.takes)
        raise TimedOut(f"no task came in {settings.wait_seconds:g} s", hint=why)
    if args.json:
        output.json({"status": "stopped" if code else "done", **{kind: loop.counts.get(kind, 0) for kind in KINDS}})
    return code


def _settings(args: Arguments) -> Settings:
    """What the flags say. Raises BadUsage that names one."""
    from agent_lanes.core import names, terms
    from agent_lanes.dispatch.runner import Limits
    from agent_lanes.dispatch.settings import Settings

    vendor = None if args.vendor is None else names.vendor(args.vendor)
    command = tuple(args.command)
    if not command and vendor in (None, names.ANY_VENDOR):
        raise BadUsage(
            "work: which agent is to run?",
            hint="name a vendor, as in work --vendor claude, or a program: work -- my-agent --print",
        )
    terms.lease_seconds(args.lease_seconds, "--lease-seconds")
    renew = args.renew_seconds
    if renew is not None and not 0 <= renew < args.lease_seconds:
        raise BadUsage(f"--renew-seconds: {renew} is not from 0 to less than the lease of {args.lease_seconds} s")
    for flag, value, least, most in (
        ("--concurrency", args.concurrency, 1, MOST_AT_ONCE),
        ("--wait", args.wait, 0, LONGEST_SECONDS),
        ("--max-run-seconds", args.max_run_seconds, 1, LONGEST_SECONDS),
        ("--max-output-bytes", args.max_output_bytes, 1, 1 << 40),
        ("--max-memory-bytes", args.max_memory_bytes, 0, 1 << 50),
    ):
        if not least <= value <= most:
            raise BadUsage(f"{flag}: {value} is not from {least} to {most}")
    limits = Limits(
        run_seconds=args.max_run_seconds, output_bytes=args.max_output_bytes, memory_bytes=args.max_memory_bytes
    )
    if vendor is None:
        _stands_for_a_vendor(command[0])
    settings = Settings(
        lane=names.lane(args.lane),
        vendor=vendor,
        command=command,
        owner="",
        concurrency=args.concurrency,
        once=args.once,
        lease_seconds=args.lease_seconds,
        renew_seconds=renew,
        wait_seconds=args.wait,
        limits=limits,
    )
    return settings.replace(owner=names.agent("--owner", args.owner or _owner(settings.called)))


def _stands_for_a_vendor(program: str) -> None:
    """Raises BadUsage where a program's name is none that a vendor can have, or means all of them."""
    from agent_lanes.core import names

    called = program.rsplit("/", 1)[-1]
    try:
        if names.vendor(called) != names.ANY_VENDOR:
            return
    except BadUsage:
        pass
    raise BadUsage(
        f"work: {names.shown(called)} cannot stand for a vendor",
        hint="say whose tasks it takes: --vendor NAME, or --vendor any for everybody's",
    )


def _owner(called: str) -> str:
    import os
    import pwd

    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return f"{user}-{called}-{os.getpid()}"[:200]


def _vendor(settings: Settings, session: Session) -> Vendor:
    """The row of the table. Raises BadUsage where there is none, NotFound where its program is not installed."""
    import shutil

    from agent_lanes.dispatch.vendors import load

    rows = load(session.config)
    if settings.command:
        vendor = rows["command"].running(settings.command)
    elif settings.vendor in rows:
        vendor = rows[settings.vendor]
    else:
        raise BadUsage(
            f"--vendor: no agent is known for {settings.vendor}",
            hint="agent-lanes vendors lists those that are; or name a program: work --vendor V -- my-agent --print",
        )
    program = vendor.program
    if shutil.which(program) is None:
        raise NotFound(
            f"{program or settings.vendor} is not on PATH", hint=vendor.install or "install it, or name another program"
        )
    return vendor
