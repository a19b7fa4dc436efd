"""`ballast limits` and `ballast confirm`: what the owner types, and what is shown."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from ballast.app.catalog import OPERATIONS
from ballast.bootstrap import opened_app
from ballast.errors import ERRORS, ErrorCode
from tests.app.world import open_world, settings_for
from tests.faces.serving import CommandLine

BASKET = ("--targets", "BTC 60, USDC 40")


@pytest.fixture
def line(capsys, tmp_path):
    settings = settings_for(tmp_path)
    return CommandLine(capsys, OPERATIONS, lambda: opened_app(settings))


@pytest.fixture
def patient_line(capsys, tmp_path, monkeypatch):
    """A command line on which what is wider has to wait."""
    monkeypatch.setattr(
        "ballast.bootstrap.opening.WIDENING_DELAY",
        {"paper": timedelta(hours=24), "live": timedelta(hours=24)},
    )
    settings = settings_for(tmp_path)
    return CommandLine(capsys, OPERATIONS, lambda: opened_app(settings))


def test_limits_are_shown_and_lowered_for_one_index_or_for_all(line):
    index = line.json("create_index", "Main", *BASKET)[1]["index_id"]

    own = line.json("limits", "set", "day_usd", "750", "--index", index)[1]
    every = line.json("limits", "set", "day_usd", "2000")[1]
    shown = line.json("limits", "show", "--index", index)[1]
    table = line.run("limits", "show")[1]

    assert (own["after"], own["in_force"]) == ("750.00", True)
    assert every["after"] == "2000.00"
    assert shown["limits"]["day_usd"] == "750.00"
    assert shown["used"]["day_usd"] == "0.00"
    assert "2,000.00" in table


def test_what_is_wider_waits_and_can_be_given_up(patient_line):
    patient_line.json("limits", "set", "day_usd", "100")
    said = patient_line.run("limits", "set", "day_usd", "200")[1]
    [waiting] = patient_line.json("limits", "show")[1]["waiting"]
    patient_line.run("limits", "cancel", waiting["change_id"])
    after = patient_line.json("limits", "show")[1]

    assert "stays 100.00 until" in said
    assert waiting["value"] == "200.00"
    assert (after["waiting"], after["limits"]["day_usd"]) == ([], "100.00")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "days", "3"), "There is no limit of this name"),
        (("set", "day_usd", "much"), "day_usd"),
        (("set", "run_percent", "1000"), "percent"),
        (("set", "day_usd", "3", "--index", "Main"), "no index of this name or id"),
        (("cancel", "lim_1"), "limit change id"),
    ],
)
def test_what_cannot_be_set_is_said_in_our_words(line, words, said):
    code, _, err = line.run("limits", *words)

    assert code in {2, 3}
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("swap_usd=much",), "plain positive decimal number"),
        (("swap_usd=much, days=3",), "There is no limit of this name"),
        (("swap_usd=2000000",), "this would widen swap_usd (1,000,000.00 now)"),
    ],
)
def test_what_is_wrong_with_a_limit_is_said_once(line, words, sentence):
    line.json("create_index", "Main", *BASKET)

    _, _, err = line.run("update_index", "Main", "--limits", *words)

    assert " ".join(err.split()).count(sentence) == 1


def test_what_is_wrong_with_a_basket_is_said_once(line):
    _, _, err = line.run("create_index", "Main", "--targets", "BTC 50, FOOCOIN 30, BARCOIN 20")

    assert "create_index was called with 2 problems in: targets[1].asset, targets[2].asset." in err
    assert " ".join(err.split()).count("FOOCOIN") <= 2


def test_a_limit_that_stops_a_rebalance_is_said_in_one_sentence(line, tmp_path):
    async def planned() -> list[str]:
        async with open_world(tmp_path) as world:
            index = await world.funded_index()
            world.pass_time(timedelta(days=200))
            plan = await world.call(
                "preview_rebalance", index_id=index.index_id, destination="target"
            )
            return [index.index_id, plan.plan_id]

    plan = asyncio.run(planned())
    line.json("limits", "set", "swap_usd", "1")
    _, _, err = line.run("rebalance_index", *plan)

    sentence, _, following = " ".join(err.split()).partition(" Next: ")
    assert re.fullmatch(
        r"Error: One swap of \$[\d,.]+ is above the limit of \$1.00 per swap\.", sentence
    )
    assert following == ERRORS[ErrorCode.LIMIT_EXCEEDED].next_step


def test_explain_says_once_which_limit_stopped_the_monitor(line, tmp_path):
    async def stopped() -> str:
        async with open_world(tmp_path) as world:
            index = await world.funded_index(amount="654321")
            world.pass_time(timedelta(days=200))
            policy = {"auto": "trade", "band_relative_percent": 1, "destination": "target"}
            await world.call(
                "update_index",
                index_id=index.index_id,
                limits={"day_usd": "1234.5"},
                policy=policy,
            )
            await world.run(timedelta(minutes=20))
            return index.index_id

    _, out, _ = line.run("explain", asyncio.run(stopped()))

    told = " ".join(out.split())
    assert told.count("above the $1,234.50 left of the daily limit") == 1
    assert "limit exceeded" in told, "it stays in the table"


def test_a_plan_is_agreed_to_on_a_terminal_only(line):
    code, _, err = line.run("confirm", "pln_00000000000000000000000000")

    assert code == 2
    assert "works on a terminal only" in err


def test_a_plan_that_is_not_there_cannot_be_agreed_to(line, monkeypatch):
    monkeypatch.setattr("ballast.faces.cli.limits.need_terminal", lambda command: None)

    code, _, err = line.run("confirm", "pln_00000000000000000000000000")

    assert code == 3
    assert "There is no such plan" in err


def test_a_conversation_on_the_command_line_lowers_limits_too(line):
    index = line.json("create_index", "Main", *BASKET)[1]["index_id"]

    lowered = line.json("update_index", index, "--limits", "day_usd=500, swap_usd=50")[1]
    code, refusal = line.json("update_index", index, "--limits", "day_usd=501")

    assert (lowered["limits"]["day_usd"], lowered["limits"]["swap_usd"]) == ("500.00", "50.00")
    assert (code, refusal["code"]) == (6, "limit_exceeded")
