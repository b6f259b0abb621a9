"""The house rules that a program can check: layers, purity, docstrings, sizes."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

import agent_lanes

PACKAGE = Path(agent_lanes.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))
CORE = [*sorted((PACKAGE / "core").glob("*.py")), PACKAGE / "errors.py"]
LONGEST_FILE, LONGEST_FUNCTION = 300, 60

# What the core may import: nothing that does I/O, knows the time, or rolls dice. `json` and `hashlib` are the
# fallbacks of jsontext and digest for interpreters without their C parts; `typing` is for type checkers alone.
ALLOWED_IN_CORE = {"__future__", "sys", "_json", "json", "_sha2", "_sha256", "hashlib", "typing", "collections"}
LUMBER = {"util", "utils", "common", "helper", "helpers", "manager", "misc"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def public(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every public class, function and method below a node, by its dotted name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If | ast.Try):
            yield from public(child, prefix)
        if isinstance(child, Function | ast.ClassDef) and not child.name.startswith("_"):
            yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{prefix}{child.name}.")


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_layers_are_kept() -> None:
    """import-linter's contracts, in pyproject.toml."""
    command = Path(sysconfig.get_path("scripts")) / "lint-imports"
    if not command.exists():
        assert not os.environ.get("CI"), "CI needs import-linter"
        pytest.skip("import-linter is not installed")
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("not a clone of the repository")
    done = subprocess.run(
        [str(command), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COLUMNS": "120"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_the_core_imports_nothing_that_does_io_knows_the_time_or_rolls_dice(path: Path) -> None:
    imported = {name.split(".")[0] for name in imports(ast.parse(path.read_text()))}
    assert imported - {"agent_lanes"} <= ALLOWED_IN_CORE


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_the_core_calls_nothing_that_does_io(path: Path) -> None:
    called = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called.isdisjoint({"open", "print", "input", "exec", "eval", "__import__", "breakpoint"})


def test_importing_the_core_loads_no_module_of_the_outside_world() -> None:
    """Seen from outside: what a fresh interpreter has loaded more, once all of the core is imported."""
    names = [f"agent_lanes.core.{path.stem}" for path in CORE if path.parent.name == "core" and path.stem != "__init__"]
    code = f"import sys; before = set(sys.modules); import {', '.join(names)}; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded <= {"agent_lanes", "_json", "__future__"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_public_thing_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text())
    missing = [] if ast.get_docstring(tree) else ["the module"]
    for name, node in public(tree):
        assert isinstance(node, Function | ast.ClassDef)
        decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
        if not ast.get_docstring(node) and not any(end in ("overload", "setter") for end in decorators):
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_is_under_300_lines_and_a_function_under_60(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno + 1 < LONGEST_FUNCTION, f"{node.name} in line {node.lineno}"


def test_no_room_is_a_lumber_room() -> None:
    assert [
        name_of(path) for path in MODULES if not LUMBER.isdisjoint((path.stem, *path.relative_to(PACKAGE).parts))
    ] == []


def test_only_one_place_prints() -> None:
    printing = [
        name_of(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []
