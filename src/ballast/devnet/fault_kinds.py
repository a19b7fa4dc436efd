"""The catalogue of faults: what each is called, where it can strike, and what it then does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from ballast.devnet import fault_answers as answers
from ballast.devnet import fault_edits as edits
from ballast.devnet import fault_requests as requests
from ballast.devnet.fates import Fate, FateKind
from ballast.devnet.fault_scene import Scene
from ballast.devnet.wire import Call, Reply

ANY: Final[Sequence[str]] = ()
ROUTES: Final = (
    "any", "tokens", "quote", "generate-intent", "submit-intent", "status", "deposit-submit",
    "rpc", "relay", "execute-intents", "devnet-send",
)  # fmt: skip
_ONE_CLICK: Final = ROUTES[1:7]
_PUBLISHING: Final = ("submit-intent", "relay")
_PAYING: Final = ("quote", "submit-intent", "relay", "rpc", "execute-intents", "devnet-send")
_AMOUNTS: Final = ("quote", "status", "rpc")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. Exactly one of the three hooks is there.

    Attributes:
        routes: the doors where it makes sense; ANY for all.
        says: one sentence for a person.
        settings: name -> default; None as a default takes any JSON.
        choices: for settings with a closed set of values.
        instead: answers, and the door's own handler never runs.
        before: changes the world or the request, and then the handler runs.
        after: changes the answer of the handler, whose effects stay.
        any_answer: whether `after` is also for answers that are no 2xx.
    """

    name: str
    routes: Sequence[str]
    says: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    instead: Callable[[Scene], Reply] | None = None
    before: Callable[[Scene], Call] | None = None
    after: Callable[[Scene, Reply], Reply] | None = None
    any_answer: bool = False


def _fated(kind: FateKind) -> Callable[[Scene], Call]:
    return lambda scene: replace(scene.call, fate=Fate(kind, scene.settings))


def _fate(kind: FateKind, says: str, **settings: Any) -> Kind:
    choices = {"state": ("PROCESSING", "PENDING_DEPOSIT")} if "state" in settings else {}
    return Kind(kind.value, _PAYING, says, settings, choices, before=_fated(kind))


_INSTEAD: Final = (
    Kind("too-many-requests", ANY, "429, with Retry-After in seconds, as a date, or without.",
         {"seconds": 2, "form": "seconds"}, {"form": ("seconds", "date", "none")},
         instead=answers.too_many_requests),
    Kind("server-error", ANY, "A 5xx without any effect, with a JSON or an HTML body.",
         {"status": 500, "form": "json"},
         {"status": (500, 501, 502, 503, 504), "form": ("json", "html")},
         instead=answers.server_error),
    Kind("unauthorized", ANY, "401, whatever key was sent.", instead=answers.unauthorized),
    Kind("refused", ANY, "A 4xx with this message, a text or a list of texts.",
         {"status": 400, "message": None}, {"status": (400, 403, 404, 409, 422, 451)},
         instead=answers.refused),
    Kind("lost-request", ANY, "The connection is dropped before anything happens.",
         instead=answers.lost_request),
    Kind("redirect", ANY, "A redirect to somewhere else.",
         {"status": 307, "location": "http://127.0.0.1:9/elsewhere"},
         {"status": (301, 302, 303, 307, 308)}, instead=answers.redirect),
)  # fmt: skip

_DELIVERIES: Final = (
    Kind("lost-answer", ANY, "Everything happens, and then the connection is dropped.",
         after=answers.lost_answer, any_answer=True),
    Kind("error-after-effect", ANY, "Everything happens, and the answer is a 5xx all the same.",
         {"status": 502, "form": "html"},
         {"status": (500, 502, 503, 504), "form": ("json", "html")},
         after=answers.error_after_effect, any_answer=True),
    Kind("slow", ANY, "The answer waits for so many real seconds (only over a socket).",
         {"seconds": 5}, after=answers.slow, any_answer=True),
    Kind("drip", ANY, "The answer comes in small pieces with waits between (only over a socket).",
         {"bytes": 8, "seconds": 0.2}, after=answers.drip, any_answer=True),
    Kind("truncated", ANY, "The JSON ends after a share of its text, in percent.",
         {"percent": 60}, after=answers.truncated, any_answer=True),
    Kind("wrong-content-type", ANY, "The JSON is said to be something else.",
         {"media_type": "text/html"}, after=answers.wrong_content_type, any_answer=True),
    Kind("not-json", ANY, "2xx with a page of HTML instead of JSON.", after=answers.not_json),
    Kind("huge-answer", ANY, "The JSON is followed by so many megabytes of white space.",
         {"megabytes": 20}, after=answers.huge, any_answer=True),
    Kind("duplicate-keys", ANY, "A key comes twice; the other value is the first or the last.",
         {"field": "", "value": "1", "other": "last"}, {"other": ("first", "last")},
         after=answers.duplicate_keys),
)  # fmt: skip

_REQUESTS: Final = (
    Kind("other-request", ("quote",),
         "The service quotes, signs and echoes something else than was asked for.",
         {"field": "recipient", "value": None}, {"field": tuple(requests.OTHER_FIELDS)},
         before=requests.other_request),
    Kind("foreign-fee", ("quote",), "Somebody else's fee is added, in basis points, and charged.",
         {"recipient": "stranger.near", "bps": 300}, before=requests.foreign_fee),
    Kind("lagging-block", ("rpc",), "The node's latest block is so many seconds old.",
         {"seconds": 120}, before=requests.lagging_block),
    Kind("rotate-salt", ANY, "A new salt becomes the current one; the others retire, if so said.",
         {"retire": 1}, {"retire": (0, 1)}, before=requests.rotate_salt),
    Kind("clean-nonces", ANY, "The operator forgets the used nonces that have expired.",
         before=requests.clean_nonces),
    Kind("move-id", ANY, "A listed asset gets a new id; balances stay under the old one.",
         {"asset_id": "nep141:bnb.omdep.near", "new_id": "nep141:bnb-2.omdep.near"},
         before=requests.move_id),
)  # fmt: skip

_EDITS: Final = (
    Kind("field", ANY, "Any field of the answer gets any JSON value. `view` is a view's result.",
         {"path": "", "value": None, "signed": 0}, {"signed": (0, 1)}, after=edits.set_field),
    Kind("missing-field", ANY, "A field of the answer is left out.",
         {"path": "", "signed": 0}, {"signed": (0, 1)}, after=edits.drop_field),
    Kind("amount-form", _AMOUNTS, "An amount is not written as base units in text.",
         {"path": "", "form": "number"}, {"form": tuple(edits.AMOUNT_FORMS)},
         after=edits.amount_form),
    Kind("decimals", ("tokens",), "An asset's decimals change by so many; of all without an id.",
         {"asset_id": "", "by": 1}, after=edits.decimals),
    Kind("price", ("tokens",), "A price is zero, negative, NaN, Infinity, huge, text or doubled.",
         {"asset_id": "", "form": "zero"}, {"form": tuple(edits.PRICE_FORMS)}, after=edits.price),
    Kind("stale-price", ("tokens",), "Prices are so many seconds old.",
         {"asset_id": "", "seconds": 600}, after=edits.stale_price),
    Kind("future-price", ("tokens",), "Prices are from so many seconds ahead.",
         {"asset_id": "", "seconds": 600}, after=edits.future_price),
    Kind("dropped-token", ("tokens",), "An asset is missing from the list; all without an id.",
         {"asset_id": ""}, after=edits.dropped_token),
    Kind("bad-signature", ("quote",), "The quote's signature is nobody's.",
         after=edits.bad_signature),
    Kind("other-signature", ("quote",), "The signature is good, but of another quote.",
         after=edits.other_signature),
    Kind("wrong-address", ("quote",), "The deposit address has not the form it should have.",
         {"address": "0xAbCdEf0000000000000000000000000000000000"}, after=edits.wrong_address),
    Kind("reused-address", ("quote",), "The deposit address is that of the first quote ever.",
         after=edits.reused_address),
    Kind("min-above-out", ("quote",), "The least amount out is above the expected one.",
         after=edits.min_above_out),
    Kind("payload", ("generate-intent",), "The payload to sign says something else.",
         {"change": "second-intent"}, {"change": tuple(edits.PAYLOAD_CHANGES)},
         after=edits.payload),
    Kind("status-word", ("status", "deposit-submit"), "The status is this word.",
         {"word": "PROCESSING"}, after=edits.status_word),
    Kind("status-backwards", ("status", "deposit-submit"), "The status is an earlier one.",
         after=edits.status_backwards),
    Kind("null-amounts", ("status", "deposit-submit"), "No amount is given.",
         after=edits.null_amounts),
    Kind("old-balance", ("rpc",), "Balances are those of so many seconds ago.",
         {"seconds": 120}, after=edits.old_balance),
    Kind("panic", ("rpc",), "The contract panics with this text.",
         {"text": "The account doesn't have enough balance"}, after=edits.panic),
    Kind("node-error", ("rpc",), "The node answers with an error of its own.",
         {"name": "HANDLER_ERROR", "cause": "UNKNOWN_BLOCK", "code": 32000,
          "message": "Server error"}, after=edits.node_error),
    Kind("wrong-id", ("rpc", "relay"), "The JSON-RPC answer is to another request.",
         after=edits.wrong_id),
)  # fmt: skip

_FATES: Final = (
    Kind("not-executed", _PUBLISHING, "The payload is accepted and never executed.",
         instead=answers.not_executed),
    _fate(FateKind.STUCK, "The swap stays in this state; for ever, or so much longer.",
          state="PROCESSING", seconds=None),
    _fate(FateKind.REFUNDED, "Instead of a swap, the money goes back, so much later.",
          reason="INTERNAL_ERROR", seconds=0),
    _fate(FateKind.FAILED_KEEPS_MONEY, "FAILED, and the money is gone."),
    _fate(FateKind.SUCCESS_BUT_REFUNDED, "SUCCESS without amounts, and the money goes back."),
    _fate(FateKind.SUCCESS_WITHOUT_MOVEMENT, "SUCCESS with amounts, and nothing is delivered."),
    _fate(FateKind.BELOW_MINIMUM, "So many percent less than the promised minimum is delivered.",
          percent=10),
    _fate(FateKind.PAID_TWICE, "What is promised is delivered twice."),
    _fate(FateKind.DELIVERY_FAILED, "A withdrawal does not arrive and is refunded into Intents.",
          reason="DELIVERY_FAILED"),
)  # fmt: skip

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {kind.name: kind for kind in (*_INSTEAD, *_DELIVERIES, *_REQUESTS, *_EDITS, *_FATES)}
)


def kinds_view() -> list[dict[str, Any]]:
    """The catalogue for people and programs."""
    return [
        {
            "kind": kind.name,
            "routes": list(kind.routes) or ["any"],
            "says": kind.says,
            "settings": dict(kind.settings),
            "choices": {name: list(values) for name, values in kind.choices.items()},
        }
        for kind in KINDS.values()
    ]
