"""What a lane had to offer while a command looked for work: nothing that was free all the time may be passed over."""

from __future__ import annotations

from collections.abc import Callable

from simulated.truth import ENDLESS, Known, Op, Truth, Version, during


class Offers:
    """Compares what was found with what was there."""

    def __init__(self, truth: Truth, edited: set[str], wrong: Callable[[Op, str], None]) -> None:
        self.truth, self.wrong = truth, wrong
        self.edited = edited
        """Requests that somebody edits: their tasks may be parked at any time."""

    def shown(self, op: Op) -> None:
        """A wait on a lane has ended."""
        said = op.json
        if said["status"] == "idle":
            self.none(op)
            return
        task = self.truth.tasks[said["task"]["id"]]
        if all(version.state not in ("queued", "claimed") for version in during(task, op.begun, op.ended)):
            self.wrong(op, f"offers {task.id}, which was answered before it looked")

    def none(self, op: Op) -> None:
        """It says that there is nothing."""
        for task in self.truth.tasks.values():
            if self._free(task, op):
                self.wrong(op, f"finds nothing, although {task.id} could be claimed all the time")

    def first(self, op: Op, taken: Known) -> None:
        """It took this one: no other that was free stands before it."""
        if taken.record["idempotency_key"] and self.truth.world.counts["crash"] + self.truth.world.counts["reboot"]:
            return  # a first call that was killed may have left it an earlier place
        place = taken.record["sequence"]
        for task in self.truth.tasks.values():
            if task.record["sequence"] < place and task is not taken and self._free(task, op):
                self.wrong(op, f"took {taken.id} although {task.id} stands before it")

    def _free(self, task: Known, op: Op) -> bool:
        """Whether this command could have claimed a task at every moment, and nobody was in its way."""
        words = dict(zip(op.words, op.words[1:], strict=False))
        vendor, route = words.get("--vendor"), task.record["metadata"].get("required_vendor", "any")
        if task.record["lane"] != words["--lane"] or task.record.get("request_path") in self.edited:
            return False
        if task.born > op.begun or (vendor is not None and route not in (vendor, "any")):
            return False
        held = self.truth.held.items()
        locked = [*task.locked, *((name, since, ENDLESS) for (name, id), since in held if id == task.id)]
        if any(name != op.client and since <= op.ended and until >= op.begun for name, since, until in locked):
            return False
        return all(_claimable(version, op) for version in during(task, op.begun + 1, op.ended))


def _claimable(version: Version, op: Op) -> bool:
    """Whether a task could be claimed in this version when the command began; then it can for ever."""
    if version.state == "queued":
        return not version.parked
    if version.state != "claimed" or version.expires is None:
        return False
    boot, ends = version.expires
    return boot != op.boot_id or op.boottime >= ends
