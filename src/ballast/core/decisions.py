"""Why Ballast traded, or did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """One check and what came of it.

    Attributes:
        reason: a closed reason code.
        facts: what it saw: prices with source and time, drift, cost, limits. JSON-ready; amounts
            as text.
        reference: id of the plan, rebalance or deposit it is about; empty when nothing was done.
    """

    decision_id: str
    owner_id: str
    index_id: str
    at: datetime
    reason: str
    summary: str
    reference: str
    facts: Mapping[str, object]
