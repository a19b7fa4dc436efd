"""What else may have brought an asset to an index: its other swaps and its deposits, and what the
venue says of each.

The order matters. First what is open is listed, then ledger and balance are read, and only then the
venue is asked about the others: whatever is in that balance has been said by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ballast.app.app import App
from ballast.app.engine.reconciliation import return_assets
from ballast.app.ports import SwapStatus, VenueStatus
from ballast.core.attribution import Claim
from ballast.core.deposits import Deposit
from ballast.core.states import DepositState, SwapState
from ballast.core.trading import Purpose, Swap
from ballast.errors import BallastError, ErrorCode

# Nobody says anything that can be used.
SILENCE: Final = frozenset({ErrorCode.VENUE_UNAVAILABLE, ErrorCode.VENUE_REFUSED})
# What a swap or deposit is left with when the balance contradicts the venue's word.
NOT_VISIBLE: Final = "Reported as done; the balance does not show it yet."
NOT_BACK: Final = "Reported as sent back; the balance does not show it yet."

_SENT: Final = (SwapState.SIGNED, SwapState.PUBLISHED, SwapState.ATTENTION)
_ON_THE_WAY: Final = (
    DepositState.AWAITING,
    DepositState.SEEN,
    DepositState.PROCESSING,
    DepositState.ATTENTION,
    DepositState.EXPIRED,
)


@dataclass(frozen=True, slots=True)
class Others:
    """What else is open at an index and may bring one asset."""

    asset_id: str
    swaps: tuple[Swap, ...]
    deposits: tuple[Deposit, ...]

    def __bool__(self) -> bool:
        return bool(self.swaps or self.deposits)


async def others_bringing(app: App, swap: Swap, asset_id: str) -> Others:
    """What may bring an asset beside this swap. To be read before ledger and balance."""
    async with app.store.read() as reader:
        swaps = await reader.swaps_of(swap.rebalance_id)
        deposits = await reader.list_deposits(swap.index_id, 1_000)
    return Others(
        asset_id,
        tuple(one for one in swaps if one.swap_id != swap.swap_id and _may_bring(one, asset_id)),
        tuple(
            [
                one
                for one in deposits
                if one.due_at
                and one.state in _ON_THE_WAY
                and (one.credit_asset_id == asset_id or asset_id in await return_assets(app, one))
            ]
        ),
    )


def _may_bring(swap: Swap, asset_id: str) -> bool:
    bought = swap.buy == asset_id and swap.purpose is not Purpose.PAYOUT
    return swap.state in _SENT and (bought or swap.sell == asset_id)


async def stuck_swaps(app: App, index_id: str, asset_id: str) -> Others:
    """The swaps that need attention and may yet bring an asset. To be read before the balance."""
    async with app.store.read() as reader:
        running = await reader.active_rebalance(index_id)
        swaps = await reader.swaps_of(running.rebalance_id) if running else []
    stuck = [one for one in swaps if one.state is SwapState.ATTENTION and one.buy == asset_id]
    return Others(asset_id, tuple(stuck), ())


async def claims_of(app: App, others: Others) -> list[Claim]:
    """What the venue says of each of them. To be asked after the balance was read."""
    claims = [await swap_claim(app, one, others.asset_id) for one in others.swaps]
    for deposit in others.deposits:
        claim = await _deposit_claim(app, deposit, others.asset_id)
        if claim is not None:
            claims.append(claim)
    return claims


async def swap_claim(app: App, swap: Swap, asset_id: str) -> Claim:
    """What a swap is said to have brought of what it buys, or sent back of what it sells."""
    status = await _told(app, swap.deposit_address or "", swap.deposit_memo)
    units: int | None = None
    if status is not None and status.status is VenueStatus.SUCCESS and swap.buy == asset_id:
        units = None if status.refunded_units else status.units_out
    elif status is not None and status.status is VenueStatus.REFUNDED and swap.sell == asset_id:
        units = status.refunded_units
    return Claim(units or None, is_doubted=is_doubted(swap))


def is_doubted(swap: Swap) -> bool:
    """Whether the balance has contradicted what the venue says of a swap, or it took too long."""
    return swap.state is SwapState.ATTENTION or swap.problem in (NOT_VISIBLE, NOT_BACK)


async def _deposit_claim(app: App, deposit: Deposit, asset_id: str) -> Claim | None:
    """As of a swap; None when nobody has paid to its address."""
    status = await _told(app, deposit.address, deposit.memo)
    unpaid = deposit.state in (DepositState.AWAITING, DepositState.EXPIRED)
    if unpaid and status is not None and status.status is VenueStatus.PENDING_DEPOSIT:
        return None
    units: int | None = None
    if status is not None and status.status is VenueStatus.SUCCESS:
        units = status.units_out if deposit.credit_asset_id == asset_id else None
    elif status is not None and status.status is VenueStatus.REFUNDED:
        units = status.refunded_units
    return Claim(units or None, is_doubted=deposit.state is DepositState.ATTENTION)


async def _told(app: App, address: str, memo: str | None) -> SwapStatus | None:
    try:
        return await app.venue.swap_status(address, memo)
    except BallastError as silent:
        if silent.code not in SILENCE:
            raise
        return None
