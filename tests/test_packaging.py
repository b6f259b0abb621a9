"""What is built is what users get: the wheel, the sdist, and the scaffolds that an installation of either makes."""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest

import agent_lanes

ROOT = Path(__file__).resolve().parents[1]
SCAFFOLDS = ("handoff_template", "dispatchers", "prompt_pack")
LARGEST_WHEEL = 800_000
IN_CI = os.environ.get("CI") == "true"
NO_ISOLATION = importlib.util.find_spec("hatchling") is not None


def run(*words: object, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What a program prints; it must end well."""
    done = subprocess.run([str(word) for word in words], cwd=cwd, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def fetched(*words: object) -> None:
    """Run what needs packages from the network: without one, a skip at home and a failure in CI."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600)
    if done.returncode == 0:
        return
    if not IN_CI and "No matching distribution found" in done.stdout + done.stderr:
        pytest.skip("needs packages that cannot be fetched here")
    pytest.fail(f"{words}: {done.stdout}{done.stderr}", pytrace=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    isolation = ["--no-isolation"] if NO_ISOLATION else []
    fetched(sys.executable, "-m", "build", *isolation, "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel."""
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    """The sdist."""
    (found,) = built.glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def environments(wheel: Path, sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The bin folders of three fresh virtual environments, by what was installed there."""
    found = {}
    for kind, words in {"wheel": [wheel], "sdist": [sdist], "editable": ["--editable", ROOT]}.items():
        folder = tmp_path_factory.mktemp(kind) / "venv"
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        fetched(sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet", *words)
        found[kind] = folder / "bin"
    return found


def own_files(folder: str) -> Iterator[tuple[str, bytes, bool]]:
    """(path, content, executable) of every file of a top-level folder of the repository."""
    for path in sorted((ROOT / folder).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield str(path.relative_to(ROOT)), path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR)


def metadata(wheel: Path, name: str) -> str:
    """A file of the wheel's dist-info."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (path for path in archive.namelist() if path.endswith(f".dist-info/{name}"))
        return archive.read(path).decode()


@pytest.mark.slow
@pytest.mark.parametrize("folder", SCAFFOLDS)
def test_the_wheel_holds_the_scaffolds_with_their_executable_bits(wheel: Path, folder: str) -> None:
    expected = {f"agent_lanes/{path}": (content, bit) for path, content, bit in own_files(folder)}
    assert any(bit for _, bit in expected.values())
    with zipfile.ZipFile(wheel) as archive:
        found = {
            entry.filename: (archive.read(entry), bool(entry.external_attr >> 16 & stat.S_IXUSR))
            for entry in archive.infolist()
            if entry.filename.startswith(f"agent_lanes/{folder}/")
        }
    assert found == expected


@pytest.mark.slow
def test_the_wheel_holds_the_typed_package_and_nothing_else(wheel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "agent_lanes/py.typed" in names
    version = f"agent_lanes-{agent_lanes.__version__}"
    assert {name.split("/")[0] for name in names} == {"agent_lanes", f"{version}.dist-info", f"{version}.data"}
    man = {f"{version}.data/data/share/man/man1/{name}.1" for name in ("agent-lanes", "handoff")}
    assert {name for name in names if ".data/" in name} == man
    code = {name for name in names if name.endswith(".py")}
    assert code == {str(path.relative_to(ROOT)) for path in (ROOT / "agent_lanes").rglob("*.py")}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    size = wheel.stat().st_size
    with capsys.disabled():
        sys.stdout.write(f"\n{wheel.name}: {size} bytes, {len(names)} files\n")
    assert size < LARGEST_WHEEL


@pytest.mark.slow
def test_the_wheel_asks_for_three_packages_and_python_3_11(wheel: Path) -> None:
    fields = Parser().parsestr(metadata(wheel, "METADATA"))
    wanted = fields.get_all("Requires-Dist") or []
    heart = [line for line in wanted if "extra ==" not in line]
    assert sorted(line.partition(">=")[0].lower() for line in heart) == ["filelock", "pyyaml", "watchdog"]
    assert sorted(fields.get_all("Provides-Extra") or []) == ["mcp", "schema", "server", "tui"]
    assert fields["Requires-Python"] == ">=3.11"
    assert fields["Version"] == agent_lanes.__version__
    assert fields["License-Expression"] == "MIT"
    assert fields["License-File"] == "LICENSE"


@pytest.mark.slow
def test_the_wheel_installs_two_names_of_one_program(wheel: Path) -> None:
    lines = metadata(wheel, "entry_points.txt").split("\n")
    program = "agent_lanes.launch:start"
    assert [line for line in lines if line] == ["[console_scripts]", f"agent-lanes = {program}", f"handoff = {program}"]


@pytest.mark.slow
def test_the_sdist_holds_the_sources_with_their_executable_bits(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        members = {entry.name.partition("/")[2]: entry for entry in archive.getmembers() if entry.isfile()}
    assert {"pyproject.toml", "README.md", "LICENSE", "agent_lanes/py.typed", "tests/conftest.py"} <= set(members)
    for folder in SCAFFOLDS:
        for path, content, bit in own_files(folder):
            assert (members[path].size, bool(members[path].mode & stat.S_IXUSR)) == (len(content), bit)


@pytest.mark.slow
def test_every_kind_of_installation_makes_the_same_scaffolds(environments: dict[str, Path], tmp_path: Path) -> None:
    made = {}
    for kind, bin_folder in environments.items():
        place = tmp_path / "place"  # the same for all: a pool names its folder in its files
        place.mkdir()
        run(bin_folder / "agent-lanes", "init", place / "project", cwd=tmp_path)
        run(bin_folder / "agent-lanes", "init-pool", place / "pool", cwd=tmp_path)
        made[kind] = scaffold(place, bin_folder)
        place.rename(tmp_path / kind)
    assert made["wheel"] == made["sdist"] == made["editable"]
    names = {path.name: mode for path, (mode, _) in made["wheel"].items()}
    assert {"handoff.yaml", "handoff", "dispatcher.sh", ".gitignore", "claude.sh", "codex.sh"} <= set(names)
    assert all(names[name] & stat.S_IXUSR for name in ("handoff", "dispatcher.sh", "claude.sh", "codex.sh"))


def scaffold(place: Path, bin_folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Mode and content of everything below a place; of `.python`, that it names this installation's Python."""
    found = {}
    for path in sorted(place.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        if path.name == ".python":
            assert content.decode().strip() == str(bin_folder / "python")
            content = b""
        found[path.relative_to(place)] = (path.lstat().st_mode, content)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("home", ["empty", "missing", "unset"])
def test_the_wheel_does_the_main_job_in_an_environment_of_nothing(
    environments: dict[str, Path], tmp_path: Path, home: str
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "request.md").write_text("What is the answer?\n")
    env = {"PATH": "/usr/bin:/bin"}
    if home != "unset":
        env["HOME"] = str(tmp_path / "home")
    if home == "empty":
        (tmp_path / "home").mkdir()
    command = environments["wheel"] / "agent-lanes"
    run(command, "init", cwd=work, env=env)
    given = ("--request-from", "request.md", "--response-to", "out/answer.md")
    id = run(command, "submit", "--lane", "default", *given, cwd=work, env=env).strip()
    handoff = work / "handoff" / "bin" / "handoff"  # finds its Python, although no agent-lanes is on PATH
    claimed = run(handoff, "claim", "--lane", "default", cwd=work, env=env)
    values = dict(line.split("=", 1) for line in claimed.splitlines())
    assert values["task_id"] == id
    words = ("respond", id, "--claim-token", values["claim_token"], "--body", "42\n")
    run(environments["wheel"] / "handoff", *words, cwd=work, env=env)
    assert "status=completed" in run(command, "wait", id, "--timeout", "0", cwd=work, env=env)
    assert (work / "out" / "answer.md").read_text() == "42\n"
    assert "passed" in run(command, "self-test", cwd=work, env=env)


@pytest.mark.slow
def test_the_installed_package_agrees_with_its_dependencies(environments: dict[str, Path]) -> None:
    for bin_folder in environments.values():
        assert "No broken requirements" in run(sys.executable, "-m", "pip", "--python", bin_folder / "python", "check")
        version = run(
            bin_folder / "python", "-P", "-W", "error", "-c", "import agent_lanes; print(agent_lanes.__version__)"
        )
        assert version.strip() == agent_lanes.__version__
