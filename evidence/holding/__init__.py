"""What becomes of holders and waiters when time, or the store, is not what they think it is (K6).

place      a store of its own for each case, and the real commands in it
stale      who comes back after the lease ran out, after a release, after the answer
suspended  who was stopped: beyond its lease, or while it held a lock
clocks     the wall clock stepped and bent, a reboot, a suspended machine, containers
swapped    locks, folders and stores deleted or replaced while they are in use
"""
