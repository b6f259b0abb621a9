"""A holder that comes back."""

from __future__ import annotations

from holding.place import FAILED, LANE, REFUSED, Case, Place, expect

FIRST, SECOND = "first", "second"


def _verbs(id: str, token: str) -> dict[str, tuple[str, ...]]:
    """Everything that a holder does."""
    claim = ("--claim-token", token)
    return {
        "renew": ("renew", id, *claim),
        "event": ("event", id, *claim, "--message", "still at it"),
        "release": ("release", id, *claim),
        "respond": ("respond", id, *claim, "--body", "late"),
        "respond failed": ("respond", id, *claim, "--status", "failed", "--body", "late"),
    }


def _all_refused(place: Place, id: str, token: str, *names: str) -> str:
    """Everything is refused, each saying all this, and nothing has changed."""
    before = place.keep()
    said = [place.refused(*words, names=names) for words in _verbs(id, token).values()]
    expect(place.keep() == before, "a refused command has changed something")
    return f"all five refused with exit code {REFUSED}, nothing changed: {said[0]}"


def _reclaimed(place: Place) -> str:
    id = place.submit()
    _, old = place.claim(lease=0.3)
    _, new = place.claim_when_free(SECOND)
    told = _all_refused(place, id, old, SECOND, "since 2", "epoch 2", "stop work on it")
    place.call("respond", id, "--claim-token", new, "--body", "on time")
    expect(place.answer(id) == "on time", "the second holder's answer is not the one")
    return told


def _same_name(place: Place) -> str:
    id = place.submit()
    _, old = place.claim(lease=0.3)
    place.claim_when_free(FIRST)
    return _all_refused(place, id, old, FIRST, "epoch 2")


def _nobody(place: Place) -> str:
    id = place.submit()
    _, token = place.claim(lease=0.3)
    place.lapse(id)
    verbs = _verbs(id, token)
    place.call(*verbs["event"])
    place.call(*verbs["renew"], "--lease-seconds", "600")
    expect(not place.task(id)["lease_expired"], "the renewed lease has run out")
    place.idle()
    place.call(*verbs["respond"])
    expect(place.answer(id) == "late" and place.task(id)["epoch"] == 1, "its answer is not the one")
    return "event, renew and respond are taken, under the same epoch; after the renewal nobody else gets the task"


def _answered(place: Place) -> str:
    id = place.submit()
    _, old = place.claim(lease=0.3)
    _, new = place.claim_when_free(SECOND)
    place.call("respond", id, "--claim-token", new, "--body", "on time", "--reviewer", SECOND)
    told = _all_refused(place, id, old, SECOND)
    said = place.refused(*_verbs(id, old)["respond"], names=(SECOND, "completed", "agent-lanes show"))
    expect(place.answer(id) == "on time", "the answer was replaced")
    return f"{told}; respond: {said}"


def _released(place: Place) -> str:
    id = place.submit()
    _, token = place.claim()
    verbs = _verbs(id, token)
    place.call(*verbs["release"])
    said = [place.refused(*verbs[verb], names=("released at 2",)) for verb in ("renew", "event", "respond")]
    again = place.call(*verbs["release"]).err.decode().strip()
    return f"renew, event and respond are refused: {said[0]}; release is confirmed: {again}"


def _released_twice(place: Place) -> str:
    id = place.submit()
    _, old = place.claim()
    place.call("release", id, "--claim-token", old)
    _, new = place.claim(owner=SECOND)
    place.call("release", id, "--claim-token", new)
    return _all_refused(place, id, old, "epoch 2")


def _own_answer(place: Place) -> str:
    id = place.submit()
    _, token = place.claim()
    verbs = _verbs(id, token)
    place.call(*verbs["respond failed"])
    place.call("wait", id, "--timeout", "0", code=FAILED)
    again = place.call(*verbs["respond failed"]).err.decode().strip()
    place.call(*verbs["event"])
    said = [place.refused(*verbs[verb]) for verb in ("renew", "release", "respond")]
    return (
        f"the same answer is confirmed ({again}), an event taken; renew, release and another answer refused: {said[0]}"
    )


def _many(place: Place) -> str:
    id, tokens = place.submit(), []
    for _ in range(6):
        tokens.append(place.claim_when_free(f"owner {len(tokens)}", lease=0.2)[1])
    for token in tokens[:-1]:
        _all_refused(place, id, token, "owner 5", "epoch 6")
    place.call("respond", id, "--claim-token", tokens[-1], "--body", "the sixth")
    return "six holders in turn, epochs 1 to 6: the first five are refused everything, the sixth answers"


def _wrong(place: Place) -> str:
    id = place.submit()
    place.claim()
    before = place.keep()
    for token in ("", "x", "0" * 32, "é\n"):
        place.refused("renew", id, "--claim-token", token, names=(FIRST,))
    place.refused("respond", id, "--body", "without a token", names=("--claim-token",))
    expect(place.keep() == before, "a refused command has changed something")
    return f"wrong, empty and missing tokens are refused on lane {LANE}, and nothing changes"


CASES = (
    Case(
        "A lease runs out, another claims, the first comes back with renew, event, release, respond",
        "always refused, by token and epoch; told who has it, since when, and what to do",
        _reclaimed,
    ),
    Case("The same, and both holders have the same name", "the token decides, not the name", _same_name),
    Case("A lease runs out, nobody claims, the holder comes back", "it may renew, note and respond", _nobody),
    Case("The second holder has answered when the first comes back", "refused; the answer stays", _answered),
    Case("A holder comes back after its own release", "refused; only the release is confirmed", _released),
    Case(
        "Released, claimed by another, released: the first comes back",
        "refused, though nobody holds it",
        _released_twice,
    ),
    Case("A holder comes back after its own answer", "the same answer is confirmed, nothing else changes", _own_answer),
    Case("Six holders, one after the other, all come back", "only the last is heard", _many),
    Case("Tokens that are none", "refused", _wrong),
)
