"""Money in: an address to pay to; in paper mode also somebody who pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from ballast.app.app import App
from ballast.app.assets import (
    DEFAULT_BASE,
    HOME_CHAINS,
    chain_of,
    require_chain,
    require_listed,
    resolve_asset,
)
from ballast.app.fields import Amount, AssetName, DepositId, IndexId
from ballast.app.index_checks import known_index
from ballast.app.indexes import require_index
from ballast.app.inputs import RepeatableInput
from ballast.app.operation import Call, Output
from ballast.app.ports import DepositAsk, ListedAsset, Quote, Reader
from ballast.app.problems import Wrong
from ballast.app.switch import halt_warning
from ballast.app.views import AssetView
from ballast.core.deposits import Deposit
from ballast.core.ids import IdKind
from ballast.core.index import Asset, Index
from ballast.core.money import (
    PICO,
    format_amount,
    format_percent_bps,
    parse_amount,
    units_for_value,
)
from ballast.core.payment_uri import payment_uri
from ballast.core.states import DepositState
from ballast.errors import BallastError, ErrorCode

# How a decision begins that leaves a deposit uninvested.
KEPT: Final = "Kept as cash"
_PAID_BEFORE: Final = "It was paid before, so nothing more has been sent. "
_KEPT_WHILE_HALTED: Final = "What arrives meanwhile is credited and kept as cash."
# How long an address stays open, and how much a flexible payment may differ from the quote.
DEPOSIT_LIFETIME: Final = timedelta(hours=24)
DEPOSIT_SLIPPAGE_BPS: Final = 100
# An address that closes sooner than this is not given out again.
LEAST_TIME_LEFT: Final = timedelta(hours=1)
# Without an amount the quote is made for this much; any larger payment is good as well.
OPEN_AMOUNT_PICO: Final = 10 * PICO


class DepositAddress(RepeatableInput):
    """Input of deposit_address."""

    index_id: IndexId
    asset: Annotated[
        AssetName, Field(description="What will be paid: a symbol such as USDC, or an asset id.")
    ] = "USDC"
    chain: Annotated[
        str | None,
        Field(max_length=40, description="Chain it is paid on, such as base or ethereum."),
    ] = None
    amount: Annotated[
        Amount | None,
        Field(description="How much will be paid, in whole units; leave out if not known yet."),
    ] = None


class SendPaperDeposit(RepeatableInput):
    """Input of send_paper_deposit."""

    deposit_id: DepositId
    amount: Annotated[
        Amount | None,
        Field(description="Whole units to pay; by default what the address was made for."),
    ] = None


class DepositView(Output):
    """A deposit address, or how its payment stands."""

    deposit_id: str
    index_id: str
    state: str
    pay: AssetView
    address: str
    memo: str | None
    payment_uri: str | None
    amount: str | None
    minimum_amount: str
    credit: AssetView
    expected_amount: str
    credited_amount: str | None
    credited_amount_units: str | None
    fee_percent: str
    pay_before: datetime
    problem: str
    warning: Annotated[str, Field(description="What would stop it now; usually nothing.")] = ""
    next_step: str


class PaperPaymentView(Output):
    """A payment the outside wallet has made."""

    deposit_id: str
    index_id: str
    state: str
    paid_amount: str
    pay: AssetView
    warning: Annotated[str, Field(description="What would stop it now; usually nothing.")] = ""
    next_step: str


async def check_deposit(app: App, call: Call, given: DepositAddress, wrong: Wrong) -> None:
    """What is wrong with a wish for an address."""
    listed = await app.venue.list_assets()
    index = await known_index(app, call, given.index_id, wrong)
    chain_known = not given.chain
    if given.chain:
        with wrong.about("chain"):
            require_chain(chain_of(given.chain), listed)
            chain_known = True
    if not given.asset:
        return
    with wrong.about("asset"):
        if not chain_known:
            require_listed(given.asset, listed)
            return
        pay = _pay_asset(given, listed, index.base_asset_id if index else DEFAULT_BASE)
        with wrong.about("amount"):
            parse_amount(given.amount or "1", pay.decimals)


async def deposit_address(app: App, call: Call, given: DepositAddress) -> DepositView:
    """Get an address to fund an index from outside. What arrives becomes its base asset and is
    invested by buying only. An open address for the same asset, chain and amount is given again."""
    listed = await app.venue.list_assets()
    async with app.store.read() as reader:
        index = await require_index(reader, call.owner_id, given.index_id)
        pay = _pay_asset(given, listed, index.base_asset_id)
        units = parse_amount(given.amount, pay.decimals) if given.amount else None
        same = await _open_deposit(app, reader, index, pay, units)
    if same is None:
        same = await _new_deposit(app, call, index, listed[pay.asset_id], units)
    async with app.store.transaction() as tx:
        again = await _open_deposit(app, tx, index, pay, units)
        deposit = again or same
        if again is None:
            await _require_new_address(tx, deposit)
            await tx.add_asset(pay)
            await tx.add_deposit(deposit)
        assets = await tx.get_assets([deposit.asset_id, deposit.credit_asset_id])
        uri = _uri(deposit, listed[pay.asset_id])
        warning = await halt_warning(app, tx, call.owner_id, _KEPT_WHILE_HALTED, opens_risk=True)
        view = deposit_view(app.mode, deposit, assets, uri=uri).model_copy(
            update={"warning": warning}
        )
        await call.record(app, tx, view, deposit.deposit_id)
    app.work_waiting.set()
    return view


async def _require_new_address(reader: Reader, deposit: Deposit) -> None:
    """An address belongs to one deposit or swap for ever: money that comes there is that one's.

    Raises:
        BallastError: `quote_refused`.
    """
    if await reader.address_taken(deposit.address, deposit.memo):
        raise BallastError(
            ErrorCode.QUOTE_REFUSED,
            "The venue offered an address that belongs to an earlier deposit or swap.",
        )


def _uri(deposit: Deposit, pay: ListedAsset) -> str | None:
    """A link to pay with; none where a memo is due, because a link that loses it loses money."""
    if deposit.memo is not None:
        return None
    return payment_uri(
        chain=deposit.chain,
        contract=pay.contract,
        address=deposit.address,
        units=deposit.amount_units,
        decimals=pay.asset.decimals,
    )


async def send_paper_deposit(app: App, call: Call, given: SendPaperDeposit) -> PaperPaymentView:
    """Paper money only: play the outside wallet that pays a deposit address. Follow the deposit
    with get_progress."""
    if app.outside_wallet is None:
        raise BallastError(
            ErrorCode.NOT_IN_THIS_MODE, "Live deposits are paid from the owner's own wallet."
        )
    async with app.store.read() as reader:
        deposit = await require_deposit(reader, call.owner_id, given.deposit_id)
        assets = await reader.get_assets([deposit.asset_id])
    units = _payment_units(deposit, assets[deposit.asset_id], given.amount)
    if deposit.state is not DepositState.AWAITING or app.clock.now() >= deposit.deadline:
        raise BallastError(
            ErrorCode.DEPOSIT_CLOSED,
            f"This deposit is {deposit.state.value} and takes no further payment.",
            deposit_id=deposit.deposit_id,
        )
    async with app.store.read() as reader:
        before = await _paid_before(reader, deposit, units)
        warning = await halt_warning(
            app, reader, call.owner_id, _KEPT_WHILE_HALTED, opens_risk=True
        )
    # The deposit's id is the payment's reference: however often this is repeated, it pays once.
    await app.outside_wallet.send(
        deposit.address, deposit.memo, deposit.asset_id, units, reference=deposit.deposit_id
    )
    pay = assets[deposit.asset_id]
    view = PaperPaymentView(
        mode=app.mode,
        deposit_id=deposit.deposit_id,
        index_id=deposit.index_id,
        state=deposit.state.value,
        paid_amount=format_amount(units, pay.decimals),
        pay=AssetView.of(pay),
        warning=warning,
        next_step=f"{_PAID_BEFORE if before else ''}"
        f"Call get_progress with id={deposit.deposit_id} until it is done.",
    )
    async with app.store.transaction() as tx:
        await tx.put_meta(_paid_key(deposit), str(units))
        present = await require_deposit(tx, call.owner_id, given.deposit_id)
        if present.state is DepositState.AWAITING:
            now = app.clock.now()
            looked_at = replace(present, due_at=now, attempts=0, updated_at=now)
            await tx.save_deposit(looked_at, was=DepositState.AWAITING)
        await call.record(app, tx, view, deposit.deposit_id)
    app.work_waiting.set()
    return view


async def _paid_before(reader: Reader, deposit: Deposit, units: int) -> bool:
    """Whether just this was paid already, so that nothing more is sent.

    Raises:
        BallastError: `deposit_closed` when another amount was.
    """
    paid = await reader.get_meta(_paid_key(deposit))
    if paid is not None and paid != str(units):
        raise BallastError(
            ErrorCode.DEPOSIT_CLOSED,
            "This deposit has been paid already, with another amount.",
            deposit_id=deposit.deposit_id,
        )
    return paid is not None


def _paid_key(deposit: Deposit) -> str:
    return f"paper_payment:{deposit.deposit_id}"


def _payment_units(deposit: Deposit, asset: Asset, amount: str | None) -> int:
    if amount is not None:
        return parse_amount(amount, asset.decimals)
    if deposit.amount_units is None:
        raise BallastError(
            ErrorCode.INVALID_AMOUNT,
            "This address was made without an amount, so say how much to pay.",
            deposit_id=deposit.deposit_id,
        )
    return deposit.amount_units


async def require_deposit(reader: Reader, owner_id: str, deposit_id: str) -> Deposit:
    """The deposit.

    Raises:
        BallastError: `not_found`.
    """
    deposit = await reader.get_deposit(owner_id, deposit_id)
    if deposit is None:
        raise BallastError(ErrorCode.NOT_FOUND, "There is no such deposit.", deposit_id=deposit_id)
    return deposit


def _pay_asset(
    given: DepositAddress, listed: Mapping[str, ListedAsset], base_asset_id: str
) -> Asset:
    asset = _payable(given, listed, base_asset_id)
    if given.chain and asset.chain != chain_of(given.chain):
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"This asset is on {asset.chain}, not on the chain that was named.",
            problems=[{"field": "chain", "problem": f"this asset id is on {asset.chain}"}],
        )
    return asset


def _payable(given: DepositAddress, listed: Mapping[str, ListedAsset], base_asset_id: str) -> Asset:
    """What is to be paid. A coin means the one on its own chain; an asset that can be held comes
    first, but what the venue only delivers to a chain can be paid from that chain as well."""
    word, base = given.asset.strip(), base_asset_id
    home = HOME_CHAINS.get(word.upper(), (None,))[0] if word not in listed else None
    for chain, deliver in ((given.chain or home, False), (given.chain or home, True)):
        try:
            return resolve_asset(word, listed, base_asset_id=base, chain=chain, deliver=deliver)
        except BallastError as refusal:
            if refusal.code is not ErrorCode.UNKNOWN_ASSET:
                raise
    return resolve_asset(word, listed, base_asset_id=base, chain=given.chain)


async def _open_deposit(
    app: App, reader: Reader, index: Index, pay: Asset, units: int | None
) -> Deposit | None:
    """An address of this index for the same asset and amount that nobody has paid to yet, and that
    leaves time to pay."""
    now = app.clock.now()
    for deposit in await reader.list_deposits(index.index_id, 50):
        same = (deposit.asset_id, deposit.amount_units) == (pay.asset_id, units)
        waiting = (
            deposit.state is DepositState.AWAITING and now + LEAST_TIME_LEFT < deposit.deadline
        )
        if same and waiting and await reader.get_meta(_paid_key(deposit)) is None:
            return deposit
    return None


async def _new_deposit(
    app: App, call: Call, index: Index, pay: ListedAsset, units: int | None
) -> Deposit:
    now = app.clock.now()
    asked = units or _open_units(pay)
    ask = DepositAsk(
        account_id=index.account_id,
        pay_asset_id=pay.asset.asset_id,
        credit_asset_id=index.base_asset_id,
        units=asked,
        slippage_bps=DEPOSIT_SLIPPAGE_BPS,
        deadline=now + DEPOSIT_LIFETIME,
        refund_to=None,
    )
    quote = await app.venue.quote_deposit(ask)
    return _deposit_of(app, call, index, pay.asset, units, quote, now)


def _open_units(pay: ListedAsset) -> int:
    if not pay.price.usd:
        raise BallastError(
            ErrorCode.PRICE_UNAVAILABLE,
            "The venue gives no price of this asset, so say how much will be paid.",
            asset_id=pay.asset.asset_id,
        )
    return units_for_value(OPEN_AMOUNT_PICO, pay.asset.decimals, pay.price.usd)


def _deposit_of(
    app: App,
    call: Call,
    index: Index,
    pay: Asset,
    units: int | None,
    quote: Quote,
    now: datetime,
) -> Deposit:
    assert quote.deposit_address is not None, "a deposit quote always has an address"
    return Deposit(
        deposit_id=app.ids.new(IdKind.DEPOSIT),
        owner_id=call.owner_id,
        index_id=index.index_id,
        state=DepositState.AWAITING,
        asset_id=pay.asset_id,
        chain=pay.chain,
        credit_asset_id=index.base_asset_id,
        address=quote.deposit_address,
        memo=quote.deposit_memo,
        amount_units=units,
        quoted_units=quote.units_in,
        minimum_units=quote.minimum_in_units,
        expected_units=quote.units_out,
        fee_bps=quote.fee_bps,
        quote=quote.wire,
        deadline=quote.deadline,
        credited_units=None,
        created_at=now,
        updated_at=now,
        ended_at=None,
        due_at=now + timedelta(seconds=1),
        attempts=0,
        problem="",
    )


def deposit_view(
    mode: str, deposit: Deposit, assets: Mapping[str, Asset], *, uri: str | None = None
) -> DepositView:
    """A deposit as people read it; with a link to pay it while that is what is wanted."""
    pay, credit = assets[deposit.asset_id], assets[deposit.credit_asset_id]
    credited = deposit.credited_units
    return DepositView(
        mode=mode,
        deposit_id=deposit.deposit_id,
        index_id=deposit.index_id,
        state=deposit.state.value,
        pay=AssetView.of(pay),
        address=deposit.address,
        memo=deposit.memo,
        payment_uri=uri,
        amount=None
        if deposit.amount_units is None
        else format_amount(deposit.amount_units, pay.decimals),
        minimum_amount=format_amount(deposit.minimum_units, pay.decimals),
        credit=AssetView.of(credit),
        expected_amount=format_amount(deposit.expected_units, credit.decimals),
        credited_amount=None if credited is None else format_amount(credited, credit.decimals),
        credited_amount_units=None if credited is None else str(credited),
        fee_percent=format_percent_bps(deposit.fee_bps),
        pay_before=deposit.deadline,
        problem=deposit.problem,
        next_step=deposit_next_step(mode, deposit),
    )


def deposit_next_step(mode: str, deposit: Deposit) -> str:
    """What to do now, by state."""
    match deposit.state:
        case DepositState.AWAITING if mode == "paper":
            return "Call send_paper_deposit to play the payer, then follow with get_progress."
        case DepositState.AWAITING:
            return "Send the asset to the address on its chain, then follow with get_progress."
        case DepositState.SEEN if deposit.problem:
            return "Pay what is missing to the same address, then follow with get_progress."
        case DepositState.SEEN | DepositState.PROCESSING:
            return "The payment is on its way: call get_progress again."
        case DepositState.CREDITED if deposit.ended_at is None:
            return "The money has arrived and is to be invested: call get_progress again."
        case DepositState.CREDITED:
            return "The money has arrived: call get_index."
        case DepositState.REFUNDED:
            return (
                "What came back is held in the index: preview_rebalance puts it to use. "
                "To pay again call deposit_address for a new address."
            )
        case DepositState.EXPIRED:
            return (
                "Nothing came in time; a late payment would still be seen. "
                "Call deposit_address for a new address."
            )
        case _:
            return (
                "The owner should look: the problem says what is known, and it is still watched. "
                f"For the venue's support: ballast incident {deposit.deposit_id}, in a terminal."
            )
