"""How an index has done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

from ballast.app.app import App
from ballast.app.fields import IndexId
from ballast.app.inputs import Input
from ballast.app.naming import no_such_index
from ballast.app.operation import Call, Output
from ballast.app.ports import Reader
from ballast.app.pricing import price_inputs, usable_prices
from ballast.app.valuing import NEAR, unit_values_since
from ballast.app.views import View
from ballast.core.drift import AssetPrice
from ballast.core.index import Index, planning_targets
from ballast.core.ledger import held
from ballast.core.money import dollars
from ballast.core.performance import BARS_PER_YEAR, DAY, Figures, figures, return_since
from ballast.core.unit_value import UnitValue
from ballast.core.wording import counted

WINDOWS: Final[Mapping[str, timedelta | None]] = {
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "inception": None,
}


class GetPerformance(Input):
    """Input of get_performance."""

    index_id: IndexId


class ReturnView(View):
    """The return over one window, and that of buying the targets at its start and holding them."""

    window: str
    percent: str | None
    hold_percent: str | None


class PerformanceView(Output):
    """How an index has done. A figure is null where the past is too short to tell, or nobody
    looked around the window's start."""

    index_id: str
    name: str
    as_of: datetime | None
    since: datetime | None
    value_usd: str
    paid_in_usd: Annotated[str, Field(description="Paid in, less what was paid out.")]
    gain_usd: str
    returns: list[ReturnView]
    volatility_percent: str | None
    sharpe: str | None
    sortino: str | None
    max_drawdown_percent: str | None
    calmar: str | None
    basis: str
    next_step: str


async def get_performance(app: App, call: Call, given: GetPerformance) -> PerformanceView:
    """Show how an index has done: time-weighted returns over 1 day, 7 and 30 days and since its
    start, beside holding its targets; volatility, Sharpe, Sortino, Calmar, deepest fall."""
    async with app.store.read() as reader:
        index = await reader.get_index(call.owner_id, given.index_id)
        if index is None:
            raise no_such_index(given.index_id)
        kept = await reader.list_unit_values(index.index_id)
        ours = held(await reader.balances(index.index_id))
        wanted = {*planning_targets(index), *ours}
        assets = await reader.get_assets(sorted(wanted))
    quoted, missing = await usable_prices(app, wanted)
    prices = price_inputs(quoted, assets)
    points = kept
    if not missing.keys() & ours.keys():
        points = kept + await unit_values_since(app, index, prices)
    async with app.store.read() as reader:
        returns = [await _window(reader, index, points, prices, name) for name in WINDOWS]
    return _view(app, index, points, returns)


async def _window(
    reader: Reader,
    index: Index,
    points: list[UnitValue],
    prices: Mapping[str, AssetPrice],
    name: str,
) -> ReturnView:
    window = WINDOWS[name]
    own = return_since(points, window)
    if own is None:
        return ReturnView(window=name, percent=None, hold_percent=None)
    start = points[0].at if window is None else points[-1].at - window
    held_back = await _hold(reader, index, prices, start)
    return ReturnView(window=name, percent=_percent(own), hold_percent=held_back)


async def _hold(
    reader: Reader, index: Index, prices: Mapping[str, AssetPrice], start: datetime
) -> str | None:
    """The return of today's targets bought at a moment, free of cost, and left alone; None where
    a price of then or now is not known."""
    targets = planning_targets(index)
    if not targets.keys() <= prices.keys():
        return None
    total = Decimal(0)
    for asset, weight in targets.items():
        until = start + timedelta(microseconds=1)
        seen = await reader.list_observations(asset, start - NEAR, until, 200)
        if not seen:
            return None
        total += weight * prices[asset].price / seen[-1].usd
    return _percent(float(total / sum(targets.values())) - 1)


def _view(
    app: App, index: Index, points: list[UnitValue], returns: list[ReturnView]
) -> PerformanceView:
    last = points[-1] if points else None
    found = figures(points) if points else None
    value, paid = (last.value_pico, last.paid_pico) if last else (0, 0)
    return PerformanceView(
        mode=app.mode,
        index_id=index.index_id,
        name=index.name,
        as_of=last.at if last else None,
        since=points[0].at if points else None,
        value_usd=dollars(value),
        paid_in_usd=dollars(paid),
        gain_usd=dollars(value - paid),
        returns=returns,
        volatility_percent=_percent(found.volatility) if found else None,
        sharpe=_ratio(found.sharpe) if found else None,
        sortino=_ratio(found.sortino) if found else None,
        max_drawdown_percent=_percent(found.max_drawdown) if found else None,
        calmar=_ratio(found.calmar) if found else None,
        basis=_basis(found),
        next_step="explain says what was traded; get_drift shows how it stands now."
        if points
        else "Call deposit_address to get an address to fund it.",
    )


def _basis(found: Figures | None) -> str:
    """What the figures rest on, in a sentence."""
    if found is None:
        return "It has held nothing yet."
    bars = counted(found.returns, "day" if found.bar == DAY else "hour")
    return (
        "Time-weighted: money that comes or goes is neither gain nor loss; costs are in it. "
        f"Risk figures from {bars}, {BARS_PER_YEAR[found.bar]} a year, with a "
        f"risk-free rate of 0. hold_percent: today's targets "
        "bought at the start of the window and left alone, without costs."
    )


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share * 100:.2f}"


def _ratio(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
