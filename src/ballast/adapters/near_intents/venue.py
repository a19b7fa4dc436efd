"""The venue port on NEAR Intents."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

import structlog

from ballast.adapters.near_intents.addresses import check_address
from ballast.adapters.near_intents.asking import (
    deposit_request,
    swap_request,
    with_other_mode,
    withdrawal_request,
)
from ballast.adapters.near_intents.client import OneClick, unreadable
from ballast.adapters.near_intents.contract import VerifierViews
from ballast.adapters.near_intents.given_payload import receiver_of
from ballast.adapters.near_intents.listing import (
    Cached,
    DecimalsOnRecord,
    Listing,
    nothing_on_record,
)
from ballast.adapters.near_intents.publishing import (
    OneClickPublisher,
    Published,
    Publisher,
    publish_in_turn,
)
from ballast.adapters.near_intents.quotes import QuoteRules, checked_quote, refused_offer
from ballast.adapters.near_intents.refusals import (
    is_wrong_deposit_mode,
    plain_refusal,
    with_minimum,
)
from ballast.adapters.near_intents.signing import to_millis
from ballast.adapters.near_intents.wire import (
    QuoteRequest,
    StatusAnswer,
    SwapDetailsWire,
    read_units,
)
from ballast.app.ports import (
    Clock,
    DepositAsk,
    ListedAsset,
    PublishResult,
    Quote,
    SignedIntent,
    SwapAsk,
    SwapStatus,
    TransferOrder,
    VenueStatus,
    WithdrawalAsk,
)
from ballast.errors import BallastError, ErrorCode

log = structlog.get_logger(__name__)

NAME: Final = "near_intents"

_SALT: Final = re.compile(r"[0-9a-f]{8}", re.ASCII)
_REMEMBERED_ADDRESSES: Final = 10_000


@dataclass(frozen=True, slots=True)
class VenueSettings:
    """How this venue is used.

    Attributes:
        rules: what a quote must satisfy.
        payload_source: who writes the text that is signed: we do, or the venue does
            (`generate-intent`) and we check it to the letter.
        solver_wait_ms: how long 1Click collects solvers' offers for a quote.
        list_seconds: domain age at which the asset list is read again...
        list_real_seconds: ...and its age in real time, whichever comes first.
        salt_seconds: domain age at which the salt is read again.
        batch: ids per balance view, and per page of holdings.
    """

    rules: QuoteRules = field(default_factory=QuoteRules)
    payload_source: Literal["own", "venue"] = "own"
    solver_wait_ms: int = 3000
    list_seconds: float = 15
    list_real_seconds: float = 15
    salt_seconds: float = 300
    batch: int = 100


class NearIntentsVenue:
    """Implements `ballast.app.ports.Venue`; the rules of each method are written there.

    Args:
        publishers: ways to publish, in the order in which they are tried; 1Click's by default.
        on_record: the decimals of assets that were listed before; none by default.
    """

    name = NAME

    def __init__(
        self,
        one_click: OneClick,
        contract: VerifierViews,
        clock: Clock,
        settings: VenueSettings | None = None,
        publishers: Sequence[Publisher] = (),
        on_record: DecimalsOnRecord = nothing_on_record,
    ) -> None:
        self._one_click = one_click
        self._contract = contract
        self._settings = settings or VenueSettings()
        self._publishers = tuple(publishers) or (OneClickPublisher(one_click),)
        own = self._settings
        self._listing = Listing(on_record)
        self._assets = Cached(self._read_assets, clock, own.list_seconds, own.list_real_seconds)
        self._salt = Cached(self._read_salt, clock, own.salt_seconds, own.salt_seconds)
        self._given_out: OrderedDict[tuple[str, str | None], None] = OrderedDict()

    async def list_assets(self) -> Mapping[str, ListedAsset]:
        """Everything listed, by id. An asset without a readable price has price 0 of 1970, which
        no gate lets pass; an id listed twice, or with other decimals than before, is left out."""
        return await self._assets.get()

    def kept_assets(self, now: datetime) -> Mapping[str, ListedAsset] | None:
        """What `list_assets` would answer at this time without asking; None if it would ask."""
        return self._assets.kept_at(now)

    def check_address(self, chain: str, address: str, memo: str | None) -> None:
        """Refuse what cannot be an address of the chain, or needs a memo that has no place.

        Raises:
            BallastError: `address_invalid`.
        """
        check_address(chain, address, memo)

    async def quote_swap(self, ask: SwapAsk, *, firm: bool) -> Quote:
        """An exact input, from and to the account inside the venue."""
        request = swap_request(ask, firm=firm, wait_ms=self._settings.solver_wait_ms)
        try:
            return await self._quote(request, ask.deadline)
        except BallastError as error:
            raise plain_refusal(error) from None

    async def quote_deposit(self, ask: DepositAsk) -> Quote:
        """A flexible input on the asset's chain, credited to the account inside the venue."""
        pay = await self._listed(ask.pay_asset_id)
        request = deposit_request(ask, pay, wait_ms=self._settings.solver_wait_ms)
        try:
            return await self._quote(request, ask.deadline)
        except BallastError as error:
            if not is_wrong_deposit_mode(error):
                raise
        # Which chains want a memo is the venue's to say; a refusal has opened no address.
        return await self._quote(with_other_mode(request), ask.deadline)

    async def quote_withdrawal(self, ask: WithdrawalAsk, *, firm: bool) -> Quote:
        """An exact input from the account inside the venue, delivered on a chain."""
        payout = await self._listed(ask.payout_asset_id)
        check_address(payout.asset.chain, ask.recipient, ask.memo)
        request = withdrawal_request(ask, firm=firm, wait_ms=self._settings.solver_wait_ms)
        return await self._quote(request, ask.deadline)

    async def payload_for(self, order: TransferOrder) -> str | None:
        """The venue's text for a transfer, unchecked, when it is to write it; else None.

        Sign it with `signing.sign_given`, which holds it against the order.
        """
        if self._settings.payload_source == "own":
            return None
        return await self._one_click.generate_intent(order.signer_id, order.receiver_id)

    async def preflight(self, intent: SignedIntent) -> str | None:
        """The contract's reason by `simulate_intents`, which is free and changes nothing."""
        try:
            refusal = await self._contract.simulate(intent)
        except BallastError as error:
            log.warning("preflight_unanswered", problem=error.message)
            return None
        self._heed(refusal or "")
        return refusal

    async def current_salt(self) -> str:
        """The contract's salt; kept for some minutes, as earlier ones stay valid for a while."""
        return await self._salt.get()

    async def publish(self, intent: SignedIntent) -> PublishResult:
        """Send by one way after the other. Never raises: without an answer it is unknown."""
        published = await publish_in_turn(self._publishers, intent)
        self._heed(published.result.reason)
        await self._hint(intent, published)
        return published.result

    async def swap_status(self, deposit_address: str, memo: str | None) -> SwapStatus | None:
        """The venue's account of a swap; None for an address or memo it does not know."""
        answer = await self._one_click.status(deposit_address, memo)
        return None if answer is None else _status(answer)

    async def nonce_used(self, account_id: str, nonce: str) -> bool:
        """Whether the nonce is used. After `final_time` it is at least as fresh as that."""
        return await self._contract.is_nonce_used(account_id, nonce)

    async def final_time(self) -> datetime:
        """Time of the last final block of the chain."""
        return await self._contract.final_time()

    async def balances(self, account_id: str, asset_ids: Sequence[str]) -> dict[str, int]:
        """Base units of each asset, read in batches from final state."""
        found: dict[str, int] = {}
        for first in range(0, len(asset_ids), self._settings.batch):
            batch = asset_ids[first : first + self._settings.batch]
            units = await self._contract.balances(account_id, batch)
            found |= dict(zip(batch, map(_balance, units), strict=True))
        return found

    async def tokens_of(self, account_id: str) -> tuple[str, ...]:
        """Every asset id the account holds, page by page."""
        found: list[str] = []
        batch = self._settings.batch
        while True:
            page = await self._contract.tokens_of(account_id, len(found), batch)
            found += page
            if len(page) < batch:
                return tuple(dict.fromkeys(found))

    async def close(self) -> None:
        """Close all connections."""
        for publisher in self._publishers:
            await publisher.close()
        await self._one_click.close()
        await self._contract.close()

    async def _quote(self, request: QuoteRequest, deadline: datetime) -> Quote:
        """Ask, and check what comes back; both assets must be on the list."""
        sold = await self._listed(request.origin_asset)
        bought = await self._listed(request.destination_asset)
        try:
            response = await self._one_click.quote(request)
        except BallastError as error:
            raise with_minimum(error, sold) from None
        sides = {one.asset.asset_id: one.asset.decimals for one in (sold, bought)}
        rules = self._settings.rules
        quote = checked_quote(request, response, to_millis(deadline), rules, sides)
        self._refuse_second_use(quote)
        return quote

    def _refuse_second_use(self, quote: Quote) -> None:
        """An address that two swaps share would settle one of them with the other's money."""
        if quote.deposit_address is None:
            return
        handle = quote.deposit_address, quote.deposit_memo
        if handle in self._given_out:
            raise refused_offer(["its deposit address belongs to an earlier offer"])
        self._given_out[handle] = None
        while len(self._given_out) > _REMEMBERED_ADDRESSES:
            self._given_out.popitem(last=False)

    def _heed(self, reason: str) -> None:
        """The salt has been rotated: the next intent needs the new one."""
        if "invalid salt" in reason.lower():
            self._salt.forget()

    async def _hint(self, intent: SignedIntent, published: Published) -> None:
        """Tell 1Click which transaction pays, where that is known; it may do without."""
        if published.near_hash is None:
            return
        receiver_id, signer_id = receiver_of(intent.payload)
        try:
            await self._one_click.submit_deposit(receiver_id, published.near_hash, signer_id)
        except BallastError as error:
            log.info("deposit_hint_not_taken", problem=error.message)

    async def _listed(self, asset_id: str) -> ListedAsset:
        """What the venue lists under an id now: ids move and are retired.

        Raises:
            BallastError: `venue_refused` if it is not listed.
        """
        listed = (await self.list_assets()).get(asset_id)
        if listed is None:
            raise BallastError(
                ErrorCode.VENUE_REFUSED, "The venue does not list this asset.", asset_id=asset_id
            )
        return listed

    async def _read_assets(self) -> Mapping[str, ListedAsset]:
        return await self._listing.of(await self._one_click.tokens())

    async def _read_salt(self) -> str:
        salt = await self._contract.current_salt()
        if not _SALT.fullmatch(salt):
            raise unreadable("the verifier contract")
        return salt


def _status(answer: StatusAnswer) -> SwapStatus:
    known = answer.status in VenueStatus.__members__
    details = answer.swap_details or SwapDetailsWire()
    # Paid from inside, the payment is the settlement on NEAR; else it is on the asset's chain.
    inside = answer.deposit_type == "INTENTS"
    hashes = details.near_tx_hashes if inside else details.origin_chain_tx_hashes
    return SwapStatus(
        status=VenueStatus(answer.status) if known else VenueStatus.UNKNOWN,
        raw_status=answer.status,
        units_in=details.amount_in,
        units_out=details.amount_out,
        refunded_units=details.refunded_amount,
        deposited_units=details.deposited_amount,
        refund_reason=details.refund_reason or "",
        transactions=tuple(hashes or ()),
        deliveries=tuple(details.destination_chain_tx_hashes or ()),
        updated_at=answer.updated_at,
    )


def _balance(value: object) -> int:
    try:
        return read_units(value)
    except ValueError:
        raise unreadable("the verifier contract") from None
