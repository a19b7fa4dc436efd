"""Money coming in: an address to pay to, and the payments that arrive there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ballast.core.states import DepositState


@dataclass(frozen=True, slots=True)
class Deposit:
    """A quote-backed address for one index, one asset and one chain.

    Attributes:
        asset_id: what is paid, on `chain`.
        credit_asset_id: what arrives in the index: its base asset.
        address, memo: where to pay; the address belongs to this deposit alone.
        amount_units: what the quote was made for; None when the payer left it open.
        minimum_units: the least that will be converted; less is sent back after the deadline.
        expected_units: what the quote offers for `amount_units`, in the credit asset.
        deadline: until when the payment must have arrived.
        credited_units: what was booked.
        due_at: when the engine looks next; None when nothing more is expected.
    """

    deposit_id: str
    owner_id: str
    index_id: str
    state: DepositState
    asset_id: str
    chain: str
    credit_asset_id: str
    address: str
    memo: str | None
    amount_units: int | None
    quoted_units: int
    minimum_units: int
    expected_units: int
    fee_bps: int
    quote: Mapping[str, object]
    deadline: datetime
    credited_units: int | None
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    due_at: datetime | None
    attempts: int
    problem: str


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment seen at a deposit's address.

    Attributes:
        external_id: the chain's transaction hash, or the venue's id of it; unique per deposit.
    """

    payment_id: str
    owner_id: str
    deposit_id: str
    external_id: str
    units: int | None
    seen_at: datetime
