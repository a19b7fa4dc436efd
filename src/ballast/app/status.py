"""Is everything all right: mode, limits, engine, kill switch, venue."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ballast import __version__
from ballast.app.app import App
from ballast.app.halting import TRADING
from ballast.app.inputs import Input
from ballast.app.limit_words import limits_as_words, used_as_words
from ballast.app.limits import limits_of_owner, used_up
from ballast.app.operation import Call, Output
from ballast.app.panic_progress import PanicView, pending_panic
from ballast.app.ports import Attention, DueRow, Reader
from ballast.app.switch import NO_NEW_RISK, halt_level
from ballast.core.halting import HaltLevel
from ballast.core.ledger import microseconds
from ballast.core.wording import being_sold
from ballast.errors import BallastError

# A process that shows no pass for so many real seconds does not move: it was stopped, or hangs.
SILENT: Final = 60
_FOLLOWED: Final = ("rebalance", "deposit")


class GetStatus(Input):
    """Input of get_status."""


class StatusView(Output):
    """The state of this Ballast."""

    version: str
    now: datetime
    trading: str
    panic: PanicView | None
    engine: str
    work_due: int
    oldest_due_seconds: int | None
    needs_attention: list[str]
    indexes: int
    venue: str
    venue_reachable: bool
    limits: dict[str, str]
    limits_used: dict[str, str]
    audit_head: str
    next_step: str


async def get_status(app: App, call: Call, given: GetStatus) -> StatusView:
    """Show mode, clock, engine, kill switch, limits and whether the venue answers."""
    now = app.clock.now()
    async with app.store.read() as reader:
        level = await halt_level(app.halt_orders, reader, call.owner_id)
        due = await reader.due_rows_of(call.owner_id, now, 1_000)
        indexes = await _count(reader, call.owner_id)
        limits = await limits_of_owner(app, reader, call.owner_id)
        _, spent = await used_up(app, reader, call.owner_id, "")
        stuck = await reader.attention(call.owner_id)
        head = await reader.audit_head(call.owner_id)
        panic = await pending_panic(app, reader, call.owner_id)
    reachable = await _reachable(app)
    oldest = min((row.due_at for row in due), default=None)
    return StatusView(
        mode=app.mode,
        version=__version__,
        now=now,
        trading=TRADING[level],
        panic=panic,
        engine=app.engine.state,
        work_due=len(due),
        oldest_due_seconds=None
        if oldest is None
        else (microseconds(now) - microseconds(oldest)) // 1_000_000,
        needs_attention=[one.text(now) for one in stuck],
        indexes=indexes,
        venue=app.venue.name,
        venue_reachable=reachable,
        limits=limits_as_words(limits),
        limits_used=used_as_words(spent),
        audit_head=str(head),
        next_step=_engine_trouble(app, due)
        or _what_is_stopped(level, panic)
        or _next_step(reachable, indexes, stuck),
    )


def _engine_trouble(app: App, due: list[DueRow]) -> str:
    """What keeps due work from being done; empty when nothing does."""
    if not due or app.engine.state == "leading":
        return ""
    leader = app.engine.leader()
    if leader is None:
        remedy = "keep a client's server or ballast serve running"
        started = next((row.row_id for row in due if row.kind in _FOLLOWED), None)
        # Nothing else that is due has an end that a command could wait for.
        wait = f", or let one command wait: ballast get_progress {started} --follow"
        return f"Work is due and no process does it: {remedy}{wait if started else ''}."
    if leader.silent_seconds < SILENT:
        return ""
    return (
        f"Process {leader.process} holds the engine and has not moved for {leader.silent_seconds} "
        "s, so nobody works on what is due. If it was stopped or hangs, end it: another process "
        "takes over within seconds, and nothing is lost."
    )


async def _count(reader: Reader, owner_id: str) -> int:
    return len(await reader.list_indexes(owner_id, archived=False, after=None, limit=1_000))


async def _reachable(app: App) -> bool:
    try:
        await app.venue.list_assets()
    except BallastError:
        return False
    return True


def _what_is_stopped(level: HaltLevel, panic: PanicView | None) -> str:
    """What the kill switch stops; empty when it stops nothing."""
    sold = f" {being_sold(len(panic.left))} into the base asset." if panic else ""
    if level is HaltLevel.NOTHING:
        return f"Trading is halted; only the owner can resume it, on the machine itself.{sold}"
    if level is HaltLevel.NO_NEW_RISK:
        return f"{NO_NEW_RISK}{sold} Only the owner can resume it, on the machine itself."
    return ""


def _next_step(reachable: bool, indexes: int, stuck: list[Attention]) -> str:
    if not reachable:
        return "The venue does not answer; nothing new is started until it does."
    if stuck:
        return f"Something needs the owner's attention: call get_progress of {stuck[0].reference}."
    return "Call list_indexes." if indexes else "Call create_index to make the first index."
