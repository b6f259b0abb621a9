"""What the fuzzer begins with: one good input of each kind; and the crashes of old, which must not come back."""

from __future__ import annotations

from pathlib import Path

CONFIG = Path(__file__).parents[2] / "handoff_template" / "handoff.yaml"
CRASHES = Path(__file__).parents[2] / "tests" / "evidence" / "crashes"
TASK = b"""{"format": 2, "id": "20260601T120000000000Z-work-0123456789ab", "lane": "work", "sequence": 1, "prompt": "x",
 "created_at": "2026-06-01T12:00:00.000000Z", "metadata": {"required_vendor": "codex"}, "priority": 5}"""
CLAIM = b"""{"format": 2, "epoch": 1, "owner": "me", "token": "t", "claimed_at": "2026-06-01T12:00:00.000000Z",
 "lease_ends_boottime_us": 7, "lease_boot_id": "b", "parked": false, "released_at": null}"""
RESPONSE = b"""{"format": 2, "task_id": "a", "status": "completed", "body": "x\\u00e4", "reviewer": "me",
 "created_at": "2026-06-01T12:00:00.000000Z", "epoch": 1, "metadata": {}}"""
SEEDS: dict[str, tuple[bytes, ...]] = {
    "JSON": (b'{"a": [1, -2.5e3, "\\ud83d\\ude00", null, true]}', TASK),
    "records": (TASK, CLAIM, RESPONSE),
    "streams": (b'{"task": ' + TASK + b', "claim": ' + CLAIM + b', "response": null, "events": []}',),
    "config": (CONFIG.read_bytes(), b"workspace_id: a\nqueue_root: state\nlanes: {a: &x {description: b}, c: *x}\n"),
    "task files": (b"lane: work\nprompt: x\nmetadata: {a: [1, 2]}\ndelay: 10m\n", b'{"lane": "work", "prompt": "x"}'),
    "times and terms": (b"10m", b"1.5h", b"2026-06-01T12:00:00Z", b"2026-06-01 12:00", b"tomorrow"),
    "names": (b"work", b"a/b", "ä".encode(), b"20260601T120000000000Z-work-0123456789ab", b"..", b"%2F"),
}


def crashes(target: str) -> list[bytes]:
    """The inputs that once broke it."""
    return [path.read_bytes() for path in sorted((CRASHES / target.replace(" ", "-")).glob("*"))]
