"""Making an index, and everything that can be wrong with the wish."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ballast.app.operation import Caller
from tests.app.world import USDC


def basket(*pairs):
    return [{"asset": asset, "percent": percent} for asset, percent in pairs]


async def test_a_new_index_says_which_asset_each_symbol_was_taken_for(world):
    index = await world.new_index(basket=(("BTC", 40), ("ETH", "30"), ("USDC", 30.0)))

    taken = {one.symbol: one.asset_id for one in index.holdings}
    assert taken == {
        "BTC": "nep141:nbtc.bridge.near",
        "ETH": "nep141:eth.omft.near",
        "USDC": USDC,
    }
    assert index.state == "pending"
    assert index.mode == "paper"
    assert index.account_id == index.account_id.lower()


async def test_each_index_has_a_wallet_of_its_own(world):
    first, second = await world.new_index("One"), await world.new_index("Two")

    assert first.account_id != second.account_id


async def test_a_chain_can_be_named_to_tell_look_alikes_apart(world):
    index = await world.new_index(basket=(("USDT on Ethereum", 50), ("USDC on Base", 50)))

    assert {one.chain for one in index.holdings if one.target_percent != "0"} == {"eth", "base"}


@pytest.mark.parametrize(
    ("targets", "code", "part"),
    [
        (basket(("BTC", 50), ("ETH", "49.5")), "weights_invalid", "0.5 % is missing"),
        (basket(("BTC", 60), ("ETH", "50")), "weights_invalid", "10 % is too much"),
        (basket(("BTC", 100), ("ETH", 0)), "weights_invalid", "above 0"),
        (basket(("BTC", 50), ("NOSUCH", 50)), "unknown_asset", "no asset of this name"),
        (basket(("BTC", 50), ("USDT", 50)), "ambiguous_asset", "does not guess"),
        (basket(("BTC", 50), ("BTC", 50)), "duplicate_asset", "more than once"),
        (basket(("BTC", 50), ("nep141:nbtc.bridge.near", 50)), "duplicate_asset", "more than"),
        (basket(("BTC", "33.333"), ("ETH", "66.667")), "invalid_input", ""),
        (basket(("BTC", "NaN"), ("ETH", 50)), "invalid_input", ""),
        (basket(("BTC", "5_0"), ("ETH", 50)), "invalid_input", ""),
        (basket(("BTC", "５０"), ("ETH", 50)), "invalid_input", ""),
        (basket(("BTC", True), ("ETH", 50)), "invalid_input", ""),
        ([], "invalid_input", ""),
        ("BTC 40", "weights_invalid", ""),
        (40, "invalid_input", ""),
    ],
)
async def test_a_basket_that_cannot_be_meant_is_refused_and_nothing_is_kept(
    world, targets, code, part
):
    refusal = await world.refused("create_index", name="Main", targets=targets)

    assert refusal.code == code
    assert part in refusal.message
    assert (await world.call("list_indexes")).indexes == []


async def test_everything_wrong_with_a_basket_is_said_at_once(world):
    targets = basket(("NOSUCH", 10), ("USDT", 20), ("ETH", 30), ("ETH", 10))

    refusal = await world.refused("create_index", name="Main", targets=targets)

    assert {one["code"] for one in refusal.details["problems"]} == {
        "unknown_asset",
        "ambiguous_asset",
        "duplicate_asset",
        "weights_invalid",
    }


async def test_candidates_of_an_ambiguous_symbol_come_with_chain_and_id(world):
    refusal = await world.refused(
        "create_index", name="Main", targets=basket(("BTC", 50), ("USDT", 50))
    )

    candidates = refusal.details["candidates"]
    assert len({one["chain"] for one in candidates}) == len(candidates) > 1
    assert all(one["asset_id"].startswith("nep") for one in candidates)


async def test_a_list_that_comes_as_json_text_is_read(world):
    text = '[{"asset": "BTC", "percent": 33.33}, {"asset": "ETH", "percent": "66.67"}]'

    index = await world.call("create_index", name="Main", targets=text)

    assert {one.target_percent for one in index.holdings} == {"33.33", "66.67", "0"}


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "x" * 10_000, "a\nb", "a\u202eb", "a\x00b"])
async def test_a_name_that_cannot_be_shown_is_refused(world, name):
    refusal = await world.refused(
        "create_index", name=name, targets=basket(("BTC", 50), ("ETH", 50))
    )

    assert refusal.code == "invalid_input"
    assert refusal.details["problems"][0]["field"] == "name"
    assert len(str(refusal.as_dict())) < 1_000


async def test_two_indexes_may_not_have_names_that_look_the_same(world):
    await world.new_index("Main  Index")

    refusal = await world.refused(
        "create_index", name="ｍain INDEX", targets=basket(("BTC", 50), ("ETH", 50))
    )

    assert refusal.code == "name_taken"


async def test_the_same_request_id_gives_the_same_answer_and_makes_nothing_twice(world):
    first = await world.new_index(request_id="make-1")
    again = await world.new_index(request_id="make-1")

    assert again == first
    assert len((await world.call("list_indexes")).indexes) == 1


async def test_a_request_id_does_not_serve_for_another_request(world):
    await world.new_index("One", request_id="make-1")

    refusal = await world.refused(
        "create_index",
        name="Two",
        targets=basket(("BTC", 50), ("ETH", 50)),
        request_id="make-1",
    )

    assert refusal.code == "request_id_reused"


async def test_a_refusal_is_not_kept_under_its_request_id(world):
    wrong = basket(("BTC", 50), ("ETH", 40))
    await world.refused("create_index", name="Main", targets=wrong, request_id="make-1")

    right = basket(("BTC", 50), ("ETH", 50))
    index = await world.call("create_index", name="Main", targets=right, request_id="make-1")

    assert index.state == "pending"


async def test_who_looks_again_sees_what_has_changed_since(world):
    index = await world.funded_index()
    first = await world.call("get_index", index_id=index.index_id)
    same = await world.call("get_index", index_id=index.index_id)
    await world.call("update_index", index_id=index.index_id, name="Renamed")
    renamed = await world.call("get_index", index_id=index.index_id)
    world.pass_time(timedelta(minutes=10))
    later = await world.call("get_index", index_id=index.index_id)

    assert same == first
    assert renamed == first.model_copy(update={"name": "Renamed"})
    assert [one.amount for one in later.holdings] == [one.amount for one in first.holdings]
    assert [one.price_usd for one in later.holdings] != [one.price_usd for one in first.holdings]


async def test_a_change_is_answered_with_what_the_index_is_worth_now(world):
    index = await world.funded_index()

    changed = await world.call("update_index", index_id=index.index_id, name="Other")

    assert changed.value_usd is not None
    assert changed == await world.call("get_index", index_id=index.index_id)


async def test_another_owner_sees_nothing_and_is_told_nothing(world):
    index = await world.new_index()
    world.caller = Caller(owner_id="own_other")

    listed = await world.call("list_indexes")
    refusal = await world.refused("get_index", index_id=index.index_id)
    missing = await world.refused("get_index", index_id="idx_01HZZZZZZZZZZZZZZZZZZZZZZZ")

    assert listed.indexes == []
    assert refusal.code == missing.code == "not_found"
    assert refusal.message == missing.message


async def test_an_id_of_the_wrong_kind_is_told_apart_from_one_that_is_missing(world):
    wrong = await world.refused("get_index", index_id="pln_01HZZZZZZZZZZZZZZZZZZZZZZZ")

    assert wrong.code == "invalid_input"
    assert "plan id" in wrong.details["problems"][0]["problem"]


async def test_unknown_fields_are_refused_so_that_typing_mistakes_are_seen(world):
    refusal = await world.refused("list_indexes", limits=3)

    assert refusal.details["problems"] == [
        {"field": "limits", "problem": "is not a field of this operation"}
    ]


async def test_new_targets_replace_the_basket_and_trade_nothing_by_themselves(world):
    index = await world.funded_index()

    changed = await world.call(
        "update_index",
        index_id=index.index_id,
        targets=basket(("BTC", 70), ("ETH", 30)),
        policy={"band_absolute_percent": 5},
    )

    targets = {one.symbol: one.target_percent for one in changed.holdings}
    amounts = {one.asset_id: one.amount_units for one in index.holdings}
    assert targets["BTC"] == "70"
    assert targets["SOL"] == "0"
    assert changed.policy.band_absolute_percent == "5"
    assert changed.policy.band_relative_percent is None
    assert {one.asset_id: one.amount_units for one in changed.holdings} == amounts


async def test_a_policy_that_does_not_fit_together_is_refused(world):
    refusal = await world.refused(
        "create_index",
        name="Main",
        targets=basket(("BTC", 50), ("ETH", 50)),
        policy={"method": "calendar"},
    )

    assert refusal.code == "invalid_input"
    assert "interval_days" in refusal.details["problems"][0]["problem"]


async def test_an_index_that_was_never_funded_can_be_neither_paused_nor_rebalanced(world):
    index = await world.new_index()

    pausing = await world.refused("pause_index", index_id=index.index_id)
    previewing = await world.refused("preview_rebalance", index_id=index.index_id)

    assert pausing.code == previewing.code == "index_pending"


async def test_a_cursor_of_another_list_is_called_that_without_a_pattern(world):
    index = await world.new_index()
    refusals = [
        await world.refused("trade_history", index_id=index.index_id, cursor="yesterday"),
        await world.refused("list_indexes", cursor="yesterday"),
    ]

    for refusal in refusals:
        [problem] = refusal.details["problems"]
        assert problem["field"] == "cursor"
        assert problem["problem"].startswith("is not a cursor of this list; leave it out")
