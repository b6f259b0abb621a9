"""handoff.yaml and task files: found, read, checked, and compiled so that YAML stays off the hot path."""
