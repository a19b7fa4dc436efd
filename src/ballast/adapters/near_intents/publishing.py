"""Ways to publish a signed intent, and what their answers mean.

The texts are those of the verifier contract and the relay (near/intents, core/src/error.rs;
sdk-monorepo, solverRelay). They are matched as the official SDK does: anywhere, in any case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ballast.adapters.http import HttpAnswer, NoAnswerError
from ballast.adapters.near_intents.client import OneClick
from ballast.adapters.near_intents.refusals import refusal_text
from ballast.app.ports import PublishOutcome, PublishResult, SignedIntent
from ballast.errors import BallastError

# The nonce is 15 random bytes of ours: whoever used it used these very bytes.
_ALREADY: Final = ("nonce was already used", "already processed")

_REFUSALS: Final = (
    "deadline has expired",
    "signature_expired",
    "signature expired",
    "invalid signature",
    "invalid salt",
    "insufficient balance or overflow",
    "deadline is greater than nonce",
    "nonce was already expired",
    "wrong verifying_contract",
    "invalid intent",
    "json: ",
)
_REFUSED_KEY: Final = re.compile(r"public key\b.*\bdoesn't exist")
_LOCKED: Final = re.compile(r"account\b.*\bis locked")


@dataclass(frozen=True, slots=True)
class Published:
    """What became of sending an intent one way.

    Attributes:
        maybe_sent: False only if this way certainly had no effect.
        near_hash: the transaction on NEAR that carries it, where it is known.
    """

    result: PublishResult
    maybe_sent: bool = True
    near_hash: str | None = None


class Publisher(Protocol):
    """One way to publish. `account_id` is who sends the transaction, where that is known."""

    name: str
    account_id: str | None

    async def publish(self, intent: SignedIntent) -> Published:
        """Send these bytes. A lost answer is `unknown`, not an error. Never raises."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class OneClickPublisher:
    """Publishes through 1Click's `submit-intent`; needs a partner key."""

    account_id: str | None = None

    def __init__(self, one_click: OneClick) -> None:
        self._one_click = one_click
        self.name = one_click.name

    async def publish(self, intent: SignedIntent) -> Published:
        """Send; its answer names the intent's hash, which must be ours."""
        try:
            answer, named_hash = await self._one_click.submit_intent(intent)
        except BallastError as error:
            return unanswered(error)
        result = result_of(answer, named_hash, intent.intent_hash)
        return Published(result, maybe_sent=answer.repeated or answer.status not in (401, 403))

    async def close(self) -> None:
        """Close the connections."""
        await self._one_click.close()


async def publish_in_turn(publishers: Sequence[Publisher], intent: SignedIntent) -> Published:
    """Send the same bytes one way after the other, until one accepts them or proves them dead.

    A refusal proves nothing once an earlier way may have carried the intent out: the contract may
    have refused the second copy for what the first one did.
    """
    reasons: list[str] = []
    doubt = False
    for way in publishers:
        published = await way.publish(intent)
        outcome = published.result.outcome
        if outcome is PublishOutcome.ACCEPTED or (outcome is PublishOutcome.REJECTED and not doubt):
            return published
        reasons.append(published.result.reason)
        doubt = doubt or published.maybe_sent
        if outcome is PublishOutcome.REJECTED:
            break
    reason = " ".join(dict.fromkeys(reasons)) or "No way to publish is configured."
    return Published(PublishResult(PublishOutcome.UNKNOWN, reason), maybe_sent=doubt)


def result_of(answer: HttpAnswer, named_hash: str | None, our_hash: str) -> PublishResult:
    """What an answer of `submit-intent` means.

    Args:
        named_hash: the intent hash in a 2xx, if there is one.
        our_hash: the hash of what was sent.
    """
    if answer.ok:
        if named_hash == our_hash:
            return PublishResult(PublishOutcome.ACCEPTED, "")
        return PublishResult(PublishOutcome.UNKNOWN, "The venue named another intent than ours.")
    text = refusal_text(answer)
    reason = text or f"status {answer.status}"
    if answer.status in (401, 403):
        return PublishResult(PublishOutcome.UNKNOWN, f"The partner key was refused: {reason}")
    return PublishResult(outcome_of(text, repeated=answer.repeated), reason)


def outcome_of(text: str, *, repeated: bool = False) -> PublishOutcome:
    """What a refusal's words mean.

    Args:
        repeated: an earlier copy may have arrived, so that a refusal of this one proves nothing.
    """
    text = text.lower()
    if any(known in text for known in _ALREADY):
        return PublishOutcome.ACCEPTED
    refused = any(known in text for known in _REFUSALS)
    if not repeated and (refused or _REFUSED_KEY.search(text) or _LOCKED.search(text)):
        return PublishOutcome.REJECTED
    return PublishOutcome.UNKNOWN


def unanswered(error: BallastError) -> Published:
    """An error instead of an answer: nothing is known, unless it is certain that nothing left."""
    if isinstance(error, NoAnswerError) and not error.maybe_sent:
        reason = f"Nothing was sent. {error.message}"
        return Published(PublishResult(PublishOutcome.UNKNOWN, reason), maybe_sent=False)
    return Published(PublishResult(PublishOutcome.UNKNOWN, error.message))
