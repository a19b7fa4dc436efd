"""A venue that has broken its signed word gets no more signatures, whenever that is found."""

from __future__ import annotations

from datetime import timedelta

from ballast.app.resuming import resume_trading
from ballast.core.ids import LOCAL_OWNER
from ballast.devnet.faults import add_fault, clear_faults

HOUR = timedelta(hours=1)


async def silence_then_breach(world):
    """A swap brings less than was signed for; nobody says so until it needs attention."""
    index = await world.funded_index(basket=(("BTC", "50"), ("USDC", "50")))
    plan = await world.call("preview_withdrawal", index_id=index.index_id, everything=True)
    network = world.devnet.network
    add_fault(network, "submit-intent", "below-minimum", {"percent": 10}, count=1)
    add_fault(network, "status", "status-word", {"word": "NEW_WORD"}, count=None)
    await world.call("withdraw", index_id=index.index_id, plan_id=plan.plan_id)
    await world.run(HOUR)
    clear_faults(network)


async def trading(world):
    return (await world.call("get_status")).trading


async def test_a_breach_halts_trading_also_when_the_swap_needed_attention_before(world):
    await silence_then_breach(world)
    before = await trading(world)

    await world.run(HOUR)

    assert (before, await trading(world)) == ("on", "halted")


async def test_what_the_owner_has_resumed_after_a_breach_is_not_halted_for_it_again(world):
    await silence_then_breach(world)
    await world.run(HOUR)
    await resume_trading(world.app, LOCAL_OWNER)

    add_fault(world.devnet.network, "status", "status-word", {"word": "NEW_WORD"}, count=None)
    await world.run(HOUR)
    clear_faults(world.devnet.network)
    await world.run(HOUR)

    assert await trading(world) == "on"
