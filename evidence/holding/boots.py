"""The boot clock and the boot id: a machine that sleeps, a reboot, containers, time namespaces."""

from __future__ import annotations

import subprocess

from holding.clocks import Missing, every
from holding.place import DONE, Case, Place, expect


def _slept(place: Place) -> str:
    id = place.submit(**every("+0"))
    _, old = place.claim(lease=600, **every("+0"))
    place.refused("claim", id, names=("first",), **every("+5m"))
    _, new = place.claim(owner="second", **every("+1h"))
    place.refused("respond", id, "--claim-token", old, "--body", "late", names=("second", "epoch 2"), **every("+1h"))
    place.call("respond", id, "--claim-token", new, "--body", "b", **every("+1h"))
    return "a lease of ten minutes holds after five minutes of sleep, and is over after an hour of it"


def _rebooted(place: Place) -> str:
    first, second = place.submit(), place.submit()
    _, old = place.claim(first)
    _, kept = place.claim(second)
    boot = {"AGENT_LANES_BOOT_ID": "the-next-boot"}
    expect(place.task(first, **boot)["lease_expired"], "its lease goes on after the reboot")
    _, new = place.claim(first, owner="second", **boot)
    place.refused("renew", first, "--claim-token", old, names=("second", "epoch 2"), **boot)
    place.call("respond", first, "--claim-token", new, "--body", "b", **boot)
    place.call("respond", second, "--claim-token", kept, "--body", "b", **boot)
    return "every lease is over; who comes first gets the task; a token that nobody replaced may still answer"


def _containers(place: Place) -> str:
    shared = {"AGENT_LANES_BOOT_ID": "agreed-upon"}
    id = place.submit(**shared)
    _, token = place.claim(**shared)
    place.idle(**shared)
    place.refused("claim", id, names=("first",), **shared)
    place.call("respond", id, "--claim-token", token, "--body", "b", **shared)
    one, other = {"AGENT_LANES_BOOT_ID": "container-one"}, {"AGENT_LANES_BOOT_ID": "container-two"}
    ids, old = [place.submit(**one), place.submit(**other)], place.claim(**one)
    taken, new = place.claim(owner="second", **other)
    expect(old[0] == taken == ids[0], f"claimed {old[0]} and {taken}")
    place.refused("respond", taken, "--claim-token", old[1], "--body", "late", names=("second", "epoch 2"), **one)
    place.call("respond", taken, "--claim-token", new, "--body", "b", **other)
    expect(place.claim(**one)[0] == ids[1], "the other task is not found")
    return (
        "with one id for both, leases hold for both; with an id each, each takes the other's leases for over: the task "
        "is given out twice, the first holder is refused, there is one answer"
    )


def _namespace(place: Place) -> str:
    own = ["unshare", "--time", "--boottime", "3600"]
    if subprocess.run([*own, "true"], capture_output=True).returncode:
        raise Missing("no time namespace can be made here (unshare --time needs root, and a kernel that has them)")
    id = place.submit()
    _, token = place.claim(lease=600)
    words = ("claim", id, "--owner", "second")
    taken = place.checked(words, place.run("--store", str(place.store), *words, before=own), DONE).values
    place.refused("respond", id, "--claim-token", token, "--body", "late", names=("second", "epoch 2"))
    told = place.run("--store", str(place.store), "doctor", before=own).said
    expect("own_boot_clock" in told, f"doctor: {told}")
    place.call("respond", id, "--claim-token", taken["claim_token"], "--body", "b")
    return "its boot clock runs an hour ahead, so it takes over at once; the first holder is refused; doctor warns"


CASES = (
    Case("The machine sleeps: all clocks go on without any process", "the boot clock counts sleep", _slept),
    Case(
        "The machine is rebooted",
        "leases of another boot are over; a holder may answer until another claims",
        _rebooted,
    ),
    Case("Containers: one boot id for all, or one each", "with one id leases hold; never two answers", _containers),
    Case("A process in a time namespace of its own", "not supported: doctor says so; never two answers", _namespace),
)
