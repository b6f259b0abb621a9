"""How agents are run: the table of vendors, the command for a task, what came of a run, and the loop around it."""
