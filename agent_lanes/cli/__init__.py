"""The commands `agent-lanes` and `handoff`: one program.

app       from argv to an exit code            table     every command, a line each
options   what an option is; shared groups     exact     the parser for calls that are exactly right
manual    help and every other call (argparse) output    the only print
shield    no signal between a commit and its line
commands/<verb>.py     options, help and run(args, session) of one command
"""
