"""Changing limits: narrower at once, from anywhere; wider by the owner alone, after a wait."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ballast.app.app import App
from ballast.app.assets import DEFAULT_BASE
from ballast.app.auditing import audit
from ballast.app.indexes import require_index
from ballast.app.limit_words import limits_from_words, words_of
from ballast.app.limits import limits_of_owner
from ballast.app.operation import Caller
from ballast.app.ports import Reader, Transaction
from ballast.core.ids import IdKind
from ballast.core.index import Index
from ballast.core.limits import LimitChange, Limits, limit_text, widened
from ballast.errors import BallastError, ErrorCode

WAITING: Final = "waiting"
GIVEN_UP: Final = "given_up"


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of a wish to change a limit.

    Attributes:
        name: of the limit, as people write it.
        before, after: in words; `after` is in force unless a change waits.
        waiting: the change that waits; None when it holds at once.
    """

    name: str
    before: str
    after: str
    waiting: LimitChange | None


async def change_limit(
    app: App, caller: Caller, name: str, words: str, index_id: str | None
) -> Changed:
    """Set a limit for the owner: at once if it becomes narrower, after a wait if wider.

    For the command line alone. A change of the same limit that waits is given up.

    Args:
        index_id: whose limit; None for the owner's own, over all indexes.

    Raises:
        BallastError: `invalid_input`, `not_found`, `unknown_asset`, `ambiguous_asset`,
            `venue_unavailable`.
    """
    listed = await app.venue.list_assets()
    ((field, value),) = limits_from_words({name: words}, listed, DEFAULT_BASE).items()
    chain_now, wall_now = await app.venue.final_time(), app.wall.now()
    async with app.store.transaction() as tx:
        index = await require_index(tx, caller.owner_id, index_id) if index_id else None
        before = await limits_now(app, tx, caller.owner_id, index)
        after = replace(before, **{field: value})
        await _give_up(app, tx, caller.owner_id, index_id or "", field)
        waiting = None
        if widened(before, after) and app.widening_delay:
            waiting = LimitChange(
                change_id=app.ids.new(IdKind.LIMIT_CHANGE),
                owner_id=caller.owner_id,
                index_id=index_id or "",
                field=field,
                value=limit_text(after, field),
                asked_at=app.clock.now(),
                usable_at=chain_now + app.widening_delay,
                wall_usable_at=wall_now + app.widening_delay,
                ended_at=None,
                outcome=WAITING,
                due_at=app.clock.now() + app.widening_delay,
            )
            await tx.add_limit_change(waiting)
        else:
            await put_limits(app, tx, caller.owner_id, index, after)
        await audit(
            app,
            tx,
            caller,
            "change_limit",
            waiting.change_id if waiting else (index_id or caller.owner_id),
            limit=name,
            before=words_of(before, name),
            after=words_of(after, name),
            holds="later" if waiting else "now",
        )
    return Changed(name, words_of(before, name), words_of(after, name), waiting)


async def would_widen(app: App, owner_id: str, name: str, words: str, index_id: str | None) -> bool:
    """Whether `change_limit` would make this limit wider.

    Raises:
        BallastError: as `change_limit`.
    """
    listed = await app.venue.list_assets()
    changes = limits_from_words({name: words}, listed, DEFAULT_BASE)
    async with app.store.read() as reader:
        index = await require_index(reader, owner_id, index_id) if index_id else None
        before = await limits_now(app, reader, owner_id, index)
    return bool(widened(before, replace(before, **changes)))


async def cancel_change(app: App, caller: Caller, change_id: str) -> LimitChange:
    """Give up a change that waits.

    Raises:
        BallastError: `not_found` when there is none that waits.
    """
    async with app.store.transaction() as tx:
        change = await tx.get_limit_change(caller.owner_id, change_id)
        if change is None or change.outcome != WAITING:
            raise BallastError(
                ErrorCode.NOT_FOUND, "No change of this id is waiting.", change_id=change_id[:60]
            )
        await _end(app, tx, change, GIVEN_UP)
        await audit(app, tx, caller, "cancel_limit_change", change_id)
    return change


async def limits_now(app: App, reader: Reader, owner_id: str, index: Index | None) -> Limits:
    """The limits of an index, or the owner's own."""
    return index.limits if index else await limits_of_owner(app, reader, owner_id)


async def put_limits(
    app: App, tx: Transaction, owner_id: str, index: Index | None, limits: Limits
) -> None:
    """Put limits in force. An index's open plans become stale by that."""
    now = app.clock.now()
    if index is None:
        await tx.put_owner_limits(owner_id, limits, now)
        return
    changed = replace(index, limits=limits, version=index.version + 1, updated_at=now)
    await tx.save_index(changed, was_version=index.version)


async def _give_up(app: App, tx: Transaction, owner_id: str, index_id: str, field: str) -> None:
    for one in await tx.list_limit_changes(owner_id):
        if (one.index_id, one.field, one.outcome) == (index_id, field, WAITING):
            await _end(app, tx, one, GIVEN_UP)


async def _end(app: App, tx: Transaction, change: LimitChange, outcome: str) -> None:
    ended = replace(change, outcome=outcome, ended_at=app.clock.now(), due_at=None)
    await tx.save_limit_change(ended, was=WAITING)
