"""The commands `agent-lanes` and `handoff`: one program.

app       from argv to an exit code            table     every command, a line each
options   what an option is; exact calls       inexact   every other call (argparse)
manual    help                                 output    the only print
commands/<verb>.py     options, help and run(args, session) of one command
"""
