"""Indexes: make one, look at it, change it, pause it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from pydantic import Field

from ballast.app.app import App
from ballast.app.assets import DEFAULT_BASE, require_base, resolve_asset
from ballast.app.baskets import (
    PolicyField,
    Targets,
    buffer_bps,
    merged_policy,
    resolve_targets,
)
from ballast.app.events import emit_index
from ballast.app.fields import AssetName, Buffer, Flag, IndexId, Name
from ballast.app.index_view import IndexView, index_view, view_now
from ballast.app.inputs import Input, RepeatableInput
from ballast.app.limit_words import LimitsField, limits_as_words, limits_from_words, narrowed
from ballast.app.limits import limits_of_owner
from ballast.app.master_key import require_present_master_key
from ballast.app.naming import no_such_index
from ballast.app.operation import Call, Output
from ballast.app.ports import ListedAsset, Reader, Transaction
from ballast.app.pricing import usable_prices
from ballast.app.views import (
    View,
)
from ballast.core.access import Scope
from ballast.core.events import EventKind
from ballast.core.ids import IdKind
from ballast.core.index import (
    DEFAULT_BUFFER_BPS,
    UNFUNDED_INTERVAL,
    Asset,
    Index,
)
from ballast.core.ledger import held
from ballast.core.money import (
    format_percent_bps,
)
from ballast.core.policy import Policy
from ballast.core.states import IndexState
from ballast.core.trading import Price
from ballast.errors import BallastError, ErrorCode

# --- inputs -----------------------------------------------------------------------------------


class CreateIndex(RepeatableInput):
    """Input of create_index."""

    name: Annotated[
        Name, Field(description="Name, unique among your indexes, at most 64 characters.")
    ]
    targets: Targets
    base_asset: Annotated[
        AssetName | None,
        Field(
            description='The USDC that deposits become, such as "USDC on Base"; default on NEAR.'
        ),
    ] = None
    buffer_percent: Annotated[
        Buffer | None, Field(description="Cash kept in the base asset; default 1.")
    ] = None
    policy: PolicyField = None


class ListIndexes(Input):
    """Input of list_indexes."""

    archived: Annotated[Flag, Field(description="Show archived ones too.")] = False
    cursor: Annotated[IndexId | None, Field(description="next_cursor of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=100, description="How many, at most 100.")] = 50


class GetIndex(Input):
    """Input of get_index."""

    index_id: IndexId


class UpdateIndex(RepeatableInput):
    """Input of update_index: only what is given changes."""

    index_id: IndexId
    name: Annotated[Name | None, Field(description="New name.")] = None
    targets: Annotated[
        Targets | None, Field(description="The whole new basket; percents make 100 together.")
    ] = None
    buffer_percent: Annotated[Buffer | None, Field(description="Cash kept in the base asset.")] = (
        None
    )
    policy: PolicyField = None
    limits: LimitsField = None

    def together(self, named: frozenset[str]) -> Iterable[str]:
        """Something has to change."""
        changes = named & {"name", "targets", "buffer_percent", "policy", "limits"}
        if not changes or (changes == {"limits"} and self.limits == {}):
            yield "needs at least one of name, targets, buffer_percent, policy, limits"


# --- outputs ----------------------------------------------------------------------------------


class IndexStateView(Output):
    """An index whose state was changed."""

    index_id: str
    name: str
    state: str
    next_step: str


class IndexLine(View):
    """An index in a list."""

    index_id: str
    name: str
    state: str
    targets: str
    created_at: datetime


class IndexList(Output):
    """A page of indexes."""

    indexes: list[IndexLine]
    next_cursor: str | None


# --- operations -------------------------------------------------------------------------------


async def create_index(app: App, call: Call, given: CreateIndex) -> IndexView:
    """Create an index (a basket with target weights). It gets its own wallet and starts empty;
    call deposit_address next to fund it. The answer says which asset each symbol was taken for."""
    listed = await app.venue.list_assets()
    base = wanted_base(given, listed)
    weights = resolve_targets(given.targets, listed, base.asset_id)
    policy = merged_policy(Policy(), given.policy, app.timezone)
    if policy.trades_by_itself:
        call.require(
            Scope.SPEND,
            "An index that trades by itself needs the scope spend. With auto alert or off, and "
            "without a purchase, it does not.",
        )
    async with app.store.read() as reader:
        limits = await limits_of_owner(app, reader, call.owner_id)
    now = app.clock.now()
    index_id = app.ids.new(IdKind.INDEX)
    key = app.vault.new_key(index_id)
    index = Index(
        index_id=index_id,
        owner_id=call.owner_id,
        name=given.name,
        mode=app.mode,
        account_id=key.account_id,
        base_asset_id=base.asset_id,
        targets=weights,
        buffer_bps=buffer_bps(given.buffer_percent, DEFAULT_BUFFER_BPS),
        policy=policy,
        limits=limits,
        state=IndexState.PENDING,
        version=1,
        created_at=now,
        updated_at=now,
        last_rebalanced_at=None,
        reconcile_at=now + UNFUNDED_INTERVAL,
    )
    assets = {one: listed[one].asset for one in {*weights, base.asset_id}}
    async with app.store.transaction() as tx:
        for asset in assets.values():
            await tx.add_asset(asset)
        await require_present_master_key(tx, key.master_key_id)
        await tx.add_index(index, key)
        await emit_index(app, tx, EventKind.INDEX_CREATED, index)
        view = index_view(index, {}, assets, {})
        await call.record(app, tx, view, index_id)
    return view


async def list_indexes(app: App, call: Call, given: ListIndexes) -> IndexList:
    """List your indexes with their ids, states and targets. Start here to find an index_id."""
    async with app.store.read() as reader:
        found = await reader.list_indexes(
            call.owner_id, archived=given.archived, after=given.cursor, limit=given.limit + 1
        )
        assets = await reader.get_assets(sorted({one for index in found for one in index.targets}))
    page = found[: given.limit]
    return IndexList(
        mode=app.mode,
        indexes=[_line(index, assets) for index in page],
        next_cursor=page[-1].index_id if len(found) > given.limit else None,
    )


async def get_index(app: App, call: Call, given: GetIndex) -> IndexView:
    """Show one index: what it holds, what that is worth, its targets and its policy. For how far
    it is from its targets call get_drift."""
    async with app.store.read_short() as reader:
        found = await reader.get_index_and_balances(call.owner_id, given.index_id)
    if found is None:
        raise no_such_index(given.index_id)
    index, balances = found
    view, busy = await view_now(app, index, balances)
    if not busy:
        return view
    return view.model_copy(update={"next_step": await _what_is_stuck(app, index, view)})


async def _what_is_stuck(app: App, index: Index, view: IndexView) -> str:
    """Where money is set aside, something may wait for a person, and says so with its age."""
    async with app.store.read_once() as reader:
        found = await reader.attention(index.owner_id)
    here = [one for one in found if one.index_id == index.index_id]
    if not here:
        return view.next_step
    return f"Needs the owner's attention: {here[0].text(app.clock.now())} Ask get_progress."


async def update_index(app: App, call: Call, given: UpdateIndex) -> IndexView:
    """Change an index's name, targets, cash buffer or policy, or lower its limits. New targets
    trade nothing by themselves: preview and run a rebalance. Open plans become stale."""
    listed = await app.venue.list_assets()
    prices = await _prices_of_holdings(app, call.owner_id, given.index_id)
    async with app.store.transaction() as tx:
        index = await require_index(tx, call.owner_id, given.index_id)
        changed = _changed(app, index, given, listed)
        if changed.policy.trades_by_itself and _traded_by(changed) != _traded_by(index):
            call.require(
                Scope.SPEND,
                "This index trades by itself, so its targets, buffer and policy need the scope "
                "spend. Setting auto to alert or off, with no purchase, does not.",
            )
        for asset_id in changed.targets:
            await tx.add_asset(
                listed[asset_id].asset
                if asset_id in listed
                else (await tx.get_assets([asset_id]))[asset_id]
            )
        await tx.save_index(changed, was_version=index.version)
        await emit_index(app, tx, EventKind.INDEX_UPDATED, changed)
        view = await _view_in(tx, changed, prices)
        before, after = limits_as_words(index.limits), limits_as_words(changed.limits)
        lowered = {name: [was, after[name]] for name, was in before.items() if was != after[name]}
        facts = {"limits": lowered} if lowered else {}
        await call.record(app, tx, view, index.index_id, **facts)
    return view


# --- parts ------------------------------------------------------------------------------------


async def require_index(reader: Reader, owner_id: str, index_id: str) -> Index:
    """The index, unless it does not exist or is archived.

    Raises:
        BallastError: `not_found`, `index_archived`.
    """
    index = await reader.get_index(owner_id, index_id)
    if index is None:
        raise no_such_index(index_id)
    if index.state is IndexState.ARCHIVED:
        raise BallastError(ErrorCode.INDEX_ARCHIVED, "This index is archived.", index_id=index_id)
    return index


def require_tradable(index: Index) -> None:
    """Refuse to trade an index that was never funded or is paused.

    Raises:
        BallastError: `index_pending`, `index_paused`.
    """
    if index.state is IndexState.PENDING:
        raise BallastError(
            ErrorCode.INDEX_PENDING, "This index has not been funded yet.", index_id=index.index_id
        )
    if index.state is IndexState.PAUSED:
        raise BallastError(ErrorCode.INDEX_PAUSED, "This index is paused.", index_id=index.index_id)


def wanted_base(given: CreateIndex, listed: Mapping[str, ListedAsset]) -> Asset:
    """The base asset of a new index."""
    if given.base_asset:
        return require_base(resolve_asset(given.base_asset, listed, base_asset_id=DEFAULT_BASE))
    if DEFAULT_BASE not in listed:
        raise BallastError(
            ErrorCode.UNKNOWN_ASSET,
            "The venue does not list the default base asset; name one with base_asset.",
            given=DEFAULT_BASE,
            candidates=[],
        )
    return listed[DEFAULT_BASE].asset


def _changed(
    app: App, index: Index, given: UpdateIndex, listed: Mapping[str, ListedAsset]
) -> Index:
    return replace(
        index,
        name=index.name if given.name is None else given.name,
        targets=resolve_targets(given.targets, listed, index.base_asset_id)
        if given.targets
        else index.targets,
        buffer_bps=buffer_bps(given.buffer_percent, index.buffer_bps),
        limits=narrowed(
            index.limits, limits_from_words(given.limits or {}, listed, index.base_asset_id)
        ),
        policy=merged_policy(index.policy, given.policy, app.timezone),
        version=index.version + 1,
        updated_at=app.clock.now(),
    )


def _traded_by(index: Index) -> tuple[object, ...]:
    """All that decides what it trades, and when."""
    return index.targets, index.buffer_bps, index.policy


async def _prices_of_holdings(app: App, owner_id: str, index_id: str) -> Mapping[str, Price]:
    """The prices of what an index holds: for showing it, so none is missed."""
    async with app.store.read_short() as reader:
        found = await reader.get_index_and_balances(owner_id, index_id)
    return (await usable_prices(app, held(found[1])))[0] if found else {}


async def _view_in(tx: Transaction, index: Index, prices: Mapping[str, Price]) -> IndexView:
    """The view as seen inside a transaction, where no price may be awaited."""
    balances = await tx.balances(index.index_id)
    assets = await tx.get_assets(sorted({*index.targets, index.base_asset_id, *held(balances)}))
    return index_view(index, balances, assets, prices)


def _line(index: Index, assets: Mapping[str, Asset]) -> IndexLine:
    words = [
        f"{assets[one].symbol} {format_percent_bps(bps)}" for one, bps in index.targets.items()
    ]
    return IndexLine(
        index_id=index.index_id,
        name=index.name,
        state=index.state.value,
        targets=", ".join(words),
        created_at=index.created_at,
    )
