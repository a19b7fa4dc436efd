"""What an index does by itself, as a person agrees to it."""

from __future__ import annotations

from ballast.core.money import format_percent_bps
from ballast.core.policy import Auto, Band, Method, Policy
from ballast.core.schedule import dates_in_words
from ballast.core.wording import usd_shown


def by_itself(policy: Policy) -> str:
    """Everything that happens without being asked for, in sentences."""
    sentences = [_rebalances(policy)]
    if policy.invest_deposits:
        sentences.append("Deposits are invested when they arrive, by buying only.")
    else:
        sentences.append("Deposits stay cash.")
    if policy.purchase is not None:
        sentences.append(
            f"Cash of {usd_shown(policy.purchase.amount_pico)} is invested "
            f"{dates_in_words(policy.purchase.schedule)} ({policy.timezone}), by buying only."
        )
    if policy.quiet_hours is not None:
        hours = f"{policy.quiet_hours} ({policy.timezone})"
        sentences.append(f"Nothing is traded by itself during {hours}.")
    return " ".join(sentences)


def _rebalances(policy: Policy) -> str:
    if policy.auto is Auto.OFF or policy.method is Method.NONE:
        return "It is not rebalanced by itself."
    if policy.auto is Auto.TRADE:
        return f"It is rebalanced by itself, within the limits, {_when(policy)}."
    return f"You are told {_when(policy)}; nothing is sold by itself unless auto is trade."


def _when(policy: Policy) -> str:
    band = f"an asset is more than {_band(policy.band)} off"
    match policy.method:
        case Method.DRIFT:
            return f"when {band}"
        case Method.CALENDAR:
            return _dates(policy)
        case _:
            return f"{_dates(policy)} if {band}"


def _dates(policy: Policy) -> str:
    if policy.schedule is not None:
        return f"{dates_in_words(policy.schedule)} ({policy.timezone})"
    return f"every {policy.interval_days} days"


def _band(band: Band) -> str:
    parts = []
    if band.relative_bps is not None:
        parts.append(f"{format_percent_bps(band.relative_bps)} % of its target")
    if band.absolute_bps is not None:
        parts.append(f"{format_percent_bps(band.absolute_bps)} points")
    return " or ".join(parts)
