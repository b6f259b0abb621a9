"""Changes made, under the lock of the manifest. Killed anywhere: each file is the old one or the new one, whole.

The record of a file comes before the file and names both what it may hold still and what it will hold; so what a
killed call left is found, whichever it is. Folders made on the way stand in the record, too, and go with the last file
in them, if nobody else has put anything there.
"""

from __future__ import annotations

import os

from agent_lanes.errors import Refused, of_system
from agent_lanes.newborn import sweep
from agent_lanes.setup import files
from agent_lanes.setup.manifest import Manifest, missing
from agent_lanes.setup.plan import CURRENT, GONE, SHARED, Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def apply(changes: Iterable[Change], manifest: Manifest) -> None:
    """Make them, in this order. Raises Refused where a file has changed meanwhile; NotAllowed, StorageFailed."""
    try:
        with manifest.locked() as made:
            before = manifest.entries()
            ours = made | {folder for entry in before.values() for folder in entry.folders}
            for change in changes:
                _apply(change, manifest, ours)
            _tidy(manifest, ours)
    except OSError as wrong:
        raise of_system(f"cannot keep the record of setup in {manifest.folder}: {wrong.strerror}", wrong) from wrong


def _apply(change: Change, manifest: Manifest, ours: set[str]) -> None:
    if change.status in (CURRENT, SHARED) and change.entry is not None:
        manifest.write(change.entry)
    elif change.status == GONE:  # or a killed call had not come to it yet
        sweep(os.path.dirname(change.target))
        manifest.drop(change.target)
    elif change.pending:
        _unchanged(change)
        if change.entry is not None:
            _put(change, manifest, ours)
        else:
            _taken(change, manifest)


def _put(change: Change, manifest: Manifest, ours: set[str]) -> None:
    assert change.entry is not None and change.after is not None
    above = [*_above(change.entry.target), *_above(manifest.folder + "/x")]
    absent = missing(change.entry.target)
    ours.update(absent)
    entry = change.entry.replace(folders=tuple(folder for folder in above if folder in ours))
    manifest.write(entry)
    files.write(change.target, change.after, change.was)
    if len(entry.edits) > 1:
        manifest.write(entry.replace(edits=entry.edits[:1]))


def _taken(change: Change, manifest: Manifest) -> None:
    if change.after is None:
        files.remove(change.target)
        sweep(os.path.dirname(change.target))
    else:
        files.write(change.target, change.after, change.was)
    manifest.drop(change.target)


def _unchanged(change: Change) -> None:
    if files.read(change.target, change.scope).text != change.was.text:
        raise Refused(f"{change.path} has changed meanwhile", hint="it is as it was; run the same command again")


def _tidy(manifest: Manifest, ours: set[str]) -> None:
    """Remove the folders that were made for files which are there no more. Those in use cannot be removed."""
    sweep(manifest.folder)
    if manifest.entries():
        kept = {folder for entry in manifest.entries().values() for folder in entry.folders}
        ours = ours - kept
    else:
        ours = ours | {manifest.folder}
    for folder in sorted(ours, key=len, reverse=True):
        try:
            os.rmdir(folder)
        except OSError:
            continue


def _above(path: str) -> list[str]:
    """The folders above a path, outermost first."""
    found: list[str] = []
    while (path := os.path.dirname(path)) not in ("/", ""):
        found.insert(0, path)
    return found
