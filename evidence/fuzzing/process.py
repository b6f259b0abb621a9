"""Try one target, in a process that ends with it: python -m fuzzing.process TARGET CORPUS [libFuzzer's flags]"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["agent_lanes", "yaml"]):
    from agent_lanes.cli import when  # noqa: F401 - loaded while what is loaded is instrumented
    from agent_lanes.config import load, taskfile  # noqa: F401
    from fuzzing import targets

if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], targets.TARGETS[sys.argv[1]])
    atheris.Fuzz()
