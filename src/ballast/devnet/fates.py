"""What a fault has in store for a swap: kept in its row until the time comes.

The words are those of the fault kinds; `outcomes` plays them out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FateKind(StrEnum):
    """The ways in which the service, once paid, does not do what it promised."""

    STUCK = "stuck"
    REFUNDED = "refunded"
    FAILED_KEEPS_MONEY = "failed-keeps-money"
    SUCCESS_BUT_REFUNDED = "success-but-refunded"
    SUCCESS_WITHOUT_MOVEMENT = "success-without-movement"
    BELOW_MINIMUM = "below-minimum"
    PAID_TWICE = "paid-twice"
    DELIVERY_FAILED = "delivery-failed"


@dataclass(frozen=True, slots=True)
class Fate:
    """One swap's fate with the settings of its fault."""

    kind: FateKind
    settings: Mapping[str, Any]

    def to_text(self) -> str:
        """As kept in the file."""
        return json.dumps({"kind": self.kind, "settings": dict(self.settings)})

    @classmethod
    def from_text(cls, text: str) -> Fate:
        """Read back what `to_text` wrote."""
        fields = json.loads(text)
        return cls(FateKind(fields["kind"]), fields["settings"])
