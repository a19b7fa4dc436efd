"""Counts over everybody's rows, for whoever watches the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from ballast.core.states import IntentState


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """What the rows say, over all owners.

    Attributes:
        intents: how many there are in each state; 0 for the others.
        oldest_open_intent: when the oldest one was signed whose outcome is not known.
        in_flight: base units by asset that have been sent and not come back.
        unexplained: base units by asset that nobody can account for; amounts, whatever the sign,
            so that one index does not hide another.
        usd: the price seen last, by asset, of what is in flight; those without one are missing.
        decimals: of these assets.
        reconcile_at: when the index is due that has waited longest to be compared with the venue.
        untold_events: how many were not handed on yet.
        pending_deliveries, dead_deliveries: how many events wait for a webhook, and how many were
            given up.
        webhooks_failing: how many do not answer now.
        owners_halted: how many have a kill switch of their own set.
    """

    intents: Mapping[IntentState, int]
    oldest_open_intent: datetime | None
    in_flight: Mapping[str, int]
    unexplained: Mapping[str, int]
    usd: Mapping[str, Decimal]
    decimals: Mapping[str, int]
    reconcile_at: datetime | None
    untold_events: int
    pending_deliveries: int
    dead_deliveries: int
    webhooks_failing: int
    owners_halted: int


class FiguresReader(Protocol):
    """Reads that belong to no owner."""

    async def figures(self) -> StoreFigures:
        """Several queries, so it needs the consistent view of `read`."""
        ...

    async def revision_fault(self) -> str | None:
        """What keeps the tables from being those that this Ballast knows, as a sentence; None when
        they are."""
        ...
