"""A basket in words, whoever sends it: a person at a command line, or a model."""

from __future__ import annotations

import pytest

from ballast.app.basket_text import basket_of_text
from ballast.errors import BallastError
from tests.app.world import open_world


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        (
            "BTC 40, ETH 30.5,USDC on Base 29.5%",
            [
                {"asset": "BTC", "percent": "40"},
                {"asset": "ETH", "percent": "30.5"},
                {"asset": "USDC on Base", "percent": "29.5%"},
            ],
        ),
        (
            "BTC=60, nep141:eth.omft.near: 40",
            [
                {"asset": "BTC", "percent": "60"},
                {"asset": "nep141:eth.omft.near", "percent": "40"},
            ],
        ),
        (
            "60 % BTC; 40% ETH",
            [{"asset": "BTC", "percent": "60%"}, {"asset": "ETH", "percent": "40%"}],
        ),
        ("BTC", [{"asset": "BTC"}]),
        ('[{"asset": "BTC", "percent": 100}]', '[{"asset": "BTC", "percent": 100}]'),
        ("", []),
    ],
)
def test_a_basket_can_be_written_as_people_say_it_or_as_json(text, targets):
    assert basket_of_text(text) == targets


async def test_an_operation_takes_a_basket_in_words(tmp_path):
    async with open_world(tmp_path) as world:
        made = await world.call("create_index", name="Main", targets="BTC 60, ETH 40")

        weights = {one.symbol: one.target_percent for one in made.holdings}
        assert (weights["BTC"], weights["ETH"]) == ("60", "40")


async def test_a_decimal_comma_in_a_basket_is_explained(tmp_path):
    async with open_world(tmp_path) as world:
        with pytest.raises(BallastError) as refused:
            await world.call("create_index", name="Main", targets="BTC 33,5, ETH 66,5")

    [problem] = refused.value.details["problems"]
    assert problem["field"] == "targets"
    assert "decimals need a point" in problem["problem"]
