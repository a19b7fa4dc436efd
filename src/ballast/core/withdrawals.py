"""Money going out: what leaves, where it may go, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ballast.core.states import WithdrawalState


@dataclass(frozen=True, slots=True)
class Destination:
    """An address the owner allowed money to be sent to.

    Attributes:
        label: what the owner calls it; unique per owner.
        usable_at: when it may be used, by the wall clock and by the chain's clock alike: the
            later of the two counts, so that setting one of them forward gains nothing.
        wall_usable_at: the same by the machine's own clock.
    """

    destination_id: str
    owner_id: str
    label: str
    chain: str
    address: str
    memo: str | None
    added_at: datetime
    usable_at: datetime
    wall_usable_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One payment out of an index, or its liquidation into the base asset.

    Attributes:
        plan_id: the plan of the sales; used once, like every plan.
        everything: whether all that the sales bring is to leave, not a fixed amount.
        asked_units: base asset to be sent out, in base units; what a liquidation brings about.
        payout_asset_id, chain, address, memo: what is delivered and where; None for a liquidation.
        expected_units, minimum_units, fee_units: the quote of the preview, in units of what is
            delivered; the network fee is already taken off.
        sent_units: base asset that really left.
        delivered_units: what arrived, in units of what is delivered.
    """

    withdrawal_id: str
    owner_id: str
    index_id: str
    plan_id: str
    rebalance_id: str | None
    state: WithdrawalState
    everything: bool
    base_asset_id: str
    asked_units: int
    payout_asset_id: str | None
    chain: str | None
    address: str | None
    memo: str | None
    expected_units: int
    minimum_units: int
    fee_units: int
    sent_units: int | None
    delivered_units: int | None
    transactions: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    problem: str

    @property
    def payout_to_come(self) -> bool:
        """Whether its payout is added once its sales have ended."""
        return self.state is WithdrawalState.SELLING and self.payout_asset_id is not None
