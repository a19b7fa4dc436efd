"""Publishing through the solver relay. Source: sdk-monorepo, internal-utils, solverRelay."""

from __future__ import annotations

from typing import Final

from ballast.adapters.http import HttpAnswer, HttpClient, NoAnswerError
from ballast.adapters.near_intents.client import multi_payload, read_model, unreadable
from ballast.adapters.near_intents.publishing import Published, outcome_of, unanswered
from ballast.adapters.near_intents.refusals import is_trouble, refusal_of
from ballast.adapters.near_intents.wire import RelayPublishAnswer, RelayStatusAnswer
from ballast.app.ports import PublishOutcome, PublishResult, SignedIntent
from ballast.errors import BallastError, ErrorCode

# It holds the intent, waits for the chain, or has its transaction.
_KNOWN: Final = frozenset({"PENDING", "TX_BROADCASTED", "SETTLED"})
_NOT_KNOWN: Final = "NOT_FOUND_OR_NOT_VALID"


class SolverRelay:
    """The relay's methods. Its URL ends in `/rpc`; it needs a partner key.

    Raises (every method):
        BallastError: `venue_unavailable` without a usable answer; `venue_refused` when it will
            not talk to us.
    """

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    @property
    def name(self) -> str:
        """What the service is called in messages."""
        return self._http.name

    async def publish_intent(self, intent: SignedIntent) -> tuple[RelayPublishAnswer, bool]:
        """Hand over a signed intent. The same bytes cannot execute twice, so they may be sent
        again.

        Returns:
            The answer, and whether an earlier attempt of this call may have arrived as well.
        """
        params = {"quote_hashes": [], "signed_data": multi_payload(intent)}
        answer = await self._call("publish_intent", params)
        result = _result(answer, self.name)
        return read_model(RelayPublishAnswer, result, self.name), answer.repeated

    async def get_status(self, intent_hash: str) -> RelayStatusAnswer:
        """How the intent of this hash stands with the relay."""
        answer = await self._call("get_status", {"intent_hash": intent_hash})
        return read_model(RelayStatusAnswer, _result(answer, self.name), self.name)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _call(self, method: str, params: object) -> HttpAnswer:
        body = {"jsonrpc": "2.0", "id": "1", "method": method, "params": [params]}
        # The SDK names the method in the URL as well; so each has a breaker of its own.
        return await self._http.post(
            f"?method={method}", body, repeatable=True, is_trouble=is_trouble
        )


class RelayPublisher:
    """Publishes through the solver relay and asks it what became of the intent."""

    account_id: str | None = None

    def __init__(self, relay: SolverRelay) -> None:
        self._relay = relay
        self.name = relay.name

    async def publish(self, intent: SignedIntent) -> Published:
        """Send, then confirm: its `OK` is a promise, and a lost answer may hide one."""
        try:
            answer, repeated = await self._relay.publish_intent(intent)
        except NoAnswerError as error:
            lost = unanswered(error)
            return await self._confirmed(intent, lost) if lost.maybe_sent else lost
        except BallastError as error:
            reason = f"{error.message} {error.details.get('venue_message', '')}".strip()
            return Published(PublishResult(PublishOutcome.UNKNOWN, reason), maybe_sent=False)
        if answer.status == "OK" and answer.intent_hash == intent.intent_hash:
            return await self._confirmed(intent, _ACCEPTED)
        if answer.status == "OK":
            reason = "The venue named another intent than ours."
            return Published(PublishResult(PublishOutcome.UNKNOWN, reason))
        outcome = outcome_of(answer.reason, repeated=repeated)
        return Published(PublishResult(outcome, answer.reason or "The relay gave no reason."))

    async def close(self) -> None:
        """Close the connections."""
        await self._relay.close()

    async def _confirmed(self, intent: SignedIntent, so_far: Published) -> Published:
        """What the relay says of the intent now; what was known before, if it says nothing."""
        try:
            status = await self._relay.get_status(intent.intent_hash)
        except BallastError:
            return so_far
        if status.status in _KNOWN and status.intent_hash in (None, intent.intent_hash):
            near_hash = status.data.hash if status.data else None
            return Published(PublishResult(PublishOutcome.ACCEPTED, ""), near_hash=near_hash)
        if status.status == _NOT_KNOWN:
            reason = so_far.result.reason or "The relay took the intent, but does not know it."
            return Published(PublishResult(PublishOutcome.UNKNOWN, reason))
        return so_far


_ACCEPTED: Final = Published(PublishResult(PublishOutcome.ACCEPTED, ""))


def _result(answer: HttpAnswer, name: str) -> object:
    """`result` of an answer.

    Raises:
        BallastError: `venue_refused` for a 4xx, `venue_unavailable` for an `error` or nothing.
    """
    if not answer.ok:
        refusal = refusal_of(answer)
        raise BallastError(ErrorCode.VENUE_REFUSED, refusal.message, **refusal.details)
    body = answer.json if isinstance(answer.json, dict) else {}
    if body.get("error") is not None or body.get("id") != "1":
        raise unreadable(name)
    return body.get("result")
