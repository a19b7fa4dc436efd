"""A basket and its policy as callers write them, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from ballast.app.assets import resolve_asset
from ballast.app.basket_text import basket_of_text
from ballast.app.fields import Amount, AssetName, Flag, Percent, from_json_text
from ballast.app.operation import Input
from ballast.app.ports import ListedAsset
from ballast.app.views import pico_of_dollars
from ballast.core.index import Asset, check_weights
from ballast.core.money import parse_percent_bps
from ballast.core.policy import (
    Auto,
    Band,
    Destination,
    Method,
    Policy,
    Purchase,
    validate_policy,
)
from ballast.core.schedule import QuietHours, read_quiet_hours
from ballast.errors import BallastError, ErrorCode

OFF: Final = "off"


class Target(Input):
    """One asset of a basket and its weight."""

    asset: AssetName
    percent: Annotated[Percent, Field(description="Weight in percent, at most two decimals.")]


class PolicyInput(Input):
    """How to keep the index in balance; what is left out stays as it is, or at its default."""

    method: Annotated[
        Literal["none", "calendar", "drift", "hybrid"] | None,
        Field(
            description="drift (default): act when a band is left. calendar: on dates. "
            "hybrid: both."
        ),
    ] = None
    auto: Annotated[
        Literal["off", "alert", "trade"] | None,
        Field(
            description="What then happens by itself; default alert. trade needs the owner's yes."
        ),
    ] = None
    schedule: Annotated[
        str | None, Field(max_length=100, description="Dates: daily, weekly, monthly or cron.")
    ] = None
    interval_days: Annotated[
        int | None, Field(ge=1, le=366, description="Instead of a schedule.")
    ] = None
    quiet_hours: Annotated[
        str | None, Field(max_length=20, description='"22:00-07:00" or off: no trades by itself.')
    ] = None
    band_absolute_percent: Annotated[
        Percent | None, Field(description="Allowed drift in points of the whole index.")
    ] = None
    band_relative_percent: Annotated[
        Percent | None, Field(description="Allowed drift as share of the target; default 20.")
    ] = None
    destination: Annotated[
        Literal["target", "half_band", "band_edge"] | None,
        Field(description="How far a breached asset goes back; default half_band."),
    ] = None
    cooldown_minutes: Annotated[
        int | None, Field(ge=0, le=527_040, description="Rest after a rebalance.")
    ] = None
    minimum_swap_usd: Annotated[Amount | None, Field(description="Smaller swaps are left.")] = None
    max_cost_percent: Annotated[
        Percent | None, Field(description="Highest cost of a rebalance, as share of the value.")
    ] = None
    invest_deposits: Annotated[
        Flag | None, Field(description="Invest deposits at once by buying only; default true.")
    ] = None
    purchase_usd: Annotated[
        Amount | None, Field(description="Cash to invest on each purchase date, by buying only.")
    ] = None
    purchase_schedule: Annotated[
        str | None, Field(max_length=100, description="As schedule, or off.")
    ] = None


def _as_list(value: object) -> object:
    """`{"BTC": 40, "ETH": 60}` means the same as the list of both, and one target a list of it."""
    if not isinstance(value, dict) or not value:
        return value
    if value.keys() <= Target.model_fields.keys():
        return [value]
    return [{"asset": asset, "percent": percent} for asset, percent in value.items()]


Targets = Annotated[
    list[Target],
    BeforeValidator(_as_list),
    BeforeValidator(basket_of_text),
    BeforeValidator(from_json_text),
    Field(min_length=1, max_length=100, description="The basket; percents make 100 together."),
]
PolicyField = Annotated[
    PolicyInput | None,
    BeforeValidator(from_json_text),
    Field(description="How to keep it in balance; leave out for the default."),
]


def resolve_targets(
    targets: list[Target], listed: Mapping[str, ListedAsset], base_asset_id: str
) -> dict[str, int]:
    """Targets by asset id in basis points.

    Raises:
        BallastError: `unknown_asset`, `ambiguous_asset`, `duplicate_asset` or `weights_invalid`
            when one thing is wrong; `invalid_input` listing everything when several are.
    """
    weights: dict[str, int] = {}
    wrong: list[tuple[str, BallastError]] = []
    for place, target in enumerate(targets):
        try:
            asset = resolve_asset(target.asset, listed, base_asset_id=base_asset_id)
            _refuse_twice(asset, weights, target.asset)
            weights[asset.asset_id] = parse_percent_bps(target.percent)
        except BallastError as refusal:
            wrong.append((f"targets[{place}].asset", refusal))
    try:
        check_weights([parse_percent_bps(target.percent) for target in targets])
    except BallastError as refusal:
        wrong.append(("targets", refusal))
    if wrong:
        raise _all_at_once(wrong)
    return weights


def _refuse_twice(asset: Asset, weights: Mapping[str, int], word: str) -> None:
    if asset.asset_id in weights:
        raise BallastError(
            ErrorCode.DUPLICATE_ASSET,
            f"{asset.symbol} on {asset.chain} is named more than once.",
            asset_id=asset.asset_id,
            given=word[:60],
        )


def _all_at_once(wrong: list[tuple[str, BallastError]]) -> BallastError:
    if len(wrong) == 1:
        return wrong[0][1]
    problems = [
        {"field": field, "problem": refusal.message, "code": refusal.code.value, **refusal.details}
        for field, refusal in wrong
    ]
    return BallastError(
        ErrorCode.INVALID_INPUT,
        f"{len(wrong)} things are wrong with the basket.",
        problems=problems,
    )


def merged_policy(policy: Policy, given: PolicyInput | None, timezone: str) -> Policy:
    """A policy with what is given put in.

    Args:
        timezone: the owner's, for dates and hours that are given now.

    Raises:
        BallastError: `invalid_input` with everything that does not fit together.
    """
    if given is None:
        return policy
    wrong: list[str] = []
    dated = given.schedule or given.quiet_hours or given.purchase_schedule
    merged = Policy(
        method=Method(given.method) if given.method else policy.method,
        interval_days=_merged_interval(policy, given),
        band=_merged_band(policy.band, given),
        destination=Destination(given.destination) if given.destination else policy.destination,
        cooldown_seconds=policy.cooldown_seconds
        if given.cooldown_minutes is None
        else given.cooldown_minutes * 60,
        minimum_swap_pico=pico_of_dollars(given.minimum_swap_usd)
        if given.minimum_swap_usd
        else policy.minimum_swap_pico,
        max_cost_bps=parse_percent_bps(given.max_cost_percent)
        if given.max_cost_percent
        else policy.max_cost_bps,
        invest_deposits=policy.invest_deposits
        if given.invest_deposits is None
        else given.invest_deposits,
        auto=Auto(given.auto) if given.auto else policy.auto,
        schedule=_merged_schedule(policy, given),
        timezone=timezone if dated else policy.timezone,
        quiet_hours=_merged_quiet_hours(policy, given, wrong),
        purchase=_merged_purchase(policy, given, wrong),
    )
    wrong += validate_policy(merged)
    if wrong:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "The policy does not fit together.",
            problems=[{"field": "policy", "problem": sentence} for sentence in wrong],
        )
    return merged


def _merged_interval(policy: Policy, given: PolicyInput) -> int | None:
    """What is given, else the present one, unless the new method or schedule has no use for it."""
    if given.interval_days is not None or given.method in ("none", "drift") or given.schedule:
        return given.interval_days
    return policy.interval_days


def _merged_schedule(policy: Policy, given: PolicyInput) -> str | None:
    """What is given, else the present one, unless the new method or interval has no use for it."""
    if given.schedule is not None or given.method in ("none", "drift") or given.interval_days:
        return given.schedule
    return policy.schedule


def _merged_quiet_hours(policy: Policy, given: PolicyInput, wrong: list[str]) -> QuietHours | None:
    if given.quiet_hours is None or given.quiet_hours == OFF:
        return policy.quiet_hours if given.quiet_hours is None else None
    try:
        return read_quiet_hours(given.quiet_hours)
    except ValueError as error:
        wrong.append(f"{error}.")
        return None


def _merged_purchase(policy: Policy, given: PolicyInput, wrong: list[str]) -> Purchase | None:
    """The recurring purchase; an amount and dates belong together."""
    if given.purchase_schedule == OFF:
        return None
    present = policy.purchase
    schedule = given.purchase_schedule or (present.schedule if present else None)
    amount = present.amount_pico if present else None
    if given.purchase_usd is not None:
        amount = pico_of_dollars(given.purchase_usd)
    if schedule is None and amount is None:
        return None
    if schedule is None or amount is None:
        wrong.append("purchase_usd and purchase_schedule belong together.")
        return None
    return Purchase(amount, schedule)


def _merged_band(band: Band, given: PolicyInput) -> Band:
    if given.band_absolute_percent is None and given.band_relative_percent is None:
        return band
    # Naming one kind of band replaces both: "5 points" should not keep a forgotten 20 %.
    return Band(
        absolute_bps=parse_percent_bps(given.band_absolute_percent)
        if given.band_absolute_percent
        else None,
        relative_bps=parse_percent_bps(given.band_relative_percent)
        if given.band_relative_percent
        else None,
    )


def buffer_bps(percent: str | None, present: int) -> int:
    """The cash buffer in basis points; `present` when none is given.

    Raises:
        BallastError: `invalid_input` above 50 %.
    """
    if percent is None:
        return present
    bps = parse_percent_bps(percent)
    if bps > 5_000:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "The cash buffer is at most 50 %.",
            problems=[{"field": "buffer_percent", "problem": "must be 50 or less"}],
        )
    return bps
