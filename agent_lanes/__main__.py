"""`python -m agent_lanes` is the command `agent-lanes`."""

from agent_lanes.launch import start

if __name__ == "__main__":
    start()
