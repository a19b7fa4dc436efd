"""The catalogue: what a venue may do, named row by row, and how each must end."""

from __future__ import annotations

from dataclasses import dataclass

from ballast.app.ports import PublishOutcome
from tests.adapters.venue_world import ETH, THOUSAND

BNB = "nep141:bnb.omdep.near"
HALF = THOUSAND // 2

OFFER, REFUSED, UNAVAILABLE, NOT_TRADED, TOO_LOW, BAD_ADDRESS = (
    "an offer", "quote_refused", "venue_unavailable", "venue_refused", "amount_too_low",
    "address_invalid",
)  # fmt: skip
ACCEPTED, REJECTED, UNKNOWN = (outcome.value for outcome in PublishOutcome)


def fault(route, kind, *, always=True, skip=0, **settings):
    """One fault; until it is switched off unless said otherwise."""
    return {"route": route, "kind": kind, "always": always, "skip": skip} | settings


@dataclass(frozen=True)
class Row:
    """What is done, under which faults, how it ends, and with which words in what is said.

    `paid`: whether the account has paid in the end; `over`: where it can be tried.
    """

    name: str
    doing: str
    faults: tuple
    ends: str
    words: str = ""
    paid: bool = False
    over: tuple = ("in process", "over HTTP")

    @property
    def late(self) -> bool:
        """Whether an answer does not come in time, which takes a connection to show."""
        return self.over == ("over HTTP",)


def quote(name, kind, ends=REFUSED, words="", *, doing="swap", route="quote", **settings):
    return Row(name, doing, (fault(route, kind, **settings),), ends, words)


def edited(name, path, value, words, *, doing="swap", ends=REFUSED):
    """A lie that is signed by the service's own key."""
    strike = fault("quote", "field", path=path, value=value, signed=1)
    return Row(name, doing, (strike,), ends, words)


def publishing(name, *faults, ends, words="", paid, doing="publish", **more):
    return Row(name, doing, faults, ends, words, paid, **more)


def after(name, *faults, ends, words="", paid=True, **more):
    return Row(name, "settle", faults, ends, words, paid, **more)


QUOTES = (
    quote("echo with another recipient", "other-request", words="recipient", field="recipient"),
    quote("echo with another refund account", "other-request", words="refundTo", field="refundTo"),
    quote("another asset is sold", "other-request", words="originAsset", field="originAsset"),
    quote(
        "another asset is bought",
        "other-request",
        words="destinationAsset",
        field="destinationAsset",
    ),
    quote("another amount", "other-request", words="amount", field="amount"),
    quote("a later deadline", "other-request", words="deadline", field="deadline"),
    quote("a wider slippage", "other-request", words="slippage", field="slippageTolerance"),
    quote("another kind of swap", "other-request", words="swapType", field="swapType"),
    quote("a firm quote becomes a dry one", "other-request", words="dry", field="dry"),
    quote("a foreign fee above the limit", "foreign-fee", words="bps", bps=400),
    quote("a signature of nobody", "bad-signature", words="signature"),
    quote("a signature of another quote", "other-signature", words="signature"),
    quote("a changed offer without a new signature", "field", words="signature",
          path="quote.timeEstimate", value=11),
    quote("no signature at all", "missing-field", words="signature", path="signature"),
    quote("a deposit address of another form", "wrong-address", words="deposit address"),
    edited("the deposit address of an earlier quote", "quote.depositAddress", "{first}",
           "earlier offer"),
    quote("a minimum above the offer", "min-above-out", words="smallest output"),
    edited("a minimum below the slippage", "quote.minAmountOut", "1", "smallest output"),
    edited("an offer of nothing", "quote.amountOut", "0", "smallest output"),
    edited("a smaller input than asked", "quote.amountIn", "499999999", "asks for"),
    edited("a smaller least input", "quote.minAmountIn", "1", "smallest input"),
    edited("a huge output written for people otherwise", "quote.amountOut", "9" * 30, "writes"),
    edited("an input written for people otherwise", "quote.amountInFormatted", "5000", "writes"),
    edited("a third of the value is lost", "quote.amountOutUsd", "330.0", "of the value"),
    edited("a network fee inside the venue", "quote.withdrawFee", "1000", "nothing leaves"),
    edited("a fee for a refund inside the venue", "quote.refundFee", "1000", "nothing leaves"),
    edited("a memo nobody asked for", "quote.depositMemo", "4711", "memo"),
    edited("a message for the receiver", "quoteRequest.customRecipientMsg", "{}", "added"),
    edited("another chain's receiver", "quoteRequest.virtualChainRecipient", "0x1", "added"),
    edited("insurance nobody asked for", "quoteRequest.insured", True, "insured"),
    edited("a confidential swap", "quoteRequest.confidentiality", "advanced", "confidentiality"),
    edited("it closes before it can be paid", "quote.deadline", "2027-01-15T12:00:01.000Z",
           "closes"),
    edited("a deadline that is no time", "quote.deadline", "soon", "read"),
    edited("a fee that is text", "quoteRequest.appFees", [{"fee": "25"}], "fee"),
    edited("fees that are no list", "quoteRequest.appFees", {"fee": 25}, "appFees"),
    quote("an amount as a number is one", "amount-form", OFFER, form="number"),
    quote("NaN for an amount", "amount-form", UNAVAILABLE, form="nan"),
    quote("Infinity for an amount", "amount-form", UNAVAILABLE, form="infinity"),
    quote("a huge amount", "amount-form", words="amountOut", form="huge"),
    quote("a negative amount", "amount-form", words="amountOut", form="negative"),
    quote("a fraction of a unit", "amount-form", words="amountOut", form="fraction"),
    quote("an exponent in an amount", "amount-form", words="amountOut", form="exponent"),
    quote("blanks around an amount", "amount-form", words="amountOut", form="spaced"),
    quote("an empty amount", "amount-form", words="amountOut", form="empty"),
    quote("no amount", "missing-field", words="minAmountOut", path="quote.minAmountOut"),
    quote("no echo", "missing-field", words="quoteRequest", path="quoteRequest"),
    quote("a key that comes twice", "duplicate-keys", UNAVAILABLE, value="7"),
    quote("JSON that is cut off", "truncated", UNAVAILABLE),
    quote("a page of HTML", "not-json", UNAVAILABLE),
    quote("JSON under another name is read as JSON", "wrong-content-type", OFFER),
    quote("a redirect is not followed", "redirect", UNAVAILABLE),
    quote("an answer without end", "huge-answer", UNAVAILABLE, megabytes=2),
    quote("a lost request", "lost-request", UNAVAILABLE),
    quote("a lost answer", "lost-answer", UNAVAILABLE),
    quote("a gateway's error after the effect", "error-after-effect", UNAVAILABLE),
    quote("too many requests, for hours", "too-many-requests", UNAVAILABLE, seconds=7200),
    quote("too many requests, until a date", "too-many-requests", UNAVAILABLE, "429",
          seconds=7200, form="date"),
    quote("a storm of 429 without a time", "too-many-requests", UNAVAILABLE, form="none"),
    quote("trouble of its own with status 400", "refused", UNAVAILABLE,
          message="Internal server error"),
    quote("no liquidity", "refused", REFUSED, "No liquidity"),
    quote("an asset that was retired", "refused", NOT_TRADED, message="tokenIn is not valid"),
    quote("a refusal as a list", "refused", NOT_TRADED, "amount must be",
          message=["amount must be a string", "dry must be a boolean value"]),
    quote("a refused key", "unauthorized", NOT_TRADED, "Unauthorized"),
    quote("not for this country", "refused", NOT_TRADED, status=451, message="not here"),
    quote("a bridge's minimum", "refused", TOO_LOW, "6603820", doing="withdraw",
          message="Amount is too low for bridge, try at least 6603820"),
    quote("a minimum in dollars", "refused", TOO_LOW, "minimum_units", doing="withdraw",
          message="Temporary swap limits: minimum swap amount is $1,000"),
    quote("a refused address", "refused", BAD_ADDRESS, doing="withdraw",
          message="recipient is not valid"),
    quote("a delivery to somebody else", "other-request", words="recipient", doing="withdraw",
          field="recipient"),
    edited("most of a delivery goes for its fee", "quote.withdrawFee", "900000000",
           "network fee", doing="withdraw"),
    edited("a delivery that costs too many dollars", "quote.withdrawFee", "60000000",
           "dollars", doing="withdraw"),
    quote("a deposit for somebody else", "other-request", words="recipient", doing="deposit",
          field="recipient"),
    edited("a deposit that must be larger than asked", "quote.minAmountIn", "1000000001",
           "smallest input", doing="deposit"),
    quote("a deposit to our own account", "wrong-address", words="deposit address",
          doing="deposit", address="{account}"),
    quote("changed decimals", "decimals", NOT_TRADED, doing="quote after the list", route="tokens",
          asset_id=ETH, by=1),
    quote("an asset gone from the list", "dropped-token", NOT_TRADED,
          doing="quote after the list", route="tokens", asset_id=ETH),
    quote("an id that moved", "move-id", NOT_TRADED, doing="quote what moved", route="tokens",
          asset_id=BNB, new_id="nep141:bnb-2.omdep.near"),
)  # fmt: skip

PUBLISHING = (
    publishing("lost before it arrived", fault("submit-intent", "lost-request"), ends=UNKNOWN,
               paid=True),
    publishing("accepted, then reset", fault("submit-intent", "lost-answer"), ends=UNKNOWN,
               paid=True),
    publishing("accepted, then reset once", fault("submit-intent", "lost-answer", always=False),
               ends=ACCEPTED, paid=True),
    publishing("a gateway's error after the effect", fault("submit-intent", "error-after-effect"),
               ends=UNKNOWN, paid=True),
    publishing("too many requests", fault("submit-intent", "too-many-requests", seconds=7200),
               ends=UNKNOWN, paid=True),
    publishing("a refused key", fault("submit-intent", "unauthorized"), ends=UNKNOWN, words="key",
               paid=True),
    publishing("accepted and never executed", fault("submit-intent", "not-executed"),
               ends=ACCEPTED, paid=True),
    publishing("the name of another intent", fault("submit-intent", "field", path="intentHash",
               value="7" * 44), ends=UNKNOWN, words="another intent", paid=True),
    publishing("no name at all", fault("submit-intent", "missing-field", path="intentHash"),
               ends=UNKNOWN, paid=True),
    publishing("a page of HTML", fault("submit-intent", "not-json"), ends=ACCEPTED, paid=True),
    publishing("a redirect", fault("submit-intent", "redirect"), ends=UNKNOWN, paid=True),
    publishing("a salt that rotates away", fault("submit-intent", "rotate-salt", always=False),
               ends=REJECTED, words="invalid salt", paid=False),
    publishing("lost, and then the salt rotates away",
               fault("submit-intent", "lost-answer", always=False),
               fault("submit-intent", "rotate-salt", always=False), ends=UNKNOWN, paid=True),
    publishing("the first way lost it, the second has it", fault("submit-intent", "lost-answer"),
               doing="publish both ways", ends=ACCEPTED, paid=True),
    publishing("the first way is shut, the second takes it", fault("submit-intent", "unauthorized"),
               doing="publish both ways", ends=ACCEPTED, paid=True),
    publishing("the relay loses its answer", fault("relay:publish_intent", "lost-answer"),
               doing="publish by relay", ends=ACCEPTED, paid=True),
    publishing("the relay is not heard again", fault("relay", "lost-answer"),
               doing="publish by relay", ends=UNKNOWN, paid=True),
    publishing("the relay mixes up its answers", fault("relay", "wrong-id"),
               doing="publish by relay", ends=UNKNOWN, paid=True),
    publishing("the relay takes it and forgets it", fault("relay", "not-executed", always=False),
               fault("relay:get_status", "field", path="result.status",
                     value="NOT_FOUND_OR_NOT_VALID"),
               doing="publish by relay", ends=UNKNOWN, paid=True),
    publishing("the relay refuses the key", fault("relay", "unauthorized"),
               doing="publish by relay", ends=UNKNOWN, words="key", paid=True),
    publishing("the chain refuses beforehand", fault("rpc:simulate_intents", "panic",
               text="insufficient balance or overflow"), doing="preflight",
               ends="insufficient balance or overflow", paid=True),
    publishing("nobody knows beforehand", fault("rpc:simulate_intents", "node-error"),
               doing="preflight", ends="nobody can say", paid=True),
)  # fmt: skip

PAYLOADS = tuple(
    publishing(f"a payload to sign with {what}",
               fault("generate-intent", "payload", change=change), doing="sign theirs",
               ends=REFUSED, words=words, paid=False)
    for change, what, words in (
        ("second-intent", "a second transfer", "exactly one intent"),
        ("no-intent", "no transfer", "exactly one intent"),
        ("other-receiver", "another receiver", "receiver"),
        ("other-amount", "another amount", "tokens"),
        ("other-token", "another token", "tokens"),
        ("second-token", "a second token", "tokens"),
        ("msg", "a message that calls the receiver", "field msg"),
        ("token-diff", "another kind of intent", "not a transfer"),
        ("wrong-signer", "another signer", "signer"),
        ("wrong-contract", "another contract", "contract"),
        ("long-deadline", "a deadline in a year", "deadline"),
        ("duplicate-key", "a key that comes twice", "read"),
    )
)  # fmt: skip

OUTCOMES = (
    after("it settles", ends="SUCCESS"),
    after("success, with amounts missing", fault("status", "null-amounts"),
          ends="SUCCESS without amounts"),
    after("success although everything went back", fault("submit-intent", "success-but-refunded"),
          ends="SUCCESS without amounts", paid=False),
    after("refunded", fault("submit-intent", "refunded"), ends="REFUNDED", paid=False),
    after("failed, and the money is gone", fault("submit-intent", "failed-keeps-money"),
          ends="FAILED"),
    after("stuck in processing", fault("submit-intent", "stuck"), ends="PROCESSING"),
    after("stuck before the deposit is seen",
          fault("submit-intent", "stuck", state="PENDING_DEPOSIT"), ends="PENDING_DEPOSIT"),
    after("a word nobody knows", fault("status", "status-word", word="ON_HOLD"), ends="UNKNOWN"),
    after("a word that is none", fault("status", "field", path="status", value=None),
          ends=UNAVAILABLE),
    after("a status that goes backwards", fault("status", "status-backwards"), ends="PROCESSING"),
    after("an amount that is none", fault("status", "amount-form", form="negative"),
          ends=UNAVAILABLE),
    after("NaN in a status", fault("status", "amount-form", form="nan"), ends=UNAVAILABLE),
    after("a status that is cut off", fault("status", "truncated"), ends=UNAVAILABLE),
    after("a status lost once is asked again", fault("status", "lost-answer", always=False),
          ends="SUCCESS"),
    after("a storm of 429", fault("status", "too-many-requests", form="none"), ends=UNAVAILABLE),
    after("an address it says it never gave", fault("status", "refused", status=404,
          message="Deposit address not found"), ends="not known"),
    after("a status with a trouble of its own", fault("status", "refused",
          message="Internal server error"), ends=UNAVAILABLE),
)  # fmt: skip

CHAIN = tuple(
    Row(name, doing, faults, ends, words, paid=True)
    for name, doing, faults, ends, words in (
        ("a node that lags shows no unused nonce", "nonce",
         (fault("rpc:is_nonce_used", "lagging-block", seconds=600),), UNAVAILABLE, "lags"),
        ("a node that answers another request", "balance", (fault("rpc", "wrong-id"),),
         UNAVAILABLE, "another request"),
        ("a node with an error of its own", "balance", (fault("rpc", "node-error"),),
         UNAVAILABLE, "UNKNOWN_BLOCK"),
        ("a contract that panics", "balance",
         (fault("rpc:mt_batch_balance_of", "panic", text="no such token"),), NOT_TRADED, "no such"),
        ("a negative balance", "balance",
         (fault("rpc:mt_batch_balance_of", "amount-form", form="negative"),), UNAVAILABLE, ""),
        ("a balance beyond all numbers", "balance",
         (fault("rpc:mt_batch_balance_of", "amount-form", form="huge"),), UNAVAILABLE, ""),
        ("a balance too few", "balance",
         (fault("rpc:mt_batch_balance_of", "missing-field", path="view.0"),), UNAVAILABLE, ""),
        ("a salt that is none", "salt", (fault("rpc:current_salt", "field", path="view",
          value="SALT"),), UNAVAILABLE, ""),
        ("a nonce that is yes and no", "nonce",
         (fault("rpc:is_nonce_used", "field", path="view", value="no"),), UNAVAILABLE, ""),
    )
)  # fmt: skip

SOCKETS = (
    Row("an answer that drips", "swap", (fault("quote", "drip", bytes=1, seconds=0.05),),
        UNAVAILABLE, "too long", over=("over HTTP",)),
    Row("an answer that does not come", "swap", (fault("quote", "slow", seconds=60),),
        UNAVAILABLE, "too long", over=("over HTTP",)),
    publishing("taken, and then silence", fault("submit-intent", "slow", seconds=60), ends=UNKNOWN,
               paid=True, over=("over HTTP",)),
    after("a status that drips", fault("status", "drip", bytes=1, seconds=0.05), ends=UNAVAILABLE,
          over=("over HTTP",)),
)  # fmt: skip

ROWS = (*QUOTES, *PUBLISHING, *PAYLOADS, *OUTCOMES, *CHAIN, *SOCKETS)
