"""Faults that answer in the place of a door, and those that spoil how an answer arrives."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, Final

from ballast.devnet.clock import real_now
from ballast.devnet.errors import ContractPanic, Refusal
from ballast.devnet.fault_scene import Scene
from ballast.devnet.intents import read_submitted, submitted
from ballast.devnet.publishing import pretend_to_publish
from ballast.devnet.refusing import error_body
from ballast.devnet.relay import pretend_relay
from ballast.devnet.wire import Delivery, Reply, json_text

_HTML: Final = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_DROPPED: Final = Reply(0, None, delivery=Delivery(reset=True))
_TWICE: Final = {
    "quote": "amountOut",
    "status": "status",
    "deposit-submit": "status",
    "tokens": "price",
    "submit-intent": "intentHash",
    "generate-intent": "payload",
}


def too_many_requests(scene: Scene) -> Reply:
    """The waiting time in a header, by the machine's clock if it is a date."""
    seconds = int(scene["seconds"])
    date = real_now() + timedelta(seconds=seconds)
    forms = {"seconds": str(seconds), "date": format_datetime(date, usegmt=True), "none": ""}
    text = forms[scene["form"]]
    body = _message(scene, "Too Many Requests")
    return Reply(429, body, headers={"Retry-After": text} if text else {})


def server_error(scene: Scene) -> Reply:
    """A failure of the service, or of a gateway before it."""
    status = int(scene["status"])
    if scene["form"] == "json":
        return Reply(status, _message(scene, "Internal server error"))
    return Reply(status, None, text=_HTML.format(f"{status} Error"), media_type="text/html")


def error_after_effect(scene: Scene, reply: Reply) -> Reply:
    """The same, once all has been done."""
    return server_error(scene)


def unauthorized(scene: Scene) -> Reply:
    """As without a key where one is needed."""
    return Reply(401, _message(scene, "Unauthorized"))


def refused(scene: Scene) -> Reply:
    """A refusal in the service's shape."""
    message = scene["message"]
    return Reply(
        int(scene["status"]),
        _message(scene, "No liquidity available" if message is None else message),
    )


def redirect(scene: Scene) -> Reply:
    """To a place that must not be followed."""
    return Reply(int(scene["status"]), {}, headers={"Location": str(scene["location"])})


def lost_request(scene: Scene) -> Reply:
    """No effect and no answer."""
    return _DROPPED


def lost_answer(scene: Scene, reply: Reply) -> Reply:
    """Effect and no answer."""
    return _DROPPED


def slow(scene: Scene, reply: Reply) -> Reply:
    """The whole answer, late."""
    return replace(reply, delivery=Delivery(wait_seconds=scene["seconds"]))


def drip(scene: Scene, reply: Reply) -> Reply:
    """The whole answer, a few bytes at a time."""
    pieces = Delivery(chunk_bytes=max(1, int(scene["bytes"])), chunk_seconds=scene["seconds"])
    return replace(reply, delivery=pieces)


def truncated(scene: Scene, reply: Reply) -> Reply:
    """A complete HTTP answer whose JSON is not."""
    text = _text(reply)
    return replace(reply, text=text[: int(len(text) * min(scene["percent"], 99) / 100)])


def wrong_content_type(scene: Scene, reply: Reply) -> Reply:
    """The right body under the wrong name."""
    return replace(reply, media_type=str(scene["media_type"]))


def not_json(scene: Scene, reply: Reply) -> Reply:
    """What a captive portal or a gateway would say."""
    return replace(reply, text=_HTML.format("Welcome"), media_type="text/html")


def huge(scene: Scene, reply: Reply) -> Reply:
    """Valid JSON, and more than anybody wants to read."""
    return replace(reply, text=_text(reply) + " " * int(scene["megabytes"] * 2**20))


def duplicate_keys(scene: Scene, reply: Reply) -> Reply:
    """`"key":true one,"key":other one`, or the other way round, at the key's first place."""
    key = json.dumps(scene["field"] or _TWICE.get(scene.door, "id"))
    other = f"{key}:{json.dumps(scene['value'])}"

    def twice(found: re.Match[str]) -> str:
        pair = (other, found[0]) if scene["other"] == "first" else (found[0], other)
        return ",".join(pair)

    honest = re.escape(key) + r':("(?:[^"\\]|\\.)*"|[^,{}\[\]"]+)'
    return replace(reply, text=re.sub(honest, twice, _text(reply), count=1))


def not_executed(scene: Scene) -> Reply:
    """All checks and the usual answer, and nothing after it."""
    if scene.door == "relay":
        return pretend_relay(scene.network, scene.call)
    signed = read_submitted(scene.call)
    try:
        (each,) = pretend_to_publish(scene.network, scene.call, [signed], "submit-intent")
    except ContractPanic as panic:
        raise Refusal(400, f"Failed to publish intent: {panic}") from panic
    return submitted(scene.network, each.intent_hash)


def _message(scene: Scene, message: Any) -> dict[str, Any]:
    return error_body(scene.network, scene.call.path, message)


def _text(reply: Reply) -> str:
    return json_text(reply.body) if reply.text is None else reply.text
