"""The store on disk, format 2: facts as JSON files, hints as names of files, locks as flock on folders.

    store     the backend: changes                  reader   the backend: looks
    commits   the two commit points
    layout    every path, as pure functions          atomic   how a file is born, replaced, read
    lock      flock on a task's folder               gate     the lock of the whole store
    records   reading one task                       journal  events.jsonl
    hints     ready/, timers/, held/                 finder   what may be claimed next
    signals   wake-ups                               watches  blocking waits
    counter   the sequence of a lane                 litter   what crashed commands leave
    durable   what is synced, and when that is said  unborn   what a power cut left of what was not
    upkeep    upgrade and rebuild, under the gate    check    is this file system fit?

CONTRACT.md, "State folder", is the normative text: from it alone another program can work on a store.

What only some calls need is imported by them: the store is opened by every command.
"""
