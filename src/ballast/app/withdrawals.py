"""Money out: preview what would be sold and sent, then do it with the plan's id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from ballast.app.app import App
from ballast.app.assets import require_listed, resolve_asset
from ballast.app.destinations import list_destinations, require_destination, require_usable
from ballast.app.fields import Amount, AssetName, Flag, IndexId, PlanId, Share
from ballast.app.index_checks import known_index
from ballast.app.indexes import require_index
from ballast.app.inputs import RepeatableInput
from ballast.app.limits import require_within_limits
from ballast.app.operation import Call, Output
from ballast.app.payouts import new_payout
from ballast.app.planning import PLAN_LIFETIME, Situation, plan_sale, survey
from ballast.app.ports import ListedAsset, Quote, Transaction, WithdrawalAsk
from ballast.app.problems import Wrong
from ballast.app.rebalances import NOT_NOW, refuse_second, require_plan, reserve_plan
from ballast.app.switch import halt_warning, require_trading
from ballast.app.views import AssetView, PlannedSwapView
from ballast.core.ids import IdKind
from ballast.core.index import Asset, Index
from ballast.core.money import (
    BPS,
    dollars,
    format_amount,
    parse_amount,
    parse_percent_bps,
    units_for_value,
    value_pico,
)
from ballast.core.states import IndexState, WithdrawalState, move
from ballast.core.trading import Plan, Starter
from ballast.core.withdrawals import Destination, Withdrawal
from ballast.core.wording import usd_shown
from ballast.errors import BallastError, ErrorCode


class PreviewWithdrawal(RepeatableInput):
    """Input of preview_withdrawal."""

    index_id: IndexId
    amount: Annotated[
        Amount | None, Field(description="What is to leave, in whole units of the base asset.")
    ] = None
    share_percent: Annotated[
        Share | None, Field(description="Instead of amount: share of the index's value.")
    ] = None
    everything: Annotated[
        Flag, Field(description="Instead of amount: sell everything and send all of it.")
    ] = False
    destination: Annotated[
        str | None,
        Field(
            max_length=140,
            description="Label or address from the owner's list; leave out with everything to "
            "sell all into the base asset and keep it.",
        ),
    ] = None
    asset: Annotated[
        AssetName | None,
        Field(description="What is delivered; by default the stablecoin of the base asset."),
    ] = None

    def together(self, named: frozenset[str]) -> Iterable[str]:
        """How much, said in one way; and where to."""
        everything = self.everything is not False
        if len(named & {"amount", "share_percent"}) + everything != 1:
            yield "needs exactly one of amount, share_percent and everything"
        if "destination" not in named and not everything:
            yield "needs a destination, unless everything is sold into the base asset"


class Withdraw(RepeatableInput):
    """Input of withdraw."""

    index_id: IndexId
    plan_id: PlanId


class WithdrawalView(Output):
    """A withdrawal: what is sold, what is sent, what it costs, what is left."""

    withdrawal_id: str
    plan_id: str
    index_id: str
    state: str
    swaps: list[PlannedSwapView]
    send_amount: str
    send_amount_units: str
    base: AssetView
    payout: AssetView | None
    address: str | None
    memo: str | None
    expected_amount: str | None
    minimum_amount: str | None
    network_fee: str | None
    swap_fee_usd: str
    left_usd: str
    expires_at: datetime
    warning: Annotated[str, Field(description="What would stop it now; usually nothing.")] = ""
    next_step: str


class WithdrawalStarted(Output):
    """A withdrawal that is being carried out."""

    withdrawal_id: str
    plan_id: str
    index_id: str
    state: str
    send_amount: str
    base: AssetView
    next_step: str


_ASK_FOR_LESS: Final = "Ask for less, which details say how much, or for everything."
_STOPPED: Final = "withdraw will refuse this plan, which expires in minutes: preview it again then."


@dataclass(frozen=True, slots=True)
class Payout:
    """What is to be delivered, where, and the dry quote for it."""

    asset: Asset
    destination: Destination
    quote: Quote


async def check_withdrawal(app: App, call: Call, given: PreviewWithdrawal, wrong: Wrong) -> None:
    """What is wrong with a wish for money out, but for how much there is."""
    listed = await app.venue.list_assets()
    index = await known_index(app, call, given.index_id, wrong)
    if index and given.amount and index.base_asset_id in listed:
        with wrong.about("amount"):
            parse_amount(given.amount, listed[index.base_asset_id].asset.decimals)
    place = None
    if given.destination:
        with wrong.about("destination"):
            place = await require_destination(app, call.owner_id, given.destination)
    if given.asset and place:
        with wrong.about("asset"):
            _asset_for(place, given.asset, listed)
    elif given.asset:
        with wrong.about("asset"):
            require_listed(given.asset, listed)


async def preview_withdrawal(app: App, call: Call, given: PreviewWithdrawal) -> WithdrawalView:
    """Price a withdrawal without doing it: what is sold first, what is sent where, network fee and
    minimum, what is left. If the owner agrees, call withdraw with its plan_id."""
    listed = await app.venue.list_assets()
    async with app.store.read() as reader:
        index = await require_index(reader, call.owner_id, given.index_id)
        _require_funded(index)
        await refuse_second(reader, index)
    seen = await survey(app, index)
    asked = _asked_units(given, seen)
    plan = await plan_sale(app, seen, asked, liquidate=given.destination is None)
    units = _units_to_send(given, seen, plan, asked)
    payout = None
    if given.destination is not None:
        place = await require_destination(app, call.owner_id, given.destination)
        payout = await _payout(app, index, given, listed, place, units)
    withdrawal = _withdrawal(app, index, plan, given, units, payout)
    assets = dict(seen.assets)
    if payout is not None:
        assets[payout.asset.asset_id] = payout.asset
    async with app.store.transaction() as tx:
        warning = await halt_warning(app, tx, call.owner_id, _STOPPED, opens_risk=False)
        view = _view(app.mode, withdrawal, plan, assets)
        if warning:
            view = view.model_copy(update={"warning": warning, "next_step": NOT_NOW})
        if payout is not None:
            await tx.add_asset(payout.asset)
        await tx.add_plan(plan)
        await tx.add_withdrawal(withdrawal)
        await call.record(app, tx, view, withdrawal.withdrawal_id)
    return view


async def withdraw(app: App, call: Call, given: Withdraw) -> WithdrawalStarted:
    """Carry out a withdrawal the owner has seen and agreed to: sell, then send. Returns at once;
    follow it with get_progress. A plan is used once."""
    async with app.store.read() as reader:
        planned = await reader.withdrawal_of_plan(call.owner_id, given.plan_id)
    if planned is None:
        raise BallastError(
            ErrorCode.NOT_FOUND, "There is no such withdrawal plan.", plan_id=given.plan_id
        ).advising("Check the id, or call preview_withdrawal for a new plan.")
    if planned.state is not WithdrawalState.PLANNED:
        raise BallastError(
            ErrorCode.PLAN_USED,
            "This withdrawal has been started already.",
            plan_id=planned.plan_id,
            withdrawal_id=planned.withdrawal_id,
        ).advising(
            "A plan is used once. Follow its withdrawal with get_progress, or call "
            "preview_withdrawal for a new one."
        )
    if planned.address is not None:
        await _still_allowed(app, planned)
    async with app.store.transaction() as tx:
        index = await require_index(tx, call.owner_id, given.index_id)
        plan = await require_plan(app, tx, call.owner_id, given.index_id, given.plan_id)
        _require_something(plan, planned)
        assets = await tx.get_assets([planned.base_asset_id])
        await require_trading(app, tx, call.owner_id, opens_risk=False)
        sent = _payout_value(planned, plan, assets)
        await require_within_limits(app, tx, index, plan, Starter.PERSON, payout_pico=sent)
        started = await start_withdrawal(app, tx, index, plan, planned)
        view = _started_view(app.mode, started, assets)
        await call.record(app, tx, view, started.withdrawal_id)
    app.work_waiting.set()
    return view


# --- what is asked --------------------------------------------------------------------------------


def _require_funded(index: Index) -> None:
    """Money may leave a paused index, but there is none in one that was never funded."""
    if index.state is IndexState.PENDING:
        raise BallastError(
            ErrorCode.INDEX_PENDING, "This index has not been funded yet.", index_id=index.index_id
        )


def _asked_units(given: PreviewWithdrawal, seen: Situation) -> int:
    """What is to leave, in base units of the base asset; for everything, all that it is worth."""
    base = seen.assets[seen.index.base_asset_id]
    whole = in_base(seen, seen.drift.value_pico)
    if given.everything:
        return whole
    if given.share_percent is not None:
        return _share_units(given.share_percent, whole, base)
    assert given.amount is not None, "the input has exactly one of the three"
    units = parse_amount(given.amount, base.decimals)
    if units > whole:
        raise BallastError(
            ErrorCode.INSUFFICIENT_HOLDINGS,
            f"The index is worth {usd_shown(seen.drift.value_pico)}; that is less than is asked.",
            available=format_amount(whole, base.decimals),
        ).advising(_ASK_FOR_LESS)
    return units


def _share_units(percent: str, whole: int, base: Asset) -> int:
    units = whole * parse_percent_bps(percent) // BPS
    if units == 0:
        raise BallastError(
            ErrorCode.AMOUNT_TOO_LOW,
            f"{percent} % of this index is less than the smallest piece of {base.symbol} there is.",
        ).advising("Ask for a larger share, or for everything.")
    return units


def in_base(seen: Situation, value: int) -> int:
    """A value as base units of the base asset."""
    base = seen.index.base_asset_id
    return units_for_value(value, seen.assets[base].decimals, seen.prices[base].usd)


def _units_to_send(given: PreviewWithdrawal, seen: Situation, plan: Plan, asked: int) -> int:
    """What can be sent: what is asked, or, for everything, the cash and what the sales bring."""
    base = seen.index.base_asset_id
    cash = seen.available.get(base, 0) + sum(leg.expected_units for leg in plan.swaps)
    if given.everything:
        return cash
    if cash < asked:
        decimals = seen.assets[base].decimals
        raise BallastError(
            ErrorCode.INSUFFICIENT_HOLDINGS,
            "After fees the sales bring less than is asked.",
            available=format_amount(cash, decimals),
        ).advising(_ASK_FOR_LESS)
    return asked


def _asset_for(place: Destination, word: str, listed: Mapping[str, ListedAsset]) -> Asset:
    """What is delivered there.

    Raises:
        BallastError: `unknown_asset`, `ambiguous_asset`, `address_invalid` for another chain.
    """
    asset = resolve_asset(word, listed, base_asset_id=None, chain=place.chain, deliver=True)
    if asset.chain != place.chain:
        raise BallastError(
            ErrorCode.ADDRESS_INVALID,
            f"{place.label} is an address on {place.chain}; this asset is on {asset.chain}.",
            chain=place.chain,
            asset_chain=asset.chain,
        )
    return asset


async def _payout(
    app: App,
    index: Index,
    given: PreviewWithdrawal,
    listed: Mapping[str, ListedAsset],
    place: Destination,
    units: int,
) -> Payout:
    asset = _asset_for(place, given.asset or listed[index.base_asset_id].asset.symbol, listed)
    ask = WithdrawalAsk(
        account_id=index.account_id,
        sell=index.base_asset_id,
        payout_asset_id=asset.asset_id,
        units=units,
        recipient=place.address,
        memo=place.memo,
        slippage_bps=index.limits.max_slippage_bps // 2,
        deadline=app.clock.now() + PLAN_LIFETIME,
    )
    return Payout(asset, place, await app.venue.quote_withdrawal(ask, firm=False))


def _withdrawal(
    app: App,
    index: Index,
    plan: Plan,
    given: PreviewWithdrawal,
    units: int,
    payout: Payout | None,
) -> Withdrawal:
    slippage = index.limits.max_slippage_bps
    expected = payout.quote.units_out if payout else 0
    now = app.clock.now()
    return Withdrawal(
        withdrawal_id=app.ids.new(IdKind.WITHDRAWAL),
        owner_id=index.owner_id,
        index_id=index.index_id,
        plan_id=plan.plan_id,
        rebalance_id=None,
        state=WithdrawalState.PLANNED,
        everything=given.everything,
        base_asset_id=index.base_asset_id,
        asked_units=units,
        payout_asset_id=payout.asset.asset_id if payout else None,
        chain=payout.asset.chain if payout else None,
        address=payout.destination.address if payout else None,
        memo=payout.destination.memo if payout else None,
        expected_units=expected,
        minimum_units=expected * (BPS - slippage) // BPS,
        fee_units=payout.quote.withdraw_fee_units if payout else 0,
        sent_units=None,
        delivered_units=None,
        transactions=(),
        created_at=now,
        updated_at=now,
        ended_at=None,
        problem="",
    )


def liquidation(app: App, seen: Situation, plan: Plan) -> Withdrawal:
    """The withdrawal of everything into the base asset, by a plan that sells it."""
    given = PreviewWithdrawal(index_id=seen.index.index_id, everything=True)
    units = _units_to_send(given, seen, plan, 0)
    return _withdrawal(app, seen.index, plan, given, units, None)


# --- what is done ---------------------------------------------------------------------------------


def _require_something(plan: Plan, planned: Withdrawal) -> None:
    """A liquidation may have found nothing that can be sold.

    Raises:
        BallastError: `nothing_to_do`.
    """
    if not plan.swaps and planned.payout_asset_id is None:
        raise BallastError(
            ErrorCode.NOTHING_TO_DO, "This plan sells and sends nothing.", plan_id=plan.plan_id
        )


async def _still_allowed(app: App, planned: Withdrawal) -> None:
    """The list may have changed since the preview: the address must still be on it, for its chain.
    The same address may well be allowed on several chains."""
    assert planned.address is not None, "asked for payouts only"
    place = (planned.chain, planned.address, planned.memo)
    for one in await list_destinations(app, planned.owner_id):
        if (one.chain, one.address, one.memo) == place:
            await require_usable(app, one)
            return
    raise BallastError(
        ErrorCode.DESTINATION_NOT_ALLOWED,
        "The destination was removed or changed since the preview.",
        address=planned.address,
        chain=planned.chain,
    )


def _payout_value(planned: Withdrawal, plan: Plan, assets: Mapping[str, Asset]) -> int:
    """The payout counts against the spending limits like a swap; 0 when nothing leaves."""
    if planned.payout_asset_id is None:
        return 0
    base = planned.base_asset_id
    return value_pico(planned.asked_units, assets[base].decimals, plan.prices[base].usd)


async def start_withdrawal(
    app: App, tx: Transaction, index: Index, plan: Plan, planned: Withdrawal
) -> Withdrawal:
    """Use the plan: reserve the sales, or the payout at once when nothing has to be sold."""
    rebalance = await reserve_plan(app, tx, index, plan, Starter.PERSON)
    confirmed = replace(
        planned,
        state=move(planned.state, WithdrawalState.CONFIRMED),
        rebalance_id=rebalance.rebalance_id,
        updated_at=app.clock.now(),
    )
    await tx.save_withdrawal(confirmed, was=planned.state)
    state = WithdrawalState.SELLING
    if not plan.swaps:
        state = WithdrawalState.SENDING
        await new_payout(app, tx, confirmed, planned.asked_units, position=0)
    started = replace(confirmed, state=move(confirmed.state, state))
    await tx.save_withdrawal(started, was=confirmed.state)
    return started


# --- what is shown --------------------------------------------------------------------------------


def _view(
    mode: str, withdrawal: Withdrawal, plan: Plan, assets: Mapping[str, Asset]
) -> WithdrawalView:
    base = assets[withdrawal.base_asset_id]
    out = assets[withdrawal.payout_asset_id] if withdrawal.payout_asset_id else None

    def delivered(units: int) -> str | None:
        return None if out is None else format_amount(units, out.decimals)

    return WithdrawalView(
        mode=mode,
        withdrawal_id=withdrawal.withdrawal_id,
        plan_id=withdrawal.plan_id,
        index_id=withdrawal.index_id,
        state=withdrawal.state.value,
        swaps=[PlannedSwapView.of(leg, assets) for leg in plan.swaps],
        send_amount=format_amount(withdrawal.asked_units, base.decimals),
        send_amount_units=str(withdrawal.asked_units),
        base=AssetView.of(base),
        payout=None if out is None else AssetView.of(out),
        address=withdrawal.address,
        memo=withdrawal.memo,
        expected_amount=delivered(withdrawal.expected_units),
        minimum_amount=delivered(withdrawal.minimum_units),
        network_fee=delivered(withdrawal.fee_units),
        swap_fee_usd=dollars(plan.fee_pico),
        left_usd=dollars(_left(withdrawal, plan, base)),
        expires_at=plan.expires_at,
        next_step="Show this to the owner. If they agree, call withdraw with this plan_id.",
    )


def _started_view(mode: str, started: Withdrawal, assets: Mapping[str, Asset]) -> WithdrawalStarted:
    base = assets[started.base_asset_id]
    return WithdrawalStarted(
        mode=mode,
        withdrawal_id=started.withdrawal_id,
        plan_id=started.plan_id,
        index_id=started.index_id,
        state=started.state.value,
        send_amount=format_amount(started.asked_units, base.decimals),
        base=AssetView.of(base),
        next_step=f"Call get_progress with id={started.withdrawal_id} until it is done.",
    )


def _left(withdrawal: Withdrawal, plan: Plan, base: Asset) -> int:
    """Value that stays in the index, at the plan's prices."""
    gone = 0
    if withdrawal.payout_asset_id is not None:
        price = plan.prices[withdrawal.base_asset_id].usd
        gone = value_pico(withdrawal.asked_units, base.decimals, price)
    return max(plan.value_pico - plan.fee_pico - gone, 0)
