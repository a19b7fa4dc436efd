"""Spending limits. They live outside the conversation: a conversation can lower them, never widen.

Everything that has been spent, is reserved, or may have been spent counts, so that neither a retry
nor a crash resets a limit. Values are in pico-dollars, shares in basis points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ballast.core.money import BPS, PICO, dollars, format_percent_bps
from ballast.core.wording import usd_shown
from ballast.errors import BallastError, ErrorCode

if TYPE_CHECKING:
    from ballast.core.trading import RebalanceKind

DAY: Final = timedelta(days=1)
MONTH: Final = timedelta(days=30)
_ALMOST_A_MINUTE: Final = timedelta(minutes=1) - timedelta(microseconds=1)
ASSETS: Final = "allowed_assets"
# Kinds whose size is the owner's own decision: money that came, and money that leaves.
_OF_ANY_SHARE: Final = frozenset({"construct", "invest", "withdraw", "liquidate"})


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one index, or of all indexes of an owner together.

    Attributes:
        max_swap_pico: value of one swap.
        max_day_pico, max_month_pico: value of all swaps within a rolling 24 hours, and 30 days.
        max_run_bps: how much of the index's value one rebalance may trade. What a deposit buys and
            what a withdrawal sells is as large as the owner makes it, and is not counted here.
        max_cost_month_pico: fees and slippage within rolling 30 days.
        max_slippage_bps: how much worse than its quote a swap may end.
        max_fee_bps: what the venue may charge on one swap, as the quote shows it.
        confirm_above_pico: a run worth more needs a person's word, outside the conversation.
        allowed_assets: ids of the assets that may be bought; none named: any.
    """

    max_swap_pico: int = 1_000_000 * PICO
    max_day_pico: int = 10_000_000 * PICO
    max_slippage_bps: int = 100
    max_fee_bps: int = 150
    max_month_pico: int = 100_000_000 * PICO
    max_run_bps: int = BPS
    max_cost_month_pico: int = 1_000_000 * PICO
    confirm_above_pico: int = 10_000_000 * PICO
    allowed_assets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spending:
    """One swap that counts: settled, reserved, under way, or of unknown outcome.

    Attributes:
        value_pico: value of its input when it was planned.
        cost_pico: what it cost in fees and slippage; while it is under way, what was expected.
    """

    index_id: str
    at: datetime
    value_pico: int
    cost_pico: int


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A limit that the owner wants wider. It waits, by two clocks, before it holds.

    Attributes:
        index_id: whose limit; empty for the owner's own, over all indexes.
        field: name of the field of `Limits`.
        value: what it is to be, as `limit_text` writes it.
        usable_at, wall_usable_at: not before these, by the chain's clock and by the machine's.
        ended_at: when it was put in force, or given up; None while it waits.
        outcome: `waiting`, `in_force` or `given_up`.
        due_at: when the engine looks at it next.
    """

    change_id: str
    owner_id: str
    index_id: str
    field: str
    value: str
    asked_at: datetime
    usable_at: datetime
    wall_usable_at: datetime
    ended_at: datetime | None
    outcome: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person's word for one plan, given outside the conversation.

    Attributes:
        by: where it was given: `terminal`, or `client` for a question that the client put.
    """

    plan_id: str
    owner_id: str
    confirmed_at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Used:
    """What of the limits is used up at a moment.

    Attributes:
        day, month: what that is made of, oldest first.
    """

    day_pico: int = 0
    month_pico: int = 0
    cost_month_pico: int = 0
    day: tuple[Spending, ...] = ()
    month: tuple[Spending, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What is about to be started.

    Attributes:
        swaps_pico: value of each swap, and of a payout.
        cost_pico: fees and spread that are expected.
        index_pico: what the index is worth.
        buys: ids of the assets that are bought.
    """

    kind: RebalanceKind
    swaps_pico: tuple[int, ...]
    cost_pico: int
    index_pico: int
    buys: frozenset[str]

    @property
    def value_pico(self) -> int:
        """All swaps together."""
        return sum(self.swaps_pico)


def used(spent: Sequence[Spending], now: datetime) -> Used:
    """Add up what counts within the last day and the last 30 days.

    A swap counts for its limit until exactly 24 hours, or 30 days, have gone by.
    """
    month = sorted((one for one in spent if one.at > now - MONTH), key=lambda one: one.at)
    day = [one for one in month if one.at > now - DAY]
    return Used(
        day_pico=sum(one.value_pico for one in day),
        month_pico=sum(one.value_pico for one in month),
        cost_month_pico=sum(one.cost_pico for one in month),
        day=tuple(day),
        month=tuple(month),
    )


def room_from(
    spent: Sequence[tuple[datetime, int]], asked: int, most: int, window: timedelta
) -> datetime | None:
    """When enough has left a rolling window for `asked` to fit in, if nothing else is spent; None
    when it is more than the limit itself.

    Args:
        spent: when and how much, oldest first; all of it counts for `window`.
    """
    left = most - sum(pico for _, pico in spent)
    for at, pico in spent:
        left += pico
        if asked <= left:
            return at + window
    return None


def check_run(index: Limits, owner: Limits, run: Run, here: Used, everywhere: Used) -> None:
    """Check what is about to be reserved against the limits of its index and of its owner.

    Args:
        here: what of the index's limits is used up.
        everywhere: what of the owner's is, by all indexes together.

    Raises:
        BallastError: `limit_exceeded`, naming every limit that is broken, with what was asked and
            what is left.
    """
    broken = [*_broken(index, run, here, "index"), *_broken(owner, run, everywhere, "owner")]
    if broken:
        facts = [one.facts for one in broken]
        raise BallastError(ErrorCode.LIMIT_EXCEEDED, _sentences(broken), limits=facts)


def needs_person(index: Limits, owner: Limits, run: Run) -> bool:
    """Whether a run is so large that a person has to agree to it outside the conversation."""
    return run.value_pico > min(index.confirm_above_pico, owner.confirm_above_pico)


@dataclass(frozen=True, slots=True)
class _Broken:
    """A limit that does not allow a run.

    Attributes:
        says, what: a sentence in two parts; limits that say the same share the first one.
        room: from when on there is room, if nothing else is spent; None: never, or at once.
        facts: the same for machines.
    """

    says: str
    what: str
    room: datetime | None
    facts: Mapping[str, object]


def _sentences(broken: Sequence[_Broken]) -> str:
    """What was asked is said once, with all that is in its way."""
    told: list[str] = []
    for says in dict.fromkeys(one.says for one in broken):
        alike = [one for one in broken if one.says == says]
        # The same limit of the index and of the owner is told once.
        told.append(f"{says} {_listed(list(dict.fromkeys(one.what for one in alike)))}.")
        rooms = [one.room for one in alike if one.room is not None]
        if len(rooms) == len(alike):
            # To the next whole minute: before it there would not be.
            shown = max(rooms) + _ALMOST_A_MINUTE
            told.append(f"There is room for that from {shown:%Y-%m-%d %H:%M} UTC on.")
    return " ".join(told)


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def _broken(limits: Limits, run: Run, so_far: Used, whose: str) -> Iterator[_Broken]:
    together = " over all indexes" if whose == "owner" else ""
    largest = max(run.swaps_pico, default=0)
    if (most := limits.max_swap_pico) < largest:
        says = f"One swap of {usd_shown(largest)} is above"
        what = f"the limit of {usd_shown(most)} per swap"
        yield _over("per_swap", whose, says, what, (largest, most, most))
    for name, word, most, gone, spent, window in (
        ("per_day", "daily", limits.max_day_pico, so_far.day_pico, so_far.day, DAY),
        ("per_month", "30-day", limits.max_month_pico, so_far.month_pico, so_far.month, MONTH),
    ):
        left = max(most - gone, 0)
        if run.value_pico > left:
            says = f"Swaps of {usd_shown(run.value_pico)} are above"
            what = f"the {usd_shown(left)} left of the {word} limit{together}"
            values = [(one.at, one.value_pico) for one in spent]
            room = room_from(values, run.value_pico, most, window)
            yield _over(name, whose, says, what, (run.value_pico, left, most), room)
    most = limits.max_cost_month_pico
    left = max(most - so_far.cost_month_pico, 0)
    if run.cost_pico > left:
        says = f"Costs of {usd_shown(run.cost_pico)} are above"
        what = f"the {usd_shown(left)} left of the 30-day budget for fees and slippage{together}"
        costs = [(one.at, one.cost_pico) for one in so_far.month]
        room = room_from(costs, run.cost_pico, most, MONTH)
        yield _over("cost_per_month", whose, says, what, (run.cost_pico, left, most), room)
    yield from _broken_shares(limits, run, whose)


def _broken_shares(limits: Limits, run: Run, whose: str) -> Iterator[_Broken]:
    most = run.index_pico * limits.max_run_bps // BPS
    if run.kind.value not in _OF_ANY_SHARE and run.value_pico > most:
        says = f"This would trade {usd_shown(run.value_pico)} at once, more than"
        what = f"{format_percent_bps(limits.max_run_bps)} % of the index"
        yield _over("per_run", whose, says, what, (run.value_pico, most, most))
    others = sorted(run.buys - set(limits.allowed_assets)) if limits.allowed_assets else []
    if others:
        facts = {"limit": "allowed_assets", "of": whose, "assets": others}
        says = "The limits do not allow to buy"
        yield _Broken(says, ", ".join(others), None, facts)


def _over(
    name: str,
    whose: str,
    says: str,
    what: str,
    sums: tuple[int, int, int],
    room: datetime | None = None,
) -> _Broken:
    """A sum that is too large.

    Args:
        sums: what was asked, what is left, and the limit.
    """
    asked, left, most = sums
    facts = {
        "limit": name,
        "of": whose,
        "asked_usd": dollars(asked),
        "left_usd": dollars(left),
        "limit_usd": dollars(most),
        "room_from": room.isoformat() if room else None,
    }
    return _Broken(says, what, room, facts)


# --- changing them --------------------------------------------------------------------------------


def widened(before: Limits, after: Limits) -> list[str]:
    """Names of the fields in which `after` allows more than `before`."""
    wider = [
        one.name
        for one in fields(Limits)
        if one.name != ASSETS and getattr(after, one.name) > getattr(before, one.name)
    ]
    was, now = set(before.allowed_assets), set(after.allowed_assets)
    if was and (not now or now - was):
        wider.append(ASSETS)
    return wider


def limit_text(limits: Limits, field: str) -> str:
    """One limit as text: a whole number, or asset ids with commas between them."""
    value = getattr(limits, field)
    return ",".join(value) if field == ASSETS else str(value)


def with_limit(limits: Limits, field: str, text: str) -> Limits:
    """The limits with one of them replaced by what `limit_text` wrote."""
    value: object = tuple(one for one in text.split(",") if one) if field == ASSETS else int(text)
    changed: dict[str, Any] = {field: value}
    return replace(limits, **changed)
