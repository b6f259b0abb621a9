"""The modules of evidence/ are scripts: its folder is on the path here, as run.py has it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "evidence"))
