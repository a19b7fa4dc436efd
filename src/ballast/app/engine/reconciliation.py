"""Truth by balance: the ledger is compared with the venue, and each difference gets a name.

More than the ledger knows of, in an asset the venue lists, was sent in from outside: it is booked
as the owner's. Less is unexplained: it is booked under that name, the index stops trading, and a
person is told. What the venue does not list is not money Ballast can count; it is only reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.assets import ROUTING_PREFIX
from ballast.app.engine.rows import note
from ballast.app.events import emit_index
from ballast.app.ports import DueRow, Reader, Transaction, VenueStatus
from ballast.app.restoring import note_compared
from ballast.core.deposits import Deposit
from ballast.core.events import EventKind
from ballast.core.ids import IdKind
from ballast.core.index import UNFUNDED_INTERVAL, Asset, Index
from ballast.core.ledger import Account, Entry, EntryKind, Posting, held, transfer
from ballast.core.states import DepositState, IndexState, move

log = structlog.get_logger(__name__)

INTERVAL: Final = timedelta(minutes=15)
# A node can lag behind: a difference counts only when it is still the same after this long.
PATIENCE: Final = timedelta(seconds=30)
BUSY_RECHECK: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Difference:
    """What the venue says an account holds, minus what the ledger says."""

    asset_id: str
    units: int


async def compare(app: App, owner_id: str, index_id: str) -> tuple[list[Difference], int]:
    """Compare the ledger's holdings of an index with the venue's balances.

    Returns:
        Every difference, and the ledger's sequence number the comparison was made at.
    """
    async with app.store.read() as reader:
        found = await reader.get_index_and_balances(owner_id, index_id)
        sequence, _ = await reader.ledger_head(index_id)
    assert found is not None, "the index exists"
    index, balances = found
    ours = held(balances)
    known = set(ours) | set(index.targets) | {index.base_asset_id}
    known |= set(await app.venue.tokens_of(index.account_id))
    theirs = await app.venue.balances(index.account_id, sorted(known))
    gaps = [Difference(one, theirs[one] - ours.get(one, 0)) for one in sorted(known)]
    return [gap for gap in gaps if gap.units], sequence


_ON_THE_WAY: Final = (DepositState.SEEN, DepositState.PROCESSING, DepositState.ATTENTION)
_UNPAID: Final = (DepositState.AWAITING, DepositState.EXPIRED)


async def assets_arriving(app: App, index_id: str, *, but_attention: bool = False) -> set[str]:
    """Assets that a deposit is bringing: a surplus of these is booked by its own step.

    Of an address that nobody has paid to, as far as we know, the venue is asked again: it stays
    open for a day, and would hide every other surplus for as long.

    Args:
        but_attention: deposits that need attention are left out.
    """
    async with app.store.read_once() as reader:
        deposits = await reader.list_deposits(index_id, 1_000)
    paid = [one for one in deposits if one.due_at and one.state in _ON_THE_WAY]
    if but_attention:
        paid = [one for one in paid if one.state is not DepositState.ATTENTION]
    for one in deposits:
        if one.due_at and one.state in _UNPAID and await _has_been_paid(app, one):
            paid.append(one)
    return {
        asset for one in paid for asset in (one.credit_asset_id, *await return_assets(app, one))
    }


async def return_assets(app: App, deposit: Deposit) -> Mapping[str, Asset]:
    """As what a refund can come: the asset that was paid, or, where that is only a route to a
    chain and no balance, the assets of its name that can be held."""
    async with app.store.read_once() as reader:
        paid = (await reader.get_assets([deposit.asset_id]))[deposit.asset_id]
    if not paid.asset_id.startswith(ROUTING_PREFIX):
        return {paid.asset_id: paid}
    return {
        one: found.asset
        for one, found in (await app.venue.list_assets()).items()
        if found.asset.symbol == paid.symbol and not one.startswith(ROUTING_PREFIX)
    }


async def _has_been_paid(app: App, deposit: Deposit) -> bool:
    """A venue that does not know an address it gave out itself says nothing about payments."""
    status = await app.venue.swap_status(deposit.address, deposit.memo)
    return status is None or status.status is not VenueStatus.PENDING_DEPOSIT


async def unexplained_by_deposits(
    app: App, index_id: str, gaps: Iterable[Difference]
) -> list[Difference]:
    """The differences that no deposit is about to explain."""
    given = list(gaps)
    if not any(gap.units > 0 for gap in given):
        return given
    arriving = await assets_arriving(app, index_id)
    return [gap for gap in given if gap.units < 0 or gap.asset_id not in arriving]


async def _wake_deposits(app: App, index_id: str, gaps: list[Difference]) -> None:
    """Let every watched deposit that may have brought a surplus be looked at now: if it has, it
    is booked under its name before the surplus counts as sent in from outside."""
    there, now = {gap.asset_id for gap in gaps if gap.units > 0}, app.clock.now()
    if not there:
        return
    async with app.store.transaction(index_id) as tx:
        for one in await tx.list_deposits(index_id, 1_000):
            # A route to a chain is no balance: what is paid over it comes back under another id.
            by_route = one.asset_id.startswith(ROUTING_PREFIX)
            may_bring = by_route or there & {one.asset_id, one.credit_asset_id}
            if may_bring and one.due_at is not None and one.due_at > now:
                await tx.save_deposit(replace(one, due_at=now), was=one.state)


async def step_index(app: App, row: DueRow) -> None:
    """Reconcile one index, unless a rebalance is moving its money just now."""
    async with app.store.read() as reader:
        index = await reader.get_index(row.owner_id, row.row_id)
        running = await reader.active_rebalance(row.row_id)
        before = await reader.get_meta(_seen_key(row.row_id))
    assert index is not None, "a due index exists"
    if running is not None:
        # It is compared when that has ended.
        app.engine.unreconciled.discard(index.index_id)
        await _schedule(app, index, BUSY_RECHECK)
        return
    found, sequence = await compare(app, row.owner_id, row.row_id)
    await _wake_deposits(app, row.row_id, found)
    gaps = await unexplained_by_deposits(app, row.row_id, found)
    now_seen = ",".join(f"{gap.asset_id}={gap.units}" for gap in gaps)
    if gaps and now_seen != before:
        await _remember(app, index, now_seen)
        return
    await _settle(app, index, gaps, sequence)
    await report_orphans(app, index)


async def _remember(app: App, index: Index, seen: str) -> None:
    async with app.store.transaction(index.index_id) as tx:
        await tx.put_meta(_seen_key(index.index_id), seen)
    await _schedule(app, index, PATIENCE)


async def _schedule(app: App, index: Index, pause: timedelta) -> None:
    async with app.store.transaction(index.index_id) as tx:
        present = await tx.get_index(index.owner_id, index.index_id)
        assert present is not None, "an index is never deleted"
        later = replace(present, reconcile_at=app.clock.now() + pause)
        await tx.save_index(later, was_version=present.version)


async def _settle(app: App, index: Index, gaps: list[Difference], sequence: int) -> None:
    listed = {one: found.asset for one, found in (await app.venue.list_assets()).items()}
    async with app.store.transaction(index.index_id) as tx:
        head, _ = await tx.ledger_head(index.index_id)
        running = await tx.active_rebalance(index.index_id)
        present = await tx.get_index(index.owner_id, index.index_id)
        assert present is not None, "an index is never deleted"
        if head == sequence and running is None:
            await book_differences(app, tx, present, gaps, listed, f"reconciled:{sequence}")
            present = await tx.get_index(index.owner_id, index.index_id)
            assert present is not None, "an index is never deleted"
        await tx.put_meta(_seen_key(index.index_id), "")
        later = _looked_at(app, present, funded=bool(held(await tx.balances(index.index_id))))
        if head == sequence and running is None:
            later = await note_compared(app, tx, later)
        await tx.save_index(later, was_version=present.version)
    app.engine.unreconciled.discard(index.index_id)
    app.observer.reconciled(app.clock.now())


def _looked_at(app: App, index: Index, *, funded: bool) -> Index:
    """The next look: rarely at what was never funded. Money that came there unasked funds it."""
    now = app.clock.now()
    if index.state is not IndexState.PENDING:
        return replace(index, reconcile_at=now + INTERVAL)
    if not funded:
        return replace(index, reconcile_at=now + UNFUNDED_INTERVAL)
    return replace(
        index,
        state=move(index.state, IndexState.ACTIVE),
        version=index.version + 1,
        updated_at=now,
        reconcile_at=first_reconciliation(now),
    )


async def book_differences(
    app: App,
    tx: Transaction,
    index: Index,
    gaps: list[Difference],
    listed: dict[str, Asset],
    reference: str,
) -> None:
    """Give every difference its name in the ledger; stop the index when one has none."""
    known = await tx.get_assets([gap.asset_id for gap in gaps])
    balances = await tx.balances(index.index_id)
    missing = [gap for gap in gaps if gap.units < 0]
    for gap in gaps:
        if gap.units > 0 and gap.asset_id in listed | known:
            await tx.add_asset((listed | known)[gap.asset_id])
            postings = transfer(gap.asset_id, gap.units, Account.OWNER, Account.AVAILABLE)
            await _book(app, tx, index, gap, EntryKind.OUTSIDE_DEPOSIT, postings, reference)
        elif gap.units < 0:
            log.error("unexplained_difference", index=index.index_id, asset=gap.asset_id)
            # What is reserved or in flight is its swap's to explain.
            units = min(-gap.units, balances.get((gap.asset_id, Account.AVAILABLE), 0))
            if units:
                postings = transfer(gap.asset_id, units, Account.AVAILABLE, Account.UNEXPLAINED)
                await _book(app, tx, index, gap, EntryKind.DIFFERENCE_FOUND, postings, reference)
    if missing:
        await _stop(app, tx, index, missing, reference)
    elif gaps:
        await _tell(app, tx, index, "outside_deposit", OUTSIDE_TEXT, reference, gaps)


OUTSIDE_TEXT: Final = "The account received something that Ballast did not bring there."
MISSING_TEXT: Final = (
    "The venue holds less than the ledger. The index was paused; look before resuming it."
)


async def _book(
    app: App,
    tx: Transaction,
    index: Index,
    gap: Difference,
    kind: EntryKind,
    postings: tuple[Posting, ...],
    reference: str,
) -> None:
    now = app.clock.now()
    entry = Entry(
        entry_id=app.ids.new(IdKind.ENTRY),
        owner_id=index.owner_id,
        index_id=index.index_id,
        kind=kind,
        reference=reference,
        external_key=f"{index.index_id}:{reference}:{gap.asset_id}",
        event_at=now,
        postings=postings,
    )
    await tx.post(entry, now)


async def _stop(
    app: App, tx: Transaction, index: Index, missing: list[Difference], reference: str
) -> None:
    await _tell(app, tx, index, "unexplained_difference", MISSING_TEXT, reference, missing)
    if index.state is IndexState.ACTIVE:
        paused = replace(
            index,
            state=move(index.state, IndexState.PAUSED),
            version=index.version + 1,
            updated_at=app.clock.now(),
        )
        await tx.save_index(paused, was_version=index.version)
        why = "unexplained_difference"
        await emit_index(app, tx, EventKind.INDEX_PAUSED, paused, why=why)


async def _tell(
    app: App,
    tx: Transaction,
    index: Index,
    reason: str,
    summary: str,
    reference: str,
    gaps: list[Difference],
) -> None:
    await note(
        app,
        tx,
        owner_id=index.owner_id,
        index_id=index.index_id,
        reason=reason,
        summary=summary,
        reference=reference,
        facts={gap.asset_id: str(gap.units) for gap in gaps},
    )


async def report_orphans(app: App, index: Index) -> None:
    """Tell once of each holding whose asset id the venue no longer lists."""
    listed = await app.venue.list_assets()
    async with app.store.read() as reader:
        ours = held(await reader.balances(index.index_id))
        fresh = [one for one in ours if one not in listed and await _unsaid(reader, index, one)]
        assets = await reader.get_assets(fresh)
    for asset_id in fresh:
        symbol = assets[asset_id].symbol
        alike = [one for one, found in listed.items() if found.asset.symbol == symbol]
        async with app.store.transaction(index.index_id) as tx:
            await tx.put_meta(_orphan_key(index, asset_id), "told")
            await note(
                app,
                tx,
                owner_id=index.owner_id,
                index_id=index.index_id,
                reason="orphaned_holding",
                summary=f"The venue no longer lists this {symbol}. It is still yours and is not "
                "traded. Take it out of the basket with update_index, and the rest trades on; if "
                "its id has moved, the listed ids of that name are in the facts.",
                reference=asset_id,
                facts={"units": str(ours[asset_id]), "listed": ", ".join(alike)},
            )


async def _unsaid(reader: Reader, index: Index, asset_id: str) -> bool:
    return await reader.get_meta(_orphan_key(index, asset_id)) is None


def _orphan_key(index: Index, asset_id: str) -> str:
    return f"orphan:{index.index_id}:{asset_id}"


def _seen_key(index_id: str) -> str:
    return f"difference:{index_id}"


def first_reconciliation(now: datetime) -> datetime:
    """When an index that has just been funded is reconciled for the first time."""
    return now + INTERVAL
