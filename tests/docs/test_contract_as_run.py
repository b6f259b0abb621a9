"""What the commands print, what a store holds, which routes answer: run, and compared with CONTRACT.md."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from server.direct import Http

from agent_lanes import ClaimedTask, Queue
from agent_lanes.errors import WrongMethod
from agent_lanes.server import token as server_token
from agent_lanes.server.routes import TABLE
from agent_lanes.services import presence
from agent_lanes.wiring import open_backend
from docs import contract

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Json = dict[str, object]


@pytest.fixture
def project(agent_lanes: Run, tmp_path: Path) -> Path:
    """A project, and a lane with a task in every situation."""
    agent_lanes("init")
    (tmp_path / "plan.md").write_text("a plan\n")
    return tmp_path


def submitted(agent_lanes: Run, *words: str) -> str:
    made = agent_lanes("submit", "--lane", "default", *words)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def claimed(agent_lanes: Run, id: str, *words: str) -> str:
    taken = json.loads(agent_lanes("claim", id, "--json", *words).stdout)
    return str(taken["claim_token"])


def answered(agent_lanes: Run, *words: str) -> str:
    id = submitted(agent_lanes, "plan.md", *words)
    assert agent_lanes("respond", id, "--body", "fine").returncode == 0
    return id


def blocked(project: Path, id: str) -> None:
    """A task that waits for another."""
    backend = open_backend(str(project / "handoff/state"))
    waited_for = backend.read(id).task
    backend.create(
        "default", lambda birth: waited_for.replace(id=id + "-after", depends_on=(id,), sequence=birth.sequence)
    )


def a_claim(agent_lanes: Run) -> tuple[str, str]:
    id = submitted(agent_lanes, "plan.md")
    return id, claimed(agent_lanes, id)


def a_damaged_record(agent_lanes: Run, project: Path) -> None:
    (project / "handoff/state/tasks" / submitted(agent_lanes, "plan.md") / "task.json").write_text("{")


def on_hold(agent_lanes: Run, *what: str) -> tuple[str, ...]:
    agent_lanes("hold", *what)
    return what


def dead_letter(agent_lanes: Run) -> str:
    """The lane that has one."""
    agent_lanes("submit", "--lane", "dead", "plan.md", "--max-attempts", "1")
    taken = json.loads(agent_lanes("claim", "--lane", "dead", "--json").stdout)
    words = ("--claim-token", taken["claim_token"], "--status", "failed", "--retry", "--body", "boom")
    agent_lanes("respond", taken["task_id"], *words)
    return "dead"


Calls = Callable[[Run, Path], list[list[str]]]
CALLS: dict[str, Calls] = {
    "submit": lambda run, _: [["submit", "--lane", "default", "plan.md"]],
    "wait": lambda run, _: [
        ["wait", "--lane", "empty", "--timeout", "0"],
        ["wait", answered(run)],
        ["wait", "--lane", submitted(run, "plan.md") and "default"],
    ],
    "claim": lambda run, _: [["claim", "--lane", "empty"], ["claim", submitted(run, "plan.md")]],
    "renew": lambda run, _: [["renew", *as_flags(a_claim(run))]],
    "release": lambda run, _: [["release", *as_flags(a_claim(run))]],
    "event": lambda run, _: [["event", submitted(run, "plan.md")]],
    "respond": lambda run, _: [["respond", submitted(run, "plan.md"), "--body", "fine"]],
    "show": lambda run, _: [["show", answered(run)], ["show", answered(run), "--input"]],
    "status": lambda run, project: [
        ["status", answered(run)],
        ["status", "--all", *(a_damaged_record(run, project) or [])],
    ],
    "list": lambda run, project: [["list", *(a_damaged_record(run, project) or [])]],
    "listeners": lambda run, _: [["listeners", "--lane", "default"]],
    "costs": lambda run, _: [["costs"]],
    "where": lambda run, _: [["where"]],
    "hold": lambda run, _: [["hold", submitted(run, "plan.md")], ["hold", "--lane", "held"]],
    "resume": lambda run, _: [
        ["resume", *on_hold(run, submitted(run, "plan.md"))],
        ["resume", *on_hold(run, "--lane", "held", "--vendor", "codex")],
    ],
    "dead": lambda run, _: [
        ["dead"],
        ["dead", "retry", "--lane", dead_letter(run)],
        ["dead", "discard", "--lane", dead_letter(run)],
    ],
    "init": lambda run, _: [["init", "other"], ["init", "third", "--pack"]],
    "init-pool": lambda run, _: [["init-pool", "pool"]],
    "self-test": lambda run, _: [["self-test"]],
}


def as_flags(claim: tuple[str, str]) -> list[str]:
    return [claim[0], "--claim-token", claim[1]]


def fields_of(name: str) -> set[str]:
    """The words in backticks in what the section of a command says about JSON; `{...}` are the fields of a field."""
    text = contract.section(f"`{name}`")
    if name == "claim":
        text = text.replace("the fields of `wait --lane`", contract.section("`wait`").partition("it exits 0 with")[2])
    if name == "list":
        text = text.replace("`damaged` as above", "`damaged`")
    parts = re.findall(r"JSON:(.*?)(?:\n\n|\Z)", text, re.DOTALL)
    if name == "wait":
        parts.append(text.partition("prints it without claiming: ")[2])
    return {word for part in parts for word in contract.names(part) if re.fullmatch(r"[a-z_]+", word)}


@pytest.mark.parametrize("name", CALLS)
def test_the_json_fields_of_a_command_are_those_of_its_section(name: str, project: Path, agent_lanes: Run) -> None:
    printed, values = set[str](), set[str]()
    for words in CALLS[name](agent_lanes, project):
        done = agent_lanes(*words, "--json")
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        printed |= set(shown)
        values |= {str(shown.get("status")), str(shown.get("reason"))}
    written = fields_of(name)
    assert printed <= written
    assert written - printed - values <= {"no_queued_task", "no_task_submitted", "on_hold", "concurrency"}


def test_an_error_as_json_has_the_fields_of_the_contract(agent_lanes: Run) -> None:
    shown = json.loads(agent_lanes("status", "nobody", "--store", "nowhere", "--json").stdout)
    text = contract.section("Errors").partition("an object on stdout: ")[2].partition("No message")[0]
    assert [name for name in contract.names(text) if name != "error"] == [
        "status",
        "code",
        "message",
        "hint",
        "retryable",
    ]
    assert set(shown) == set(contract.names(text)) - {"error"}
    assert shown["status"] == "error"


@pytest.mark.parametrize("name", ["claim", "renew", "release", "respond", "wait"])
def test_the_lines_of_plain_output_are_those_of_the_section(name: str, project: Path, agent_lanes: Run) -> None:
    words = CALLS[name](agent_lanes, project)[-1]
    if name == "wait":
        words = ["wait", answered(agent_lanes, "--response-to", "out.md")]
    keys = [line.partition("=")[0] for line in agent_lanes(*words).stdout.splitlines()]
    section = contract.section(f"`{name}`")
    plain = section.partition("and prints" if name == "wait" else "Plain:")[2].partition("JSON:")[0].partition(";")[0]
    written = re.findall(r"`(\w+)=(?:\w*)`", plain)
    assert keys == written


def test_a_run_that_is_answered_prints_what_wait_prints(project: Path, agent_lanes: Run) -> None:
    asker = subprocess.Popen(
        [*RUN, "run", "--lane", "default", "plan.md", "--json", "--quiet"],
        cwd=project, env=dict(os.environ), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    taken = json.loads(agent_lanes("claim", "--lane", "default", "--wait", "60", "--json").stdout)
    agent_lanes("respond", taken["task_id"], "--claim-token", taken["claim_token"], "--body", "fine")
    out, _ = asker.communicate(timeout=60)
    assert asker.returncode == 0
    assert (
        set(json.loads(out))
        == fields_of("run") & set(json.loads(out))
        == {
            "status",
            "task_id",
            "response_path",
            "response",
        }
    )


RUN = [sys.executable, "-m", "agent_lanes"]


def test_a_store_holds_the_files_that_the_contract_draws_and_no_others(project: Path, agent_lanes: Run) -> None:
    """Tasks in every situation, and then every path against every line of the drawing."""
    queued = submitted(agent_lanes, "plan.md")
    agent_lanes("submit", "--lane", "default", "-", stdin="kept in the store")
    claimed(agent_lanes, submitted(agent_lanes, "plan.md"))
    answered(agent_lanes)
    blocked(project, submitted(agent_lanes, "plan.md"))
    agent_lanes("submit", "--lane", "default", "plan.md", "--unique-key", "u", "--metadata", "thread_id=t")
    agent_lanes("hold", submitted(agent_lanes, "plan.md"), "--until", "1h")
    agent_lanes("hold", "--lane", "held", "--vendor", "codex")
    with (project / "handoff/handoff.yaml").open("a") as config:
        config.write("  fair: {fair: true}\nnotify: [{on: submitted, lane: fair, command: ['true']}]\n")
    agent_lanes("submit", "--lane", "fair", "plan.md")
    agent_lanes("dead", "list", "--lane", dead_letter(agent_lanes))
    (project / "plan.md").write_text("another plan\n")
    assert agent_lanes("claim", queued).returncode == 4  # parked
    torn = agent_lanes("submit", "--lane", "keyed", "--prompt", "p", "--idempotency-key", "k").stdout.strip()
    (project / "handoff/state/tasks" / torn / "claim.json").write_text("{")
    agent_lanes("doctor", "--repair")
    agent_lanes("claim", "--lane", "keyed", "--request-id", "r")
    agent_lanes("archive", "--older-than", "0s")
    answered(agent_lanes)
    agent_lanes("submit", "--lane", "odd", "--prompt", "p")
    agent_lanes("work", "--lane", "odd", "--once", "--", "printf", r"no UTF-8: \377")
    running = submitted(agent_lanes, "plan.md")
    token = claimed(agent_lanes, running)
    backend = open_backend(str(project / "handoff/state"))
    run_lock = backend.begin_run(running, token, mark="m", limit_seconds=60)
    server_token.made_once(str(project / "handoff/state" / server_token.NAME))
    with presence.attending(backend, "default", kind="api"):
        compare(project / "handoff/state")
    run_lock.end()


def compare(state: Path) -> None:
    patterns = drawn_paths()
    folders = [as_pattern(line.rsplit("/", up)[0]) for line in patterns for up in range(1, line.count("/") + 1)]
    seen = set[str]()
    for path in sorted(state.rglob("*")):
        name = path.relative_to(state).as_posix()
        lines = {line for line, pattern in patterns.items() if pattern.fullmatch(name)}
        on_the_way = path.is_dir() and any(pattern.fullmatch(name) for pattern in folders)
        assert lines or on_the_way, f"{name} does not stand in CONTRACT.md"
        seen |= lines
    assert seen == set(patterns), f"no such file: {sorted(set(patterns) - seen)}"


def drawn_paths() -> dict[str, re.Pattern[str]]:
    """The paths of the drawing under "State folder", each with the pattern that its <parts> make."""
    drawing = contract.section("State folder").split("```text\n")[1].split("```")[0]
    folder, found = "", {}
    for line in drawing.splitlines()[1:]:
        path = line.split()[0]
        if line.startswith("    "):
            found[folder + path] = as_pattern(folder + path)
            continue
        folder = ""
        if path.endswith("/") and len(line.split()) == 1:
            folder = path
        else:
            found[path.rstrip("/")] = as_pattern(path.rstrip("/"))
    return found


def as_pattern(path: str) -> re.Pattern[str]:
    return re.compile(
        "".join("[^/]+" if part.startswith("<") else re.escape(part) for part in re.split(r"(<\w+>)", path))
    )


def test_the_environment_variables_are_those_that_the_code_reads() -> None:
    own = re.compile(r"AGENT_LANES_[A-Z_]+")
    code: set[str] = set()
    for folder in ("agent_lanes", "dispatchers", "handoff_template"):
        for path in sorted((contract.ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                code |= set(own.findall(path.read_text(encoding="utf-8")))
    table = contract.section("Environment variables")
    assert set(own.findall(table)) == code
    assert {"XDG_CACHE_HOME", "HOME", "PYTHON"} <= set(contract.names(table))


def test_the_variables_of_the_dispatcher_are_those_that_it_documents_itself() -> None:
    script = (contract.ROOT / "dispatchers/dispatcher.sh").read_text()
    header = script.partition("# Environment")[2].partition("\nset -")[0]
    own = set(re.findall(r"^#   ([A-Z_]+)\s", header, re.MULTILINE)) - {"AGENT_LANES_BIN"}
    assert {row[0].strip("`") for row in contract.rows(contract.section("dispatcher.sh"))} == own


def routes() -> list[tuple[str, str]]:
    """Method and path of each row; what else a route does when a header asks for it is no other route."""
    first = [row[0].split("`")[1].split(" ", 1) for row in contract.rows(contract.section("HTTP"))]
    return list(dict.fromkeys((method, path) for method, path in first))


@pytest.fixture
def http(tmp_path: Path) -> Http:
    return Http(tmp_path)


@pytest.mark.parametrize(("method", "path"), routes())
def test_a_route_of_the_contract_is_served_and_answers_what_stands_there(method: str, path: str, http: Http) -> None:
    id = http.post("/tasks", lane="l", prompt="p", metadata={"thread_id": "t"})["task_id"]
    token = http.post(f"/tasks/{id}/claim")["claim_token"]
    if path.endswith(("/claim", "/hold", "/resume")):
        http.post(f"/tasks/{id}/release", claim_token=token)
    if path.endswith("/resume"):
        http.post(f"/tasks/{id}/hold")
    if path.endswith(("/retry", "/wait")) or (method == "GET" and path.endswith("/response")):
        http.post(f"/tasks/{id}/response", claim_token=token, body="b")
    if path == "/holds/resume":
        http.post("/holds", lane="l")
    route = http.routes.route(method, tuple(path.replace("<id>", "{id}").strip("/").split("/")))
    given: Json = {"lane": "l", "thread": "t", "prompt": "p", "claim_token": token, "tasks": [], "ids": [id]}
    if path.startswith("/dead/"):
        given = {"all": True}
    query = {name: given[name] for name in route.needed if method == "GET"}
    body = {name: value for name, value in given.items() if name in (route.body or {})}
    told = http.answer(method, path.replace("<id>", str(id)), query, body if method == "POST" else None)
    assert told.status == route.statuses[0]
    assert told.status == (201 if (method, path) == ("POST", "/tasks") or path.endswith("/retry") else 200)
    assert told.text or told.body.keys() >= set(route.keys)


def test_every_route_of_the_server_stands_in_the_contract(http: Http) -> None:
    served = {(route.method, route.path.replace("{id}", "<id>")) for route in TABLE}
    assert served == set(routes())
    with pytest.raises(WrongMethod):
        http.answer("DELETE", "/tasks/x")


@pytest.mark.parametrize("kind", [Queue, ClaimedTask])
def test_the_python_api_of_the_contract_is_that_of_the_package(kind: type) -> None:
    table = contract.rows(contract.section("Python API"), [Queue, ClaimedTask].index(kind))
    written = {re.split(r"[(.]", name.replace("Queue.", ""))[0] for row in table for name in contract.names(row[0])}
    public = {name for name in dir(kind) if not name.startswith("_")}
    public |= set(re.findall(r"self\.([a-z]\w*)\b.* = ", inspect.getsource(kind)))
    assert written == public
