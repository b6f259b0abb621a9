"""`top`: the queue live in a terminal. The only room that knows Textual, which is an extra: `agent-lanes[tui]`.

    columns, filters    what of a task or a lane stands in which column; what is shown: no Textual in them
    watcher             the one thread that waits for changes and looks
    tables              lanes and tasks
    details, asking     a task's page; questions and help
    app                 all of it together, and the keys

What tasks hold is escaped (core.escapes) before it becomes a cell or a line, and is never read as markup.
"""
