"""Rows of a withdrawal: sales first, then one delivery on a chain, whatever the venue does."""

from __future__ import annotations

from datetime import timedelta

from tests.app.behaviours.catalogue import End, Row, fault

NO_ACCOUNT = "no readable account"
SENT = End("sent", ("settled",))
SOLD_AND_SENT = End("sent", ("settled", "settled"))


def of(name: str, *faults: object, ends: End, then: End | None = None, **more: object) -> Row:
    """A withdrawal of cash that is there, delivered on Ethereum."""
    settings = {"amount": "40", "later": timedelta(hours=3)} | more
    return Row(name, faults, ends, then, **settings)


def sent(name: str, kind: str, ends: End, then: End | None = None, **more: object) -> Row:
    """The payment is taken, and this comes of it."""
    moved, delivered = more.pop("moved", 1), more.pop("delivered", None)
    faults = (fault("submit-intent", kind, **more),)
    return of(name, *faults, ends=ends, then=then, moved=moved, delivered=delivered)


def told(name: str, kind: str, ends: End, then: End | None = None, **settings: object) -> Row:
    """The status says this of a delivery that goes well."""
    return of(name, fault("status", kind, **settings), ends=ends, then=then)


def watched(words: str, *gap: str, **more: object) -> End:
    """The delivery needs attention: what was paid for it is still in flight."""
    return End("attention", ("attention",), gap=gap or ("sold",), words=words, **more)


def stays(words: str, *swaps: str) -> End:
    """Nothing left, or all of it came back."""
    return End("failed", swaps or ("refunded",), words=words)


ROWS = (
    sent("a delivery that fails comes back whole", "delivery-failed", stays("sent it back")),
    sent("a payout that is refunded comes back whole", "refunded", stays("sent it back")),
    sent("a payout called SUCCESS and refunded is booked as it came back", "success-but-refunded",
         stays("sent it back")),
    sent("a delivery that the venue swears to is believed, with its transaction to look at",
         "success-without-movement", SENT, delivered=0),
    sent("a payout that failed with the money is for a person", "failed-keeps-money",
         watched("reports a failure")),
    sent("a delivery below the signed minimum is for a person", "below-minimum",
         watched("less than the quote's minimum", trading="halted")),
    sent("a delivery made twice is one movement of ours", "paid-twice", SENT, delivered=2),
    sent("a delivery that never ends is for a person", "stuck",
         watched("not ended this swap in time")),
    sent("a delivery an hour late is for a person, and resolves by evidence", "stuck",
         watched("not ended this swap in time"), SENT, seconds=3600),
    sent("a payout whose answers are lost is sent once", "lost-answer", SENT),
    sent("a payout accepted and never executed stays", "not-executed",
         stays("ran out unused", "failed"), moved=0),
    told("a delivery without amounts is for a person, and resolves by evidence", "null-amounts",
         watched("do not agree"), SENT),
    told("a delivery in an unknown state is for a person, and resolves by evidence", "status-word",
         watched("does not know"), SENT, word="BRIDGING"),
    told("a delivery whose status is silent is for a person, and resolves by evidence",
         "server-error", watched(NO_ACCOUNT), SENT),
    told("a delivery called REFUNDED is not believed against the balance", "status-word",
         watched("balance", "sold"), SENT, word="REFUNDED"),
    told("a delivery called FAILED is for a person, and resolves by evidence", "status-word",
         watched("reports a failure"), SENT, word="FAILED"),
    of("an amount that has sunk below the network's minimum stays",
       fault("quote", "refused", message="Amount is too low for bridge, try at least 900000000"),
       ends=stays("below the smallest", "failed"), moved=0),
    of("an offer to deliver to another address is refused",
       fault("quote", "other-request", field="recipient"),
       ends=stays("not what was asked for", "failed"), moved=0),
    of("an offer to deliver another asset is refused",
       fault("quote", "other-request", field="destinationAsset"),
       ends=stays("", "failed"), moved=0),
    of("sales that come back leave nothing to send", fault("submit-intent", "refunded", count=1),
       amount="700", ends=stays("brought too little")),
    of("sales that never settle send nothing", fault("submit-intent", "stuck", count=1),
       amount="700", ends=End("selling", ("attention",), gap=("sold",), words="in time")),
    of("a sale and a delivery under a storm of 429 end as one of each",
       fault("any", "too-many-requests", count=8, seconds=30),
       amount="700", moved=2, ends=SOLD_AND_SENT),
    of("a sale whose answers are lost, and a delivery that fails, end with the cash at home",
       fault("submit-intent", "lost-answer", count=1),
       fault("submit-intent", "delivery-failed"),
       amount="700", moved=2, ends=stays("sent it back", "settled", "refunded")),
)  # fmt: skip
