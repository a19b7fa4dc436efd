"""Why did you, and why did you not: answered in words and as data, from the rows."""

from __future__ import annotations

from datetime import timedelta

from tests.app.test_monitor import TRADE, until_breached


async def test_a_trade_of_the_monitor_is_told_with_who_began_it_and_how_it_stands_since(world):
    index = await world.funded_index(policy=TRADE)
    drift = await until_breached(world, index.index_id)
    await world.run(timedelta(minutes=10))

    told = await world.call("explain", index_id=index.index_id)

    assert told.rebalance_id.startswith("reb_")
    assert "because an asset had left its band; Ballast started it by the policy" in told.answer
    assert "did not trade, because every asset was within its band" in told.answer
    assert told.standing.reason == "within_bands"
    assert told.standing.facts["furthest"]["band_percent"]
    # The figures are those that were seen when it was decided.
    (decision, *_) = [one for one in told.decisions if one.reason == "band_breached"]
    assert set(decision.facts["prices"]) == {one.asset_id for one in drift.assets}


async def test_what_was_only_told_of_says_so_with_the_figures(world):
    index = await world.funded_index()
    drift = await until_breached(world, index.index_id)
    await world.run(timedelta(minutes=20))

    told = await world.call("explain", index_id=index.index_id)

    assert "its policy is to tell you, and to leave the trading to a person" in told.answer
    assert f"{drift.breached[0]} is " in told.answer
    assert told.standing.checks > 2
    assert told.decisions[-1].reason == "alerted"


async def test_a_refusal_names_what_refused_it_and_when_it_is_tried_again(world):
    index = await world.funded_index(policy=TRADE)
    gate = {"max_cost_percent": "0.01"}
    turned = [{"asset": "BTC", "percent": 10}, {"asset": "ETH", "percent": 90}]
    await world.call("update_index", index_id=index.index_id, targets=turned, policy=gate)
    world.pass_time(timedelta(hours=2))
    await world.run(timedelta(minutes=5))

    told = await world.call("explain", index_id=index.index_id)

    assert (
        "did not trade, because it would have cost more than the policy allows. It would cost $"
        in told.answer
    )
    assert f"It looks again on {told.standing.next_check:%Y-%m-%d %H:%M} UTC." in told.answer
    assert told.standing.next_check - told.standing.since == timedelta(hours=1)


async def test_what_is_too_little_for_a_swap_is_not_said_to_be_within_its_band(world):
    index = await world.funded_index(policy={**TRADE, "minimum_swap_usd": "700"})
    turned = [{"asset": "BTC", "percent": 10}, {"asset": "ETH", "percent": 90}]
    await world.call("update_index", index_id=index.index_id, targets=turned)
    world.pass_time(timedelta(hours=2))
    await world.run(timedelta(minutes=5))

    told = await world.call("explain", index_id=index.index_id)

    assert "because what is outside its band is too little for a swap." in told.answer
    assert "and the least swap is worth $700.00." in told.answer
    assert "within its band" not in told.answer


async def test_the_figures_of_why_not_are_those_of_the_last_check(world):
    index = await world.funded_index(policy={**TRADE, "band_relative_percent": "90"})
    await world.run(timedelta(minutes=10))
    first = await world.call("explain", index_id=index.index_id)
    world.pass_time(timedelta(days=20))
    await world.run(timedelta(minutes=10))

    later = await world.call("explain", index_id=index.index_id)

    assert (first.standing.reason, later.standing.reason) == ("within_bands", "within_bands")
    assert later.standing.since == first.standing.since
    assert later.standing.facts["prices"] != first.standing.facts["prices"]
    moved = later.standing.facts["furthest"]
    assert f"{moved['symbol']}: {moved['drift_percent'].lstrip('-')} points" in later.answer


async def test_what_kept_it_before_is_said_after_what_keeps_it_now(world):
    index = await world.funded_index(policy={"auto": "off"})
    await world.run(timedelta(minutes=10))
    await world.call("update_index", index_id=index.index_id, policy=TRADE)
    await world.run(timedelta(minutes=10))

    told = await world.call("explain", index_id=index.index_id)

    now, before, trade = told.answer.split("\n\n")
    assert "because every asset was within its band" in now
    assert before.startswith("It did not trade before that either: on ")
    assert before.endswith("because its policy does nothing by itself.")
    assert trade.startswith("It traded on ")


async def test_before_the_first_look_there_is_nothing_to_say(world):
    index = await world.new_index()

    told = await world.call("explain", index_id=index.index_id)

    assert told.standing is None
    assert "has not traded yet" in told.answer


async def test_a_new_index_says_what_it_will_do_by_itself(world):
    quiet = await world.new_index("Quiet")
    busy = await world.new_index(
        "Busy",
        policy={
            "auto": "trade",
            "method": "hybrid",
            "schedule": "weekly",
            "quiet_hours": "22:00-07:00",
            "invest_deposits": False,
            "purchase_usd": "50",
            "purchase_schedule": "monthly",
        },
    )

    assert quiet.by_itself == (
        "You are told when an asset is more than 20 % of its target off; nothing is sold by itself "
        "unless auto is trade. Deposits are invested when they arrive, by buying only."
    )
    assert busy.by_itself == (
        "It is rebalanced by itself, within the limits, every Monday at midnight (UTC) if an "
        "asset is more than 20 % of its target off. Deposits stay cash. Cash of $50.00 is invested "
        "on the first of every month at midnight (UTC), by buying only. Nothing is traded by "
        "itself during 22:00-07:00 (UTC)."
    )


async def test_everything_wrong_with_a_policy_is_said_at_once(world):
    refusal = await world.refused(
        "create_index",
        name="Wrong",
        targets=[{"asset": "BTC", "percent": 100}],
        policy={
            "method": "calendar",
            "schedule": "every full moon",
            "quiet_hours": "at night",
            "purchase_usd": "5",
        },
    )

    said = {one["field"]: one["problem"] for one in refusal.details["problems"]}
    assert "written like 22:00-07:00" in said["policy.quiet_hours"]
    assert "belong together" in said["policy.purchase_schedule"]
    assert "one of daily, weekly, monthly, or a cron expression" in said["policy.schedule"]
    assert len(said) == 3, "the method has its dates, though they do not read"
