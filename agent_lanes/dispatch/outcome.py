"""What came of an agent's run: from its exit code and what it printed to an Outcome.

Pure. Exit code 0 alone is no proof: an answer is exit code 0, and an output that says so (`complete` in the table),
and a text that is not empty.
"""

from __future__ import annotations

import re

from agent_lanes.core.frozen import Frozen
from agent_lanes.dispatch import reading, resets
from agent_lanes.dispatch.patience import LONGEST_LINE
from agent_lanes.dispatch.reading import Printed, Reading, printed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.dispatch.vendor import Signs, Vendor

ANSWER, FAILED, USAGE_LIMIT, NOT_LOGGED_IN, INCOMPLETE, TIMEOUT = KINDS = (
    *("answer", "failed", "usage_limit", "not_logged_in", "incomplete", "timeout"),
)
TAIL_CHARACTERS = 4_000  # of stderr, where nothing better tells what went wrong
LONGEST_NON_ANSWER = 300  # a notice in place of an answer is short
STATUS = re.compile(r"\b(?:status|HTTP|API Error|code)\b\D{0,16}?\b([45]\d\d)\b", re.IGNORECASE)
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Outcome(Frozen):
    """How a run ended. `error` is empty with an answer; numbers and names are None where it did not tell.

    `kind` is one of KINDS; `timeout` is for who stopped it. `denied`: tools that it wanted to use and was not allowed
    to, which is no failure. `reset_at`: when a usage limit ends, microseconds UTC. `retryable`: the same task may well
    succeed later, or after somebody has logged in.
    """

    kind: str
    answer: str = ""
    error: str = ""
    model_used: str | None = None
    effort_used: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None
    session_id: str | None = None
    denied: tuple[str, ...] = ()
    reset_at: int | None = None
    retryable: bool = False

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return self.kind == ANSWER


def read(
    vendor: Vendor,
    code: int,
    stdout: bytes,
    stderr: bytes,
    answer_file: bytes | None = None,
    *,
    now: int = 0,
    gave_up: bool = False,
) -> Outcome:
    """The outcome of a run that ended with this exit code (a signal's negative, as subprocess gives it).

    `now`, microseconds UTC, is when it ended: times such as `in 5 minutes` are counted from it; 0: they tell nothing.
    `gave_up`: it was stopped because it did nothing but try again.
    """
    source = printed(vendor.reads.format, stdout, stderr)
    answer = _answer(vendor, source, answer_file)
    missing = [broken for condition in vendor.reads.complete if (broken := condition.broken(source))]
    reported = _first(vendor.reads.error, source)
    if reported and vendor.reads.format == reading.TEXT:  # nothing but its words tells an error from an answer
        missing.append(reported)
    if code == 0 and not missing and answer.strip() and not _notice(vendor.usage_limit, answer):
        return _outcome(vendor, source, kind=ANSWER, answer=answer)
    plain = vendor.reads.format == reading.TEXT
    retried = _retried(vendor, stderr) if gave_up else ""
    said = retried or reported or _tail(stderr) or (_tail(stdout) if plain else "")
    why = said if reported or code or (plain and said) else "; ".join(missing) or "its answer is empty"
    status = _status(vendor, source, said)
    kind = _kind(vendor, code, status, said, answer)
    return _outcome(
        vendor,
        source,
        kind=kind,
        error=f"it tried again and again, the last time after: {retried}" if retried else _told(code, why),
        reset_at=_reset(vendor, source, said, now) if kind == USAGE_LIMIT else None,
        retryable=kind in (USAGE_LIMIT, NOT_LOGGED_IN)
        or not (_by_number(vendor.permanent, code, status) or _by_text(vendor.permanent, said)),
    )


def _outcome(vendor: Vendor, source: Printed, **known: object) -> Outcome:
    reads = vendor.reads
    texts = {name: _one(getattr(reads, name), source) or None for name in ("session_id", "model_used", "effort_used")}
    counts = {name: _count(getattr(reads, name), source) for name in ("tokens_in", "tokens_out")}
    cost = reading.number(reads.cost_usd, source) if reads.cost_usd else None
    denied = tuple(dict.fromkeys(reading.texts(reads.denied, source))) if reads.denied else ()
    return Outcome(**{**texts, **counts, "cost_usd": cost, "denied": denied, **known})  # type: ignore[arg-type]


def _answer(vendor: Vendor, source: Printed, answer_file: bytes | None) -> str:
    if answer_file is not None and answer_file.strip():
        return answer_file.decode("utf-8", "replace")
    if vendor.reads.answer is not None:
        return reading.text(vendor.reads.answer, source)
    if vendor.reads.format != reading.TEXT or not vendor.reads.drop:
        return source.text if vendor.reads.format == reading.TEXT else ""
    dropped = re.compile("|".join(f"(?:{pattern})" for pattern in vendor.reads.drop))
    return "".join(line for line in source.text.splitlines(keepends=True) if not dropped.search(line))


def _kind(vendor: Vendor, code: int, status: int, said: str, answer: str) -> str:
    """What kind of failure it is. A number tells more than a text, in which anything may be mentioned."""
    kinds = ((USAGE_LIMIT, vendor.usage_limit), (NOT_LOGGED_IN, vendor.not_logged_in), (INCOMPLETE, vendor.incomplete))
    by_number = (kind for kind, signs in kinds if _by_number(signs, code, status))
    by_text = (kind for kind, signs in kinds if _by_text(signs, said) or _notice(signs, answer))
    return next(by_number, None) or next(by_text, None) or (INCOMPLETE if code == 0 else FAILED)


def _by_number(signs: Signs, code: int, status: int) -> bool:
    return code in signs.codes or status in signs.status


def _by_text(signs: Signs, said: str) -> bool:
    return any(re.search(one, said, re.IGNORECASE) for one in signs.text)


def _notice(signs: Signs, answer: str) -> bool:
    """Whether what stands in place of an answer is a notice of the program."""
    short = answer.strip()
    return len(short) <= LONGEST_NON_ANSWER and any(re.match(one, short, re.IGNORECASE) for one in signs.answer)


def _status(vendor: Vendor, source: Printed, said: str) -> int:
    """The HTTP status that the model answered with; 0 where that is not known."""
    given = reading.number(vendor.reads.status, source) if vendor.reads.status else None
    if given:
        return int(given)
    found = STATUS.search(said)
    return int(found[1]) if found else 0


def _reset(vendor: Vendor, source: Printed, said: str, now: int) -> int | None:
    stated = reading.number(vendor.reads.reset_at, source) if vendor.reads.reset_at else None
    return resets.instant(stated, now) if stated else resets.found(said, now)


def _tail(output: bytes) -> str:
    """The end of what it printed, without colours."""
    return COLOURS.sub("", output.decode("utf-8", "replace"))[-TAIL_CHARACTERS:].strip()


def _retried(vendor: Vendor, stderr: bytes) -> str:
    """Why it tried again, the last time that it said so: in a line, and as much of that, as its guard looked at."""
    pattern = re.compile(vendor.retries.match, re.MULTILINE)
    for line in reversed(stderr.split(b"\n")):
        found = list(pattern.finditer(line[:LONGEST_LINE].decode("utf-8", "replace")))
        if found:
            return found[-1][1 if pattern.groups else 0].strip()
    return ""


def _told(code: int, said: str) -> str:
    if code == 0:
        return f"it ended with exit code 0, but without an answer: {said}"
    ended = f"exit code {code}" if code > 0 else f"stopped by signal {-code}"
    return f"{ended}: {said}" if said else f"{ended}, without a word"


def _first(readings: tuple[Reading, ...], source: Printed) -> str:
    return next((found for one in readings if (found := reading.text(one, source).strip())), "")


def _one(one: Reading | None, source: Printed) -> str:
    return reading.text(one, source) if one else ""


def _count(one: Reading | None, source: Printed) -> int | None:
    found = reading.number(one, source) if one else None
    return None if found is None else int(found)
