"""Pieces of answers that several operations share. People read percent, dollars, whole tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from ballast.core.index import Asset, Index
from ballast.core.money import (
    BPS,
    PICO_DECIMALS,
    dollars,
    format_amount,
    format_percent_bps,
    parse_amount,
)
from ballast.core.policy import Policy
from ballast.core.trading import PlannedSwap, Price, Swap


class View(BaseModel):
    """A piece of an answer."""

    model_config = ConfigDict(frozen=True)


class AssetView(View):
    """An asset by its words and its id."""

    asset_id: str
    symbol: str
    chain: str

    @classmethod
    def of(cls, asset: Asset) -> AssetView:
        return cls(asset_id=asset.asset_id, symbol=asset.symbol, chain=asset.chain)


class HoldingView(View):
    """One asset of an index: what is held, what it is worth, and what it should be."""

    asset_id: str
    symbol: str
    chain: str
    amount: str
    amount_units: str
    price_usd: str | None
    value_usd: str | None
    weight_percent: str | None
    target_percent: str


class PolicyView(View):
    """How an index is kept in balance."""

    method: str
    interval_days: int | None
    band_absolute_percent: str | None
    band_relative_percent: str | None
    destination: str
    cooldown_minutes: int
    minimum_swap_usd: str
    max_cost_percent: str | None
    invest_deposits: bool
    auto: str
    schedule: str | None
    timezone: str
    quiet_hours: str | None
    purchase_usd: str | None
    purchase_schedule: str | None

    @classmethod
    def of(cls, policy: Policy) -> PolicyView:
        purchase = policy.purchase
        return cls(
            method=policy.method.value,
            auto=policy.auto.value,
            schedule=policy.schedule,
            timezone=policy.timezone,
            quiet_hours=str(policy.quiet_hours) if policy.quiet_hours else None,
            purchase_usd=dollars(purchase.amount_pico) if purchase else None,
            purchase_schedule=purchase.schedule if purchase else None,
            interval_days=policy.interval_days,
            band_absolute_percent=_percent(policy.band.absolute_bps),
            band_relative_percent=_percent(policy.band.relative_bps),
            destination=policy.destination.value,
            cooldown_minutes=policy.cooldown_seconds // 60,
            minimum_swap_usd=dollars(policy.minimum_swap_pico),
            max_cost_percent=_percent(policy.max_cost_bps),
            invest_deposits=policy.invest_deposits,
        )


class SwapView(View):
    """One leg: what was sold, what came for it, and how it stands."""

    swap_id: str
    rebalance_id: str
    purpose: str
    state: str
    sell: str
    sell_amount: str
    buy: str
    buy_amount: str | None
    expected_amount: str | None
    value_usd: str
    sell_asset_id: str
    buy_asset_id: str
    sell_amount_units: str
    buy_amount_units: str | None
    refunded_amount: str | None
    intent_hash: str | None
    created_at: datetime
    ended_at: datetime | None
    problem: str

    @classmethod
    def of(cls, swap: Swap, assets: Mapping[str, Asset], intent_hash: str | None) -> SwapView:
        return cls(
            swap_id=swap.swap_id,
            rebalance_id=swap.rebalance_id,
            purpose=swap.purpose.value,
            state=swap.state.value,
            sell=assets[swap.sell].symbol,
            sell_amount=format_amount(swap.input_units, assets[swap.sell].decimals),
            buy=assets[swap.buy].symbol,
            buy_amount=_amount(swap.output_units, assets[swap.buy]),
            expected_amount=_amount(swap.quoted_units, assets[swap.buy]),
            value_usd=dollars(swap.value_pico),
            sell_asset_id=swap.sell,
            buy_asset_id=swap.buy,
            sell_amount_units=str(swap.input_units),
            buy_amount_units=None if swap.output_units is None else str(swap.output_units),
            refunded_amount=_amount(swap.refunded_units, assets[swap.sell]),
            intent_hash=intent_hash,
            created_at=swap.created_at,
            ended_at=swap.ended_at,
            problem=swap.problem,
        )


class PlannedSwapView(View):
    """One leg of a plan, before it is carried out."""

    sell: str
    sell_amount: str
    buy: str
    expected_amount: str
    minimum_amount: str
    value_usd: str
    fee_usd: str
    fee_percent: str
    sell_asset_id: str
    buy_asset_id: str
    sell_amount_units: str
    minimum_amount_units: str

    @classmethod
    def of(cls, leg: PlannedSwap, assets: Mapping[str, Asset]) -> PlannedSwapView:
        sell, buy = assets[leg.sell], assets[leg.buy]
        return cls(
            sell=sell.symbol,
            sell_amount=format_amount(leg.input_units, sell.decimals),
            buy=buy.symbol,
            expected_amount=format_amount(leg.expected_units, buy.decimals),
            minimum_amount=format_amount(leg.minimum_units, buy.decimals),
            value_usd=dollars(leg.input_pico),
            fee_usd=dollars(leg.fee_pico),
            fee_percent=percent_of(leg.fee_pico, leg.input_pico),
            sell_asset_id=leg.sell,
            buy_asset_id=leg.buy,
            sell_amount_units=str(leg.input_units),
            minimum_amount_units=str(leg.minimum_units),
        )


def percent_of(part: int, whole: int) -> str:
    """A share in percent with two decimals, rounded half away from zero; "0.00" of nothing."""
    if whole == 0:
        return "0.00"
    hundredths = (2 * abs(part) * BPS + whole) // (2 * whole)
    sign = "-" if part < 0 and hundredths else ""
    return f"{sign}{hundredths // 100}.{hundredths % 100:02d}"


def price_text(price: Price | None) -> str | None:
    """A price as plain decimal text."""
    return None if price is None else f"{price.usd:f}"


def target_percent(index: Index, asset_id: str) -> str:
    """The owner's target weight in percent, "0" for what is not in the basket."""
    return format_percent_bps(index.targets.get(asset_id, 0))


def pico_of_dollars(text: str) -> int:
    """Dollars as decimal text into pico-dollars, exactly."""
    return parse_amount(text, PICO_DECIMALS)


def _percent(bps: int | None) -> str | None:
    return None if bps is None else format_percent_bps(bps)


def _amount(units: int | None, asset: Asset) -> str | None:
    return None if units is None else format_amount(units, asset.decimals)
