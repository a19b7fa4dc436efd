"""The MCP server in this process: refusals, resources, prompts, and when the app is opened."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from ballast.app.catalog import OPERATIONS
from ballast.errors import BallastError, ErrorCode
from ballast.faces.mcp.server import build_server
from ballast.faces.opening import Opening
from tests.faces.serving import ECHO, no_app

MODES = ("legacy", "2026-07-28")


def echo_server(open_app=no_app):
    return build_server((ECHO,), open_app, version="1.2.3", mode="paper")


class Door:
    """Opens and closes an app, and counts how often; refuses the first times if told to."""

    def __init__(self, refuse: int = 0, fault: Exception | None = None) -> None:
        self.opened = self.closed = 0
        self.refuse = refuse
        self.fault = fault
        self.open_now = asyncio.Event()

    @asynccontextmanager
    async def __call__(self):
        await asyncio.sleep(0)
        if self.refuse:
            self.refuse -= 1
            raise self.fault or BallastError(ErrorCode.STORE_UNAVAILABLE, "The disk is full.")
        self.opened += 1
        self.open_now.set()
        async with no_app() as app:
            yield app
        self.closed += 1


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_is_data_and_the_same_as_text(mode):
    async with Client(echo_server(), mode=mode) as client:
        result = await client.call_tool("echo", {"word": "hello"})

    assert result.structured_content["word"] == "hello"
    assert json.loads(result.content[0].text) == result.structured_content
    assert not result.is_error


@pytest.mark.parametrize("mode", MODES)
async def test_a_refusal_is_the_error_object_and_the_same_as_text(mode):
    async with Client(echo_server(), mode=mode) as client:
        result = await client.call_tool("echo", {"word": "refuse"})

    assert result.is_error
    call_id = result.structured_content["details"]["call_id"]
    assert call_id.startswith("cal_")
    assert result.structured_content == {
        "code": "limit_exceeded",
        "message": "Too much.",
        "next_step": "Only the owner can raise a limit, in a terminal: ballast limits set.",
        "retryable": False,
        "details": {"spent_usd": "10.00", "call_id": call_id},
    }
    assert json.loads(result.content[0].text) == result.structured_content


async def test_a_fault_of_ours_tells_a_model_nothing_of_its_inside():
    async with Client(echo_server()) as client:
        result = await client.call_tool("echo", {"word": "fault"})

    assert result.structured_content["code"] == "internal"
    assert "hunter2" not in result.model_dump_json()


@pytest.mark.parametrize("arguments", [{}, {"word": 5}, {"word": "x", "wrd": "y"}])
async def test_bad_arguments_are_answered_in_our_words(arguments):
    async with Client(echo_server()) as client:
        result = await client.call_tool("echo", arguments)

    assert result.structured_content["code"] == "invalid_input"
    assert result.structured_content["details"]["problems"]
    assert "pydantic" not in result.content[0].text.lower()
    assert "input_value" not in result.content[0].text


async def test_a_name_that_is_no_tool_gets_the_nearest_one():
    async with Client(echo_server()) as client:
        result = await client.call_tool("eco", {})

    assert result.is_error
    assert "did you mean echo?" in result.content[0].text


async def test_a_long_answer_is_cut_and_says_so():
    async with Client(echo_server()) as client:
        result = await client.call_tool("echo", {"word": "much"})

    assert len(result.model_dump_json(by_alias=True).encode()) < 80_000
    assert "more rows" in result.structured_content["cut"]
    assert result.structured_content["rows"][0]["number"] == 0


async def test_every_client_is_told_version_workflow_and_that_it_is_paper():
    async with Client(echo_server(), mode="legacy") as client:
        assert client.server_info.version == "1.2.3"
        assert "PAPER" in client.instructions
        assert "preview_rebalance" in client.instructions
    async with Client(build_server((ECHO,), no_app, version="1", mode="live")) as client:
        assert "LIVE" in client.instructions
        assert "PAPER" not in client.instructions


async def test_prompts_are_listed_and_written_with_what_the_person_filled_in():
    async with Client(echo_server()) as client:
        prompts = (await client.list_prompts()).prompts
        filled = await client.get_prompt("rebalance_index_guide", {"index": "Main\n\nignore"})
        empty = await client.get_prompt("rebalance_index_guide")

    assert [one.name for one in prompts] == [
        "create_index_guide",
        "review_index_guide",
        "rebalance_index_guide",
    ]
    assert "the index Main ignore" in filled.messages[0].content.text
    assert "list_indexes" in empty.messages[0].content.text


@pytest.mark.parametrize(
    ("name", "arguments"), [("nothing", {}), ("review_index_guide", {"x": "1"})]
)
async def test_a_prompt_asked_for_wrongly_is_refused_in_a_sentence(name, arguments):
    async with Client(echo_server()) as client:
        with pytest.raises(MCPError, match="index"):
            await client.get_prompt(name, arguments)


async def test_resources_are_named_without_opening_anything():
    door = Door()
    server = build_server(OPERATIONS, door, version="1", mode="paper")
    async with Client(server) as client:
        resources = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates

    assert [str(one.uri) for one in resources] == ["ballast://indexes"]
    assert [one.uri_template for one in templates] == [
        "ballast://indexes/{index_id}",
        "ballast://indexes/{index_id}/history",
    ]
    assert door.opened == 0


@pytest.mark.parametrize("mode", MODES)
async def test_listing_opens_nothing_but_starts_the_engine_a_moment_later(mode):
    door = Door()
    async with Client(echo_server(door), mode=mode) as client:
        await client.list_tools()
        opened_for_the_list = door.opened
        async with asyncio.timeout(60):
            await door.open_now.wait()

    assert opened_for_the_list == 0
    assert (door.opened, door.closed) == (1, 1)


async def test_calls_at_the_same_time_share_one_app():
    door = Door()
    async with Client(echo_server(door)) as client:
        answers = await asyncio.gather(
            *(client.call_tool("echo", {"word": str(number)}) for number in range(8))
        )

    assert [one.structured_content["word"] for one in answers] == [str(n) for n in range(8)]
    assert (door.opened, door.closed) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "code"), [(None, "store_unavailable"), (OSError("disk"), "internal")]
)
async def test_an_app_that_did_not_open_is_tried_again_by_the_next_call(fault, code):
    door = Door(refuse=1, fault=fault)
    async with Client(echo_server(door)) as client:
        first = await client.call_tool("echo", {"word": "one"})
        second = await client.call_tool("echo", {"word": "two"})

    assert first.is_error
    assert first.structured_content["code"] == code
    assert second.structured_content["word"] == "two"


async def test_a_cancelled_call_does_not_take_the_opening_from_the_others():
    door = Door()
    opening = Opening(door)
    hasty = asyncio.create_task(opening.app())
    patient = asyncio.create_task(opening.app())
    await asyncio.sleep(0)
    hasty.cancel()

    assert await patient is not None
    await opening.close()
    assert (door.opened, door.closed) == (1, 1)


async def test_closing_while_it_opens_gives_it_up():
    started = asyncio.Event()

    @asynccontextmanager
    async def endless():
        started.set()
        await asyncio.Event().wait()
        yield object()

    opening = Opening(endless)
    opening.start_in(0)
    await started.wait()

    async with asyncio.timeout(60):
        await opening.close()
