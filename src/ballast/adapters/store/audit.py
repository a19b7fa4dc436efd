"""Reads and writes of the audit."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy import Integer, Select, bindparam, select, update

from ballast.adapters.store import audit_tables as t
from ballast.adapters.store.queries import by
from ballast.adapters.store.row_session import RowReader, RowWriter
from ballast.adapters.store.rows import Record
from ballast.adapters.store.session import Row
from ballast.app.ports import AuditFilter
from ballast.core.audit import NO_HEAD, AuditKey, AuditLink, AuditRecord, Head, Seal, link
from ballast.core.ledger import microseconds

AUDIT: Final = Record(
    AuditRecord, t.audit, beside=("stream", "sequence", "previous_hash", "key_id", "hash")
)
AUDIT_KEYS: Final = Record(AuditKey, t.audit_keys)

_c: Final = t.audit.c
_limit: Final = bindparam("limit", type_=Integer)
_HEAD: Final = (
    select(_c.sequence, _c.hash)
    .where(_c.stream == bindparam("stream"))
    .order_by(_c.sequence.desc())
    .limit(1)
)
_STREAMS: Final = select(_c.stream).where(_c.sequence == 1).order_by(_c.stream)
_STREAM: Final = (
    by(t.audit, "stream")
    .where(_c.sequence > bindparam("after"))
    .order_by(_c.sequence)
    .limit(_limit)
)
_SINCE: Final = (
    select(t.audit)
    .where(_c.at >= bindparam("since"), _c.sequence.is_not(None))
    .order_by(_c.stream, _c.sequence)
)
_LAST: Final = by(t.audit, "stream", "operation").order_by(_c.sequence.desc()).limit(1)
_BEFORE_CHAINS: Final = select(t.audit).where(_c.sequence.is_(None))
_KEYS: Final = select(t.audit_keys).order_by(t.audit_keys.c.made_at, t.audit_keys.c.key_id)
_RESEAL: Final = (
    update(t.audit_keys)
    .where(t.audit_keys.c.key_id == bindparam("given_key_id"))
    .values(sealed=bindparam("new_sealed"))
)


@cache
def _page(filters: frozenset[str]) -> Select[tuple[object, ...]]:
    conditions = {
        "owner_id": _c.owner_id == bindparam("owner_id"),
        "operation": _c.operation == bindparam("operation"),
        "since": _c.at >= bindparam("since"),
        "until": _c.at < bindparam("until"),
    }
    wanted = [conditions[name] for name in sorted(filters)]
    behind = _c.audit_id > bindparam("after")
    return select(t.audit).where(*wanted, behind).order_by(_c.audit_id).limit(_limit)


class SqlAuditReader(RowReader):
    """Fulfils the port `AuditReader`."""

    async def audit_keys(self) -> list[AuditKey]:
        """Every key that rows were ever hashed with, the oldest first."""
        return await self._all(AUDIT_KEYS, _KEYS)

    async def audit_head(self, stream: str) -> Head:
        """Place and hash of a stream's last row."""
        row = await self._session.row(_HEAD, stream=stream)
        return NO_HEAD if row is None else Head(row["sequence"], row["hash"])

    async def audit_streams(self) -> list[str]:
        """Every stream."""
        return [str(row["stream"]) for row in await self._session.rows(_STREAMS)]

    async def audit_stream(self, stream: str, after: int, limit: int) -> list[AuditLink]:
        """Rows of a stream in order, from behind a place."""
        found = await self._session.rows(_STREAM, stream=stream, after=after, limit=limit)
        return [_link(row) for row in found]

    async def audit_since(self, at: datetime) -> list[AuditLink]:
        """Rows of all streams from a time on, each stream's in order."""
        return [_link(row) for row in await self._session.rows(_SINCE, since=microseconds(at))]

    async def last_audit(self, stream: str, operation: str) -> AuditLink | None:
        """The last row of its kind in a stream."""
        row = await self._session.row(_LAST, stream=stream, operation=operation)
        return None if row is None else _link(row)

    async def audit_before_chains(self) -> list[AuditRecord]:
        """Rows from the time before there were chains."""
        return await self._all(AUDIT, _BEFORE_CHAINS)

    async def audit_page(
        self, wanted: AuditFilter, after: str, limit: int
    ) -> list[AuditLink | AuditRecord]:
        """Rows by their ids, which is by time, from behind one."""
        given: dict[str, object] = {
            name: microseconds(value) if isinstance(value, datetime) else value
            for name in ("owner_id", "operation", "since", "until")
            if (value := getattr(wanted, name)) is not None
        }
        statement = _page(frozenset(given))
        found = await self._session.rows(statement, after=after, limit=limit, **given)
        return [AUDIT.from_row(row) if row["sequence"] is None else _link(row) for row in found]


class SqlAuditWrites(SqlAuditReader, RowWriter):
    """Fulfils the port `AuditTransaction`."""

    async def add_audit(self, record: AuditRecord, seal: Seal) -> AuditLink:
        """Write a row behind the head of its stream."""
        stream = self._of or record.owner_id
        made = link(record, stream, await self.audit_head(stream), seal)
        await self._add(
            AUDIT,
            record,
            stream=stream,
            sequence=made.sequence,
            previous_hash=made.previous_hash,
            key_id=made.key_id,
            hash=made.hash,
        )
        return made

    async def add_audit_key(self, key: AuditKey) -> None:
        """Keep a key."""
        await self._add(AUDIT_KEYS, key)

    async def reseal_audit_key(self, key: AuditKey) -> None:
        """Put another envelope of the same key in place."""
        await self._save(_RESEAL, {}, given_key_id=key.key_id, new_sealed=key.sealed)


def _link(row: Row) -> AuditLink:
    return AuditLink(
        AUDIT.from_row(row),
        row["stream"],
        row["sequence"],
        row["previous_hash"],
        row["key_id"],
        row["hash"],
    )
