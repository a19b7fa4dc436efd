"""A basket and its policy as callers write them, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    ValidationInfo,
    model_validator,
)

from ballast.app.assets import resolve_asset
from ballast.app.basket_text import basket_of_text
from ballast.app.fields import AssetName, Dollars, Flag, Percent, Share, from_json_text
from ballast.app.inputs import Input
from ballast.app.ports import ListedAsset
from ballast.app.problems import WELL_FORMED, Wrong, well_formed
from ballast.app.views import pico_of_dollars
from ballast.core.index import Asset, check_weights
from ballast.core.money import PICO, parse_percent_bps
from ballast.core.policy import (
    Auto,
    Band,
    Destination,
    Method,
    Policy,
    PolicyProblem,
    Purchase,
    validate_policy,
)
from ballast.core.schedule import QuietHours, read_quiet_hours, schedule_problem
from ballast.errors import BallastError, ErrorCode

OFF: Final = "off"


def _dates(text: str) -> str:
    problem = schedule_problem(text)
    if problem is not None:
        raise ValueError(problem)
    return text


def _dates_or_off(text: str) -> str:
    return text if text == OFF else _dates(text)


def _hours_or_off(text: str) -> str:
    if text != OFF:
        read_quiet_hours(text)
    return text


def _a_cent_or_more(text: str) -> str:
    if pico_of_dollars(text) < PICO // 100:
        raise ValueError("must be 0.01 or more")
    return text


class _Part(Input):
    """A part of an input, of which the fields that read are kept where others do not."""

    @model_validator(mode="wrap")
    @classmethod
    def _in_part(
        cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        if info.context == WELL_FORMED and isinstance(value, dict):
            return well_formed(cls, value)
        return handler(value)


class Target(_Part):
    """One asset of a basket and its weight."""

    asset: AssetName
    percent: Annotated[Percent, Field(description="Weight in percent, at most two decimals.")]


class PolicyInput(_Part):
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
        Annotated[str, AfterValidator(_dates)] | None,
        Field(max_length=100, description="Dates: daily, weekly, monthly or cron."),
    ] = None
    interval_days: Annotated[
        int | None, Field(ge=1, le=366, description="Instead of a schedule.")
    ] = None
    quiet_hours: Annotated[
        Annotated[str, AfterValidator(_hours_or_off)] | None,
        Field(max_length=20, description='"22:00-07:00" or off: no trades by itself.'),
    ] = None
    band_absolute_percent: Annotated[
        Share | None, Field(description="Allowed drift in points of the whole index.")
    ] = None
    band_relative_percent: Annotated[
        Share | None, Field(description="Allowed drift as share of the target; default 20.")
    ] = None
    destination: Annotated[
        Literal["target", "half_band", "band_edge"] | None,
        Field(description="How far a breached asset goes back; default half_band."),
    ] = None
    cooldown_minutes: Annotated[
        int | None, Field(ge=0, le=527_040, description="Rest after a rebalance.")
    ] = None
    minimum_swap_usd: Annotated[
        Annotated[Dollars, AfterValidator(_a_cent_or_more)] | None,
        Field(description="Smaller swaps are left."),
    ] = None
    max_cost_percent: Annotated[
        Share | None, Field(description="Highest cost of a rebalance, as share of the value.")
    ] = None
    invest_deposits: Annotated[
        Flag | None, Field(description="Invest deposits at once by buying only; default true.")
    ] = None
    purchase_usd: Annotated[
        Dollars | None, Field(description="Cash to invest on each purchase date, by buying only.")
    ] = None
    purchase_schedule: Annotated[
        Annotated[str, AfterValidator(_dates_or_off)] | None,
        Field(max_length=100, description="As schedule, or off."),
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
    wrong = Wrong("The basket")
    weights = check_targets(targets, listed, base_asset_id, wrong)
    wrong.refuse()
    return weights


def check_targets(
    targets: list[Target], listed: Mapping[str, ListedAsset], base_asset_id: str, wrong: Wrong
) -> dict[str, int]:
    """Targets by asset id in basis points, as far as they are sound; what is wrong with them is
    kept. What does not read is None, and is passed over."""
    weights: dict[str, int] = {}
    percents = [target.percent for target in targets]
    for place, target in enumerate(targets):
        if target.asset:
            with wrong.about(f"targets[{place}].asset"):
                asset = resolve_asset(target.asset, listed, base_asset_id=base_asset_id)
                _refuse_twice(asset, weights, target.asset)
                weights[asset.asset_id] = parse_percent_bps(target.percent or "0")
    if all(percents):
        with wrong.about("targets"):
            check_weights([parse_percent_bps(percent) for percent in percents])
    return weights


def _refuse_twice(asset: Asset, weights: Mapping[str, int], word: str) -> None:
    if asset.asset_id in weights:
        raise BallastError(
            ErrorCode.DUPLICATE_ASSET,
            f"{asset.symbol} on {asset.chain} is named more than once.",
            asset_id=asset.asset_id,
            given=word[:60],
        )


# What is wrong with one of these may come from another that does not read.
_TOGETHER: Final = (
    {"method", "schedule", "interval_days"},
    {"purchase_usd", "purchase_schedule", "minimum_swap_usd"},
)


def merged_policy(
    policy: Policy,
    given: PolicyInput | None,
    timezone: str,
    unread: Set[str] = frozenset(),
) -> Policy:
    """A policy with what is given put in.

    Args:
        timezone: the owner's, for dates and hours that are given now.
        unread: fields that were given and do not read; what may be wrong because of them is not
            said.

    Raises:
        BallastError: `invalid_input` with everything that does not fit together.
    """
    if given is None:
        return policy
    wrong: list[PolicyProblem] = []
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
        quiet_hours=_merged_quiet_hours(policy, given),
        purchase=_merged_purchase(policy, given, wrong),
    )
    wrong += validate_policy(merged)
    unsure = {field for group in _TOGETHER if group & unread for field in group}
    wrong = [one for one in wrong if one.field not in unsure]
    if wrong:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "The policy does not fit together.",
            problems=[{"field": f"policy.{field}", "problem": problem} for field, problem in wrong],
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


def _merged_quiet_hours(policy: Policy, given: PolicyInput) -> QuietHours | None:
    if given.quiet_hours is None or given.quiet_hours == OFF:
        return policy.quiet_hours if given.quiet_hours is None else None
    return read_quiet_hours(given.quiet_hours)


def _merged_purchase(
    policy: Policy, given: PolicyInput, wrong: list[PolicyProblem]
) -> Purchase | None:
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
        missing = "purchase_schedule" if schedule is None else "purchase_usd"
        wrong.append(
            PolicyProblem(missing, "is missing; purchase_usd and purchase_schedule belong together")
        )
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
    """The cash buffer in basis points; `present` when none is given."""
    return present if percent is None else parse_percent_bps(percent)
