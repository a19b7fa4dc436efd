"""Faults that change what a good answer says. Its effects stay as they were."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import base58

from ballast.devnet.clock import to_us
from ballast.devnet.fault_scene import Scene
from ballast.devnet.quoting import quote_signer
from ballast.devnet.rpc import panic_text
from ballast.devnet.wire import Reply, compact_json, iso_millis

Edit = Callable[[Any], Any]

_AMOUNT_PATHS: Final = {
    "quote": "quote.amountOut",
    "status": "swapDetails.amountOut",
    "rpc": "view",
}
_AMOUNT_FIELDS: Final = ("amountIn", "amountOut", "refundedAmount", "depositedAmount")
_BEFORE: Final = {"SUCCESS": "PROCESSING", "REFUNDED": "PROCESSING", "FAILED": "PROCESSING",
                  "PROCESSING": "KNOWN_DEPOSIT_TX"}  # fmt: skip

AMOUNT_FORMS: Final[Mapping[str, Edit]] = MappingProxyType(
    {
        "number": int,
        "nan": lambda text: float("nan"),
        "infinity": lambda text: float("inf"),
        "huge": lambda text: "9" * 60,
        "negative": lambda text: f"-{text}",
        "fraction": lambda text: f"{text}.5",
        "exponent": lambda text: f"{text}e0",
        "spaced": lambda text: f" {text} ",
        "empty": lambda text: "",
        "null": lambda text: None,
    }
)
PRICE_FORMS: Final[Mapping[str, Edit]] = MappingProxyType(
    {
        "zero": lambda price: 0,
        "negative": lambda price: -price,
        "nan": lambda price: float("nan"),
        "infinity": lambda price: float("inf"),
        "huge": lambda price: 1e300,
        "text": str,
        "null": lambda price: None,
        "doubled": lambda price: price * 2,
    }
)


def set_field(scene: Scene, reply: Reply) -> Reply:
    """Any field; `*` in a path stands for every element."""
    changed = _edited(reply, scene["path"], lambda _: scene["value"])
    return _signed(scene, changed) if scene["signed"] else changed


def drop_field(scene: Scene, reply: Reply) -> Reply:
    """As if it had never been there."""
    changed = _edited(reply, scene["path"], None)
    return _signed(scene, changed) if scene["signed"] else changed


def amount_form(scene: Scene, reply: Reply) -> Reply:
    """Signed as it stands, where that can be signed at all."""
    change = AMOUNT_FORMS[scene["form"]]
    path = scene["path"] or _AMOUNT_PATHS[scene.door]

    def each(value: Any) -> Any:
        if isinstance(value, list):
            return [each(item) for item in value]
        return change(value) if isinstance(value, str) else value

    return _signed(scene, _edited(reply, path, each))


def decimals(scene: Scene, reply: Reply) -> Reply:
    """The same token, said to be finer than it is."""
    by = int(scene["by"])
    return _tokens(scene, reply, lambda token: token | {"decimals": token["decimals"] + by})


def price(scene: Scene, reply: Reply) -> Reply:
    """A price that is none."""
    change = PRICE_FORMS[scene["form"]]
    return _tokens(scene, reply, lambda token: token | {"price": change(token["price"])})


def stale_price(scene: Scene, reply: Reply) -> Reply:
    """The price with an old date."""
    return _moved_price(scene, reply, -scene["seconds"])


def future_price(scene: Scene, reply: Reply) -> Reply:
    """The price with a date to come."""
    return _moved_price(scene, reply, scene["seconds"])


def dropped_token(scene: Scene, reply: Reply) -> Reply:
    """The list without it; quotes still know it. `POST /devnet/listing` drops it everywhere."""
    return _tokens(scene, reply, lambda token: None)


def bad_signature(scene: Scene, reply: Reply) -> Reply:
    """64 bytes that no key has made."""
    raw = scene.network.draws.bytes("bad-signature", 0)
    return _edited(reply, "signature", lambda _: "ed25519:" + base58.b58encode(raw + raw).decode())


def other_signature(scene: Scene, reply: Reply) -> Reply:
    """The manager's own signature, on a quote that pays one base unit more."""
    more = _edited(reply, "quote.amountOut", lambda text: str(int(text) + 1))
    signature = quote_signer(scene.network).sign(_body(more))
    return _edited(reply, "signature", lambda _: signature)


def wrong_address(scene: Scene, reply: Reply) -> Reply:
    """Signed all the same. A dry quote has none."""
    return _at_address(scene, reply, str(scene["address"]))


def reused_address(scene: Scene, reply: Reply) -> Reply:
    """Signed all the same. Money sent there belongs to the first quote."""
    first = scene.network.store.one("SELECT address FROM swaps ORDER BY n LIMIT 1")
    return reply if first is None else _at_address(scene, reply, first["address"])


def _at_address(scene: Scene, reply: Reply, address: str) -> Reply:
    if "depositAddress" not in _body(reply)["quote"]:
        return reply
    return _signed(scene, _edited(reply, "quote.depositAddress", lambda _: address))


def min_above_out(scene: Scene, reply: Reply) -> Reply:
    """Signed all the same."""
    out = int(_body(reply)["quote"]["amountOut"])
    return _signed(scene, _edited(reply, "quote.minAmountOut", lambda _: str(out + 1)))


def status_word(scene: Scene, reply: Reply) -> Reply:
    """The word alone; the details stay true."""
    return _edited(reply, "status", lambda _: scene["word"])


def status_backwards(scene: Scene, reply: Reply) -> Reply:
    """The state before the present one, with the details of a swap that has not settled."""
    now = str(_body(reply)["status"])
    earlier = _edited(reply, "status", lambda _: _BEFORE.get(now, "PENDING_DEPOSIT"))
    return null_amounts(scene, earlier)


def null_amounts(scene: Scene, reply: Reply) -> Reply:
    """Every amount in all its three forms."""
    for name in _AMOUNT_FIELDS:
        for form in ("", "Formatted", "Usd"):
            reply = _edited(reply, f"swapDetails.{name}{form}", lambda _: None)
    return reply


def old_balance(scene: Scene, reply: Reply) -> Reply:
    """What the node's answer would have been some time ago."""
    at_us = to_us(scene.network.clock.now() - timedelta(seconds=scene["seconds"]))
    args = _view_args(scene)

    def held(token_id: str) -> str:
        return str(scene.network.books.balance_at(str(args.get("account_id")), token_id, at_us))

    def earlier(value: Any) -> Any:
        if isinstance(value, str) and "token_id" in args:
            return held(args["token_id"])
        if isinstance(value, list) and "token_ids" in args:
            return [held(each) for each in args["token_ids"]]
        if isinstance(value, list) and "account_id" in args:
            return [each for each in value if held(each["token_id"]) != "0"]
        return value

    return _edited(reply, "view", earlier)


def panic(scene: Scene, reply: Reply) -> Reply:
    """HTTP 200, an error within the result, and no value."""
    changed = _edited(reply, "result.error", lambda _: panic_text(scene["text"]))
    return _edited(changed, "result.result", None)


def node_error(scene: Scene, reply: Reply) -> Reply:
    """A top-level error instead of a result."""
    error = {
        "name": scene["name"],
        "cause": {"name": scene["cause"], "info": {}},
        "code": -int(scene["code"]),
        "message": scene["message"],
        "data": scene["message"],
    }
    body = {"jsonrpc": "2.0", "id": _body(reply).get("id"), "error": error}
    return replace(reply, body=body)


def wrong_id(scene: Scene, reply: Reply) -> Reply:
    """As when answers were mixed up on the way."""
    return _edited(reply, "id", lambda given: f"{given}-of-somebody-else")


def payload(scene: Scene, reply: Reply) -> Reply:
    """Another text to sign than the one that pays the swap."""
    change = PAYLOAD_CHANGES[scene["change"]]
    return _edited(reply, "intent.payload", change)


def _change(edit: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    def changed(text: str) -> str:
        fields = json.loads(text)
        edit(fields)
        return compact_json(fields)

    return changed


def _all_to_stranger(fields: Mapping[str, Any]) -> dict[str, Any]:
    tokens = fields["intents"][0]["tokens"]
    return {"intent": "transfer", "receiver_id": "stranger.near", "tokens": dict(tokens)}


def _other_amount(fields: Mapping[str, Any]) -> None:
    tokens = fields["intents"][0]["tokens"]
    for token_id, units in tokens.items():
        tokens[token_id] = str(int(units) * 2)


def _longer(fields: dict[str, Any]) -> None:
    until = datetime.fromisoformat(fields["deadline"]) + timedelta(days=365)
    nonce = base64.b64decode(fields["nonce"])
    later = (to_us(until) * 1000).to_bytes(8, "little")
    fields["deadline"] = iso_millis(until)
    fields["nonce"] = base64.b64encode(nonce[:9] + later + nonce[17:]).decode()


def _twice(text: str) -> str:
    """A parser that keeps the last of two equal keys pays a stranger."""
    stranger = compact_json([_all_to_stranger(json.loads(text))])
    return text[:-1] + f',"intents":{stranger}}}'


PAYLOAD_CHANGES: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        "second-intent": _change(lambda f: f["intents"].append(_all_to_stranger(f))),
        "no-intent": _change(lambda f: f["intents"].clear()),
        "other-receiver": _change(lambda f: f["intents"][0].update(receiver_id="stranger.near")),
        "other-amount": _change(_other_amount),
        "other-token": _change(
            lambda f: f["intents"][0].update(tokens={"nep141:wrap.near": "1000"})
        ),
        "second-token": _change(
            lambda f: f["intents"][0]["tokens"].update({"nep141:wrap.near": "1000"})
        ),
        "msg": _change(lambda f: f["intents"][0].update(msg="call me")),
        "token-diff": _change(
            lambda f: f.update(
                intents=[{"intent": "token_diff", "diff": {"nep141:wrap.near": "-1"}}]
            )
        ),
        "wrong-signer": _change(lambda f: f.update(signer_id="stranger.near")),
        "wrong-contract": _change(lambda f: f.update(verifying_contract="stranger.near")),
        "long-deadline": _change(_longer),
        "duplicate-key": _twice,
    }
)


def _body(reply: Reply) -> Any:
    """The answer's JSON, with the value of a view under `view`."""
    body = copy.deepcopy(reply.body)
    result = body.get("result") if isinstance(body, dict) else None
    raw = result.get("result") if isinstance(result, dict) else None
    if isinstance(body, dict) and isinstance(raw, list):
        body["view"] = json.loads(bytes(raw))
    return body


def _edited(reply: Reply, path: str, edit: Edit | None) -> Reply:
    """The answer with the values at `path` changed, or left out; as it is if there are none."""
    body = _body(reply)
    _walk(body, [part for part in path.split(".") if part], edit)
    if isinstance(body, dict) and "view" in body:
        view = body.pop("view")
        if isinstance(body.get("result"), dict) and "result" in body["result"]:
            body["result"]["result"] = list(json.dumps(view, separators=(",", ":")).encode())
    return replace(reply, body=body)


def _walk(value: Any, parts: list[str], edit: Edit | None) -> None:
    if not parts:
        return
    for key in _keys(value, parts[0], last=len(parts) == 1):
        if len(parts) > 1:
            _walk(value[key], parts[1:], edit)
        elif edit is not None:
            old = value.get(key) if isinstance(value, dict) else value[key]
            value[key] = edit(old)
        elif isinstance(value, dict):
            value.pop(key, None)
        else:
            del value[key]


def _keys(value: Any, part: str, last: bool) -> list[Any]:
    """The keys or places that one part of a path means here."""
    if isinstance(value, list):
        places = range(len(value))
        return list(places) if part == "*" else [p for p in places if str(p) == part]
    if isinstance(value, dict):
        return list(value) if part == "*" else [part] * (last or part in value)
    return []


def _signed(scene: Scene, reply: Reply) -> Reply:
    """With the manager's signature on what the quote says now; NaN cannot be signed."""
    if scene.door != "quote":
        return reply
    try:
        signature = quote_signer(scene.network).sign(_body(reply))
    except (KeyError, ValueError):
        return reply
    return _edited(reply, "signature", lambda _: signature)


def _tokens(
    scene: Scene, reply: Reply, change: Callable[[dict[str, Any]], dict[str, Any] | None]
) -> Reply:
    """The list with some or all of its assets changed, or left out."""
    wanted = scene["asset_id"]
    changed = []
    for token in _body(reply):
        struck = wanted in {"", token["assetId"]}
        after = change(token) if struck else token
        changed += [after] if after is not None else []
    return replace(reply, body=changed)


def _moved_price(scene: Scene, reply: Reply, seconds: float) -> Reply:
    at = iso_millis(scene.call.now + timedelta(seconds=seconds))
    return _tokens(scene, reply, lambda token: token | {"priceUpdatedAt": at})


def _view_args(scene: Scene) -> dict[str, Any]:
    params = scene.call.json().get("params")
    encoded = params.get("args_base64") if isinstance(params, dict) else None
    found = json.loads(base64.b64decode(encoded)) if encoded else {}
    return found if isinstance(found, dict) else {}
