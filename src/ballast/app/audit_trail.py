"""Reading the audit: whether its chains hold, where they end, and what they say.

Whoever can write the database but has not the master key can change no row and take none out of
the middle without its showing. What is cut off an end shows where that end was noted: in the chain
of the owner, and of the owner of the machine (`note_heads`), and by whoever kept a head outside.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.auditing import BALLAST, audit, opened
from ballast.app.operation import Caller
from ballast.app.ports import AuditFilter, Reader, Transaction
from ballast.app.until_cancelled import goes_on
from ballast.core.audit import (
    MAKE_KEY,
    NO_HEAD,
    NOTE_HEADS,
    AuditLink,
    AuditRecord,
    Head,
    Seal,
    digest_of_earlier,
    wrong_with,
)
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError

log = structlog.get_logger(__name__)
_always: Final = structlog.wrap_logger(
    None, wrapper_class=structlog.make_filtering_bound_logger(logging.INFO)
)

PAGE: Final = 1_000
# How often heads are noted, in real seconds.
INTERVAL: Final = 600.0
# Of so many rounds one prints the head although nothing has been since.
PRINTED_EVERY: Final = 6
# A row may be committed so long after its time was read.
MARGIN: Final = timedelta(minutes=10)
LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


# --- heads ----------------------------------------------------------------------------------------


async def note_heads(app: App) -> Head:
    """Note, in each owner's chain, where their other chains end, and in that of the machine's
    owner where those of the others do: then its head stands for every row there is.

    Nothing is written when nothing has been since. Returns that head.
    """
    async with app.store.transaction() as tx:
        last = await tx.last_audit(LOCAL_OWNER, NOTE_HEADS)
        rows = await tx.audit_since(last.record.at - MARGIN if last else LONG_AGO)
        for owner_id in sorted({one.record.owner_id for one in rows} - {LOCAL_OWNER}):
            theirs = [one for one in rows if one.record.owner_id == owner_id]
            await _note(app, tx, owner_id, _heads(theirs))
        mine = [one for one in rows if one.record.owner_id == LOCAL_OWNER]
        owners = sorted({one.record.owner_id for one in rows} - {LOCAL_OWNER})
        of_owners = {owner_id: await tx.audit_head(owner_id) for owner_id in owners}
        await _note(app, tx, LOCAL_OWNER, _heads(mine) | of_owners)
        return await tx.audit_head(LOCAL_OWNER)


async def keep_heads(app: App, *, printed: bool = True) -> None:
    """Note heads and print the one that stands for all: at the start, from then on whenever it has
    changed, and each hour. Runs until cancelled.

    Args:
        printed: whether to print it; not in a person's terminal.
    """
    told, rounds = NO_HEAD, 0
    while goes_on():
        try:
            head = await note_heads(app)
            if printed and (head != told or rounds % PRINTED_EVERY == 0):
                _print(head)
                told = head
        except BallastError as trouble:
            log.warning("audit_head_not_noted", code=trouble.code.value)
        rounds += 1
        await asyncio.sleep(INTERVAL)


def _print(head: Head) -> None:
    """It is news and no trouble, and still has to be there where only troubles are told: in a log
    that nobody had to set up for it."""
    if log.is_enabled_for(logging.WARNING):
        _always.info("audit_head", owner=LOCAL_OWNER, head=str(head))


async def _note(app: App, tx: Transaction, owner_id: str, heads: dict[str, Head]) -> None:
    last = await tx.last_audit(owner_id, NOTE_HEADS)
    known = _noted(last) if last else {}
    fresh = {
        stream: str(head)
        for stream, head in heads.items()
        if stream != owner_id and head.sequence > known.get(stream, NO_HEAD).sequence
    }
    if fresh:
        await audit(app, tx, Caller(owner_id, BALLAST), NOTE_HEADS, "", heads=fresh)


def _heads(rows: Iterable[AuditLink]) -> dict[str, Head]:
    """Where each stream ends, of rows that are in order."""
    return {one.stream: Head(one.sequence, one.hash) for one in rows}


def _noted(link: AuditLink) -> dict[str, Head]:
    heads = json.loads(link.record.facts).get("heads", {})
    return {stream: Head.of_text(text) for stream, text in heads.items()}


# --- verifying ------------------------------------------------------------------------------------


@dataclass(slots=True)
class AuditReport:
    """What was checked, and everything that is wrong.

    Attributes:
        earlier: rows from the time before there were chains.
        head: of the chain of the machine's owner.
    """

    rows: int = 0
    streams: int = 0
    earlier: int = 0
    head: Head = NO_HEAD
    problems: list[str] = field(default_factory=list)


async def verify_audit(
    app: App, known: Head | None = None, owner_id: str = LOCAL_OWNER
) -> AuditReport:
    """Check every chain with its keys, and what one says of another's end.

    Args:
        known: a head that somebody has kept outside; it must still be there.
        owner_id: of whose chain it is.
    """
    report, noted = AuditReport(), dict[str, Head]()
    if known is not None:
        noted[owner_id] = known
    async with app.store.read() as reader:
        seals = opened(app.vault, await reader.audit_keys())
        for stream in await reader.audit_streams():
            await _verify_stream(reader, stream, seals, report, noted)
        await _verify_noted(reader, noted, report)
        await _verify_earlier(reader, report)
        report.head = await reader.audit_head(LOCAL_OWNER)
    return report


async def _verify_stream(
    reader: Reader,
    stream: str,
    seals: dict[str, Seal],
    report: AuditReport,
    noted: dict[str, Head],
) -> None:
    """One wrong row is told of each stream: what follows it can say nothing."""
    after = NO_HEAD
    report.streams += 1
    while links := await reader.audit_stream(stream, after.sequence, PAGE):
        for one in links:
            wrong = wrong_with(one, after, seals)
            if wrong:
                report.problems.append(wrong)
                return
            if one.record.operation == NOTE_HEADS:
                _take_up(noted, _noted(one))
            after = Head(one.sequence, one.hash)
            report.rows += 1


def _take_up(noted: dict[str, Head], heads: dict[str, Head]) -> None:
    """The farthest end of each stream is enough: it stands for all before it."""
    for stream, head in heads.items():
        if head.sequence > noted.get(stream, NO_HEAD).sequence:
            noted[stream] = head


async def _verify_noted(reader: Reader, noted: dict[str, Head], report: AuditReport) -> None:
    for stream, head in sorted(noted.items()):
        found = await reader.audit_stream(stream, head.sequence - 1, 1)
        if not found or str(Head(found[0].sequence, found[0].hash)) != str(head):
            report.problems.append(
                f"The audit of {stream} has lost its row {head.sequence}, which was noted "
                "elsewhere: rows were cut off its end, or an older copy was put back."
            )


async def _verify_earlier(reader: Reader, report: AuditReport) -> None:
    earlier = await reader.audit_before_chains()
    report.earlier = len(earlier)
    first = await reader.audit_stream(LOCAL_OWNER, 0, 1)
    if not first or first[0].record.operation != MAKE_KEY:
        report.problems.append("The audit does not begin with the making of its key.")
        return
    rows, digest = digest_of_earlier(earlier)
    facts = json.loads(first[0].record.facts)
    if (facts["earlier_rows"], facts["earlier_digest"]) != (str(rows), digest):
        report.problems.append(
            "Audit rows from the time before there were chains are not what they were when the "
            "chains began."
        )


# --- exporting ------------------------------------------------------------------------------------


async def exported(app: App, wanted: AuditFilter) -> AsyncIterator[dict[str, object]]:
    """Rows as plain data, by time."""
    after = ""
    while True:
        async with app.store.read_once() as reader:
            rows = await reader.audit_page(wanted, after, PAGE)
        for one in rows:
            yield _plain(one)
        if len(rows) < PAGE:
            return
        last = rows[-1]
        after = (last.record if isinstance(last, AuditLink) else last).audit_id


def _plain(row: AuditLink | AuditRecord) -> dict[str, object]:
    if isinstance(row, AuditRecord):
        return _columns(row) | dict.fromkeys(_PLACE)
    return _columns(row.record) | {name: getattr(row, name) for name in _PLACE}


_PLACE: Final = ("stream", "sequence", "previous_hash", "key_id", "hash")


def _columns(record: AuditRecord) -> dict[str, object]:
    return {
        "audit_id": record.audit_id,
        "at": record.at.isoformat().replace("+00:00", "Z"),
        "owner_id": record.owner_id,
        "operation": record.operation,
        "caller": record.caller,
        "credential_id": record.credential_id,
        "outcome": record.outcome,
        "reference": record.reference,
        "facts": json.loads(record.facts),
        "input_digest": record.input_digest,
    }
