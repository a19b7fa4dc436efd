"""The audit's rows and keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ballast.core.audit import AuditKey, AuditLink, AuditRecord, Head, Seal


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows an export shows; None for any."""

    owner_id: str | None = None
    operation: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditReader(Protocol):
    """Reads of the audit."""

    async def audit_keys(self) -> list[AuditKey]:
        """Every key that rows were ever hashed with, the oldest first."""
        ...

    async def audit_head(self, stream: str) -> Head: ...
    async def audit_streams(self) -> list[str]: ...
    async def audit_stream(self, stream: str, after: int, limit: int) -> list[AuditLink]:
        """Rows of a stream in order, from behind a place."""
        ...

    async def audit_since(self, at: datetime) -> list[AuditLink]:
        """Rows of all streams from a time on, each stream's in order."""
        ...

    async def last_audit(self, stream: str, operation: str) -> AuditLink | None: ...
    async def audit_before_chains(self) -> list[AuditRecord]:
        """Rows from the time before there were chains."""
        ...

    async def audit_page(
        self, wanted: AuditFilter, after: str, limit: int
    ) -> list[AuditLink | AuditRecord]:
        """Rows by their ids, which is by time, from behind one."""
        ...


class AuditTransaction(AuditReader, Protocol):
    """Writes of the audit. No row changes afterwards."""

    async def add_audit(self, record: AuditRecord, seal: Seal) -> AuditLink:
        """Write a row behind the head of its stream: that of what the transaction is about, which
        nobody else can write meanwhile; of its owner, when it is about nothing."""
        ...

    async def add_audit_key(self, key: AuditKey) -> None: ...
    async def reseal_audit_key(self, key: AuditKey) -> None:
        """Put another envelope of the same key in place."""
        ...
