"""The way from the product to the devnet: the process may die on it, and the witness looks on."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ballast.bootstrap import Wire
from ballast.devnet import Devnet
from ballast.simulation.process import Process
from ballast.simulation.story import Story
from ballast.simulation.witness import Witness


class Way:
    """To the devnet that the simulation holds; the app's own only tells it the time.

    Attributes:
        requests: how many have arrived.
        strikes: how many of them a fault has struck.
    """

    def __init__(self, devnet: Devnet, witness: Witness, story: Story) -> None:
        self.requests = 0
        self.strikes = 0
        self._devnet = devnet
        self._witness = witness
        self._story = story

    def of(self, process: Process) -> Callable[[Wire], Wire]:
        """For one life of the program."""

        def way(inner: Wire) -> Wire:
            del inner
            return lambda scope, receive, send: self._pass(process, scope, receive, send)

        return way

    async def _pass(
        self,
        process: Process,
        scope: Any,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        await process.moment()
        request, answer = _Request(scope, await _body(receive)), _Answer()
        self._witness.sees(request.path, request.query, request.body)
        before = self._strikes()
        try:
            await self._devnet.app(scope, request.receive, answer.send)
        finally:
            self.requests += 1
            self._tell(request, answer, before)
        await process.moment()
        for message in answer.messages:
            await send(message)

    def _strikes(self) -> dict[int, tuple[str, int]]:
        rows = self._devnet.network.store.all("SELECT n, kind, hits FROM faults")
        return {row["n"]: (row["kind"], row["hits"]) for row in rows}

    def _tell(self, request: _Request, answer: _Answer, before: dict[int, tuple[str, int]]) -> None:
        # No request switches a fault on: without one before it there is none after it.
        after = self._strikes().items() if before else ()
        struck = [kind for n, (kind, hits) in after if before.get(n, ("", 0))[1] < hits]
        self.strikes += len(struck)
        for kind in struck:
            self._witness.struck(kind, request.path, request.query, request.body)
        fault = f" FAULT {struck[0]}" if struck else ""
        self._story.tell(f"      {request.name()} -> {answer.status or 'dropped'}{fault}")


async def _body(receive: Callable[[], Awaitable[Any]]) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


class _Request:
    """A request that has been read."""

    def __init__(self, scope: Any, body: bytes) -> None:
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.body = body

    async def receive(self) -> Any:
        return {"type": "http.request", "body": self.body, "more_body": False}

    def name(self) -> str:
        """The path; of a node also what it was asked for."""
        if self.path != "/rpc":
            return self.path
        given = json.loads(self.body)
        return f"/rpc {given['params'].get('method_name', given['method'])}"


class _Answer:
    """An answer, held back until the process has lived to see it."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def send(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int | None:
        return self.messages[0].get("status") if self.messages else None
