"""Limits in the words of people: dollars and percent, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from ballast.app.assets import resolve_asset
from ballast.app.fields import from_json_text
from ballast.app.ports import ListedAsset
from ballast.app.views import pico_of_dollars
from ballast.core.limits import ASSETS, Limits, Used, widened
from ballast.core.money import dollars, format_percent_bps, parse_percent_bps
from ballast.core.wording import counted, grouped
from ballast.errors import BallastError, ErrorCode

FIELD_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "swap_usd": "max_swap_pico",
        "day_usd": "max_day_pico",
        "month_usd": "max_month_pico",
        "run_percent": "max_run_bps",
        "cost_month_usd": "max_cost_month_pico",
        "slippage_percent": "max_slippage_bps",
        "fee_percent": "max_fee_bps",
        "confirm_above_usd": "confirm_above_pico",
        "assets": ASSETS,
    }
)
NAME_OF: Final = MappingProxyType({field: name for name, field in FIELD_OF.items()})
ANY: Final = "any"

LimitsField = Annotated[
    dict[str, str] | None,
    BeforeValidator(from_json_text),
    Field(description='Lower limits by the names get_index shows, as {"day_usd": "500"}.'),
]


def limits_as_words(limits: Limits) -> dict[str, str]:
    """Every limit by its name; assets by their ids, or `any`."""
    return {name: words_of(limits, name) for name in FIELD_OF}


def words_of(limits: Limits, name: str) -> str:
    """One limit as people read it."""
    value = getattr(limits, FIELD_OF[name])
    if name == "assets":
        return ", ".join(value) or ANY
    return dollars(value) if name.endswith("_usd") else format_percent_bps(value)


def used_as_words(so_far: Used) -> dict[str, str]:
    """What is used up, by the names of the limits it counts for."""
    return {
        "day_usd": dollars(so_far.day_pico),
        "month_usd": dollars(so_far.month_pico),
        "cost_month_usd": dollars(so_far.cost_month_pico),
    }


def limits_from_words(
    given: Mapping[str, str], listed: Mapping[str, ListedAsset], base_asset_id: str
) -> dict[str, Any]:
    """Fields of `Limits` with their values, out of names and words.

    Raises:
        BallastError: `invalid_input` with everything that does not read.
    """
    fields: dict[str, Any] = {}
    problems: list[dict[str, str]] = []
    for name, words in given.items():
        try:
            field = _field(name)
            fields[field] = _value(name, words, listed, base_asset_id)
        except BallastError as refusal:
            problems.append({"field": f"limits.{name[:40]}", "problem": refusal.message})
    if problems:
        names = ", ".join(problem["field"] for problem in problems)
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"{counted(len(problems), 'limit')} cannot be read: {names}.",
            problems=problems,
        )
    return fields


def narrowed(limits: Limits, given: Mapping[str, Any]) -> Limits:
    """The limits with some fields changed, none of them wider.

    Raises:
        BallastError: `limit_exceeded` naming every one that would be wider.
    """
    after = replace(limits, **given)
    wider = [NAME_OF[field] for field in widened(limits, after)]
    if wider:
        named = ", ".join(f"{name} ({grouped(words_of(limits, name))} now)" for name in wider)
        raise BallastError(
            ErrorCode.LIMIT_EXCEEDED,
            f"A conversation can only lower limits; this would widen {named}.",
            limits=[{"limit": name, "now": words_of(limits, name)} for name in wider],
        )
    return after


def _field(name: str) -> str:
    if name not in FIELD_OF:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"There is no limit of this name; there are: {', '.join(FIELD_OF)}.",
        )
    return FIELD_OF[name]


def _value(
    name: str, words: str, listed: Mapping[str, ListedAsset], base_asset_id: str
) -> int | tuple[str, ...]:
    if name.endswith("_usd"):
        return pico_of_dollars(words.strip().removeprefix("$"))
    if name.endswith("_percent"):
        return _percent(words)
    if words.strip().casefold() == ANY:
        return ()
    named = [one.strip() for one in words.split(",") if one.strip()]
    found = [resolve_asset(one, listed, base_asset_id=base_asset_id) for one in named]
    return tuple(dict.fromkeys(one.asset_id for one in found))


def _percent(words: str) -> int:
    bps = parse_percent_bps(words.strip().removesuffix("%").rstrip())
    if not 0 <= bps <= 10_000:
        raise BallastError(ErrorCode.INVALID_INPUT, "A percentage is from 0 to 100.")
    return bps
