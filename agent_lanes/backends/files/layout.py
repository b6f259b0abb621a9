"""Every path of a store, as pure functions of its root. Nothing here touches a disk.

    <root>/store.json gate tmp/ tasks/<id>/{task,claim,response}.json events.jsonl request.md
    <root>/ready/<lane>/.sequence, .fair
    <root>/ready/<lane>/<route>/<bucket>/<priority>-<sequence>-<id>     only the name counts
    <root>/timers/<lane>/<bucket>/<at>-<id>
    <root>/delayed/<lane>/<bucket>/<at>-<id>
    <root>/blocked/<lane>/<id>   held/<lane>/<id>
    <root>/dependants/<id>/<lane>/<route>/<priority>-<sequence>-<dependant>
    <root>/signals/<lane>
    <root>/log/<segment>.jsonl current       see log.py
    <root>/presence/<lane>/<vendor>~<chance>.json
    <root>/tally/<lane>/<day>
    <root>/keys/<SHA-256 of an idempotency key>          <root>/claims/<SHA-256 of owner and request id>
    <root>/unique/<SHA-256 of lane and unique key>
    <root>/children/<id>/<child>                          <root>/threads/<SHA-256 of a thread>/<id>
    <root>/indexes/correlations/<workspace>--<correlation>.json
    <root>/archive/<month>/<pack>/          see packs.py
    <root>/holds/<lane>/<vendor>.json       see holds.py
    <root>/dead/<lane>/<id>                 see letters.py
    <root>/ledger/<month>.jsonl             see ledger.py

Names that order a marker stand in its name, padded, so that sorting names is enough. Markers lie in buckets,
because one folder of 100,000 names costs a listing 67 ms and buckets of 512 cost 0.36 ms.
"""

from __future__ import annotations

from agent_lanes.core.names import escape, slug, task_id, unescape
from agent_lanes.core.placement import Blocked, Due, Later, Parked, Placement, Ready
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

TASK, CLAIM, RESPONSE, EVENTS, REQUEST = "task.json", "claim.json", "response.json", "events.jsonl", "request.md"
RUN, RAW = "run.lock", "answer.raw"
TALLIED = {"submitted": b"s", "completed": b"c", "failed": b"f", "cancelled": b"x"}  # ends of lines in tally/
BUCKET = 512  # markers in a bucket of ready/
TIMER_SHIFT = 26  # a bucket of timers/ spans 2**26 microseconds, 67 seconds
HINT_FOLDERS = ("ready", "timers", "delayed", "blocked", "held")


class Layout:
    """The paths below one root."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.tasks = root + "/tasks"
        self.tmp = root + "/tmp"  # noqa: S108 - ours, inside the store, 0700
        self.gate = root + "/gate"
        self.store_record = root + "/store.json"
        self.signals = root + "/signals"
        self.correlations = root + "/indexes/correlations"
        self.log = root + "/log"
        self.all_presence = root + "/presence"
        self.all_dependants = root + "/dependants"
        self.all_unique = root + "/unique"
        self.all_children = root + "/children"
        self.all_threads = root + "/threads"
        self.archive = root + "/archive"
        self.holds = root + "/holds"
        self.dead = root + "/dead"
        self.ledger = root + "/ledger"
        self.legacy_lock = root + "/lock"

    def folders(self) -> tuple[str, ...]:
        """The folders that every store has, parents first."""
        hints = tuple(f"{self.root}/{name}" for name in HINT_FOLDERS)
        return (
            self.root,
            self.tmp,
            self.tasks,
            *hints,
            self.signals,
            self.root + "/indexes",
            self.correlations,
            *(f"{self.root}/{name}" for name in ("keys", "claims")),
        )

    def task(self, id: str) -> str:
        """The folder of a task."""
        return f"{self.tasks}/{id}"

    def ready_lane(self, lane: str) -> str:
        """The folder of the routes of a lane."""
        return f"{self.root}/ready/{escape(lane)}"

    def route(self, lane: str, route: str) -> str:
        """The folder of the buckets of a route."""
        return f"{self.ready_lane(lane)}/{escape(route)}"

    def sequence(self, lane: str) -> str:
        """The counter of a lane. Escaped names never begin with a dot, so it is no route."""
        return self.ready_lane(lane) + "/.sequence"

    def fair(self, lane: str) -> str:
        """What a fair lane remembers of its sources, beside its counter."""
        return self.ready_lane(lane) + "/.fair"

    def timers(self, lane: str) -> str:
        """The folder of the timer buckets of a lane."""
        return f"{self.root}/timers/{escape(lane)}"

    def dependants(self, id: str) -> str:
        """The folder of the edges to those who wait for a task."""
        return f"{self.all_dependants}/{id}"

    def delayed(self, lane: str) -> str:
        """The folder of the buckets of the tasks of a lane that are not offered yet; as timers, by the wall clock."""
        return f"{self.root}/delayed/{escape(lane)}"

    def dead_letter(self, lane: str, id: str) -> str:
        """The marker of a task that died, and that nobody has seen to."""
        return f"{self.dead}/{escape(lane)}/{id}"

    def signal(self, lane: str) -> str:
        """The file that is written when a lane has something new."""
        return f"{self.signals}/{escape(lane)}"

    def presence(self, lane: str) -> str:
        """The folder of the signs of those who listen on a lane."""
        return f"{self.all_presence}/{escape(lane)}"

    def tally(self, lane: str) -> str:
        """The folder of what was counted of a lane, a file a day."""
        return f"{self.root}/tally/{escape(lane)}"

    def key(self, key: str) -> str:
        """The file that says which task an idempotency key stands for."""
        return f"{self.root}/keys/{_hashed(key)}"

    def claimed_as(self, owner: str, request_id: str) -> str:
        """The file that says which task an owner last claimed with a request id. Neither holds a line break."""
        return f"{self.root}/claims/{_hashed(owner + chr(10) + request_id)}"

    def unique(self, lane: str, key: str) -> str:
        """The file that says which open task of a lane has a unique key. Neither holds a line break."""
        return f"{self.all_unique}/{_hashed(lane + chr(10) + key)}"

    def children(self, id: str) -> str:
        """The folder of the names of the tasks that name this one."""
        return f"{self.all_children}/{id}"

    def thread(self, thread: str) -> str:
        """The folder of the names of the tasks of a thread."""
        return f"{self.all_threads}/{_hashed(thread)}"

    def correlation(self, workspace_id: str, correlation_id: str) -> str:
        """The index file of a correlation id."""
        return f"{self.correlations}/{slug(workspace_id)}--{slug(correlation_id)}.json"

    def marker(self, place: Placement) -> str | None:
        """The marker of a placement; None for a finished task."""
        if isinstance(place, Ready):
            bucket = f"{place.priority}{place.sequence // BUCKET:010x}"
            name = f"{place.priority}-{place.sequence:012d}-{place.id}"
            return f"{self.route(place.lane, place.route)}/{bucket}/{name}"
        if isinstance(place, Due):
            return f"{self.timers(place.lane)}/{place.at >> TIMER_SHIFT:012x}/{place.at:018d}-{place.id}"
        if isinstance(place, Later):
            return f"{self.delayed(place.lane)}/{place.at >> TIMER_SHIFT:012x}/{place.at:018d}-{place.id}"
        if isinstance(place, Parked):
            return f"{self.root}/held/{escape(place.lane)}/{place.id}"
        if isinstance(place, Blocked):
            return f"{self.root}/blocked/{escape(place.lane)}/{place.id}"
        return None


def _hashed(text: str) -> str:
    from agent_lanes.core.digest import sha256

    return sha256(text.encode())


def meant(file_names: Iterable[str]) -> list[str]:
    """The lanes or routes that these folders are named for; foreign ones are left out."""
    found = []
    for name in file_names:
        try:
            found.append(unescape(name))
        except ValueError:
            continue
    return found


def id_of_ready(name: str) -> str:
    """The task id in the name of a ready marker; empty if it is no such name."""
    return _id(name[15:]) if name[1:2] == "-" and name[14:15] == "-" else ""


def sequence_of_ready(name: str) -> int:
    """The sequence in the name of a ready marker; 0 if it is no such name."""
    return int(name[2:14]) if id_of_ready(name) and name[2:14].isascii() and name[2:14].isdigit() else 0


def due_of_timer(name: str) -> tuple[int, str]:
    """When, and which task: from the name of a timer marker; (0, "") if it is no such name."""
    if name[18:19] == "-" and name[:18].isascii() and name[:18].isdigit() and _id(name[19:]):
        return int(name[:18]), name[19:]
    return 0, ""


def _id(name: str) -> str:
    """The id, or nothing: a copy that some other program made of a marker must not stop a lane."""
    try:
        return task_id(name)
    except BadUsage:
        return ""
