"""From flags to services: the only importer of backends.

session = Session(config=None, store=None)      nothing is read before it is asked for
session.found      which config and store, and why
session.config     the Config, or None where a store was named without one
session.backend    the store's backend
session.looks      the services that look      session.queue      all of them
"""

from __future__ import annotations

import os

from agent_lanes.config import cache
from agent_lanes.config.find import Found, find
from agent_lanes.core import names
from agent_lanes.core.rules import NO_LANES, Lanes
from agent_lanes.errors import AgentLanesError, StorageFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.config.model import Config
    from agent_lanes.core.task import Event, Snapshot
    from agent_lanes.observation import Tell
    from agent_lanes.ports import Backend
    from agent_lanes.services.looks import Looks
    from agent_lanes.services.notices import Teller
    from agent_lanes.services.queue import QueueService

MEMORY = "memory:"


class Session:
    """Everything one call needs, found when it is first asked for."""

    def __init__(
        self,
        *,
        config: str | None = None,
        store: str | None = None,
        warn: Callable[[str], None] = lambda line: None,
        expected: bool = False,
    ) -> None:
        """`expected`: a store that is not there is warned of."""
        self._flags = (config, store)
        self._warn, self._expected = warn, expected
        self._folder: str | None = None
        self._found: Found | None = None
        self._config: Config | None = None
        self._backend: Backend | None = None
        self._looks: Looks | None = None
        self._queue: QueueService | None = None
        self._undeclared: set[str] = set()
        self._teller: Teller | None = None

    @property
    def folder(self) -> str:
        """The folder that relative paths are relative to."""
        if self._folder is None:
            self._folder = os.getcwd()
        return self._folder

    @property
    def found(self) -> Found:
        """Which config and which store. Raises NotFound."""
        if self._found is None:
            self._found = find(*self._flags, dict(os.environ), self.folder)
        return self._found

    @property
    def config(self) -> Config | None:
        """The config, if there is one. Raises NotFound, BadData."""
        if self._config is None and self.found.config_path is not None:
            self._config = cache.load(self.found.config_path)
            for line in self._config.warnings:
                self._warn(line)
        return self._config

    @property
    def store_address(self) -> str:
        """The store's folder. Raises NotFound, BadData."""
        if self.found.store is not None:
            return self.found.store
        config = self.config
        if config is None:  # pragma: no cover - find() raises where there is neither
            raise AgentLanesError("neither a config nor a store")
        return config.queue_root

    @property
    def workspace(self) -> tuple[str, str]:
        """(workspace_id, workspace_root): of the config, or of the current folder where there is none."""
        config = self.config
        if config is not None:
            return config.workspace_id, config.workspace_root
        return os.path.basename(self.folder) or "root", self.folder

    @property
    def lanes(self) -> Lanes:
        """The rules of the store's lanes; none where the config is that of another store, or there is none."""
        config = self.config
        if config is None or self.store_address != config.queue_root:
            return NO_LANES
        return Lanes(rules=config.lanes, strict=config.strict_lanes, max_cost_usd_per_day=config.max_cost_usd_per_day)

    def reread(self) -> None:
        """Read the config again: somebody may have changed it. One that cannot be read leaves the old one in force."""
        path = self.found.config_path
        try:
            self._config = self._config if path is None else cache.load(path)
        except AgentLanesError as wrong:
            self._warn(wrong.message)

    def serves(self, lane: str) -> None:
        """Tell of a lane that somebody wants work from, or holds, which is neither declared nor has ever had a task.

        A warning, once; where the config says strict_lanes, Refused. Raises BadUsage.
        """
        names.lane(lane)
        if lane in self.lanes.rules or not self.lanes.rules or self.backend.ever_submitted(lane):
            return
        self.looks.rules(lane)
        self.look_up(lane)

    def looks_at(self, lane: str | None) -> None:
        """Warn, once, of a lane that a look is confined to, which has never had a task: it may be a slip.

        Told where the config declares other lanes, or a lane is there whose name is nearly the same. Raises BadUsage.
        """
        if lane is None or self.backend.ever_submitted(names.lane(lane)):
            return
        try:
            declared = self.lanes.rules
        except AgentLanesError:  # the store was named, and a look needs no config
            declared = {}
        if lane in declared:
            return
        from agent_lanes.core.spelling import nearest

        meant = nearest(lane, {*declared, *self.backend.lanes()})
        hint = "" if meant is None else f"; did you mean {names.shown(meant)}?"
        if declared:
            self._undeclared_lane(lane, hint)
        elif hint:
            self._warn(f"lane {names.shown(lane)} has never had a task{hint}")

    def look_up(self, lane: str) -> None:
        """Warn, once, of a lane that the config does not declare, though it declares others."""
        lanes = self.lanes
        if lanes.rules and not lanes.strict and lane not in lanes.rules:
            self._undeclared_lane(lane)

    def _undeclared_lane(self, lane: str, hint: str = "") -> None:
        if lane in self._undeclared:
            return
        self._undeclared.add(lane)
        declared, path = names.some(sorted(self.lanes.rules)), self.found.config_path
        self._warn(f"lane {names.shown(lane)} is not declared in {path}; declared are: {declared}{hint}")

    @property
    def backend(self) -> Backend:
        """What lies behind the store's address."""
        if self._backend is None:
            address = self.store_address
            if self._expected and address != MEMORY and not os.path.lexists(address):
                self._warn(f"there is no store at {address} yet; `agent-lanes where` tells why it is that one")
            self._backend = open_backend(address, self._warn, self._tell)
        return self._backend

    @property
    def looks(self) -> Looks:
        """The services that only look; commands that change nothing need no more."""
        if self._looks is None:
            from agent_lanes.services.looks import Looks

            self._looks = Looks(self.backend, lambda: self.lanes)
        return self._looks

    @property
    def queue(self) -> QueueService:
        """The services on this store."""
        if self._queue is None:
            from agent_lanes.services.queue import QueueService

            self._queue = QueueService(self.backend, lambda: self.lanes)
        return self._queue

    def _tell(self, snapshot: Snapshot, event: Event) -> None:
        """Start what the config of this store wants to be told of a transition."""
        try:
            config = self.config
        except AgentLanesError:
            return  # the store was named, and this call needed no config
        if config is None or not config.notify or self.store_address != config.queue_root:
            return
        from agent_lanes.core.notices import due

        met = due(config.notify, snapshot, event)
        if not met:
            return
        if self._teller is None:
            from agent_lanes.services.notices import Teller

            self._teller = Teller(
                self.looks.record,
                variables={"AGENT_LANES_STORE": self.store_address, "AGENT_LANES_CONFIG": config.path},
                folder=config.workspace_root,
                log_path=os.path.join(self.store_address, "notify.log"),
                warn=self._warn,
            )
        self._teller.tell(snapshot, event, met)


def open_backend(address: str, warn: Callable[[str], None] = lambda line: None, tell: Tell | None = None) -> Backend:
    """The backend behind an address: a folder, or `memory:`. AGENT_LANES_TRACE=1 wraps it in a tracer.

    `tell` is called with the task and its line of history after each transition made here; it may not raise.
    Raises StorageFailed where something else than a folder has that name.
    """
    if address == MEMORY:
        from agent_lanes.backends.memory import MemoryStore

        backend: Backend = MemoryStore(tell=tell)
    else:
        if os.path.lexists(address) and not os.path.isdir(address):  # in this order: others may be making it now
            raise StorageFailed(f"the store is not a folder: {address}")
        from agent_lanes.backends.files.store import FileStore

        backend = FileStore(address, warn=warn, tell=tell)
    if os.environ.get("AGENT_LANES_TRACE") == "1":
        from agent_lanes.backends.traced import Traced

        return Traced(backend)
    return backend


def check_folder(folder: str, *, network: bool) -> None:
    """Refuse a folder whose file system cannot hold a store, or is of the network. Raises StorageFailed, NotAllowed."""
    from agent_lanes.backends.files.check import fit

    fit(folder, network=network)


def make_network_store(folder: str) -> None:
    """Make a store that may lie on a network file system, and keeps that in mind. Raises StorageFailed, Busy."""
    from agent_lanes.backends.files.store import FileStore

    store = FileStore(folder)
    store.allow_network()
    store.prepare()
