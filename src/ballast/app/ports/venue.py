"""Where swaps happen, what they cost, and who pays in paper mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ballast.core.index import Asset
from ballast.core.trading import Price


@dataclass(frozen=True, slots=True)
class ListedAsset:
    """An asset the venue trades now, with the venue's price."""

    asset: Asset
    price: Price
    contract: str | None


@dataclass(frozen=True, slots=True)
class SwapAsk:
    """What a quote is wanted for: sell exactly this much, both sides inside the venue."""

    account_id: str
    sell: str
    buy: str
    units: int
    slippage_bps: int
    deadline: datetime


@dataclass(frozen=True, slots=True)
class DepositAsk:
    """What a deposit address is wanted for. Refunds go to `refund_to` on the chain, or, when that
    is None, to the account inside the venue."""

    account_id: str
    pay_asset_id: str
    credit_asset_id: str
    units: int
    slippage_bps: int
    deadline: datetime
    refund_to: str | None


@dataclass(frozen=True, slots=True)
class WithdrawalAsk:
    """What an outward transfer is wanted for: sell exactly this much, deliver on a chain.

    Attributes:
        payout_asset_id: what is delivered; here a routing id is allowed.
        recipient, memo: address on the payout asset's chain.
    """

    account_id: str
    sell: str
    payout_asset_id: str
    units: int
    recipient: str
    memo: str | None
    slippage_bps: int
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Quote:
    """A venue's offer, checked: the echo matched, the amounts are sane, the fee is acceptable.

    Attributes:
        deposit_address, deposit_memo: the handle of the swap; None for a dry quote.
        minimum_in_units: the least that must be paid (equal to units_in for an exact input).
        deadline: our own deadline, never later than the venue's.
        fee_bps: what the venue says it charges, all recipients together.
        withdraw_fee_units: network fee of a delivery on a chain, in units of what is delivered;
            already taken off units_out. 0 inside the venue.
        wire: the venue's answer, JSON-ready, kept as evidence.
    """

    units_in: int
    minimum_in_units: int
    units_out: int
    minimum_out_units: int
    deposit_address: str | None
    deposit_memo: str | None
    deadline: datetime
    seconds: int
    fee_bps: int
    withdraw_fee_units: int
    wire: Mapping[str, object]


class VenueStatus(StrEnum):
    """The venue's own words for a swap; unknown for a word we do not know."""

    PENDING_DEPOSIT = "PENDING_DEPOSIT"
    KNOWN_DEPOSIT_TX = "KNOWN_DEPOSIT_TX"
    INCOMPLETE_DEPOSIT = "INCOMPLETE_DEPOSIT"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    REFUNDED = "REFUNDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class SwapStatus:
    """What the venue says became of a swap. Amounts in base units; None when it does not say.

    Attributes:
        transactions: hashes of the payments it saw.
        deliveries: hashes of what it delivered on another chain.
    """

    status: VenueStatus
    raw_status: str
    units_in: int | None
    units_out: int | None
    refunded_units: int | None
    deposited_units: int | None
    refund_reason: str
    transactions: tuple[str, ...]
    deliveries: tuple[str, ...]
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignedIntent:
    """A signed transfer, ready to be stored and then sent."""

    payload: str
    signature: str
    intent_hash: str
    nonce: str
    deadline: datetime


class PublishOutcome(StrEnum):
    """accepted: the venue has it (also when it says it had it before). rejected: it says it can
    never execute as it is. unknown: no answer, or none that proves anything."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PublishResult:
    """Outcome of sending an intent. `reason` is the venue's text, cleaned and capped."""

    outcome: PublishOutcome
    reason: str


class Venue(Protocol):
    """Where swaps happen. Every call has a total deadline.

    Raises (every method):
        BallastError: `venue_unavailable` when there is no usable answer; `venue_refused` or
            `quote_refused` when there is one and it says no, or fails our checks.
    """

    name: str

    async def list_assets(self) -> Mapping[str, ListedAsset]:
        """Everything traded now, by asset id. Cached for a short while."""
        ...

    def kept_assets(self, now: datetime) -> Mapping[str, ListedAsset] | None:
        """What `list_assets` would answer at this time without asking anybody, the very object that
        it gave before; None if it would ask."""
        ...

    async def quote_swap(self, ask: SwapAsk, *, firm: bool) -> Quote:
        """An offer; a firm one has a deposit address of its own and is never repeated blindly."""
        ...

    async def quote_deposit(self, ask: DepositAsk) -> Quote:
        """An address on the asset's chain, flexible about the amount that arrives."""
        ...

    async def quote_withdrawal(self, ask: WithdrawalAsk, *, firm: bool) -> Quote:
        """An offer to deliver on a chain.

        Raises:
            BallastError: `amount_too_low` with the network's minimum in `minimum_units` (of what
                is sold) when the amount is below it; `address_invalid` when the address does not
                fit the chain.
        """
        ...

    def check_address(self, chain: str, address: str, memo: str | None) -> None:
        """Whether an address can be one of the chain: its form, its checksum, a needed memo.

        Raises:
            BallastError: `address_invalid`, saying what is wrong.
        """
        ...

    async def preflight(self, intent: SignedIntent) -> str | None:
        """Why the contract would refuse a signed intent now; None when it would accept it, or
        when nobody can say."""
        ...

    async def current_salt(self) -> str:
        """The salt that new nonces must carry, 8 hex digits. Cached for some minutes."""
        ...

    async def publish(self, intent: SignedIntent) -> PublishResult:
        """Send a signed intent. A lost answer is `unknown`, not an error. Never raises."""
        ...

    async def swap_status(self, deposit_address: str, memo: str | None) -> SwapStatus | None:
        """What became of a swap or deposit; None when the venue does not know the address."""
        ...

    async def nonce_used(self, account_id: str, nonce: str) -> bool:
        """Whether an intent with this nonce has executed (reliable until the nonce's deadline)."""
        ...

    async def final_time(self) -> datetime:
        """Time of the last final block: nothing with an earlier deadline can still execute."""
        ...

    async def balances(self, account_id: str, asset_ids: Sequence[str]) -> dict[str, int]:
        """Base units per asset, from final state, for exactly the ids asked."""
        ...

    async def tokens_of(self, account_id: str) -> tuple[str, ...]:
        """Ids of everything the account holds, also what no index knows of."""
        ...


class Prices(Protocol):
    """Observations that passed the gates."""

    @property
    def newest(self) -> datetime | None:
        """When the newest price that was read was observed; None before the first."""
        ...

    async def get(self, asset_ids: Sequence[str]) -> Mapping[str, Price]:
        """A usable price for each asset.

        Raises:
            BallastError: `price_unavailable` naming every asset without one, with the reason.
        """
        ...


class PriceHistory(Protocol):
    """Prices of the past, from another source than the venue."""

    async def history(self, listed: ListedAsset, start: datetime, end: datetime) -> Sequence[Price]:
        """Prices from `start` to `end`, oldest first, one for each moment, as closely as it has
        them.

        Raises:
            BallastError: `price_unavailable` when there is no answer, or nothing is known of this
                asset.
        """
        ...


class OutsideWallet(Protocol):
    """Paper mode only: somebody else's wallet that can pay to a deposit address."""

    async def send(
        self, address: str, memo: str | None, asset_id: str, units: int, *, reference: str
    ) -> str:
        """Pay, and return the chain's transaction hash; the same reference never pays twice."""
        ...
