"""The tools, with the official SDK's client and the real server process."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
from cli.process import Command
from mcp.client.client import Client

from mcp_door.client import call, connected, refused, talk

MOST_TOKENS = 1500  # what every agent pays for the list of tools, at four characters a token


def test_one_client_submits_and_another_answers(run: Command) -> None:
    async def orchestrate(client: Client) -> None:
        sent = await call(client, "submit_task", lane="review", prompt="Is it enough?", request="text", vendor="codex")
        async with connected(run) as worker:
            taken = await call(worker, "claim_next", lane="review", vendor="codex", owner="w1", wait_seconds=30)
            assert taken["task_id"] == sent["task_id"]
            assert "Is it enough?" in taken["input"] and "text" in taken["input"]
            token = {"task_id": taken["task_id"], "claim_token": taken["claim_token"]}
            await call(worker, "report_progress", **token, message="half of it")
            said = await call(worker, "respond", **token, body="No.\n", verdict="needs-revision")
            assert said["status"] == "completed"
        answer = await call(client, "wait_for_response", task_id=sent["task_id"])
        assert (answer["status"], answer["body"], answer["verdict"]) == ("completed", "No.\n", "needs-revision")

    talk(run, orchestrate)
    assert run("list", "--json").json["tasks"][0]["state"] == "completed"


def test_an_answer_wakes_a_wait_that_blocks_and_the_client_is_told_of_progress(run: Command) -> None:
    id = run("submit", "--lane", "l", "--prompt", "p").out.decode().strip()
    heard: list[float] = []

    async def conversation(client: Client) -> None:
        told = anyio.Event()

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            heard.append(progress)
            told.set()

        async def answer() -> None:
            await told.wait()
            await anyio.to_thread.run_sync(lambda: run("respond", id, "--body", "now"))

        async with anyio.create_task_group() as group:
            group.start_soon(answer)
            result = await client.call_tool(
                "wait_for_response", {"task_id": id, "wait_seconds": 600}, progress_callback=on_progress
            )
        assert result.structured_content and result.structured_content["body"] == "now"

    talk(run, conversation)
    assert heard


def test_a_wait_that_runs_out_is_no_error_and_says_how_to_go_on(run: Command) -> None:
    async def conversation(client: Client) -> None:
        sent = await call(client, "submit_task", lane="l", prompt="p")
        still = await call(client, "wait_for_response", task_id=sent["task_id"], wait_seconds=0)
        assert still["status"] == "pending" and "call wait_for_response again" in still["next"]
        idle = await call(client, "claim_next", lane="empty")
        assert (idle["status"], idle["reason"]) == ("idle", "no_task_submitted")

    talk(run, conversation)


def test_a_claim_that_the_client_gave_up_takes_no_task(run: Command) -> None:
    async def conversation(client: Client) -> None:
        with anyio.move_on_after(1):
            await client.call_tool("claim_next", {"lane": "l", "wait_seconds": 600})
        id = (
            (await anyio.to_thread.run_sync(lambda: run("submit", "--lane", "l", "--prompt", "p"))).out.decode().strip()
        )
        taken = await call(client, "claim_next", lane="l", owner="second", wait_seconds=30)
        assert taken["task_id"] == id

    talk(run, conversation)


def test_errors_are_objects_that_name_what_is_wrong(run: Command) -> None:
    async def conversation(client: Client) -> None:
        assert "lane: '5'" in (await refused(client, "submit_task", lane=5, prompt="p"))["message"]
        assert "missing" in (await refused(client, "submit_task", prompt="p"))["message"]
        assert "colour" in (await refused(client, "submit_task", lane="l", prompt="p", colour="red"))["message"]
        assert "priority: '10'" in (await refused(client, "submit_task", lane="l", prompt="p", priority=10))["message"]
        assert (await refused(client, "get_task", task_id="nope"))["code"] == "not_found"
        sent = await call(client, "submit_task", lane="l", prompt="p")
        taken = await call(client, "claim_next", lane="l")
        wrong = {"task_id": sent["task_id"], "claim_token": "0" * 32}
        assert (await refused(client, "respond", **wrong, body="b"))["code"] == "lost_claim"
        await call(client, "cancel", task_id=sent["task_id"], reason="no need")
        gone = {"task_id": taken["task_id"], "claim_token": taken["claim_token"]}
        assert (await refused(client, "report_progress", **gone, message="m"))["code"] == "cancelled"

    talk(run, conversation)
    assert run("list", "--json").json["count"] == 1


def test_an_answer_goes_to_its_response_path(run: Command) -> None:
    async def conversation(client: Client) -> None:
        sent = await call(client, "submit_task", lane="l", request_path="request.md", response_to="out/answer.md")
        taken = await call(client, "claim_next", lane="l")
        await call(client, "respond", task_id=sent["task_id"], claim_token=taken["claim_token"], body="fine\n")
        answer = await call(client, "wait_for_response", task_id=sent["task_id"])
        assert answer["response_path"] == str(run.folder / "out/answer.md")

    talk(run, conversation)
    assert (run.folder / "out/answer.md").read_text() == "fine\n"


def test_a_failed_attempt_goes_back_and_a_released_task_too(run: Command) -> None:
    async def conversation(client: Client) -> None:
        sent = await call(client, "submit_task", lane="l", prompt="p")
        first = await call(client, "claim_next", lane="l")
        token = {"task_id": first["task_id"], "claim_token": first["claim_token"]}
        assert (await call(client, "release", **token, reason="lunch"))["status"] == "released"
        second = await call(client, "claim_next", lane="l")
        token = {"task_id": second["task_id"], "claim_token": second["claim_token"]}
        said = await call(client, "respond", **token, body="no luck", status="failed", retry=True)
        assert said["status"] == "queued"
        seen = await call(client, "get_task", task_id=sent["task_id"])
        assert seen["task"]["attempts"] == 1
        assert (await call(client, "list_tasks", lane="l"))["count"] == 1
        assert (await call(client, "list_tasks", state="completed"))["count"] == 0

    talk(run, conversation)


def test_resources_and_prompts(run: Command) -> None:
    id = run("submit", "--lane", "l", "--prompt", "p").out.decode().strip()
    run("respond", id, "--body", "the answer")

    async def conversation(client: Client) -> None:
        content = (await client.read_resource(f"agent-lanes://task/{id}/response")).contents[0]
        assert getattr(content, "text", "") == "the answer"
        record = (await client.read_resource(f"agent-lanes://task/{id}")).contents[0]
        assert '"completed"' in getattr(record, "text", "")
        prompts = [one.name for one in (await client.list_prompts()).prompts]
        assert prompts == ["orchestrator", "dispatcher", "reviewer"]
        text = (await client.get_prompt("dispatcher", {"lane": "l", "vendor": "codex"})).messages[0].content
        assert "codex" in getattr(text, "text", "")

    talk(run, conversation)


def test_the_list_of_tools_is_short(run: Command) -> None:
    listed: list[str] = []

    async def conversation(client: Client) -> None:
        listed.extend(
            one.model_dump_json(exclude_none=True, by_alias=True) for one in (await client.list_tools()).tools
        )

    talk(run, conversation)
    assert len(listed) == 10
    assert len("".join(listed)) / 4 <= MOST_TOKENS


def test_where_tells_which_queue_is_served(run: Command) -> None:
    async def conversation(client: Client) -> None:
        found = await call(client, "where")
        assert found["store"] == str(run.folder / "handoff/state")

    talk(run, conversation)


def test_where_there_is_no_queue_the_tools_say_so(tmp_path: Path) -> None:
    run = Command(tmp_path / "project", tmp_path / "home")
    run.folder.mkdir()
    run.home.mkdir()

    async def conversation(client: Client) -> None:
        for name, arguments in (("where", {}), ("submit_task", {"lane": "l", "prompt": "p"})):
            assert (await refused(client, name, **arguments))["code"] == "not_found"
        await anyio.to_thread.run_sync(lambda: run("init"))
        await call(client, "submit_task", lane="l", prompt="p")

    talk(run, conversation)


def test_an_answer_that_was_waited_for_leaves_a_receipt_once(run: Command) -> None:
    def noted(id: str) -> list[object]:
        events = map(json.loads, run("events", id, "--json").text.splitlines())
        return [event["data"]["by"] for event in events if event["type"] == "fetched"]

    async def conversation(client: Client) -> None:
        id = (await call(client, "submit_task", lane="review", prompt="x"))["task_id"]
        run("respond", id, "--body", "ok")
        await call(client, "get_task", task_id=id)
        assert noted(id) == []
        for _ in range(2):
            assert (await call(client, "wait_for_response", task_id=id))["body"] == "ok"
        assert noted(id) == ["mcp"]

    talk(run, conversation)
