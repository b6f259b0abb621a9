"""How the program loads itself: quickly where Python has compiled it, as Python does everywhere else."""

from __future__ import annotations

import os
import py_compile
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import agent_lanes

OURS, PYTHONS = "Loader", "SourceFileLoader"
SOURCE = "core/frozen.py"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package in a folder of its own, compiled."""
    made = tmp_path / "site" / "agent_lanes"
    shutil.copytree(Path(agent_lanes.__file__).parent, made, ignore=shutil.ignore_patterns("__pycache__"))
    for source in made.rglob("*.py"):
        py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    return made


def python(copy: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(copy.parent), **env}
    return subprocess.run(
        [sys.executable, *words], cwd=copy.parent.parent, env=environment, capture_output=True, text=True, timeout=60
    )


def loader(copy: Path, *options: str, **env: str) -> str:
    """Which loader a module of ours has."""
    code = "import agent_lanes.launch as it; it.load_quickly(); import agent_lanes.core.frozen as m"
    done = python(copy, *options, "-c", f"{code}; print(type(m.__loader__).__name__, m.Frozen, m.__file__)", **env)
    assert done.returncode == 0, done.stderr
    name, *rest = done.stdout.split()
    assert rest == ["<class", "'agent_lanes.core.frozen.Frozen'>", str(copy / SOURCE)]
    return name


def compiled(copy: Path) -> Path:
    (found,) = (copy / "core" / "__pycache__").glob("frozen.*.pyc")
    return found


def says(copy: Path, **env: str) -> str:
    """What the program prints as its version."""
    done = python(copy, "-m", "agent_lanes", "--version", **env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_compiled_modules_are_loaded_quickly(copy: Path) -> None:
    assert loader(copy) == OURS
    assert says(copy) == f"agent-lanes {agent_lanes.__version__}\n"


def test_a_module_is_the_same_by_either_way(copy: Path) -> None:
    code = "import agent_lanes.cli.app as m, agent_lanes.cli as p; print(m.__file__, m.__cached__, m.__package__, "
    code += "m.__name__, list(p.__path__), p.__package__, p.__file__, m.__spec__.parent, m.__spec__.has_location)"
    quick = python(copy, "-c", f"import agent_lanes.launch as it; it.load_quickly(); {code}")
    assert quick.returncode == 0 and quick.stdout == python(copy, "-c", code).stdout


def test_an_edited_source_is_never_served_from_its_old_code(copy: Path) -> None:
    source = copy / "cli" / "manual.py"
    text, status = source.read_text(), source.stat()
    source.write_text(text.replace('f"agent-lanes {__version__}', 'f"AGENT-LANES {__version__}'))
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))  # of the same size, a second later
    assert says(copy).startswith("AGENT-LANES ")
    source.write_text(text.replace('f"agent-lanes {__version__}', 'f"agent-lanes is at {__version__}'))
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))  # of the same time, but longer
    assert says(copy).startswith("agent-lanes is at ")


def test_a_module_that_was_never_compiled_is_left_to_python(copy: Path) -> None:
    compiled(copy).unlink()
    assert loader(copy) == PYTHONS
    assert loader(copy, PYTHONDONTWRITEBYTECODE="") == PYTHONS
    assert loader(copy) == OURS, "Python has compiled it, and kept it"


@pytest.mark.parametrize("content", [b"", b"\0", b"\0" * 5000], ids=["empty", "a byte", "zeros"])
def test_damaged_code_is_left_to_python(copy: Path, content: bytes) -> None:
    compiled(copy).write_bytes(content)
    assert loader(copy) == PYTHONS


def test_code_of_another_python_is_left_alone(copy: Path) -> None:
    code = compiled(copy)
    code.write_bytes(bytes([code.read_bytes()[0] ^ 1]) + code.read_bytes()[1:])
    assert loader(copy) == PYTHONS


def test_code_that_is_bound_to_its_source_by_a_hash_is_left_to_python(copy: Path) -> None:
    py_compile.compile(str(copy / SOURCE), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    assert loader(copy) == PYTHONS


def test_optimized_code_is_taken_by_the_python_that_wants_it(copy: Path) -> None:
    assert loader(copy, "-O") == PYTHONS, "there is none yet"
    for source in copy.rglob("*.py"):
        py_compile.compile(
            str(source), optimize=1, invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP, doraise=True
        )
    assert loader(copy, "-O") == OURS


def test_code_that_is_kept_elsewhere_is_left_to_python(copy: Path, tmp_path: Path) -> None:
    assert loader(copy, PYTHONPYCACHEPREFIX=str(tmp_path / "kept")) == PYTHONS


def test_a_module_without_code_is_found_missing(copy: Path) -> None:
    done = python(copy, "-c", "import agent_lanes.launch as it; it.load_quickly(); import agent_lanes.core.nothing")
    assert "ModuleNotFoundError: No module named 'agent_lanes.core.nothing'" in done.stderr


def test_a_defect_is_shown_with_the_lines_of_the_source(copy: Path) -> None:
    source = copy / "cli" / "commands" / "where.py"
    lines = source.read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("def run("))
    source.write_text("\n".join([*lines[: at + 1], "    return 1 // len('')", *lines[at + 1 :]]) + "\n")
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    done = python(copy, "-m", "agent_lanes", "where", AGENT_LANES_TRACE="1")
    assert f'File "{source}", line {at + 2}, in run\n    return 1 // len' in done.stderr
    told = python(copy, "-m", "agent_lanes", "where")
    assert told.returncode == 1 and told.stderr.startswith("agent-lanes: a defect of agent-lanes: ZeroDivisionError")


def test_an_interrupt_while_it_loads_is_one_line_too(copy: Path) -> None:
    source = copy / "cli" / "output.py"
    source.write_text(f"{source.read_text()}\nos.kill(os.getpid(), {signal.SIGINT:d})\n")
    done = python(copy, "-m", "agent_lanes", "where")
    assert done.returncode == 130
    assert done.stderr == "agent-lanes: interrupted (nothing is lost; repeat the call to go on)\n"
