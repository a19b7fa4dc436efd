"""The endpoints of 1Click, one method each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from ballast.adapters.http import HttpAnswer, HttpClient, NoAnswerError
from ballast.adapters.near_intents.refusals import is_trouble, refusal_of
from ballast.adapters.near_intents.wire import (
    GenerateAnswer,
    QuoteRequest,
    StatusAnswer,
    SubmitAnswer,
    TokenWire,
    clean_text,
)
from ballast.app.ports import SignedIntent

log = structlog.get_logger(__name__)

STANDARD: Final = "erc191"

_Model = TypeVar("_Model", bound=BaseModel)


class OneClick:
    """1Click's REST endpoints.

    Raises (every method):
        BallastError: `venue_unavailable` without a usable answer; what `refusal_of` makes of it
            when it says no.
    """

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    @property
    def name(self) -> str:
        """What the service is called in messages."""
        return self._http.name

    async def tokens(self) -> list[TokenWire]:
        """Everything listed. An entry that cannot be read is left out, with a warning."""
        found = _accepted(await self._http.get("/v0/tokens", is_trouble=is_trouble))
        if not isinstance(found, list):
            raise unreadable(self.name)
        return [token for entry in found if (token := _token(entry)) is not None]

    async def quote(self, request: QuoteRequest) -> Mapping[str, Any]:
        """The whole answer, unchecked. A firm quote opens an address, so it is sent once only."""
        found = await self._post("/v0/quote", request.body(), repeatable=request.dry)
        if not isinstance(found, dict):
            raise unreadable(self.name)
        return found

    async def generate_intent(self, signer_id: str, deposit_address: str) -> str:
        """The text that pays a deposit address, as the service would have it signed: unchecked.

        It opens nothing, so it may be asked for again.
        """
        body = {
            "type": "swap_transfer",
            "standard": STANDARD,
            "signerId": signer_id,
            "depositAddress": deposit_address,
        }
        found = await self._post("/v0/generate-intent", body, repeatable=True)
        return read_model(GenerateAnswer, found, self.name).intent.payload

    async def submit_intent(self, intent: SignedIntent) -> tuple[HttpAnswer, str | None]:
        """Publish. The same bytes cannot execute twice, so they may be sent again.

        Returns:
            The answer as it came, and for a 2xx the intent hash it names, if any.
        """
        body = {"type": "swap_transfer", "signedData": multi_payload(intent)}
        answer = await self._http.post("/v0/submit-intent", body, repeatable=True)
        if not answer.ok:
            return answer, None
        return answer, read_model(SubmitAnswer, answer.json, self.name).intent_hash

    async def submit_deposit(self, deposit_address: str, near_hash: str, sender_id: str) -> None:
        """Hint that a transaction on NEAR pays a deposit address, so that it is seen sooner."""
        body = {
            "txHash": near_hash,
            "depositAddress": deposit_address,
            "nearSenderAccount": sender_id,
        }
        await self._post("/v0/deposit/submit", body, repeatable=False)

    async def status(self, deposit_address: str, memo: str | None) -> StatusAnswer | None:
        """What became of a deposit; None if the address (with this memo) is not known."""
        query = {"depositAddress": deposit_address} | ({"depositMemo": memo} if memo else {})
        answer = await self._http.get("/v0/status", query, is_trouble=is_trouble)
        if answer.status == 404:
            return None
        return read_model(StatusAnswer, _accepted(answer), self.name)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _post(self, path: str, body: object, *, repeatable: bool) -> Any:
        answer = await self._http.post(path, body, repeatable=repeatable, is_trouble=is_trouble)
        return _accepted(answer)


def multi_payload(intent: SignedIntent) -> dict[str, str]:
    """A signed intent in the form that every way of publishing takes."""
    return {"standard": STANDARD, "payload": intent.payload, "signature": intent.signature}


def _token(entry: object) -> TokenWire | None:
    try:
        return TokenWire.model_validate(entry)
    except ValidationError as error:
        log.warning("token_unreadable", problem=clean_text(error.errors()[0]["msg"]))
        return None


def _accepted(answer: HttpAnswer) -> Any:
    """The JSON of a 2xx; a 4xx is raised."""
    if answer.ok:
        return answer.json
    raise refusal_of(answer)


def read_model(model: type[_Model], value: object, name: str) -> _Model:
    """The value as a model; `venue_unavailable` if it does not fit."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        log.warning("answer_unreadable", service=name, problem=clean_text(error.errors()[0]["msg"]))
        raise unreadable(name) from None


def unreadable(name: str) -> NoAnswerError:
    """An answer came, but not one that can be understood."""
    return NoAnswerError(name, "its answer has an unexpected form", maybe_sent=True)
