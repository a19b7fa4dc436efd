"""What a quote costs and promises: fees, spread, amounts, in whole numbers.

Amounts are rounded against the asker.

Fees are those of the 1Click documentation of late 2026. The spread is the devnet's own, constant
per kind of pair:

| pair | spread |
|---|---|
| the same asset | 0 |
| one coin on two chains, or two stablecoins | 1 bp |
| a stablecoin against anything else | 4 bps |
| two volatile coins | 6 bps |
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Final

from ballast.devnet.books import FEES, SPREAD
from ballast.devnet.errors import Refusal
from ballast.devnet.market import PRICE_DECIMALS
from ballast.devnet.tokens import STABLE_COINS, Token

# The account that 1Click's own fee goes to, as seen in live echoes.
PLATFORM_RECIPIENT: Final = "5880ad2b362620fadf759cbceb1cd5737ce8c6ed7fb8e9942881e6731f9247dd"
PIPS: Final = 1_000_000  # a pip is a hundredth of a basis point, so half a basis point is exact
_PIPS_PER_BP: Final = 100
_CAP_BPS: Final = 500


@dataclass(frozen=True, slots=True)
class AppFee:
    """A partner's fee in basis points, as sent or as echoed."""

    recipient: str
    fee: int


@dataclass(frozen=True, slots=True)
class Charge:
    """A share of the amount in, in pips, which goes to an account of the books."""

    account: str
    pips: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Two prices and what is charged: turns an amount of one asset into the other."""

    origin: Token
    destination: Token
    price_in: Decimal
    price_out: Decimal
    charged_pips: int

    def _ratio(self) -> tuple[int, int]:
        """Destination base units per origin base unit after charges, as a fraction."""
        scale = 10**PRICE_DECIMALS
        above = int(self.price_in * scale) * 10**self.destination.decimals
        below = int(self.price_out * scale) * 10**self.origin.decimals
        return above * (PIPS - self.charged_pips), below * PIPS

    def out_for(self, units_in: int) -> int:
        """Destination base units for origin base units, rounded down."""
        above, below = self._ratio()
        return units_in * above // below

    def in_for(self, units_out: int) -> int:
        """The least origin base units that give at least `units_out`: rounded up."""
        above, below = self._ratio()
        return -(-units_out * below // above)


@dataclass(frozen=True, slots=True)
class Terms:
    """A quote as the settlement needs it. Amounts in base units; accounts are of the books."""

    swap_type: str
    origin: str
    destination: str
    amount_in: int
    min_amount_in: int
    amount_out: int
    min_amount_out: int
    refund_account: str
    refund_fee: int
    recipient_account: str
    withdraw_fee: int
    deadline_us: int
    charges: Sequence[Charge]

    def to_text(self) -> str:
        """As kept in the file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Terms:
        """Read back what `to_text` wrote."""
        fields = json.loads(text)
        fields["charges"] = [Charge(**charge) for charge in fields["charges"]]
        return cls(**fields)

    @property
    def charged_pips(self) -> int:
        """All charges together."""
        return sum(charge.pips for charge in self.charges)


def is_like_pair(origin: Token, destination: Token) -> bool:
    """Both stablecoins, or one coin on two chains: the pairs with the 1 bp fee."""
    both_stable = {origin.coin, destination.coin} <= STABLE_COINS
    return both_stable or origin.coin == destination.coin


def spread_bps(origin: Token, destination: Token) -> int:
    """The market makers' margin on this pair, from the table above."""
    if origin.asset_id == destination.asset_id:
        return 0
    if is_like_pair(origin, destination):
        return 1
    return 4 if STABLE_COINS & {origin.coin, destination.coin} else 6


def platform_fee_bps(
    origin: Token, destination: Token, has_key: bool, sent: Sequence[AppFee], insured: bool
) -> int:
    """What 1Click adds to the partner's own fees, in basis points, rounded up.

    Without a key 25. With one: 20, or 1 for like pairs; half of a partner's fee counts towards it.
    """
    extra = 2 if insured else 0
    if not has_key:
        return 25 + extra
    least = 1 if is_like_pair(origin, destination) else 20
    return max(0, least - sum(fee.fee for fee in sent) // 2) + extra


def echoed_fees(sent: Sequence[AppFee], platform_bps: int) -> list[AppFee]:
    """The fees as the answer names them; they add up to what is charged.

    Raises:
        Refusal: 400, if together they exceed 500 basis points.
    """
    own = [AppFee(PLATFORM_RECIPIENT, platform_bps)] if platform_bps else []
    echoed = [*sent, *own]
    if sum(fee.fee for fee in echoed) > _CAP_BPS:
        raise Refusal(400, f"Total app fees must not exceed {_CAP_BPS} basis points")
    return echoed


def charges(sent: Sequence[AppFee], platform_bps: int, has_key: bool, spread: int) -> list[Charge]:
    """Who gets what: with a key, partners keep half of their fee and 1Click the other half."""
    divisor = 2 if has_key else 1
    partners = [Charge(fee.recipient, fee.fee * _PIPS_PER_BP // divisor) for fee in sent]
    total = (sum(fee.fee for fee in sent) + platform_bps) * _PIPS_PER_BP
    platform = Charge(FEES, total - sum(charge.pips for charge in partners))
    return [*partners, platform, Charge(SPREAD, spread * _PIPS_PER_BP)]
