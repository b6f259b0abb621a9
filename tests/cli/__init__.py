"""The commands as users run them: real processes of the installed program."""
