"""Mistakes that the product must not make, each planted in the place of what is right.

Each takes pytest's `monkeypatch`, and has in `FOUND_AS` what the simulation says when it finds it,
and with which seed that is.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from ballast.adapters.store.transaction import SqlTransaction
from ballast.app.engine import (
    Engine,
    arrivals,
    outcome,
    sending,
    swaps,
)
from ballast.app.engine.postings import post_swap
from ballast.core.halting import HaltLevel
from ballast.core.ids import IdKind
from ballast.core.ledger import Account, EntryKind, transfer
from ballast.core.states import IntentState, SwapState, move


def sent_before_it_was_committed(monkeypatch):
    """The signed bytes leave before they are in the database."""

    async def sign_and_send(app, swap, risky):
        now = app.clock.now()
        async with app.store.read() as reader:
            envelope = await reader.get_key(swap.index_id)
        order = swaps._order(app, swap, envelope.account_id, await app.venue.current_salt(), now)
        signed = app.vault.sign_transfer(envelope, order)
        intent = swaps._intent(app, swap, order, signed, now)
        await app.venue.publish(signed)
        sent = replace(intent, state=IntentState.PUBLISHING)
        after = replace(swap, state=move(swap.state, SwapState.SIGNED), updated_at=now, due_at=now)
        async with app.store.transaction() as tx:
            await tx.add_intent(sent)
            await tx.save_swap(after, was=swap.state)
            postings = transfer(swap.sell, swap.input_units, Account.RESERVED, Account.IN_FLIGHT)
            await post_swap(app, tx, swap, EntryKind.SWAP_SENT, postings, now)

    monkeypatch.setattr(swaps, "_sign", sign_and_send)


def other_bytes_are_signed(monkeypatch):
    """The message says another amount than the swap."""
    right = swaps._order

    def less(*given):
        order = right(*given)
        return replace(order, units=order.units - 1)

    monkeypatch.setattr(swaps, "_order", less)


def signed_for_too_long(monkeypatch):
    """The message can be executed when its quote is long over."""
    right = swaps._order

    def longer(*given):
        order = right(*given)
        return replace(order, deadline=order.deadline + timedelta(hours=1))

    monkeypatch.setattr(swaps, "_order", longer)


def one_unit_too_many_is_booked(monkeypatch):
    """Rounding goes the wrong way."""
    right = outcome._end_settled

    async def more(app, swap, intent, bought, returned):
        await right(app, swap, intent, bought + 1, returned)

    monkeypatch.setattr(outcome, "_end_settled", more)


def an_entry_is_changed_later(monkeypatch):
    """Somebody puts an amount right in place of a correction."""
    right = SqlTransaction.post

    async def rewrite(tx, entry, recorded_at):
        await tx._session.command("DROP TRIGGER IF EXISTS refuse_update_entries")
        await tx._session.command("UPDATE entries SET event_at = event_at + 1 WHERE sequence = 1")
        return await right(tx, entry, recorded_at)

    monkeypatch.setattr(SqlTransaction, "post", rewrite)


def an_entry_is_deleted(monkeypatch):
    """Somebody tidies up."""
    right = SqlTransaction.post

    async def tidy_up(tx, entry, recorded_at):
        link = await right(tx, entry, recorded_at)
        if link is not None and link.sequence > 2:
            for table in ("entries", "postings"):
                await tx._session.command(f"DROP TRIGGER IF EXISTS refuse_delete_{table}")
            latest = "(SELECT entry_id FROM entries ORDER BY rowid DESC LIMIT 1)"
            await tx._session.command(f"DELETE FROM postings WHERE entry_id = {latest}")
            await tx._session.command(f"DELETE FROM entries WHERE entry_id = {latest}")
        return link

    monkeypatch.setattr(SqlTransaction, "post", tidy_up)


def an_entry_is_out_of_its_place(monkeypatch):
    """The hash of an entry is not that of what it says."""
    right = SqlTransaction._write

    async def break_the_chain(tx, link, after):
        await right(tx, replace(link, hash="0" * 64), after)

    monkeypatch.setattr(SqlTransaction, "_write", break_the_chain)


def postings_do_not_balance(monkeypatch):
    """Money comes from nowhere."""
    right = SqlTransaction._write

    async def add_one(tx, link, after):
        first, *rest = link.entry.postings
        postings = (replace(first, units=first.units + 1), *rest)
        await right(tx, replace(link, entry=replace(link.entry, postings=postings)), after)

    monkeypatch.setattr(SqlTransaction, "_write", add_one)


def a_cached_balance_is_forgotten(monkeypatch):
    """An entry is written, and the balances are not brought up to date."""
    right = SqlTransaction._write

    async def forget(tx, link, after):
        kept = {} if link.entry.kind is EntryKind.SWAP_SETTLED else after
        await right(tx, link, kept)

    monkeypatch.setattr(SqlTransaction, "_write", forget)


def a_rebalance_is_never_woken(monkeypatch):
    """Nobody tells a rebalance that its swaps have ended."""

    async def save(app, tx, ended, *, was):
        await tx.save_swap(ended, was=was)

    for module in (outcome, sending):
        monkeypatch.setattr(module, "end_leg", save)


def nothing_is_looked_at_first(monkeypatch):
    """A program that begins signs at once, whatever the one before it had left open."""

    async def look_at_nothing(engine):
        return

    monkeypatch.setattr(Engine, "look_first", look_at_nothing)


def the_quote_is_booked(monkeypatch):
    """What was offered is taken for what came."""
    right = outcome._end_settled

    async def as_quoted(app, swap, intent, bought, returned):
        await right(app, swap, intent, swap.quoted_units, returned)

    monkeypatch.setattr(outcome, "_end_settled", as_quoted)


def the_word_is_enough(monkeypatch):
    """What the venue reports is booked, and the balance is not asked."""

    async def believed(*given):
        return True

    monkeypatch.setattr(outcome, "_has_come", believed)
    monkeypatch.setattr(arrivals, "_has_come", believed)


def an_arrival_is_given_to_whoever_looks_first(monkeypatch):
    """There is enough for it: so it must have been this swap."""

    def enough(surplus_units, mine, others):
        return surplus_units >= mine.units

    monkeypatch.setattr(outcome, "is_proven", enough)
    monkeypatch.setattr(arrivals, "is_proven", enough)


def an_executed_intent_stays_open(monkeypatch):
    """A swap ends, and its intent does not."""

    async def leave_it(app, tx, intent):
        return

    monkeypatch.setattr(outcome, "_executed", leave_it)


def a_deposit_is_booked_twice(monkeypatch):
    """Its entry has another key each time, and it is posted by whoever comes by."""
    right = arrivals._post

    async def twice(app, tx, found, entry):
        await right(app, tx, found, entry)
        again = replace(
            entry, entry_id=app.ids.new(IdKind.ENTRY), external_key=f"{entry.external_key}:again"
        )
        await tx.post(again, app.clock.now())

    monkeypatch.setattr(arrivals, "_post", twice)


async def _nothing_is_halted(*given):
    return HaltLevel.NONE


def the_engine_does_not_look_at_the_halt(monkeypatch):
    """Somebody halts, and the engine goes on."""
    the_signer_does_not_look_at_the_halt(monkeypatch)
    what_is_signed_is_sent_whatever_is_halted(monkeypatch)
    monkeypatch.setattr(swaps, "halt_level", _nothing_is_halted)


def the_signer_does_not_look_at_the_halt(monkeypatch):
    """It is looked at before the step, and not again in the transaction that signs."""

    @asynccontextmanager
    async def may_always_sign(store, orders, owner_id, index_id=None, *, opens_risk=False):
        async with store.transaction(index_id) as tx:
            yield tx

    monkeypatch.setattr(swaps, "may_sign", may_always_sign)


def what_is_signed_is_sent_whatever_is_halted(monkeypatch):
    """It is looked at before the step, and not again in the transaction before the bytes leave."""
    monkeypatch.setattr(sending, "halt_level", _nothing_is_halted)


@dataclass(frozen=True, slots=True)
class Found:
    """How a mistake is found.

    Attributes:
        words: what the simulation says then.
        seed: of the first simulation that is tried; it is to be one that finds it. After a change
            that makes every story another one, the next ones are tried as well.
        faults: the kinds that are drawn from.
        often: which step is drawn more often than usual, for what one seed in twenty finds.
    """

    words: str
    seed: int = 1
    faults: str = "all"
    often: str = ""


_LIE = "success-without-movement"
FOUND_AS = {
    sent_before_it_was_committed: Found("is not in the database as being sent"),
    other_bytes_are_signed: Found("says something else than its swap"),
    signed_for_too_long: Found("can execute longer than its quote is good"),
    one_unit_too_many_is_booked: Found("has ended; booked was"),
    the_quote_is_booked: Found("has ended; booked was"),
    a_deposit_is_booked_twice: Found("has ended; booked was"),
    the_word_is_enough: Found("has ended; booked was", 19, _LIE),
    an_arrival_is_given_to_whoever_looks_first: Found("has ended; booked was", 19, _LIE),
    an_entry_is_changed_later: Found("has not its place in the chain"),
    an_entry_is_deleted: Found("and no sum of postings"),
    an_entry_is_out_of_its_place: Found("has not its place in the chain"),
    postings_do_not_balance: Found("do not sum to zero"),
    a_cached_balance_is_forgotten: Found("and no sum of postings"),
    an_executed_intent_stays_open: Found("that only an executed one has"),
    nothing_is_looked_at_first: Found("were looked at", 15),
    a_rebalance_is_never_woken: Found("never comes to an end"),
    the_engine_does_not_look_at_the_halt: Found("signed while trading was halted", often="halt"),
    the_signer_does_not_look_at_the_halt: Found("signed while trading was halted", 8, often="halt"),
    what_is_signed_is_sent_whatever_is_halted: Found(
        "sent while trading was halted", 10, often="halt"
    ),
}
