"""One pass over a shard of all indexes: which of them are worth an exact look.

A pass decides nothing and trades nothing. It marks rows as due, which any process may take, and
its end counts as a check of all others. Repeating one after a crash does no harm. Shards are rows
with a due time of their own, so that several workers pass over as many at a time, and what a dead
one leaves behind is due still; where there is one engine and little to look at, there is one shard.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.monitor.judging import keeps_cash, spare_cash
from ballast.app.monitor.market import Market
from ballast.app.monitor.purchasing import due_purchase
from ballast.app.observing import Activity, Doing
from ballast.app.planning import index_drift
from ballast.app.ports import DueRow, Shard, WatchedBasket, WatchedIndex
from ballast.core.policy import Auto, Method, ReasonCode
from ballast.core.schedule import next_date
from ballast.core.states import IndexState
from ballast.errors import ErrorCode

log = structlog.get_logger(__name__)

# Indexes read and marked together: a step is never long away from the others, and a transaction
# stays short.
PAGE: Final = 1_000
# Indexes of a shard, at most for long: some tenths of a second for the processor.
SHARD: Final = 10_000
# From here on the screen is faster than measuring each, and worth the 20 MiB that numpy takes.
SCREEN_FROM: Final = 200

# Standings that neither time nor the prices of an index inside its bands can change.
_AT_REST: Final = frozenset(
    {
        ReasonCode.WITHIN_BANDS,
        ReasonCode.METHOD_NONE,
        ReasonCode.AUTO_OFF,
        ReasonCode.INDEX_PAUSED,
        ReasonCode.NOT_DUE,
        ReasonCode.NOTHING_HELD,
        ReasonCode.ONLY_CASH,
        ErrorCode.PRICE_UNAVAILABLE,
    }
)


async def step_shard(app: App, row: DueRow) -> None:
    """Look over the funded indexes of a shard, and plan the next pass; nothing when somebody else
    has done it.

    Raises:
        BallastError: `venue_unavailable`; the pass is tried again.
    """
    async with app.store.read_once() as reader:
        shard = await reader.get_shard(row.row_id)
    if shard.due_at != row.due_at:
        return
    now = app.clock.now()
    with app.observer.observe(Activity(Doing.LOOK_OVER, "monitor pass")) as seen:
        seen.amount, cuts = await _look_over(app, shard, now)
        seen.ended_at = app.clock.now()
    due_at = next_date(app.monitor_schedule, app.timezone, app.clock.now())
    async with app.store.transaction(name_of(shard)) as tx:
        await tx.end_pass(shard, now, due_at, cuts)


async def _look_over(app: App, shard: Shard, now: datetime) -> tuple[int, list[str]]:
    """Mark what is worth a look; how many indexes there were, and where the shard is to be cut."""
    market, looked, cuts = Market(app), 0, list[str]()
    after = shard.behind
    while page := await _page(app, after, shard):
        await market.learn(page)
        await _mark(app, page, market, shard, now)
        after, looked = page[-1].index_id, looked + len(page)
        # Ids grow with time: what ends at an id never grows again, and only the last shard is cut.
        if shard.until is None and looked % SHARD == 0:
            cuts.append(after)
    app.engine.screened = app.prices.newest
    return looked, cuts


def name_of(shard: Shard) -> str:
    """What a transaction of a pass is about: no other one writes on behalf of this shard."""
    return f"shard:{shard.behind}"


async def _page(app: App, after: str, shard: Shard) -> list[WatchedIndex]:
    async with app.store.read_once() as reader:
        return await reader.watched(after, shard.until, PAGE)


async def _mark(
    app: App, page: list[WatchedIndex], market: Market, shard: Shard, now: datetime
) -> None:
    frozen = {one.index_id for one in page if not market.knows(one)}
    outside = _outside([one for one in page if _is_screened(one, frozen)], market)
    changed = [(one.owner_id, one.index_id) for one in page if _has_changed(one, now)]
    moved = [
        (one.owner_id, one.index_id)
        for one in page
        if _is_worth_a_look(one, one.index_id in outside, one.index_id in frozen)
    ]
    if not (changed or moved):
        return
    async with app.store.transaction(name_of(shard)) as tx:
        await tx.wake_checks(changed, now, shard, planned=True)
        await tx.wake_checks(moved, now, shard, planned=False)
    app.work_waiting.set()


def _has_changed(one: WatchedIndex, now: datetime) -> bool:
    """Whether to look whatever was planned: its settings changed, or a purchase is due."""
    if one.index_version != one.version:
        return True
    policy = one.basket.policy
    return one.state == IndexState.ACTIVE and due_purchase(
        policy, one.updated_at, one.purchased_at, now
    )


def _is_worth_a_look(one: WatchedIndex, outside: bool, frozen: bool) -> bool:
    if one.state != IndexState.ACTIVE or one.basket.policy.auto is Auto.OFF:
        return False
    was_frozen = one.reason == ErrorCode.PRICE_UNAVAILABLE
    if frozen or was_frozen:
        return frozen != was_frozen
    return outside or one.reason not in _AT_REST


def _is_screened(one: WatchedIndex, frozen: set[str]) -> bool:
    """Whether it has bands that count, and a price for everything."""
    policy = one.basket.policy
    watches = policy.auto is not Auto.OFF and policy.method in (Method.DRIFT, Method.HYBRID)
    return watches and one.index_id not in frozen


def _outside(indexes: list[WatchedIndex], market: Market) -> set[str]:
    """Ids of those with an asset outside its band; of many, perhaps some more."""
    if len(indexes) < SCREEN_FROM:
        return {
            one.index_id
            for one in indexes
            if index_drift(one.basket, _invested(one, market), market.prices).breached
        }
    return _screened(indexes, market)


def _invested(one: WatchedIndex, market: Market) -> Mapping[str, int]:
    """What counts as held: without the cash that the policy keeps for later."""
    held = market.counted(one)
    if not keeps_cash(one.basket):
        return held
    base = one.basket.base_asset_id
    return {**held, base: held.get(base, 0) - spare_cash(one.basket, held, market.prices)}


def _screened(indexes: list[WatchedIndex], market: Market) -> set[str]:
    # Here, so that numpy is loaded only where there is much to look at.
    from ballast.core.screen import Screen, Watched

    decimals = {asset: price.decimals for asset, price in market.prices.items()}
    watched = [
        Watched(
            _invested(one, market),
            market.targets(one),
            one.basket.policy.band,
            buffer=_buffer_only(one.basket),
        )
        for one in indexes
    ]
    found = Screen(watched, decimals).breached(market.prices)
    return {indexes[position].index_id for position in found}


def _buffer_only(basket: WatchedBasket) -> str | None:
    """The base asset where it is only the cash buffer."""
    return None if basket.base_asset_id in basket.targets else basket.base_asset_id
