"""Rows of a rebalance: what a venue can do between the plan and the last settled swap."""

from __future__ import annotations

from tests.app.behaviours import outcomes
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

NOT_ASKED_FOR = "not what was asked for"
NO_ANSWER = "did not answer in time"

# --- before anything is signed --------------------------------------------------------------------


def refused_offer(name: str, kind: str, **settings: object) -> Row:
    """An offer that is never what was asked for ends the swap before anything is signed."""
    return Row(name, (fault("quote", kind, **settings),), failed(NOT_ASKED_FOR), moved=0)


def other(field: str) -> Row:
    """The venue quotes, echoes and signs another request than ours."""
    return refused_offer(f"an offer with another {field} is signed for by nobody here",
                         "other-request", field=field)  # fmt: skip


OFFERS = (
    *map(other, ("recipient", "refundTo", "destinationAsset", "amount",
                 "slippageTolerance", "swapType")),
    refused_offer("an offer with a foreign fee is refused", "foreign-fee", bps=300),
    refused_offer("an offer signed by nobody is refused", "bad-signature"),
    refused_offer("an offer with the signature of another one is refused", "other-signature"),
    refused_offer("an offer whose minimum is above its output is refused", "min-above-out"),
    refused_offer("an offer to pay to the address of an earlier swap is refused", "reused-address"),
    refused_offer("an offer with an address of another form is refused", "wrong-address"),
    refused_offer("an offer with a negative output is refused", "amount-form", form="negative"),
    refused_offer("an offer with a huge output is refused", "amount-form", form="huge"),
    refused_offer("an offer with an output in exponents is refused", "amount-form",
                  form="exponent"),
    refused_offer("an offer without an output is refused", "missing-field", path="quote.amountOut",
                  signed=1),
    refused_offer("an offer that takes a network fee inside the venue is refused", "field",
                  path="quote.withdrawFee", value="1000", signed=1),
    Row(
        "an offer with an output of NaN is no offer",
        (fault("quote", "amount-form", form="nan"),),
        failed(NO_ANSWER),
        moved=0,
    ),
    Row(
        "an offer that writes its amounts as numbers is good",
        (fault("quote", "amount-form", path="quote.amountOut", form="number"),),
        done(),
    ),
    Row(
        "an offer that is wrong once is asked for again",
        (fault("quote", "bad-signature", count=1),),
        done(),
    ),
)  # fmt: skip

SILENCE = (
    Row(
        "no liquidity for ever ends without a signature",
        (fault("quote", "refused", message="No liquidity available"),),
        failed("Nobody offers"),
        moved=0,
    ),
    Row(
        "no liquidity twice is waited out",
        (fault("quote", "refused", count=2, message=["No liquidity available"]),),
        done(),
    ),
    Row(
        "a refused partner key ends without a signature",
        (fault("quote", "unauthorized"),),
        failed("partner key"),
        moved=0,
    ),
    Row(
        "quotes that answer 500 for ever are given up unsigned",
        (fault("quote", "server-error"),),
        failed(NO_ANSWER),
        moved=0,
    ),
    Row(
        "a gateway that answers 502 and 503 for a while is waited out",
        (
            fault("any", "server-error", count=5, status=502, form="html"),
            fault("any", "server-error", count=5, status=503),
        ),
        done(),
    ),
    Row(
        "a storm of 429 with seconds to wait passes",
        (fault("any", "too-many-requests", count=12, seconds=30),),
        done(),
    ),
    Row(
        "a storm of 429 with a date to wait for passes",
        (fault("any", "too-many-requests", count=12, seconds=30, form="date"),),
        done(),
    ),
    Row(
        "429 for ever is given up unsigned",
        (fault("any", "too-many-requests", form="none"),),
        End("executing", ("failed",), words=NO_ANSWER),
        then=failed(NO_ANSWER),
        moved=0,
    ),
    Row(
        "a redirect is not followed",
        (fault("quote", "redirect", status=308),),
        failed(NO_ANSWER),
        moved=0,
    ),
    Row(
        "JSON that breaks off is no offer",
        (fault("quote", "truncated"),),
        failed(NO_ANSWER),
        moved=0,
    ),
    Row(
        "a page of HTML is no offer",
        (fault("quote", "not-json"),),
        failed(NO_ANSWER),
        moved=0,
    ),
    Row(
        "an offer as long as a book is not read",
        (fault("quote", "huge-answer", megabytes=2),),
        failed(NO_ANSWER),
        moved=0,
    ),
    Row(
        "good JSON under a wrong content type is taken as what it is",
        (fault("any", "wrong-content-type"),),
        done(),
    ),
    Row(
        "a quote whose answer is lost is asked for again, and the lost one is never paid",
        (fault("quote", "lost-answer", count=2),),
        done(),
    ),
    Row(
        "an asset that has left the list is not swapped",
        (fault("tokens", "dropped-token", asset_id=BTC),),
        failed("does not list"),
        moved=0,
    ),
    Row(
        "an asset whose decimals change is not swapped",
        (fault("tokens", "decimals", asset_id=BTC),),
        failed("does not list"),
        moved=0,
    ),
    Row(
        "an asset list that is no list for ever ends without a signature",
        (fault("tokens", "not-json"),),
        End("executing", ("failed",), words=NO_ANSWER),
        then=failed(NO_ANSWER),
        moved=0,
    ),
    Row(
        "a node that never answers lets nothing be signed, and is not waited for for ever",
        (fault("rpc", "node-error"),),
        End("executing", ("failed",), words="No NEAR node"),
        then=failed("No NEAR node"),
        moved=0,
    ),
    Row(
        "a contract whose views panic lets nothing be signed",
        (fault("rpc", "panic"),),
        End("executing", ("failed",), words="refused the view"),
        then=failed("refused the view"),
        moved=0,
    ),
)

# --- between the signature and the venue's yes ----------------------------------------------------


def sent_badly(name: str, kind: str, end: End, moved: int, **settings: object) -> Row:
    """Something goes wrong each time the signed bytes are sent."""
    return Row(name, (fault("submit-intent", kind, **settings),), end, moved=moved)


SENDING = (
    sent_badly("accepted and never executed moves nothing", "not-executed", failed(UNUSED), 0),
    sent_badly("lost requests until the deadline move nothing", "lost-request", failed(UNUSED), 0),
    sent_badly("an answer lost every time hides one movement", "lost-answer", done(), 1),
    sent_badly("a 502 for what was executed hides one movement", "error-after-effect", done(), 1),
    sent_badly("a refusal of the partner key moves nothing", "unauthorized", failed(UNUSED), 0),
    sent_badly("a refusal without a known reason moves nothing", "refused", failed(UNUSED), 0,
               message="computer says no"),
    sent_badly("an insufficient balance that is none moves nothing", "refused", failed(UNUSED), 0,
               message="insufficient balance or overflow"),
    sent_badly("called used and never executed moves nothing", "refused", failed(UNUSED), 0,
               message="nonce was already used"),
    sent_badly("an answer that breaks off hides one movement", "truncated", done(), 1),
    sent_badly("another intent's hash in the answer hides one movement", "field", done(), 1,
               path="intentHash", value="5yMaNuFvYdQ3rB6ZsZTnY9Xn1kZsuPbvnFqEVTnTHn6i"),
    sent_badly("a redirected submission moves nothing", "redirect", failed(UNUSED), 0),
    sent_badly("429 for every submission moves nothing", "too-many-requests", failed(UNUSED), 0),
    Row(
        "accept, then reset, then a request lost, is one movement",
        (
            fault("submit-intent", "lost-answer", count=1),
            fault("submit-intent", "lost-request", count=2),
        ),
        done(),
    ),
    Row(
        "a request lost three times is sent again with the same bytes",
        (fault("submit-intent", "lost-request", count=3),),
        done(),
    ),
    Row(
        "a salt that is rotated between the offer and the payment costs nothing but the swap",
        (fault("submit-intent", "rotate-salt", count=1),),
        failed(UNUSED),
        moved=0,
    ),
    Row(
        "a salt that is rotated before the contract is asked is not sent under",
        (fault("rpc:simulate_intents", "rotate-salt", count=1),),
        failed("invalid salt"),
        moved=0,
    ),
    Row(
        "a salt that is rotated and kept valid is no trouble",
        (fault("submit-intent", "rotate-salt", count=1, retire=0),),
        done(),
    ),
    Row(
        "executed under a node that shows the nonce unused and lags is found by its status",
        (
            fault("submit-intent", "lost-answer"),
            fault("rpc:is_nonce_used", "field", path="view", value=False, count=2),
            fault("rpc", "lagging-block", seconds=600),
        ),
        done(),
    ),
    Row(
        "sent, not answered, and no node to ask for ever is for a person, and resolves by evidence",
        (
            fault("submit-intent", "lost-answer"),
            fault("rpc", "node-error", skip=2),
        ),
        watched(NO_ACCOUNT, *ARRIVED),
        then=done(),
    ),
    Row(
        "not sent, and no node to ask for ever is for a person, and resolves by evidence",
        (
            fault("submit-intent", "lost-request"),
            fault("rpc", "node-error", skip=2),
        ),
        watched(NO_ACCOUNT, "nothing"),
        then=failed(UNUSED),
        moved=0,
    ),
    Row(
        "never executed under a chain that lags is waited for until its own time says so",
        (
            fault("submit-intent", "lost-request"),
            fault("rpc", "lagging-block", seconds=1200),
        ),
        failed(UNUSED),
        moved=0,
    ),
)  # fmt: skip


ROWS = (*OFFERS, *SILENCE, *SENDING, *outcomes.ROWS)
