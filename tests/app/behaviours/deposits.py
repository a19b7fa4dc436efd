"""Rows of a deposit: what payers and the venue can do with an address, up to the booked money."""

from __future__ import annotations

from datetime import timedelta

from tests.app.behaviours.catalogue import End, Row, fault
from tests.app.paying import pay
from tests.app.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

IN_TIME = "not ended this deposit in time"
CREDITED = End("credited", named=("deposit_credited",))
RETURNED = End("refunded", named=("deposit_returned",), words="sent back into the index")


async def paid(world: World, deposit: object) -> None:
    """What was asked for is paid over HTTP, where faults strike."""
    await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)


async def too_little(world: World, deposit: object) -> None:
    pay(world, deposit, "40")


async def in_two_parts(world: World, deposit: object) -> None:
    pay(world, deposit, "60")
    await world.run(timedelta(minutes=5))
    pay(world, deposit, "40")


async def twice(world: World, deposit: object) -> None:
    pay(world, deposit, "100")
    await world.run(timedelta(minutes=5))
    pay(world, deposit, "100")


async def too_late(world: World, deposit: object) -> None:
    world.pass_time(4 * DAY + HOUR)
    await world.run(HOUR)
    pay(world, deposit, "100")
    await world.run(2 * HOUR)


async def another_asset(world: World, deposit: object) -> None:
    pay(world, deposit, 10**15, "nep141:base.omft.near")


async def nothing(world: World, deposit: object) -> None:
    """Nobody pays."""


def of(name: str, *faults: object, ends: End, then: End | None = None, **more: object) -> Row:
    """A deposit: 100 USDC from Base, no movement of ours, and eight hours of patience."""
    settings = {"act": paid, "watched": 8 * HOUR, "later": 9 * HOUR} | more
    return Row(name, faults, ends, then, moved=0, basket="cash", **settings)


def attention(words: str, *gap: str) -> End:
    """A person is to look; `arrived`: the money is there and not booked."""
    return End("attention", words=words, gap=gap)


ARRIVED = "arrived"
PAID_TWICE = End(
    "credited", gap=(ARRIVED,), named=("deposit_credited",), problems=("base units more",)
)

PAYERS = (
    of("too little is sent back after the address has closed", act=too_little,
       watched=5 * DAY, ends=RETURNED),
    of("two payments that are enough together are one deposit", act=in_two_parts, ends=CREDITED),
    of("a second payment is sent back and booked as that", act=twice, watched=HOUR,
       ends=CREDITED, then=End("credited", named=("deposit_credited", "deposit_returned"))),
    of("a payment after the end comes back and is booked as that", act=too_late,
       ends=RETURNED),
    of("another asset than agreed is nobody's deposit", act=another_asset, watched=2 * DAY,
       ends=End("expired", words="Nothing came")),
    of("an address that nobody pays expires", act=nothing, watched=2 * DAY,
       ends=End("expired", words="Nothing came")),
)  # fmt: skip


def sent(name: str, kind: str, ends: End, then: End | None = None, **settings: object) -> Row:
    """The payment arrives, and this comes of it."""
    return of(name, fault("devnet-send", kind, **settings), ends=ends, then=then)


FATES = (
    sent("a deposit stuck in PROCESSING for ever is for a person", "stuck", attention(IN_TIME)),
    sent("a deposit that the venue overlooks is for a person", "stuck", attention(IN_TIME),
         state="PENDING_DEPOSIT"),
    sent("a deposit stuck for seven hours is for a person, and resolves by evidence", "stuck",
         attention(IN_TIME), CREDITED, seconds=9 * 3600),
    sent("a deposit that is refunded is booked as it came back", "refunded", RETURNED),
    sent("a deposit that failed with the money is for a person", "failed-keeps-money",
         attention("reports that the deposit failed")),
    sent("a deposit called SUCCESS and refunded is booked as it came back", "success-but-refunded",
         RETURNED),
    sent("a deposit called SUCCESS that never arrives is for a person", "success-without-movement",
         attention("balance does not show it")),
    sent("a deposit that brings too little is booked as what it brought", "below-minimum",
         CREDITED),
    sent("a deposit that is paid out twice is booked once, the rest as money from outside",
         "paid-twice", PAID_TWICE, End("credited", named=("deposit_credited", "outside_deposit"))),
)  # fmt: skip


def told(name: str, kind: str, ends: End, then: End | None = None, **settings: object) -> Row:
    """The status says this of a deposit that goes well."""
    return of(name, fault("status", kind, **settings), ends=ends, then=then)


SILENT = "no readable account"

TOLD = (
    told("a deposit's SUCCESS without amounts is booked by the balance", "null-amounts", CREDITED),
    told("a deposit's unknown state is for a person, and resolves by evidence", "status-word",
         attention("does not know", ARRIVED), CREDITED, word="SWEPT"),
    told("a deposit's states that run backwards are waited out", "status-backwards", CREDITED,
         count=6),
    told("a deposit's output of NaN is for a person, and resolves by evidence", "amount-form",
         attention(SILENT, ARRIVED), CREDITED, form="nan"),
    told("a deposit's status that answers 500 for hours is said, and resolves by evidence",
         "server-error", End("awaiting", words=SILENT, gap=(ARRIVED,)), CREDITED),
    of("a deposit's status that answers 500 for ever is for a person, and resolves by evidence",
       fault("status", "server-error"), watched=31 * HOUR, ends=attention(SILENT, ARRIVED),
       then=CREDITED),
    told("a deposit's status that is never known resolves by evidence", "refused",
         End("awaiting", gap=(ARRIVED,)), CREDITED, status=404),
    told("a deposit called unpaid for hours is booked as money from outside, and for a person",
         "status-word", End("awaiting", named=("outside_deposit",)),
         End("attention", named=("outside_deposit",), words="balance does not show it"),
         word="PENDING_DEPOSIT"),
    told("a deposit's output above what arrived ends as what arrived", "field", CREDITED,
         path="swapDetails.amountOut", value="999000000"),
    of("a deposit's balance that lags behind is waited for",
       fault("rpc:mt_batch_balance_of", "old-balance", count=20, seconds=300), ends=CREDITED),
    of("a deposit's balance that is never shown is for a person, and resolves by evidence",
       fault("rpc", "node-error"), ends=attention(SILENT, ARRIVED), then=CREDITED),
)  # fmt: skip

ROWS = (*PAYERS, *FATES, *TOLD)
