"""What people type first, and what they are told: names, spellings, and the way on."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest
from mcp import Client
from structlog.testing import capture_logs

from ballast import __version__
from ballast.app.catalog import OPERATIONS
from ballast.app.operation import Caller
from ballast.bootstrap import opened_app
from ballast.errors import BallastError
from ballast.faces.mcp.server import build_server
from ballast.settings import Settings, read_settings
from tests.app.world import open_world, settings_for
from tests.faces.serving import CommandLine


@pytest.fixture
def line(capsys, tmp_path):
    settings = settings_for(tmp_path)
    return CommandLine(capsys, OPERATIONS, lambda: opened_app(settings))


def made(line, targets):
    return line.json("create_index", "Main", "--targets", targets)


def weights(answer):
    return {
        one["symbol"]: Decimal(one["target_percent"])
        for one in answer["holdings"]
        if one["target_percent"]
    }


# --- names ----------------------------------------------------------------------------------------


def test_an_index_is_meant_by_its_name_wherever_its_id_is_asked_for(line):
    index_id = made(line, "BTC 50, USDC 50")[1]["index_id"]

    assert line.json("get_index", "Main")[1]["index_id"] == index_id
    assert line.json("get_index", "  mAIN ")[1]["index_id"] == index_id
    assert line.json("get_drift", "Main") == line.json("get_drift", index_id)
    renamed = line.json("update_index", "Main", "--name", "Other")[1]
    assert (renamed["index_id"], renamed["name"]) == (index_id, "Other")
    code, refusal = line.json("get_index", "Main")
    assert (code, refusal["code"]) == (3, "not_found")


async def test_a_name_means_an_index_of_ones_own_alone(tmp_path):
    async with open_world(tmp_path) as world:
        await world.new_index("Shared name")
        world.caller = Caller(owner_id="own_other")
        refused = await world.refused("get_index", index_id="Shared name")
        theirs = await world.new_index("Shared name")

        assert refused.code == "not_found"
        assert (await world.call("get_index", index_id="Shared name")).index_id == theirs.index_id


# --- targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "targets",
    [
        "BTC 50, USDC 50",
        "50 BTC, 50% USDC",
        "BTC: 50 %, USDC: 50 %",
        "BTC 50; USDC 50",
        '{"BTC": 50, "USDC": "50"}',
        '[{"asset": "BTC", "percent": 50}, {"asset": "USDC", "percent": 50}]',
    ],
)
def test_a_basket_is_read_in_every_form_that_can_be_meant_in_one_way_only(line, targets):
    code, answer = made(line, targets)

    assert code == 0, answer
    assert weights(answer) == {"BTC": 50, "USDC": 50}


@pytest.mark.parametrize("targets", ["BTC 33,5, USDC 66,5", "BTC 33,5; USDC 66,5", "BTC; USDC"])
def test_a_basket_that_cannot_be_read_says_how_it_is_written(line, targets):
    code, refusal = made(line, targets)

    assert (code, refusal["code"]) == (2, "invalid_input")
    said = json.dumps(refusal)
    assert "point" in said or "percentage" in said or "percent" in said


# --- the way on -----------------------------------------------------------------------------------


def test_a_chain_that_does_not_exist_is_answered_with_those_that_do(line):
    made(line, "BTC 50, USDC 50")

    refusal = line.json("deposit_address", "Main", "--asset", "USDC", "--chain", "mars")[1]

    assert refusal["code"] == "unknown_asset"
    assert "eth" in refusal["message"]
    assert "near" in refusal["message"]


def test_a_destination_that_is_not_there_says_where_those_are_that_are(line):
    _, refusal = line.json("destinations", "remove", "nowhere")

    assert "ballast destinations list" in refusal["next_step"]


def test_a_copy_of_the_master_key_that_is_not_there_says_where_to_copy_it_from(line):
    _, refusal = line.json("keys", "verify-backup", "/nowhere/master.key")

    assert "copy master.key from the data directory" in json.dumps(refusal)


def test_next_steps_are_spelt_as_options_on_the_command_line(capsys, tmp_path):
    async def running() -> str:
        async with open_world(tmp_path) as world:
            index = await world.funded_index()
            plan = await world.call("preview_rebalance", index_id=index.index_id)
            assert plan.swaps == []
            return str(index.index_id)

    asyncio.run(running())
    settings = settings_for(tmp_path)
    line = CommandLine(capsys, OPERATIONS, lambda: opened_app(settings))

    _, out, _ = line.run("preview_rebalance", "Main")

    assert "--destination target" in out
    assert "destination=target" not in out


def test_the_version_is_told(line):
    assert line.run("--version") == (0, f"ballast {__version__}\n", "")


async def test_a_tool_of_a_toolset_that_is_not_listed_says_which_setting_lists_it(tmp_path):
    server = build_server(
        OPERATIONS, lambda: opened_app(settings_for(tmp_path)), version="1", mode="paper"
    )
    async with Client(server) as client:
        answer = await client.call_tool("get_prices", {})

    assert "BALLAST_TOOLSETS=admin" in answer.structured_content["message"]


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("BALLAST_MARKET_SEED", "-1", "at least 0"),
        ("BALLAST_MARKET_SEED", "seven", "a whole number is needed"),
        ("BALLAST_MARKET_SPEED", "fast", "a number is needed"),
        ("BALLAST_MARKET_FILE", "prices.csv", "BALLAST_MARKET=replay"),
    ],
)
def test_a_setting_that_does_not_fit_says_which_rule_it_breaks(monkeypatch, name, value, rule):
    monkeypatch.setenv(name, value)

    with pytest.raises(BallastError) as refused:
        read_settings()

    assert rule in refused.value.message
    assert value not in refused.value.message or name == "BALLAST_MARKET_FILE"


async def test_a_speed_that_the_world_no_longer_takes_is_told(tmp_path):
    async with open_world(tmp_path) as world:
        world.devnet.clock.set_speed(Decimal(5))

    with capture_logs() as logs:
        async with opened_app(Settings(data_dir=tmp_path, market_speed=Decimal(2))):
            pass

    [told] = [one for one in logs if one["event"] == "market_speed_not_taken"]
    assert told["speed_of_this_world"] == "5"
