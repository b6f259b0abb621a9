"""Hostile input, guided by what it reaches in the code: targets, seeds, and the process that tries one."""
