"""What is set by hand before real money is touched, and what is wide on paper."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.core.limits import Limits

# How long a new destination waits before money may be sent to it.
WIDENING_DELAY: Final = {"paper": timedelta(), "live": timedelta(hours=24)}


def live_problems(settings: Settings) -> list[str]:
    """What must be set by hand before real money is touched."""
    wanted: dict[str, object] = {
        "BALLAST_LIMIT_SWAP_USD": settings.limit_swap_usd,
        "BALLAST_LIMIT_DAY_USD": settings.limit_day_usd,
    }
    if set(settings.publish) & {"oneclick", "relay"}:
        wanted["BALLAST_ONECLICK_API_KEY"] = settings.oneclick_api_key
    return [f"Set {name}." for name, value in wanted.items() if value is None]


def default_limits(settings: Settings) -> Limits:
    """Limits of an owner and of new indexes, until `ballast limits` changes them.

    Wide on paper. In live mode the settings give the first two, and the others follow from them:
    ten such days in 30, half of an index at once, costs of 1 % of that, and a person's word for
    more than half a day's worth.
    """
    from ballast.core.limits import Limits
    from ballast.core.money import PICO

    wide = Limits()
    swap, day = settings.limit_swap_usd, settings.limit_day_usd
    set_by_hand = replace(
        wide,
        max_swap_pico=int(swap) * PICO if swap else wide.max_swap_pico,
        max_day_pico=int(day) * PICO if day else wide.max_day_pico,
    )
    if settings.mode == "paper":
        return set_by_hand
    month_pico = 10 * set_by_hand.max_day_pico
    return replace(
        set_by_hand,
        max_month_pico=month_pico,
        max_run_bps=5_000,
        max_cost_month_pico=month_pico // 100,
        confirm_above_pico=set_by_hand.max_day_pico // 2,
    )
