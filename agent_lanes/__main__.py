"""`python -m agent_lanes` is the command `agent-lanes`."""

from agent_lanes.cli.app import main

if __name__ == "__main__":
    raise SystemExit(main())
