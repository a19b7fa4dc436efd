"""A large plan over MCP: the client puts the question, and only a person's yes lets it run."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from mcp import Client
from mcp_types import ElicitResult

from ballast.app.catalog import OPERATIONS
from ballast.app.limit_changes import change_limit
from ballast.faces.mcp.server import build_server
from tests.app.world import open_world

MODES = ("legacy", "2026-07-28")


class Person:
    """Somebody at a client, who answers every question in the same way."""

    def __init__(self, action, content=None):
        self._answer = ElicitResult(action=action, content=content)
        self.questions = []

    async def __call__(self, context, params):
        self.questions.append(params.message)
        return self._answer


@pytest.fixture
async def large(tmp_path):
    """A world, and a plan in it that is too large for a conversation alone."""
    async with open_world(tmp_path) as world:
        index = await world.funded_index()
        world.pass_time(timedelta(days=200))
        await change_limit(world.app, world.caller, "confirm_above_usd", "5", index.index_id)
        plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
        yield world, {"index_id": index.index_id, "plan_id": plan.plan_id}


async def rebalance(world, given, mode, person=None):
    return await call_tool(world, "rebalance_index", given, mode, person)


async def call_tool(world, tool, given, mode, person=None):
    @asynccontextmanager
    async def opened():
        yield world.app

    server = build_server(OPERATIONS, opened, version="1", mode="paper")
    async with Client(server, mode=mode, elicitation_callback=person) as client:
        return await client.call_tool(tool, given)


@pytest.mark.parametrize("mode", MODES)
async def test_a_yes_lets_the_plan_run_once(large, mode):
    world, given = large
    person = Person("accept", {"agree": True})

    started = await rebalance(world, given, mode, person)
    again = await rebalance(world, given, mode, person)

    assert started.structured_content["state"] == "executing"
    assert again.structured_content["code"] == "plan_used"
    assert len(person.questions) == 1
    assert "Main would do this" in person.questions[0]
    assert "BTC" in person.questions[0]
    ended = await world.follow(started.structured_content["rebalance_id"])
    assert ended.state == "completed"


@pytest.mark.parametrize("mode", MODES)
async def test_anything_but_a_yes_starts_nothing(large, mode):
    world, given = large
    answers = (("accept", {"agree": False}), ("accept", {}), ("decline", None), ("cancel", None))

    for answer in answers:
        refused = await rebalance(world, given, mode, Person(*answer))

        assert refused.is_error
        assert refused.structured_content["code"] == "confirmation_needed"
    assert (await world.refused("rebalance_index", **given)).code.value == "confirmation_needed"


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_that_cannot_ask_is_told_the_other_way(large, mode):
    world, given = large

    refused = await rebalance(world, given, mode)

    assert refused.structured_content["code"] == "confirmation_needed"
    assert f"ballast confirm {given['plan_id']}" in refused.structured_content["message"]


@pytest.mark.parametrize("mode", MODES)
async def test_selling_everything_is_a_question_to_the_person_as_well(large, mode):
    world, _ = large
    no, yes = Person("decline"), Person("accept", {"agree": True})
    given = {"level": "sell_everything"}

    refused = await call_tool(world, "halt_trading", given, mode, no)
    started = await call_tool(world, "halt_trading", given, mode, yes)

    assert refused.structured_content["code"] == "confirmation_needed"
    assert "Everything would be sold" in yes.questions[0]
    assert "all that Main holds" in yes.questions[0]
    assert started.structured_content["trading"] == "no_new_risk"
    assert "1 index is being sold" in started.structured_content["next_step"]
