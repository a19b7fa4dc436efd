"""The views of the verifier contract over NEAR JSON-RPC, one method each."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ballast.adapters.http import HttpClient
from ballast.adapters.near_intents.client import multi_payload, read_model, unreadable
from ballast.adapters.near_intents.rpc import NearNodes
from ballast.adapters.near_intents.signing import VERIFIER
from ballast.adapters.near_intents.wire import RpcBlock, RpcResult
from ballast.adapters.strict_json import parse_json
from ballast.app.ports import SignedIntent
from ballast.errors import BallastError, ErrorCode

_CONTRACT: Final = "the verifier contract"
_NODE: Final = "the NEAR node"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PANIC: Final = re.compile(r"panicked: (.*?)(?:\\?\"\s*\}?\)?)?$")


class VerifierViews:
    """Views of the verifier contract over NEAR JSON-RPC, from the first node that answers.

    Nodes differ by some blocks. Once `final_time` was read at one height, every later answer must
    come from that height or above: otherwise a node that lags could show a nonce as unused after
    the intent was executed.

    Args:
        nodes: in the order of preference.
        total_seconds: for one view, over all nodes; each gets an equal share of it.

    Raises (every method):
        BallastError: `venue_unavailable` when no node gives a usable answer; `venue_refused` when
            the contract panics.
    """

    def __init__(self, nodes: Sequence[HttpClient], total_seconds: float = 30) -> None:
        self._nodes = NearNodes(nodes, total_seconds)
        self._least_height = 0

    async def balances(self, account_id: str, asset_ids: Sequence[str]) -> list[object]:
        """`mt_batch_balance_of`: one entry per asset, in the order asked."""
        args = {"account_id": account_id, "token_ids": list(asset_ids)}
        found = await self._view("mt_batch_balance_of", args)
        if not isinstance(found, list) or len(found) != len(asset_ids):
            raise unreadable(_CONTRACT)
        return found

    async def tokens_of(self, account_id: str, first: int, limit: int) -> list[str]:
        """`mt_tokens_for_owner`: asset ids, one page."""
        args = {"account_id": account_id, "from_index": str(first), "limit": limit}
        found = await self._view("mt_tokens_for_owner", args)
        entries = found if isinstance(found, list) else [found]
        ids = [entry.get("token_id") for entry in entries if isinstance(entry, dict)]
        if len(ids) != len(entries) or not all(isinstance(each, str) for each in ids):
            raise unreadable(_CONTRACT)
        return [str(each) for each in ids]

    async def is_nonce_used(self, account_id: str, nonce: str) -> bool:
        """`is_nonce_used`; ask `final_time` first if the answer is to prove anything."""
        found = await self._view("is_nonce_used", {"account_id": account_id, "nonce": nonce})
        if not isinstance(found, bool):
            raise unreadable(_CONTRACT)
        return found

    async def current_salt(self) -> str:
        """`current_salt`, as it came."""
        found = await self._view("current_salt", {})
        if not isinstance(found, str):
            raise unreadable(_CONTRACT)
        return found

    async def simulate(self, intent: SignedIntent) -> str | None:
        """`simulate_intents`: the contract's reason for refusing it now; None if it would not.

        Raises:
            BallastError: `venue_refused` when it fails for another reason than a panic.
        """
        try:
            found = await self._view("simulate_intents", {"signed": [multi_payload(intent)]})
        except BallastError as error:
            panic = _PANIC.search(str(error.details.get("venue_message", "")))
            if panic is None:
                raise
            return panic[1]
        executed = found.get("intents_executed") if isinstance(found, dict) else None
        if not isinstance(executed, list):
            raise unreadable(_CONTRACT)
        hashes = [each.get("intent_hash") for each in executed if isinstance(each, dict)]
        return None if hashes == [intent.intent_hash] else "it reads another intent in these bytes"

    async def final_time(self) -> datetime:
        """Time of the last final block. Later answers come from this block or a later one."""
        result = await self._nodes.ask("block", {"finality": "final"}, self._fresh_block)
        header = read_model(RpcBlock, result, _NODE).header
        self._least_height = max(self._least_height, header.height)
        return _EPOCH + timedelta(microseconds=header.nanoseconds // 1000)

    async def close(self) -> None:
        """Close the connections."""
        await self._nodes.close()

    async def _view(self, method: str, args: Mapping[str, object]) -> Any:
        params = {
            "request_type": "call_function",
            "finality": "final",
            "account_id": VERIFIER,
            "method_name": method,
            "args_base64": base64.b64encode(json.dumps(args).encode()).decode(),
        }
        result = await self._nodes.ask("query", params, self._fresh_view)
        return _view_value(method, read_model(RpcResult, result, _NODE))

    def _fresh_view(self, result: object) -> bool:
        # Every real node names its height; one that does not gives no evidence of a lag.
        height = result.get("block_height") if isinstance(result, dict) else None
        return not isinstance(height, int) or height >= self._least_height

    def _fresh_block(self, result: object) -> bool:
        header = result.get("header") if isinstance(result, dict) else None
        height = header.get("height") if isinstance(header, dict) else None
        return isinstance(height, int) and height >= self._least_height


def _view_value(method: str, found: RpcResult) -> Any:
    """The JSON value that a view returned as bytes."""
    if found.error is not None:
        raise BallastError(
            ErrorCode.VENUE_REFUSED,
            f"The verifier contract refused the view {method}.",
            venue_message=found.error,
        )
    try:
        return parse_json(bytes(found.result or []))
    except ValueError:
        raise unreadable(_CONTRACT) from None
