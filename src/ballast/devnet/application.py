"""The HTTP face: 1Click under `/`, NEAR JSON-RPC at `/rpc`, the world outside at `/devnet`.

Every request passes through `Passage`, and nothing else does: it settles what is due, lets a fault
strike, checks the key where one is needed, and turns every exception into a JSON body, because an
in-process transport would hand it to the client as it is.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ballast.devnet import (
    admin,
    fault_admin,
    intents,
    page,
    quoting,
    relay,
    rpc,
    stats,
    status,
    token_list,
)
from ballast.devnet.delivery import response
from ballast.devnet.errors import Refusal
from ballast.devnet.fault_kinds import KINDS, Kind
from ballast.devnet.fault_scene import Scene
from ballast.devnet.faults import strike
from ballast.devnet.network import Network
from ballast.devnet.refusing import error_body
from ballast.devnet.settlement import settle_due
from ballast.devnet.wire import Call, Reply

Handler = Callable[[Network, Call], Reply]

_log: Final = logging.getLogger("ballast.devnet")
_MAX_BODY_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Door:
    """One route.

    Attributes:
        name: of the route to faults; "" for doors where none can strike.
        needs_key: refused with 401 unless a partner key is sent.
        part: which of many things behind one door a request wants, for faults.
    """

    method: str
    path: str
    handler: Handler
    name: str = ""
    needs_key: bool = False
    part: Callable[[Call], str | None] | None = None

    def fault_routes(self, call: Call) -> list[str]:
        """The routes whose faults can strike this call."""
        if not self.name:
            return []
        common = [] if self.path.startswith("/devnet") else ["any"]
        parts = [f"{self.name}:{self.part(call)}"] if self.part else []
        return [self.name, *parts, *common]


def _quote(network: Network, call: Call) -> Reply:
    return quoting.quote(network, call, has_key=_has_key(network, call))


DOORS: Final = (
    Door("GET", "/", page.page),
    Door("GET", "/v0/tokens", token_list.tokens, "tokens"),
    Door("POST", "/v0/quote", _quote, "quote"),
    Door("POST", "/v0/generate-intent", intents.generate_intent, "generate-intent", True),
    Door("POST", "/v0/submit-intent", intents.submit_intent, "submit-intent", True),
    Door("GET", "/v0/status", status.status, "status"),
    Door("POST", "/v0/deposit/submit", status.submit_deposit, "deposit-submit"),
    Door("POST", "/rpc", rpc.rpc, "rpc", part=rpc.rpc_method),
    Door("POST", "/relay/rpc", relay.relay, "relay", True, relay.relay_method),
    Door("GET", "/devnet/info", admin.info),
    Door("GET", "/devnet/clock", admin.show_clock),
    Door("POST", "/devnet/clock", admin.change_clock),
    Door("POST", "/devnet/send", admin.send, "devnet-send"),
    Door("POST", "/devnet/execute-intents", admin.execute, "execute-intents"),
    Door("POST", "/devnet/near-key", admin.add_near_key),
    Door("POST", "/devnet/mint", admin.mint),
    Door("POST", "/devnet/salt", admin.rotate_salt),
    Door("POST", "/devnet/clean-nonces", admin.clean_nonces),
    Door("GET", "/devnet/listing", admin.show_listing),
    Door("POST", "/devnet/listing", admin.change_listing),
    Door("GET", "/devnet/faults", fault_admin.show_faults),
    Door("POST", "/devnet/faults", fault_admin.switch_on),
    Door("DELETE", "/devnet/faults", fault_admin.switch_off),
    Door("GET", "/devnet/faults/kinds", fault_admin.show_kinds),
    Door("GET", "/devnet/stats", stats.stats),
    Door("GET", "/devnet/overview", stats.overview),
    Door("GET", "/devnet/books", admin.books),
    Door("GET", "/devnet/books/audit", admin.audit),
    Door("GET", "/devnet/swaps", admin.swaps),
)


def make_app(network: Network) -> Starlette:
    """The ASGI app of one open devnet. No lifespan and no background tasks."""
    passage = Passage(network)
    routes = [Route(door.path, passage.endpoint(door), methods=[door.method]) for door in DOORS]
    return Starlette(routes=routes, exception_handlers={HTTPException: passage.not_found})


def _has_key(network: Network, call: Call) -> bool:
    """Whether the call bears a partner key.

    Raises:
        Refusal: 401, if it bears one that is not known.
    """
    key = call.api_key
    if key is None:
        return False
    if network.api_keys is not None and key not in network.api_keys:
        raise Refusal(401, "Unauthorized")
    return True


class Passage:
    """The one way from a request to its answer."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def endpoint(self, door: Door) -> Callable[[Request], object]:
        """A Starlette endpoint for this door."""

        async def enter(request: Request) -> Response:
            try:
                body = await request.body()
            except ClientDisconnect:  # half a request changes nothing, and nobody hears the answer
                return Response(status_code=400)
            answer = response(self._answer(door, request, body))
            with suppress(sqlite3.Error):  # the clock is in the file
                # It is this world's clock, which need not be the machine's.
                now = self._network.clock.now()
                answer.headers.setdefault("Date", format_datetime(now, usegmt=True))
            return answer

        return enter

    async def not_found(self, request: Request, error: Exception) -> Response:
        """No such route, or another method than the route's."""
        status_code = error.status_code if isinstance(error, HTTPException) else 500
        message = f"Cannot {request.method} {request.url.path}"
        return response(self._refused(request.url.path, Refusal(status_code, message)))

    def _answer(self, door: Door, request: Request, body: bytes) -> Reply:
        try:
            return self._pass(door, request, body)
        except Refusal as refusal:
            return self._refused(door.path, refusal)
        except Exception:  # noqa: BLE001  # whatever it is, the client gets a JSON body
            _log.exception("request_failed: %s %s", door.method, door.path)
            return self._refused(door.path, Refusal(500, "Internal server error"))

    def _pass(self, door: Door, request: Request, body: bytes) -> Reply:
        if len(body) > _MAX_BODY_BYTES:
            raise Refusal(413, "request entity too large")
        _check_origin(door, request)
        settle_due(self._network)
        call = self._call(request, body)
        fault = strike(self._network, door.fault_routes(call)) if door.name else None
        if fault is None:
            return self._handled(door, call)
        scene = Scene(self._network, call, door.name, fault.settings)
        return self._struck(door, KINDS[fault.kind], scene)

    def _struck(self, door: Door, kind: Kind, scene: Scene) -> Reply:
        if kind.instead is not None:
            return kind.instead(scene)
        if kind.before is not None:
            return self._handled(door, kind.before(scene))
        assert kind.after is not None, "every kind does something"
        try:
            reply = self._handled(door, scene.call)
        except Refusal as refusal:
            reply = self._refused(door.path, refusal)
        return kind.after(scene, reply) if reply.status < 300 or kind.any_answer else reply

    def _handled(self, door: Door, call: Call) -> Reply:
        if not _has_key(self._network, call) and door.needs_key:
            raise Refusal(401, "Unauthorized")
        return door.handler(self._network, call)

    def _call(self, request: Request, body: bytes) -> Call:
        return Call(
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            now=self._network.clock.now(),
        )

    def _refused(self, path: str, refusal: Refusal) -> Reply:
        """An error body; without the file, only the message."""
        try:
            return Reply(refusal.status, error_body(self._network, path, refusal.message))
        except sqlite3.Error:
            return Reply(refusal.status, {"message": refusal.message})


def _check_origin(door: Door, request: Request) -> None:
    """A page of another site, open in some browser, has no business with the admin interface.

    Raises:
        Refusal: 403, if a changing request names another origin than this server.
    """
    origin = request.headers.get("origin")
    if door.method == "GET" or not door.path.startswith("/devnet") or origin is None:
        return
    if urlsplit(origin).netloc != request.headers.get("host"):
        raise Refusal(403, "This origin may not use the admin interface")
