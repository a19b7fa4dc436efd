"""Assets that leave the list: their ids are refused, what is held of them stays."""

from __future__ import annotations

import pytest

from tests.devnet.world import ALICE, BTC, USDC, World

BNB, NEW = "nep141:bnb.omdep.near", "nep141:bnb-new.omdep.near"


async def change(world: World, asset_id: str, action: str, **more: str) -> dict[str, str | None]:
    body = {"asset_id": asset_id, "action": action} | more
    answer = await world.post("/devnet/listing", body)
    assert answer.status_code == 200, answer.text
    return answer.json()["left"]


async def listed(world: World) -> set[str]:
    return {each["assetId"] for each in (await world.get("/v0/tokens")).json()}


async def test_a_dropped_asset_can_be_held_but_not_traded_until_it_is_back(world):
    await world.mint(ALICE.account, BTC, 7)

    assert await change(world, BTC, "drop") == {BTC: None}
    assert BTC not in await listed(world)
    assert await world.refusal() == "tokenOut is not valid"
    assert await world.balance(ALICE.account, BTC) == 7

    assert await change(world, BTC, "restore") == {}
    assert BTC in await listed(world)
    assert await world.quote()


async def test_a_moved_asset_has_two_balances(world):
    await world.mint(ALICE.account, BNB, 5)

    assert await change(world, BNB, "move", new_id=NEW) == {BNB: NEW}
    await world.mint(ALICE.account, NEW, 3)

    assert {BNB, NEW} & await listed(world) == {NEW}
    view = await world.view("mt_batch_balance_of", account_id=ALICE.account, token_ids=[BNB, NEW])
    assert view == ["5", "3"]


async def test_a_swap_from_before_the_move_settles_in_the_old_id(world):
    quoted = await world.quote(
        originAsset=BNB, depositType="ORIGIN_CHAIN", destinationAsset=USDC, amount=str(10**18)
    )
    await change(world, BNB, "move", new_id=NEW)

    await world.send(quoted, 10**18)
    await world.advance(30)

    assert (await world.status(quoted))["status"] == "SUCCESS"
    await world.accounts()


@pytest.mark.parametrize(
    "body",
    [
        {"asset_id": "nep141:nothing.near", "action": "drop"},
        {"asset_id": BNB, "action": "move"},
        {"asset_id": BNB, "action": "drop", "new_id": NEW},
        {"asset_id": BNB, "action": "move", "new_id": BTC},
        {"asset_id": BNB, "action": "move", "new_id": "no id"},
        {"asset_id": BNB, "action": "sell"},
    ],
)
async def test_a_senseless_change_is_refused(world, body):
    before = await listed(world)

    assert (await world.post("/devnet/listing", body)).status_code == 400
    assert await listed(world) == before
