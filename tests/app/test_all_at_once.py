"""Everything wrong with a call is said at once: what does not read, and what does not fit."""

from __future__ import annotations

import itertools
import re

import pytest

from ballast.app.access.api_keys import create_api_key
from ballast.app.catalog import OPERATIONS
from ballast.app.destinations import add_destination
from ballast.app.operation import Caller
from ballast.core.access import Scope
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError

NOWHERE = "idx_01ARZ3NDEKTSV4RRFFQ69G5FAV"
WISH = {
    "name": "Main",
    "targets": [{"asset": "BTC", "percent": 60}, {"asset": "NOPE", "percent": 30}],
    "base_asset": "USDC on mars",
    "buffer_percent": 150,
    "policy": {
        "schedule": "every tuesday",
        "quiet_hours": "25:00-99:00",
        "interval_days": -4,
        "max_cost_percent": 0,
    },
}
OF_THE_WISH = {
    "base_asset", "buffer_percent", "policy.interval_days", "policy.max_cost_percent",
    "policy.quiet_hours", "policy.schedule", "targets", "targets[1].asset",
}  # fmt: skip


def fields_of(refusal):
    assert refusal.code == "invalid_input", refusal.as_dict()
    return {one["field"] for one in refusal.details["problems"]}


async def test_a_wish_for_an_index_that_is_wrong_throughout_is_told_all_of_it(world):
    assert fields_of(await world.refused("create_index", **WISH)) == OF_THE_WISH


async def test_an_empty_name_hides_nothing_of_the_rest(world):
    refusal = await world.refused("create_index", **{**WISH, "name": ""})

    assert fields_of(refusal) == {"name", *OF_THE_WISH}


async def test_an_empty_name_and_an_empty_basket_are_both_told(world):
    assert fields_of(await world.refused("create_index", name="", targets=[])) == {
        "name",
        "targets",
    }


async def test_an_unknown_asset_is_told_beside_a_weight_that_does_not_read(world):
    targets = [{"asset": "NOPE", "percent": "much"}, {"asset": "BTC", "percent": 100}]

    refusal = await world.refused("create_index", name="Main", targets=targets)

    assert fields_of(refusal) == {"targets[0].asset", "targets[0].percent"}


async def test_a_taken_name_is_told_beside_an_unknown_asset(world):
    await world.new_index("Main")

    refusal = await world.refused("create_index", name="MAIN", targets="NOPE 100")

    assert {(one["field"], one["code"]) for one in refusal.details["problems"]} == {
        ("name", "name_taken"),
        ("targets[0].asset", "unknown_asset"),
    }


@pytest.mark.parametrize(
    ("policy", "fields"),
    [
        ({"schedule": "every tuesday"}, {"policy.schedule"}),
        ({"method": "calendar"}, {"policy.method"}),
        ({"schedule": "daily"}, {"policy.schedule"}),
        ({"interval_days": 7, "purchase_usd": "50"},
         {"policy.interval_days", "policy.purchase_schedule"}),
        ({"method": "calender", "schedule": "daily"}, {"policy.method"}),
        ({"purchase_schedule": "daily", "minimum_swap_usd": "0.001"}, {"policy.minimum_swap_usd"}),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_policy_names_the_field(world, policy, fields):
    refusal = await world.refused("create_index", name="Main", targets="BTC 100", policy=policy)

    assert fields_of(refusal) == fields


async def test_a_change_is_told_all_that_is_wrong_with_it(world):
    index = await world.new_index()
    change = {
        "name": "x" * 65,
        "targets": "NOPE 90",
        "buffer_percent": 51,
        "policy": {"method": "calendar"},
        "limits": {"day_usd": "lots", "weeks": "3"},
    }
    fields = {"name", "targets", "targets[0].asset", "buffer_percent", "limits.day_usd"}

    known = await world.refused("update_index", index_id=index.index_id, **change)
    unknown = await world.refused("update_index", index_id=NOWHERE, **change)

    assert fields_of(known) == {*fields, "limits.weeks", "policy.method"}
    assert fields_of(unknown) == {*fields, "limits.weeks", "index_id"}


@pytest.mark.parametrize("index_id", ["nonsense", NOWHERE, {}])
async def test_a_wish_for_an_address_is_told_all_that_is_wrong_with_it(world, index_id):
    refusal = await world.refused(
        "deposit_address", index_id=index_id, amount="-1", asset="NOPE", chain="mars"
    )

    assert fields_of(refusal) == {"index_id", "amount", "asset", "chain"}


async def test_an_amount_is_held_against_the_asset_even_where_the_index_is_unknown(world):
    refusal = await world.refused("deposit_address", index_id="nonsense", amount="0.0000001")

    assert fields_of(refusal) == {"index_id", "amount"}


@pytest.mark.parametrize("share", ["0", 500, "100.01", "0.00"])
async def test_a_share_is_of_a_whole(world, share):
    index = await world.new_index()
    asked = {"index_id": index.index_id, "share_percent": share}

    alone = await world.refused("preview_withdrawal", **asked, destination="home")
    all_wrong = await world.refused("preview_withdrawal", **asked, destination="nope", asset="NOPE")

    assert fields_of(alone) == {"share_percent", "destination"}
    assert fields_of(all_wrong) == {"share_percent", "destination", "asset"}
    assert "must be from 0.01 to 100" in str(all_wrong.details)


async def test_what_is_wrong_with_the_fields_together_is_told_beside_each_fields_own(world):
    index = await world.new_index()
    asked = {"index_id": index.index_id, "amount": "much", "share_percent": 10}

    refusal = await world.refused("preview_withdrawal", **asked)
    one_of_them = await world.refused("preview_withdrawal", index_id="x", amount="much")

    assert fields_of(refusal) == {"amount", "input"}
    assert len(refusal.details["problems"]) == 3
    told = [one["problem"] for one in one_of_them.details["problems"]]
    assert not any("exactly one" in problem for problem in told), "an amount was given"


async def test_a_cursor_and_a_limit_are_both_told(world):
    for operation in ("list_assets", "list_indexes"):
        refusal = await world.refused(operation, cursor="x", limit=0)
        assert fields_of(refusal) == {"cursor", "limit"}


async def test_what_reads_is_told_of_even_where_the_venue_does_not_answer(world):
    world.way.lose_requests += ["/v0/tokens"] * 50

    refusal = await world.refused("create_index", **{**WISH, "name": ""})

    assert "/v0/tokens" in world.way.seen
    assert fields_of(refusal) == {"name", *OF_THE_WISH} - {
        "base_asset",
        "targets",
        "targets[1].asset",
    }


async def test_who_may_not_call_it_learns_nothing_of_what_is_there(world):
    await world.new_index("Main")
    world.caller = Caller(scopes=frozenset({Scope.READ}))

    refusal = await world.refused("create_index", name="Main", targets=[])

    assert fields_of(refusal) == {"targets"}


async def test_no_field_that_does_not_read_makes_a_fault_of_ours(world):
    index = await world.funded_index()
    good = {
        "index_id": index.index_id, "name": "Other", "targets": "BTC 100", "base_asset": "USDC",
        "policy": {"auto": "off"}, "limits": {"day_usd": "5"}, "asset": "USDC", "amount": "5",
        "chain": "base", "destination": "home", "url": "https://192.0.2.1/", "cursor": None,
    }  # fmt: skip
    bad = {"loud": []}
    for operation in OPERATIONS:
        if operation.check is None:
            continue
        names = [name for name in operation.input.model_fields if name != "request_id"]
        for broken in itertools.chain(([one] for one in names), itertools.combinations(names, 2)):
            fine = {name: good[name] for name in names if good.get(name) and name not in broken}
            refusal = await world.refused(operation.name, **fine, **dict.fromkeys(broken, bad))
            assert set(broken) <= {re.split(r"[.[]", one)[0] for one in fields_of(refusal)}


async def test_a_key_is_refused_with_all_that_is_wrong_with_it(world):
    with pytest.raises(BallastError) as refused:
        await create_api_key(world.app, Caller(), "", ["foo", "read"], world.app.widening_delay * 0)

    assert fields_of(refused.value) == {"name", "scopes", "days"}


async def test_a_destination_is_refused_with_all_that_is_wrong_with_it(world):
    for chain, field in (("mars", "chain"), ("eth", "address")):
        with pytest.raises(BallastError) as refused:
            await add_destination(world.app, LOCAL_OWNER, "", chain, "0x12", None)
        assert fields_of(refused.value) == {"label", field}
