"""What a venue may do to a rebalance after its yes: what it says, what it does."""

from __future__ import annotations

from datetime import timedelta

from tests.app.behaviours.catalogue import (
    ARRIVED,
    BTC,
    NO_ACCOUNT,
    UNUSED,
    End,
    Row,
    done,
    failed,
    fault,
    watched,
)
from tests.app.world import World

BROKEN = "less than the quote's minimum"

# --- what the venue says of it afterwards ---------------------------------------------------------


def told(name: str, kind: str, end: End, then: End | None = None, **settings: object) -> Row:
    """The status says this of a swap that goes well."""
    return Row(name, (fault("status", kind, **settings),), end, then=then)


UNKNOWN_STATE = "a state that Ballast does not know"

TOLD = (
    told("a status that is not known at first is looked for again", "refused", done(), count=4,
         status=404, message="Deposit address not found"),
    told("a status that is never known is for a person, and resolves by evidence", "refused",
         watched("not ended this swap in time", *ARRIVED), done(), status=404,
         message="Deposit address not found"),
    told("a word that nobody knows is no end, and resolves by evidence", "status-word",
         watched(UNKNOWN_STATE, *ARRIVED), done(), word="PARTIALLY_FILLED"),
    told("PROCESSING for ever is for a person, and resolves by evidence", "status-word",
         watched("not ended this swap in time", *ARRIVED), done(), word="PROCESSING"),
    told("PENDING_DEPOSIT for what was paid is for a person, and resolves by evidence",
         "status-word", watched("not ended this swap in time", *ARRIVED), done(),
         word="PENDING_DEPOSIT"),
    told("FAILED for what was paid is for a person, and resolves by evidence", "status-word",
         watched("reports a failure", *ARRIVED), done(), word="FAILED"),
    told("REFUNDED for what was bought is settled by the balances", "status-word", done(),
         word="REFUNDED"),
    told("SUCCESS before anything has happened is not believed", "status-word", done(), count=3,
         word="SUCCESS"),
    told("REFUNDED before anything has happened is not believed", "status-word", done(), count=3,
         word="REFUNDED"),
    told("FAILED before anything has happened is not believed", "status-word", done(), count=1,
         word="FAILED"),
    told("states that run backwards are waited out", "status-backwards", done(), count=8),
    told("SUCCESS without amounts is settled by the balances", "null-amounts", done()),
    told("amounts as numbers are amounts", "amount-form", done(), form="number"),
    told("an output of NaN is no account of a swap", "amount-form",
         watched(NO_ACCOUNT, *ARRIVED), done(), form="nan"),
    told("a negative output is no account of a swap", "amount-form",
         watched(NO_ACCOUNT, *ARRIVED), done(), form="negative"),
    told("a huge output is no account of a swap", "amount-form",
         watched(NO_ACCOUNT, *ARRIVED), done(), form="huge"),
    told("an output above what arrived is not booked", "field",
         watched("balance does not show it", *ARRIVED), done(), path="swapDetails.amountOut",
         value="99000000"),
    told("an output below the signed minimum is not booked", "field",
         watched(BROKEN, *ARRIVED, trading="halted"), done(trading="halted"),
         path="swapDetails.amountOut",
         value="1000"),
    told("a refund that is larger than the payment is not booked", "field", done(),
         path="swapDetails.refundedAmount", value="999999999999999"),
    told("a status that answers 500 for ever is for a person, and resolves by evidence",
         "server-error", watched(NO_ACCOUNT, *ARRIVED), done()),
    told("a status behind a wrong key is for a person, and resolves by evidence", "unauthorized",
         watched(NO_ACCOUNT, *ARRIVED), done()),
    told("a status that breaks off for a while is asked for again", "truncated", done(), count=9),
    told("a status with one key twice is not believed", "duplicate-keys",
         watched(NO_ACCOUNT, *ARRIVED), done(), value="REFUNDED"),
    told("429 for forty looks is waited out", "too-many-requests",
         done(), count=40, seconds=60),
)  # fmt: skip

# --- what the balances say ------------------------------------------------------------------------

BALANCES = (
    Row(
        "a balance that lags behind is waited for",
        (fault("rpc:mt_batch_balance_of", "old-balance", count=12, seconds=120),),
        done(),
    ),
    Row(
        "a balance that never moves is for a person, and resolves by evidence",
        (fault("rpc:mt_batch_balance_of", "old-balance", seconds=86_400),),
        watched("balance does not show it", *ARRIVED),
        then=done(),
    ),
    Row(
        "a negative balance is no balance",
        (fault("rpc:mt_batch_balance_of", "amount-form", form="negative"),),
        watched(NO_ACCOUNT, *ARRIVED),
        then=done(),
    ),
    Row(
        "balances as numbers are balances",
        (fault("rpc:mt_batch_balance_of", "amount-form", form="number"),),
        done(),
    ),
    Row(
        "an answer to another request is no balance",
        (fault("rpc", "wrong-id", count=20),),
        done(),
    ),
    Row(
        "a node that falls silent after the payment is waited for",
        (fault("rpc", "node-error", skip=8, count=30),),
        done(),
    ),
)

# --- what really becomes of the money -------------------------------------------------------------


def fate(name: str, kind: str, end: End, then: End | None = None, **settings: object) -> Row:
    """The payment is taken, and this comes of it."""
    return Row(name, (fault("submit-intent", kind, **settings),), end, then=then)


REFUNDED = End("failed", ("refunded",), words="sent it back")

FATES = (
    fate("a refund brings everything back", "refunded", REFUNDED),
    fate("a refund that comes late brings everything back", "refunded",
         watched("not ended this swap in time"), REFUNDED, seconds=4000),
    fate("SUCCESS that was a refund is booked as a refund", "success-but-refunded", REFUNDED),
    fate("SUCCESS without movement is for a person", "success-without-movement",
         watched("balance does not show it")),
    fate("FAILED after taking the money is for a person", "failed-keeps-money",
         watched("reports a failure")),
    fate("less than the signed minimum is for a person", "below-minimum",
         watched(BROKEN, *ARRIVED, trading="halted")),
    fate("a second payout is named as money from outside", "paid-twice",
         done(named=("outside_deposit",))),
    fate("stuck in PROCESSING for ever is for a person", "stuck",
         watched("not ended this swap in time")),
    fate("stuck in PENDING_DEPOSIT for ever is for a person", "stuck",
         watched("not ended this swap in time"), state="PENDING_DEPOSIT"),
    fate("stuck for an hour is for a person, and resolves by evidence", "stuck",
         watched("not ended this swap in time"), done(), seconds=3600),
    Row(
        "a refund that is called SUCCESS is booked as a refund",
        (
            fault("submit-intent", "refunded"),
            fault("status", "status-word", word="SUCCESS"),
        ),
        REFUNDED,
    ),
    Row(
        "a refund without amounts is settled by the balances",
        (fault("submit-intent", "refunded"), fault("status", "null-amounts")),
        REFUNDED,
    ),
    Row(
        "a refund that says one unit less than it was is named",
        (
            fault("submit-intent", "refunded"),
            fault("status", "field", path="swapDetails.refundedAmount", value="1000000"),
        ),
        End("failed", ("refunded",), words="sent it back", named=("outside_deposit",)),
    ),
    Row(
        "an answer lost for a payment that is refunded is still one movement",
        (fault("submit-intent", "refunded"), fault("status", "server-error", count=30)),
        REFUNDED,
    ),
)  # fmt: skip

# --- several swaps at once ------------------------------------------------------------------------

SEVERAL = (
    Row(
        "of several swaps the one that comes back leaves the others as they are",
        (fault("submit-intent", "refunded", count=1),),
        End("partial", ("settled", "refunded", "settled"), words="1 swap did not settle"),
        moved=3,
        basket="four",
    ),
    Row(
        "of several swaps the one that brings nothing is for a person, the others settle",
        (fault("submit-intent", "success-without-movement", count=1),),
        End("executing", ("settled", "attention", "settled"), gap=("sold",),
            words="balance does not show it"),
        moved=3,
        basket="four",
    ),
    Row(
        "several swaps whose answers are all lost are as many movements",
        (fault("submit-intent", "lost-answer"),),
        done("settled", "settled", "settled"),
        moved=3,
        basket="four",
    ),
    Row(
        "several swaps that all say SUCCESS without amounts are settled by the balances",
        (fault("status", "null-amounts"),),
        done("settled", "settled", "settled"),
        moved=3,
        basket="four",
    ),
    Row(
        "several swaps of which one is paid out twice name what is too much",
        (fault("submit-intent", "paid-twice", count=1),),
        done("settled", "settled", "settled", named=("outside_deposit",)),
        moved=3,
        basket="four",
    ),
    Row(
        "several swaps under every fourth answer lost are as many movements",
        (fault("any", "lost-answer", probability="0.25"),),
        done("settled", "settled", "settled"),
        moved=3,
        basket="four",
    ),
    Row(
        "several swaps under every third request failing are as many movements",
        (fault("any", "server-error", probability="0.33"),),
        done("settled", "settled", "settled"),
        moved=3,
        basket="four",
    ),
)  # fmt: skip

# --- the world moves on meanwhile -----------------------------------------------------------------

NINE_DAYS = timedelta(days=9)


async def asleep(world: World, _: object) -> None:
    """The first attempt to send, and then nobody looks for nine days."""
    await world.engine.run_until_idle()
    world.pass_time(NINE_DAYS)


MEANWHILE = (
    Row(
        "executed unheard, and the nonce forgotten by the time of the next look, settles",
        (
            fault("submit-intent", "lost-answer", count=2),
            fault("rpc", "clean-nonces"),
        ),
        done(),
        act=asleep,
    ),
    Row(
        "never executed, and not looked at for nine days, is proven by the money",
        (
            fault("submit-intent", "lost-request"),
            fault("rpc", "clean-nonces"),
        ),
        failed(UNUSED),
        moved=0,
        act=asleep,
    ),
    Row(
        "an id that moves before the offer is not swapped",
        (fault("tokens", "move-id", asset_id=BTC, new_id="nep141:nbtc-2.bridge.near"),),
        failed("does not list"),
        moved=0,
    ),
    Row(
        "an id that moves after the payment is still what was bought",
        (fault("status", "move-id", asset_id=BTC, new_id="nep141:nbtc-2.bridge.near"),),
        done(),
    ),
    Row(
        "a salt that is rotated with the offer is the one that is signed under",
        (fault("quote", "rotate-salt"),),
        done(),
    ),
)


ROWS = (*TOLD, *BALANCES, *FATES, *SEVERAL, *MEANWHILE)
