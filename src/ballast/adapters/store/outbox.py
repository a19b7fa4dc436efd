"""Reads and writes of what is told to others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    null,
    select,
    text,
    update,
)

from ballast.adapters.store import outbox_tables as t
from ballast.adapters.store.codec import dump
from ballast.adapters.store.phrases import InsertOr
from ballast.adapters.store.queries import by
from ballast.adapters.store.row_session import RowReader, RowWriter
from ballast.adapters.store.rows import Record
from ballast.core.events import Event, EventKind
from ballast.core.ledger import microseconds
from ballast.core.states import DeliveryState, WebhookState, move
from ballast.core.webhooks import Delivery, Webhook

EVENTS: Final = Record(Event, t.events)
WEBHOOKS: Final = Record(Webhook, t.webhooks)
DELIVERIES: Final = Record(Delivery, t.deliveries)

_LAST_SEQUENCE: Final = select(func.max(t.events.c.sequence).label("sequence")).where(
    t.events.c.stream == bindparam("stream")
)
_SAID_SINCE: Final = (
    by(t.events, "stream", "kind", "data").where(t.events.c.at > bindparam("since")).limit(1)
)
_UNTOLD: Final = (
    select(t.events)
    .where(t.events.c.told_at.is_(null()))
    .order_by(t.events.c.stream, t.events.c.sequence)
    .limit(bindparam("limit", type_=Integer))
)
_EVENTS_OF: Final = (
    by(t.events, "owner_id")
    .where(t.events.c.at >= bindparam("since"))
    .order_by(t.events.c.at, t.events.c.event_id)
    .limit(bindparam("limit", type_=Integer))
)
_TOLD: Final = (
    update(t.events)
    .where(t.events.c.event_id == bindparam("key_event_id"))
    .values(told_at=bindparam("at"))
)
_EVENT: Final = by(t.events, "owner_id", "event_id")

_there = t.webhooks.c.state != literal_column("'deleted'")
_WEBHOOK: Final = by(t.webhooks, "owner_id", "webhook_id").where(_there)
_WEBHOOKS: Final = by(t.webhooks, "owner_id").where(_there).order_by(t.webhooks.c.webhook_id)
_WEBHOOKS_OF_ALL: Final = select(t.webhooks).where(_there).order_by(t.webhooks.c.webhook_id)
_SAVE_WEBHOOK: Final = WEBHOOKS.replace("webhook_id", "state")

_d = t.deliveries.c
# The conditions stand as text, word for word those of the partial indexes: a bound value would hide
# them from the query planner.
_is_pending = text("deliveries.state = 'pending'")
_is_dead = text("deliveries.state = 'dead'")
_DELIVERY: Final = by(t.deliveries, "owner_id", "delivery_id")
_DEAD_LETTERS: Final = (
    select(_d.webhook_id, func.count().label("letters"))
    .where(_d.owner_id == bindparam("owner_id"), _is_dead)
    .group_by(_d.webhook_id)
)
_place_in_line = (
    func.row_number().over(partition_by=_d.webhook_id, order_by=[_d.due_at, _d.delivery_id])
).label("place_in_line")
_in_line = (
    select(t.deliveries, _place_in_line).where(_d.due_at <= bindparam("now")).subquery("in_line")
)
_DUE: Final = (
    select(*(_in_line.c[column.name] for column in t.deliveries.columns))
    .where(_in_line.c.place_in_line <= bindparam("each", type_=Integer))
    .order_by(_in_line.c.due_at, _in_line.c.delivery_id)
    .limit(bindparam("limit", type_=Integer))
)
_SAVE_DELIVERY: Final = DELIVERIES.replace("delivery_id", "state", "attempts")
_ADD_DELIVERY: Final = InsertOr(t.deliveries, ["webhook_id", "event_id"])
_earlier = t.deliveries.alias("earlier")
_FIRST_OF_STREAM: Final = and_(
    _is_pending,
    _d.due_at.is_(null()),
    ~select(_earlier.c.delivery_id)
    .where(
        _earlier.c.webhook_id == _d.webhook_id,
        _earlier.c.stream == _d.stream,
        text("earlier.state = 'pending'"),
        _earlier.c.sequence < _d.sequence,
    )
    .exists(),
)
_first = t.deliveries.alias("first")
_WAKE: Final = (
    update(t.deliveries)
    .where(
        _d.delivery_id
        == select(_first.c.delivery_id)
        .where(
            _first.c.webhook_id == bindparam("of_webhook"),
            _first.c.stream == bindparam("of_stream"),
            text("first.state = 'pending'"),
        )
        .order_by(_first.c.sequence)
        .limit(1)
        .scalar_subquery(),
        _d.due_at.is_(null()),
    )
    .values(due_at=bindparam("at"))
)
_WAKE_ALL: Final = (
    update(t.deliveries)
    .where(_d.webhook_id == bindparam("of_webhook"), _FIRST_OF_STREAM)
    .values(due_at=bindparam("at"))
)
_BURY: Final = (
    update(t.deliveries)
    .where(_d.webhook_id == bindparam("of_webhook"), _is_pending)
    .values(
        state=literal_column("'dead'"),
        due_at=null(),
        problem=bindparam("why"),
        updated_at=bindparam("at"),
        ended_at=bindparam("at"),
    )
)
_REVIVE: Final = (
    update(t.deliveries)
    .where(_d.webhook_id == bindparam("of_webhook"), _is_dead)
    .values(
        state=literal_column("'pending'"),
        attempts=literal_column("0"),
        due_at=null(),
        updated_at=bindparam("at"),
        ended_at=null(),
    )
)


@cache
def _deliveries_page(*, of_state: bool, from_start: bool) -> Select[tuple[object, ...]]:
    conditions: list[ColumnElement[bool]] = []
    if of_state:
        conditions.append(_d.state == bindparam("state"))
    if not from_start:
        last = t.deliveries.alias("last")
        # Nothing is behind what is not this owner's.
        conditions.append(
            _d.delivery_id
            < select(last.c.delivery_id)
            .where(
                last.c.owner_id == bindparam("owner_id"), last.c.delivery_id == bindparam("after")
            )
            .scalar_subquery()
        )
    return (
        by(t.deliveries, "owner_id", "webhook_id")
        .where(*conditions)
        .order_by(_d.delivery_id.desc())
        .limit(bindparam("limit", type_=Integer))
    )


class SqlOutboxReader(RowReader):
    """Fulfils the port `OutboxReader`."""

    async def last_event_sequence(self, stream: str) -> int:
        """Of the last event of an index or owner; 0 for none."""
        row = await self._session.row(_LAST_SEQUENCE, stream=stream)
        assert row is not None, "an aggregate has one row"
        return row["sequence"] or 0

    async def event_since(
        self, stream: str, kind: EventKind, data: Mapping[str, object], since: datetime
    ) -> bool:
        """Whether an event that says exactly this was added to a stream after that time."""
        row = await self._session.row(
            _SAID_SINCE,
            stream=stream,
            kind=kind.value,
            data=dump(data),
            since=microseconds(since),
        )
        return row is not None

    async def untold_events(self, limit: int) -> list[Event]:
        """Events of every owner that were not handed on yet, in order within their streams."""
        return await self._all(EVENTS, _UNTOLD, limit=limit)

    async def events_of(self, owner_id: str, since: datetime, limit: int) -> list[Event]:
        """The owner's events of that time and later, oldest first."""
        return await self._all(
            EVENTS, _EVENTS_OF, owner_id=owner_id, since=microseconds(since), limit=limit
        )

    async def get_event(self, owner_id: str, event_id: str) -> Event | None:
        """One event of this owner."""
        return await self._one(EVENTS, _EVENT, owner_id=owner_id, event_id=event_id)

    async def get_webhook(self, owner_id: str, webhook_id: str) -> Webhook | None:
        """One webhook of this owner that is not deleted."""
        return await self._one(WEBHOOKS, _WEBHOOK, owner_id=owner_id, webhook_id=webhook_id)

    async def list_webhooks(self, owner_id: str) -> list[Webhook]:
        """Those that are not deleted, oldest first."""
        return await self._all(WEBHOOKS, _WEBHOOKS, owner_id=owner_id)

    async def webhooks_of_all(self) -> list[Webhook]:
        """Those of every owner that are not deleted."""
        return await self._all(WEBHOOKS, _WEBHOOKS_OF_ALL)

    async def dead_letters(self, owner_id: str) -> dict[str, int]:
        """How many dead deliveries each webhook has; those without one are left out."""
        found = await self._session.rows(_DEAD_LETTERS, owner_id=owner_id)
        return {row["webhook_id"]: row["letters"] for row in found}

    async def list_deliveries(
        self,
        owner_id: str,
        webhook_id: str,
        state: DeliveryState | None,
        after: str | None,
        limit: int,
    ) -> list[Delivery]:
        """Newest first, from behind the delivery `after` on."""
        page = _deliveries_page(of_state=state is not None, from_start=after is None)
        given = {} if after is None else {"after": after}
        if state is not None:
            given["state"] = state.value
        return await self._all(
            DELIVERIES, page, owner_id=owner_id, webhook_id=webhook_id, limit=limit, **given
        )

    async def get_delivery(self, owner_id: str, delivery_id: str) -> Delivery | None:
        """One delivery of this owner."""
        return await self._one(DELIVERIES, _DELIVERY, owner_id=owner_id, delivery_id=delivery_id)

    async def due_deliveries(self, now: datetime, each: int, limit: int) -> list[Delivery]:
        """Oldest due first, at most `each` of one webhook."""
        return await self._all(DELIVERIES, _DUE, now=microseconds(now), each=each, limit=limit)


class SqlOutboxWrites(RowWriter):
    """Fulfils what the port `OutboxTransaction` adds to it."""

    async def add_event(self, event: Event) -> None:
        """Add an event at the end of its stream."""
        await self._add(EVENTS, event)

    async def mark_told(self, event_ids: Sequence[str], at: datetime) -> None:
        """Note that events were handed on."""
        told = [{"key_event_id": one, "at": microseconds(at)} for one in event_ids]
        await self._session.change_each(_TOLD, told)

    async def add_webhook(self, webhook: Webhook) -> None:
        """Add a webhook."""
        await self._add(WEBHOOKS, webhook)

    async def save_webhook(self, webhook: Webhook, was: WebhookState) -> None:
        """Replace a webhook that is still in the state `was`."""
        if webhook.state is not was:
            move(was, webhook.state)
        await self._save(
            _SAVE_WEBHOOK,
            WEBHOOKS.to_row(webhook),
            key_webhook_id=webhook.webhook_id,
            key_owner_id=webhook.owner_id,
            was_state=was.value,
        )

    async def add_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Add deliveries; one that is there already is left as it is."""
        rows = [DELIVERIES.to_row(one) for one in deliveries]
        await self._session.change_each(_ADD_DELIVERY, rows)

    async def save_delivery(self, delivery: Delivery, was: Delivery) -> None:
        """Replace a delivery that is still in the state and at the attempt of `was`."""
        if delivery.state is not was.state:
            move(was.state, delivery.state)
        await self._save(
            _SAVE_DELIVERY,
            DELIVERIES.to_row(delivery),
            key_delivery_id=delivery.delivery_id,
            key_owner_id=delivery.owner_id,
            was_state=was.state.value,
            was_attempts=was.attempts,
        )

    async def wake_deliveries(self, places: Iterable[tuple[str, str]], at: datetime) -> None:
        """Let the first pending delivery of each webhook and stream be due, if none is."""
        woken = [
            {"of_webhook": webhook_id, "of_stream": stream, "at": microseconds(at)}
            for webhook_id, stream in places
        ]
        await self._session.change_each(_WAKE, woken)

    async def bury_deliveries(self, webhook_id: str, problem: str, at: datetime) -> None:
        """End every pending delivery of a webhook as dead."""
        given = {"of_webhook": webhook_id, "why": problem, "at": microseconds(at)}
        await self._session.change(_BURY, given)

    async def revive_deliveries(self, webhook_id: str, at: datetime) -> int:
        """Let every dead delivery of a webhook be pending anew; how many there were."""
        given = {"of_webhook": webhook_id, "at": microseconds(at)}
        revived = await self._session.change(_REVIVE, given)
        await self._session.change(_WAKE_ALL, given)
        return revived
