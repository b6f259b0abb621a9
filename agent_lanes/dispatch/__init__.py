"""The dispatcher: claims tasks, runs an agent on each, sends the answers back.

    loop       claims, as long as there is room; drains when it is told to stop
    attempt    one task, from claim to answer; reply: what it tells the store
    worktree   the folder it works in, and what it changed there
    runner     one agent, as the dispatcher sees it; starts its guard
    guard      a process of its own between the two: starts the agent, limits it, outlives a killed dispatcher
    strays     finding and ending processes, whatever session they made for themselves
    delivery   an answer sent until it is taken
    vendors    the table of agent programs: how each is run
    outcome    what a run came to, from what it printed
    breaker    vendors that are put on hold: usage limits, failures in a row
    ceilings   what tasks, lanes and days may cost

A dispatcher keeps nothing but what it is doing: killed at any moment, its agents are stopped and its tasks offered
again.
"""
