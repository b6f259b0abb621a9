"""A crowd of clients for the storm (K5): what they do, what they write down, and what must follow from it.

journal   what each client began, and how it ended: files outside of the store, one for each process
doors     the same operations through the Python API and through real commands
client    an operation of a client, written down before and after
roles     submitters, workers, waiters, overseers: programs that go on where a killed one left off
people    starting, killing, stopping them
tasks     one task: what the store holds of it, and all that was done to it
checker   which history of all clients is legal
steering  the same of attempts, times, holds, dependencies, unique keys
legal     which events.jsonl is
chart     the storm as a picture
"""
