"""What a unit of each index is worth, kept hour by hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from ballast.app.app import App
from ballast.app.monitor.market import Market
from ballast.app.monitor.watching import PAGE
from ballast.app.ports import DueRow, Reader, WatchedIndex
from ballast.core.drift import AssetPrice
from ballast.core.index import Index
from ballast.core.ledger import HELD, Account, ChainedEntry, held
from ballast.core.money import value_pico
from ballast.core.schedule import next_date
from ballast.core.unit_value import Flow, UnitValue, advance, first_unit_value

HOURLY: Final = "0 * * * *"
# How long before money came or went a price may have been seen to be the price of that moment.
NEAR: Final = timedelta(hours=1)
# Prices seen in that time, at most one a minute from each of two sources.
_MOST_SEEN: Final = 200

Prices = Mapping[str, AssetPrice]


async def step_valuation(app: App, row: DueRow) -> None:
    """Keep a unit value of every funded index whose assets all have a price."""
    market = Market(app)
    after = ""
    while True:
        async with app.store.read_once() as reader:
            page = await reader.watched(after, None, PAGE)
        if not page:
            break
        await market.learn(page)
        values: list[UnitValue] = []
        for one in page:
            if market.knows(one):
                values += await unit_values_since(app, one, market.prices)
        async with app.store.transaction() as tx:
            await tx.add_unit_values(values)
        after = page[-1].index_id
    async with app.store.transaction() as tx:
        due_at = next_date(HOURLY, "UTC", app.clock.now())
        await tx.save_schedule(row.row_id, row.due_at, due_at)


async def unit_values_since(
    app: App, index: Index | WatchedIndex, prices: Prices
) -> list[UnitValue]:
    """The unit value of now, linked to the last one that was kept; before the first one, that of
    the moment when money came first.

    Args:
        prices: of now, for everything held. What has none counts for nothing.
    """
    async with app.store.read() as reader:
        kept = await reader.last_unit_value(index.index_id)
        balances = await reader.balances(index.index_id)
        last = kept or first_unit_value(index.index_id, index.owner_id, index.created_at)
        entries = await reader.entries_since(index.index_id, last.sequence)
        moved = await _moved(reader, entries, held(balances), prices)
    sequence = entries[-1].sequence if entries else last.sequence
    values = []
    if kept is None and moved:
        (link, flow), *moved = moved
        last = advance(
            last, [flow], at=link.recorded_at, value_pico=flow.flow_pico, sequence=link.sequence
        )
        values.append(last)
    now = app.clock.now()
    worth = _worth(held(balances), prices)
    flows = [flow for _, flow in moved]
    if last.at < now:
        values.append(advance(last, flows, at=now, value_pico=worth, sequence=sequence))
    return values


async def _moved(
    reader: Reader,
    entries: Sequence[ChainedEntry],
    holdings: Mapping[str, int],
    prices: Prices,
) -> list[tuple[ChainedEntry, Flow]]:
    """Money that came or went, oldest first, with the entries that booked it.

    Args:
        holdings: after the last of the entries, by asset.
    """
    found = []
    after = dict(holdings)
    for link in reversed(entries):
        for posting in link.entry.postings:
            if posting.account in HELD:
                after[posting.asset_id] = after.get(posting.asset_id, 0) - posting.units
        came = {
            posting.asset_id: -posting.units
            for posting in link.entry.postings
            if posting.account is Account.OWNER
        }
        if came:
            then = await prices_near(reader, prices, {*after, *came}, link.recorded_at)
            found.append((link, Flow(_worth(after, then), _worth(came, then))))
    return found[::-1]


async def prices_near(
    reader: Reader, prices: Prices, asset_ids: set[str], at: datetime
) -> dict[str, AssetPrice]:
    """Prices as they were seen last before a moment, or else those of now."""
    near = {asset: prices[asset] for asset in asset_ids if asset in prices}
    for asset, now in near.items():
        until = at + timedelta(microseconds=1)
        seen = await reader.list_observations(asset, at - NEAR, until, _MOST_SEEN)
        if seen:
            near[asset] = AssetPrice(now.decimals, seen[-1].usd)
    return near


def _worth(units: Mapping[str, int], prices: Prices) -> int:
    """Value in pico-dollars, each asset's rounded towards zero."""
    total = 0
    for asset, amount in units.items():
        if asset in prices:
            worth = value_pico(abs(amount), prices[asset].decimals, prices[asset].price)
            total += worth if amount >= 0 else -worth
    return total
