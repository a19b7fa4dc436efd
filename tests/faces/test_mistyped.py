"""What is mistyped on the command line is answered with what would be right."""

from __future__ import annotations

import json

import pytest

from ballast.app.catalog import OPERATIONS
from ballast.bootstrap import opened_app
from tests.app.world import settings_for
from tests.faces.serving import CommandLine, no_app

NO_INDEX = "idx_01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture
def line(capsys):
    return CommandLine(capsys, OPERATIONS, no_app)


@pytest.fixture
def opened(capsys, tmp_path):
    settings = settings_for(tmp_path)
    return CommandLine(capsys, OPERATIONS, lambda: opened_app(settings))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("notify add phone --level loud", "--level: must be one of info, warning, critical"),
        ("apikey create x --days soon", "--days: must be a whole number"),
        (
            "audit export --since foo",
            "--since: must be written like 2027-01-15 or 2027-01-15T12:30:00",
        ),
        ("keys import Majors FILE", "--from: is required"),
        ("keys import Majors FILE", "FILE: is more than the command takes"),
        ("keys expotr", "expotr: is no command of ballast keys, which has export, import"),
        ("limits set day_usd -5", "-5: is below zero"),
        ("limits set day_usd -0.50", "-0.50: is below zero"),
        ("reconcile --index Majors", "--index: is given without its name: ballast reconcile INDEX"),
        ("list_assets --serach USDC", "--serach: is not an option of this command"),
        ("get_index Majors Minors", "Minors: is more than the command takes"),
        ("get_index Majors --index-id Minors", "Majors: is more than the command takes"),
        ("verify --loud", "--loud: is not an option of this command"),
    ],
)
def test_the_refusal_of_a_line_names_the_word_and_what_would_be_right(line, typed, said):
    code, out, err = line.run(*typed.split())

    assert (code, out) == (2, "")
    assert said in " ".join(err.split())
    assert "Next: " in err


@pytest.mark.parametrize("command", ["keys", "audit", "notify", "limits"])
def test_a_command_without_its_second_word_lists_those_there_are(line, command):
    code, out, err = line.run(command)

    assert code == 0
    assert "Usage: ballast" in out
    assert err == ""


def test_what_has_a_place_may_be_given_by_its_name(opened):
    assert (
        opened.json("list_assets", "--search", "USDC")[1] == opened.json("list_assets", "USDC")[1]
    )
    made = opened.json("create_index", "--name", "Main", "--targets", "BTC 50, USDC 50")[1]
    shown = opened.json("get_index", "--index-id", made["index_id"])[1]
    plan = opened.json("rebalance_index", "pln_01ARZ3NDEKTSV4RRFFQ69G5FAV", "--index-id", "Main")[1]

    assert shown["name"] == "Main"
    assert plan["code"] == "not_found"


@pytest.mark.parametrize("given", ["nope", NO_INDEX])
@pytest.mark.parametrize(
    "words", [("get_drift",), ("reconcile",), ("limits", "set", "day_usd", "5", "--index")]
)
def test_an_index_that_is_not_there_is_not_found_by_name_or_by_id(opened, words, given):
    code, refusal = opened.json(*words, given)

    assert (code, refusal["code"]) == (3, "not_found")
    assert refusal["message"] == "There is no index of this name or id."
    assert "list_indexes" in refusal["next_step"]


def test_an_id_of_something_else_is_still_called_that(opened):
    code, refusal = opened.json("get_drift", "pln_01ARZ3NDEKTSV4RRFFQ69G5FAV")

    assert (code, refusal["code"]) == (2, "invalid_input")
    assert "a plan id" in json.dumps(refusal)


@pytest.mark.parametrize("given", ["1000", "40", "0.4", "abc", "-3"])
def test_a_budget_for_slippage_is_refused_with_its_bounds(opened, given):
    code, refusal = opened.json(
        "halt_trading", "--level", "sell_everything", "--slippage-percent", given
    )

    assert (code, refusal["code"]) == (2, "invalid_input")
    [problem] = refusal["details"]["problems"]
    assert problem["field"] == "slippage_percent"
    assert "must be from 0.5 to 20 percent" in problem["problem"]


def test_an_amount_of_too_many_digits_is_called_too_long(opened):
    opened.json("create_index", "Main", "--targets", "BTC 50, USDC 50")
    refusal = opened.json("deposit_address", "Main", "--amount", "1" * 43)[1]

    assert "too long" in json.dumps(refusal)
    assert "30 digits" in json.dumps(refusal)
