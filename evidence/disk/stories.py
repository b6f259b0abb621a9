"""The transitions of a store, each a row of STORIES: what stands before, and the change in which the power may go.

To add one: a function that tells it (steps.py; world.World has the calls), and a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from disk import setups, steps
from disk.world import World

Step = Callable[[World], object]


@dataclass(frozen=True)
class Story:
    """One transition."""

    name: str
    before: Step
    """Commands that came before; what they did is on the disk, if `settled`."""
    change: Step
    setup: Step = setups.request_file
    """What has been there for long: it is not recorded."""
    settled: bool = True


STORIES: tuple[Story, ...] = (
    Story("first submit", steps.nothing, steps.submitted),
    Story("init, first submit", steps.nothing, steps.init_and_submit, setups.with_config),
    Story("submit", steps.older, steps.submit),
    Story("submit with a key", steps.older, steps.submit_with_key),
    Story("submit --many", steps.older, steps.submit_many, setups.many_file),
    Story("claim", steps.submitted, steps.claim),
    Story("claim with a request id", steps.submitted, steps.claim_with_request_id),
    Story("claim after a lease", steps.run_out, steps.claim_next),
    Story("renew", steps.claimed, steps.renew),
    Story("release", steps.renewed, steps.release),
    Story("park", steps.edited, steps.park),
    Story("event", steps.claimed, steps.event),
    Story("respond completed", steps.renewed, steps.respond),
    Story("respond failed", steps.claimed, steps.respond_failed),
    Story("respond without a claim", steps.submitted, steps.respond_without_claim),
    Story("failed attempt", steps.renewed, steps.fail_attempt),
    Story("release --delay", steps.claimed, steps.release_delayed),
    Story("hold", steps.submitted, steps.hold),
    Story("resume", steps.held, steps.resume),
    Story("cancel", steps.submitted, steps.cancel),
    Story("cancel at work", steps.renewed, steps.cancel),
    Story("retry", steps.answered, steps.retry),
    Story("wait with a response path", steps.answered, steps.wait),
    Story("export", steps.answered, steps.export),
    Story("import", steps.nothing, steps.restore, setups.exported),
    Story("rebuild after a reboot", steps.renewed, steps.reboot),
    Story("rebuild, hints lost", steps.nothing, steps.reboot, setups.hints_lost),
    Story("doctor --repair", steps.nothing, steps.repair, setups.spoiled),
    Story("upgrade from v0.1", steps.nothing, steps.upgrade, setups.store_of_v01),
    Story("whole cycle, nothing settled", steps.nothing, steps.whole_cycle, settled=False),
    Story("respond, nothing settled", steps.renewed, steps.respond, settled=False),
)
