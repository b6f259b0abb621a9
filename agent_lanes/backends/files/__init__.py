"""The store on disk, format 2: facts as JSON files, hints as names of empty files, locks as flock on folders.

    layout    every path, as pure functions          atomic   how a file is born, replaced, read
    lock      the task lock and the gate             records  reading one task
    hints     ready/, timers/, held/                 journal  events.jsonl
    signals   blocking waits (watchdog)              upkeep   upgrade and rebuild, under the gate
    check     is this file system fit?               store    the backend itself

CONTRACT.md, "State folder", is the normative text: from it alone another program can work on a store.
"""
