"""Several clients in one process, which run the real commands on a real folder, and a seed that decides the rest.

    scenario      who takes part, and what may happen: a function of the seed
    fate          what happens at each step: a switch, a crash, a stall, a clock that jumps, a reboot
    world         the clients, of which one runs at a time; their clocks
    system        os and fcntl as a client sees them: each call is a step
    surroundings  time and chance as a client sees them            watch   waits
    shell         runs the real commands in a client's name        roles   what clients do, as scripts
    truth         every commit, judged in the moment it takes place
    listed        is a task listed where dispatchers look?
    said          what commands said, compared with the truth      offers  and what they could have found
    ending        everything is drained, swept and examined
    mutants       builds that are broken on purpose: each must be caught
    seeds         one seed, many seeds                             shrink  a failing seed, made small

A client is a thread with a baton: it runs until the seed takes the baton away, which can happen at every call that
touches the store, at every sleep and before every line of output. Chance, clocks and process ids come from the seed
too, so the same seed gives the same run.
"""
