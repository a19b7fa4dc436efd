"""What the page shows, and that it can harm nobody."""

from __future__ import annotations

import re

from tests.devnet.faulty import FUNDS, fault
from tests.devnet.world import ALICE, BOB, BTC, USDC, payload


async def test_the_page_is_one_file_that_asks_nobody_else(world):
    answer = await world.get("/")

    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert re.findall(r"https?://", answer.text) == []
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", answer.text)
        == []
    )


async def test_every_path_the_page_asks_for_is_there(world):
    page = (await world.get("/")).text
    asked = set(re.findall(r'"(GET|POST|DELETE)", "(/devnet/[a-z/]+)', page))
    asked |= {("GET", path) for path in re.findall(r'fetch\("(/devnet/[a-z/]+)"\)', page)}

    assert len(asked) >= 5
    async with world.client() as client:
        for method, path in asked:
            answer = await client.request(method, path)
            assert answer.status_code not in {404, 405, 500}, (method, path)


async def test_the_overview_shows_everything_at_once(funded):
    quoted = await funded.quote()
    await funded.pay(ALICE, quoted)
    await funded.advance(20)
    await fault(funded, "submit-intent", "stuck")
    stuck = await funded.quote()
    intent_hash = await funded.pay(ALICE, stuck)

    view = (await funded.get("/devnet/overview")).json()

    assert view["now"] == "2026-12-01T00:00:20.000Z"
    assert [each["status"] for each in view["swaps"]] == ["PENDING_DEPOSIT", "SUCCESS"]
    assert view["swaps"][0]["fate"] == "stuck"
    assert view["swaps"][1]["takes"]["amount"] == "1000.0"
    assert intent_hash in {each["hash"] for each in view["intents"]}
    held = {each["account"]: each["holdings"] for each in view["accounts"]}
    dollars = next(each for each in held[ALICE.account] if each["asset_id"] == USDC)
    assert dollars["amount"] == f"{(FUNDS - 2 * 10**9) // 10**6}.0"
    assert {each["coin"] for each in view["prices"]} >= {"BTC", "ETH", "USDC"}
    assert view["faults"][0]["hits"] == 1


async def test_the_statistics_count_what_happened(funded):
    quoted = await funded.quote()
    await funded.pay(ALICE, quoted)
    await funded.advance(20)
    await funded.quote()
    await funded.submit(ALICE.sign(payload(BOB.account)))
    await funded.submit(ALICE.sign(payload(BOB.account)))
    await funded.submit(ALICE.sign("nonsense"))

    stats = (await funded.get("/devnet/stats")).json()

    assert stats["live_quotes"] == 2
    assert stats["swaps_by_state"] == {"SUCCESS": 1, "PENDING_DEPOSIT": 1}
    assert stats["intents_executed"] == {"submit-intent": 1}
    text = "public key '...' doesn't exist for account '...'"
    assert stats["intents_refused"] == {text: 2, "JSON": 1}
    assert 999 < float(stats["volume_usd"]) < 1001
    assert stats["fees_usd"] in {"1.99", "2.00"}  # 20 bps of a thousand dollars of USDC
    assert 0.39 < float(stats["spread_usd"]) < 0.41


async def test_ids_that_are_no_assets_do_not_hurt_the_overview(world):
    await world.mint("alice.near", "nep141:<script>.near", 5)
    await world.mint("alice.near", BTC, 1)

    view = (await world.get("/devnet/overview")).json()

    (alice,) = [each for each in view["accounts"] if each["account"] == "alice.near"]
    assert {each["amount"] for each in alice["holdings"]} == {"5", "0.00000001"}
