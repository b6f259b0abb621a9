"""`python -m agent_lanes` is the command `agent-lanes`."""

from agent_lanes.cli.app import start

if __name__ == "__main__":
    start()
