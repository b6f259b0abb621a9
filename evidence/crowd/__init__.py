"""A crowd of clients for the storm (K5): what they do, what they write down, and what must follow from it.

journal   what each client began, and how it ended: files outside of the store, one for each process
doors     the same operations through the Python API and through real commands
roles     submitters, workers, waiters: programs that go on where a killed one left off
people    starting, killing, stopping them
legal     which history of one task is legal          checker   which history of all clients is
chart     the storm as a picture
"""
