"""The wall clock stepped and bent, the boot clock that jumps, a reboot, containers.

libfaketime (LD_PRELOAD) gives the real commands another time. Two variants: the wall clock alone, as when somebody sets
it; or every clock, as after a sleep of the machine, which CLOCK_BOOTTIME counts. What is promised:

- A lease is judged by CLOCK_BOOTTIME of the boot in which it was given. Whatever the wall clock does, it is neither
  taken early nor held longer. `lease_expires_at`, `created_at` and all other times that are shown are wall clock, and
  are as wrong as the wall clock was.
- Who is first in a lane is decided by a counter, not by a clock.
- Time-outs of waits count on CLOCK_MONOTONIC.
- A machine without a boot id (`AGENT_LANES_BOOT_ID` cannot take it away) is judged by the wall clock: doctor says so.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path

from holding.locks import stopped_with
from holding.place import DONE, LANE, TIMED_OUT, Case, Place, expect

STEPS = ("+1h", "+1d", "+10y", "-1h", "-1d", "-10y")
# libfaketime makes clock_nanosleep(2) fail where the monotonic clock is left alone, and time.sleep() with it.
SLEEP = "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"


class Missing(Exception):
    """libfaketime is not installed."""


@cache
def library() -> str:
    """Where libfaketime lies. Raises Missing."""
    for path in sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")):
        alone = {"LD_PRELOAD": str(path), "FAKETIME": "+1h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        (wall, boot), (wall_too, boot_too) = _clocks(alone), _clocks({"LD_PRELOAD": str(path), "FAKETIME": "+1h"})
        if not (abs(wall - 3600) < 60 > abs(boot) and abs(wall_too - 3600) < 60 < boot_too):
            raise Missing("libfaketime does not do here what it is for")
        return str(path)
    raise Missing("libfaketime is not installed (apt-get install libfaketime)")


def _clocks(environment: dict[str, str]) -> tuple[float, float]:
    """By how many seconds the wall clock and CLOCK_BOOTTIME are off in such an environment."""
    code = "import time; print(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))"
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout.split()
    return float(told[0]) - time.time(), float(told[1]) - time.clock_gettime(time.CLOCK_BOOTTIME)


def wall(place: Place, spec: str) -> dict[str, str]:
    """The wall clock alone is another: `+1h`, `+0 x2`, `@2031-01-01 00:00:00`."""
    shim = place.root / "shim"
    shim.mkdir(exist_ok=True)
    (shim / "sitecustomize.py").write_text(SLEEP)
    return {**every(spec), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": str(shim)}


def every(spec: str) -> dict[str, str]:
    """Every clock is another, CLOCK_BOOTTIME too."""
    return {"LD_PRELOAD": library(), "FAKETIME": spec, "NO_FAKE_STAT": "1"}


def _shown(place: Place, id: str, **environment: str) -> float:
    """The seconds that are left of a lease, as `status` shows them."""
    return float(place.task(id, **environment)["seconds_until_lease_expiry"])


def _during_lease(place: Place) -> str:
    shown = []
    for step in STEPS:
        stepped = wall(place, step)
        id = place.submit()
        _, token = place.claim(lease=600)
        place.refused("claim", id, names=("claimed by first",), **stepped)
        place.idle(**stepped)
        expect(not place.task(id, **stepped)["lease_expired"], f"{step}: status says that the lease has run out")
        shown.append(f"{step}: {_shown(place, id, **stepped):.0f} s")
        place.call("renew", id, "--claim-token", token, **stepped)
        place.idle()
        place.call("respond", id, "--claim-token", token, "--body", f"at {step}", **stepped)
        expect(place.answer(id) == f"at {step}", f"{step}: the answer is not there")
    return f"nobody gets it, the holder renews and answers; status shows as left of 600 s: {', '.join(shown)}"


def _lapsed(place: Place) -> str:
    for step in STEPS:
        stepped = wall(place, step)
        id = place.submit()
        _, old = place.claim(lease=0.3, **stepped)
        _, new = place.claim_when_free("second")
        place.refused("renew", id, "--claim-token", old, names=("second", "epoch 2"), **stepped)
        place.call("release", id, "--claim-token", new)
        _, old = place.claim(lease=0.3)
        _, new = place.claim_when_free("third", **stepped)
        place.refused("respond", id, "--claim-token", old, "--body", "late", names=("third", "epoch 4"))
        place.call("respond", id, "--claim-token", new, "--body", "b", **stepped)
    return f"{' '.join(STEPS)}: taken over as soon as the boot clock says so, whichever side has the wrong clock"


def _timeout(place: Place) -> str:
    id = place.submit()
    for step in ("+1d", "-1d"):
        begin = time.monotonic()
        waiting = place.start("wait", id, "--timeout", "1", "--quiet", **_stepping(place, step))
        place.end(waiting, TIMED_OUT)
        expect(time.monotonic() - begin >= 1, f"{step}: the wait ended early")
        begin = time.monotonic()
        waiting = place.start("claim", "--lane", "empty", "--wait", "1", **_stepping(place, step))
        place.end(waiting, DONE)
        expect(time.monotonic() - begin >= 1, f"{step}: the wait for work ended early")
    return "both waits end after their second, with the clock stepped by a day forwards and backwards meanwhile"


def _stepping(place: Place, step: str) -> dict[str, str]:
    """The wall clock is stepped half a second after this is called."""
    file = place.root / f"clock{step}"
    file.write_text("+0\n")
    environment = wall(place, "+0")
    del environment["FAKETIME"]
    threading.Timer(0.5, file.write_text, [step + "\n"]).start()
    return {**environment, "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1"}


def _woken(place: Place) -> str:
    for step in ("+1d", "-1d"):
        id = place.submit(lane="other")
        waiting = place.blocked("wait", id, "--timeout", "60", "--quiet", **wall(place, step))
        place.call("respond", id, "--body", f"at {step}")
        expect(place.end(waiting, DONE).out.decode() == f"at {step}", "the waiter got something else")
        claiming = place.blocked("claim", "--lane", LANE, "--wait", "60", **wall(place, step))
        id = place.submit()
        expect(place.end(claiming, DONE).values["task_id"] == id, "the claimer got something else")
    return "woken at once, with clocks a day before and behind the other side's"


def _order(place: Place) -> str:
    steps = ("+0", "-1d", "+10y", "-10y", "+1h", "+0")
    ids = [place.submit(**wall(place, step)) for step in steps]
    taken = [place.claim()[0] for _ in ids]
    expect(taken == ids, f"submitted {ids}, claimed {taken}")
    return f"submitted at {' '.join(steps)}: claimed in the order of submission (their ids sort otherwise)"


def _same_instant(place: Place) -> str:
    frozen = wall(place, "2026-06-01 12:00:00")
    ids = [place.submit(**frozen) for _ in range(4)]
    expect(len(set(ids)) == 4 and len({id.split("-")[0] for id in ids}) == 1, f"ids {ids}")
    expect([place.claim()[0] for _ in ids] == ids, "not in the order of submission")
    return f"four ids, {ids[0].split('-')[0]} all of them, told apart by chance, in order by their counter"


def _absurd(place: Place) -> str:
    for date in ("1970-01-01 00:00:01", "1999-12-31 23:59:59", "2038-01-19 03:14:08", "2100-02-28 23:59:59"):
        clock = wall(place, f"@{date}")
        id = place.submit(**clock)
        _, token = place.claim(**clock)
        place.call("renew", id, "--claim-token", token, **clock)
        place.call("show", id)
        place.call("respond", id, "--claim-token", token, "--body", date, **clock)
        expect(place.answer(id) == date, f"{date}: the answer is not there")
    place.call("list")
    return "1970, 1999, 2038 (32 bits) and 2100: everything works, and can be read on another day"


def _slewed(place: Place) -> str:
    for rate in ("x1.0005", "x0.9995", "x20", "x0.05"):
        bent = wall(place, f"+0 {rate}")
        id = place.submit()
        begin = time.clock_gettime(time.CLOCK_BOOTTIME)
        _, token = place.claim(lease=1, **bent)
        _, new = place.claim_when_free("second", **bent)
        expect(time.clock_gettime(time.CLOCK_BOOTTIME) - begin >= 1, f"{rate}: the lease was cut short")
        place.refused("respond", id, "--claim-token", token, "--body", "late", names=("second",))
        place.call("respond", id, "--claim-token", new, "--body", rate, **bent)
    return "500 ppm either way, 20 times and a 20th: a lease of a second lasts a second of the boot clock"


def _told(place: Place) -> str:
    place.submit()
    told = json.loads(place.run("--store", str(place.store), "doctor", "--json", environment=wall(place, "-1d")).out)
    [finding] = [one for one in told["findings"] if one["code"] == "clock_set_back"]
    expect(finding["level"] == "warning", f"{finding}")
    place.call("doctor", **wall(place, "+1d"))
    return f"doctor: {finding['message']} ({finding['hint']}); set forward, it has nothing to compare with"


def _litter(place: Place) -> str:
    place.submit()
    staged = place.store / "tmp" / "0123456789abcdef"
    staged.write_bytes(b"")
    with stopped_with(place.store / "gate", "LOCK_SH"):
        place.submit(**wall(place, "+1d"))
        expect(staged.exists(), "what a command has staged was swept while it was at work")
    place.submit(**wall(place, "+1d"))
    expect(not staged.exists(), "litter stays for ever")
    return "what looks a day old stays in tmp/ while anybody is at work, and goes afterwards"


def _suspended_waiter(place: Place) -> str:
    id = place.submit()
    waiting = place.blocked("wait", id, "--timeout", "6", "--quiet")
    os.killpg(waiting.pid, signal.SIGSTOP)
    time.sleep(6.5)  # longer than its time-out
    place.call("respond", id, "--body", "meanwhile")
    os.killpg(waiting.pid, signal.SIGCONT)
    expect(place.end(waiting, DONE).out == b"meanwhile", "the waiter got something else")
    return "it looks once more before it gives up, and prints the answer"


CASES = (
    Case(
        f"The wall clock is stepped during a lease ({' '.join(STEPS)})",
        "the lease neither ends nor lasts longer; times that are shown are as wrong as the clock",
        _during_lease,
    ),
    Case("The same with leases that run out", "they run out by the boot clock, whoever's wall clock is wrong", _lapsed),
    Case(
        "The wall clock is stepped by a day during `wait --timeout` and `claim --wait`",
        "they last as long as asked",
        _timeout,
    ),
    Case("Waiters and claimers whose wall clock is a day off", "woken as ever", _woken),
    Case("Submits under clocks that jump back and forth", "first in, first out: by a counter, not by a clock", _order),
    Case("Four submits within one microsecond", "four tasks, in order", _same_instant),
    Case("Clocks at the ends of what clocks say", "everything works", _absurd),
    Case("The wall clock is slewed by NTP, or runs wildly wrong", "a lease is measured by the boot clock", _slewed),
    Case("The wall clock is set back behind the newest task", "doctor says so", _told),
    Case("The wall clock is set forward by a day while a command is at work", "it goes on", _litter),
    Case(
        "A waiter is stopped beyond its time-out, and the answer comes",
        "it gets the answer",
        _suspended_waiter,
    ),
)
