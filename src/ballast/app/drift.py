"""How far an index is from its targets."""

from __future__ import annotations

from datetime import datetime

from ballast.app.app import App
from ballast.app.fields import IndexId
from ballast.app.indexes import require_index
from ballast.app.inputs import Input
from ballast.app.monitor.judging import judge, past_of, without_spare_cash
from ballast.app.operation import Call, Output
from ballast.app.planning import Situation, survey
from ballast.app.views import AssetView, View, price_text
from ballast.core.drift import AssetDrift
from ballast.core.money import dollars, format_percent_ppm
from ballast.core.policy import Past
from ballast.core.states import IndexState


class GetDrift(Input):
    """Input of get_drift."""

    index_id: IndexId


class AssetDriftView(AssetView):
    """One asset's distance from its target. Drift is actual minus target, in points."""

    value_usd: str
    price_usd: str | None
    weight_percent: str
    target_percent: str
    drift_percent: str
    relative_drift_percent: str | None
    band_percent: str
    breached: bool


class PriceTime(View):
    """Where the prices came from and when."""

    source: str
    observed_at: datetime


class DriftView(Output):
    """Drift of an index; the three measures and what the policy says to them."""

    index_id: str
    name: str
    value_usd: str
    max_drift_percent: str
    max_relative_drift_percent: str
    turnover_percent: str
    assets: list[AssetDriftView]
    breached: list[str]
    would_trade: bool
    reason: str
    next_due: datetime | None
    oldest_price: PriceTime | None
    next_step: str


async def get_drift(app: App, call: Call, given: GetDrift) -> DriftView:
    """Show how far an index is from its targets, asset by asset, whether a band is breached, and
    what its policy says. Targets include the cash buffer. Next: preview_rebalance."""
    async with app.store.read() as reader:
        index = await require_index(reader, call.owner_id, given.index_id)
        check = await reader.get_check(given.index_id)
    return drift_view(app, await survey(app, index), past_of(index, check))


def drift_view(app: App, seen: Situation, past: Past) -> DriftView:
    """A drift report as people read it, and what the policy says to it."""
    report, index = seen.drift, seen.index
    verdict = judge(without_spare_cash(seen), past, app.clock.now())
    oldest = min(seen.prices.values(), key=lambda price: price.observed_at, default=None)
    return DriftView(
        mode=app.mode,
        index_id=index.index_id,
        name=index.name,
        value_usd=dollars(report.value_pico),
        max_drift_percent=format_percent_ppm(report.max_absolute_ppm),
        max_relative_drift_percent=format_percent_ppm(report.max_relative_ppm),
        turnover_percent=format_percent_ppm(report.turnover_ppm),
        assets=[_line(seen, one) for one in report.assets],
        breached=[seen.assets[one].symbol for one in report.breached],
        would_trade=verdict.trade and index.state is IndexState.ACTIVE,
        reason=verdict.reason.value,
        next_due=verdict.next_due,
        oldest_price=oldest and PriceTime(source=oldest.source, observed_at=oldest.observed_at),
        next_step=_next_step(seen),
    )


def _line(seen: Situation, one: AssetDrift) -> AssetDriftView:
    relative = one.relative_drift_ppm
    return AssetDriftView(
        **AssetView.of(seen.assets[one.asset_id]).model_dump(),
        value_usd=dollars(one.value_pico),
        price_usd=price_text(seen.prices.get(one.asset_id)),
        weight_percent=format_percent_ppm(one.weight_ppm),
        target_percent=format_percent_ppm(one.target_ppm),
        drift_percent=format_percent_ppm(one.absolute_drift_ppm),
        relative_drift_percent=None if relative is None else format_percent_ppm(relative),
        band_percent=format_percent_ppm(one.band_ppm),
        breached=one.breached,
    )


def _next_step(seen: Situation) -> str:
    if seen.index.state is IndexState.PENDING:
        return "Call deposit_address to get an address to fund it."
    if seen.drift.breached:
        return "Call preview_rebalance to see what bringing it back would take."
    return "Every asset is within its band: nothing needs to be done."
