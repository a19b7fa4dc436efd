"""NEAR JSON-RPC from the first of several nodes that answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from ballast.adapters.http import HttpAnswer, HttpClient, NoAnswerError
from ballast.adapters.near_intents.wire import clean_text
from ballast.errors import BallastError, ErrorCode

Params = Mapping[str, object]


class NearNodes:
    """Some NEAR nodes, asked in turn until one gives a usable result.

    Args:
        nodes: in the order of preference; one that answered is asked first from then on.
        total_seconds: for one request, over all nodes; each gets an equal share of it.

    Raises:
        BallastError: `settings_invalid` without a node.
    """

    def __init__(self, nodes: Sequence[HttpClient], total_seconds: float) -> None:
        if not nodes:
            raise BallastError(ErrorCode.SETTINGS_INVALID, "At least one NEAR RPC URL is needed.")
        self._nodes = list(nodes)
        self._seconds_each = total_seconds / len(nodes)

    async def ask(
        self, method: str, params: Params, usable: Callable[[object], bool] | None = None
    ) -> object:
        """The `result` of the first node that gives a usable one.

        What is asked must bear repeating: a lost answer is asked for again, of other nodes, too.

        Raises:
            BallastError: `venue_unavailable` with what each node did in `details.faults`.
        """
        body = {"jsonrpc": "2.0", "id": "1", "method": method, "params": params}
        faults = []
        for node in tuple(self._nodes):
            result, fault = await self._result(node, body)
            if fault is None and (usable is None or usable(result)):
                self._nodes.remove(node)
                self._nodes.insert(0, node)
                return result
            faults.append(f"{node.name}: {fault or 'it lags behind'}")
        raise BallastError(
            ErrorCode.VENUE_UNAVAILABLE, "No NEAR node gives a usable answer.", faults=faults
        )

    async def close(self) -> None:
        """Close the connections."""
        for node in self._nodes:
            await node.close()

    async def _result(self, node: HttpClient, body: Params) -> tuple[object, str | None]:
        """A node's result, or what is wrong."""
        try:
            async with asyncio.timeout(self._seconds_each):
                return _result_of(await node.post("", body, repeatable=True))
        except NoAnswerError as error:
            return None, str(error.details["fault"])
        except TimeoutError:
            return None, "it took too long"


def _result_of(answer: HttpAnswer) -> tuple[object, str | None]:
    body = answer.json if isinstance(answer.json, dict) else {}
    error = body.get("error")
    if error is not None or not answer.ok:
        return None, clean_text(_error_text(error) or f"it answered with status {answer.status}")
    if body.get("id") != "1":
        return None, "it answers another request than ours"
    if "result" not in body:
        return None, "its answer has no result"
    return body["result"], None


def _error_text(error: object) -> str:
    """What a node's error says: its cause, its message, and the data that explains them."""
    if not isinstance(error, dict):
        return str(error or "")
    cause = error.get("cause")
    parts = [cause.get("name") if isinstance(cause, dict) else None, error.get("message")]
    if error.get("data") != error.get("message"):
        parts.append(error.get("data"))
    return ": ".join(str(part) for part in parts if part)
