"""Views of the verifier contract when nodes fail, lag or talk nonsense."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime

import pytest

from ballast.adapters.http import HttpClient, HttpLimits
from ballast.adapters.near_intents import VerifierViews
from ballast.errors import BallastError, ErrorCode

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
NANOS = int(NOON.timestamp()) * 10**9
LIMITS = HttpLimits(attempts=1, failures_to_open=100)


class Node:
    """A NEAR node with one view value, at one height. `asked` lists methods and view arguments."""

    def __init__(self, value=None, *, height=100, status=200, answer=None):
        self.value = value
        self.height = height
        self.status = status
        self.answer = answer
        self.asked = []

    def _result(self, request):
        if request["method"] == "block":
            header = {"height": self.height, "timestamp_nanosec": str(NANOS), "hash": "x"}
            return {"author": "a", "header": header}
        params = request["params"]
        assert params["finality"] == "final"
        assert params["account_id"] == "intents.near"
        args = json.loads(base64.b64decode(params["args_base64"]))
        self.asked.append((params["method_name"], args))
        text = json.dumps(self.value)
        return {"result": list(text.encode()), "logs": [], "block_height": self.height}

    async def __call__(self, scope, receive, send):
        request = json.loads((await receive())["body"])
        body = self.answer or {"jsonrpc": "2.0", "id": "1", "result": self._result(request)}
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def views(*nodes):
    return VerifierViews(
        [
            HttpClient("http://node.invalid", name=f"node {n}", app=node, limits=LIMITS)
            for n, node in enumerate(nodes)
        ]
    )


def node_error(**error):
    return Node(answer={"jsonrpc": "2.0", "id": "1", "error": error})


BAD_NODES = {
    "a gateway error": Node(status=502, answer={"message": "bad gateway"}),
    "a refusal": Node(status=403, answer={"message": "no"}),
    "a node's error": node_error(name="HANDLER_ERROR", cause={"name": "TIMEOUT_ERROR"}, code=-3),
    "no result": Node(answer={"jsonrpc": "2.0", "id": "1"}),
    "a list": Node(answer=[1]),
    "an answer to somebody else": Node(answer={"jsonrpc": "2.0", "id": "2", "result": {}}),
}


@pytest.mark.parametrize("bad", BAD_NODES.values(), ids=BAD_NODES.keys())
async def test_a_node_that_fails_is_passed_over(bad):
    good = Node(["5"])

    assert await views(bad, good).balances("0xabc", ["a"]) == ["5"]


async def test_the_node_that_answered_is_asked_first_from_then_on():
    broken, good = Node(status=500), Node("252812b3")
    contract = views(broken, good)
    await contract.current_salt()
    broken.status, broken.value = 200, "ffffffff"

    assert await contract.current_salt() == "252812b3"


async def test_when_all_nodes_fail_each_is_named():
    with pytest.raises(BallastError) as refused:
        await views(Node(status=500), node_error(message="busy\u202e")).current_salt()

    assert refused.value.code is ErrorCode.VENUE_UNAVAILABLE
    assert refused.value.details["faults"] == [
        "node 0: it answered with status 500",
        "node 1: busy",
    ]


async def test_a_node_that_lags_cannot_say_that_a_nonce_is_unused():
    ahead, behind = Node(True, height=200), Node(False, height=199)
    contract = views(ahead, behind)
    await contract.final_time()
    ahead.status = 500

    with pytest.raises(BallastError) as refused:
        await contract.is_nonce_used("0xabc", "nonce")

    assert refused.value.code is ErrorCode.VENUE_UNAVAILABLE
    behind.height = 200
    assert await contract.is_nonce_used("0xabc", "nonce") is False


async def test_final_time_never_comes_from_an_older_block():
    first, second = Node(height=200), Node(height=150)
    contract = views(first, second)
    assert await contract.final_time() == NOON
    first.status = 500

    with pytest.raises(BallastError, match="usable answer"):
        await contract.final_time()


async def test_a_panic_is_an_answer_and_no_other_node_is_asked():
    panic = {"error": "Smart contract panicked: no such thing", "block_height": 1, "logs": []}
    second = Node("00000000")

    with pytest.raises(BallastError) as refused:
        await views(Node(answer={"id": "1", "result": panic}), second).current_salt()

    assert refused.value.code is ErrorCode.VENUE_REFUSED
    assert refused.value.details["venue_message"] == panic["error"]
    assert second.asked == []


@pytest.mark.parametrize("value", [[], ["1"], ["1", "2", "3"], "12", {"a": "1"}, None])
async def test_balances_must_be_as_many_as_asked(value):
    with pytest.raises(BallastError) as refused:
        await views(Node(value)).balances("0xabc", ["a", "b"])

    assert refused.value.code is ErrorCode.VENUE_UNAVAILABLE


@pytest.mark.parametrize("value", ["true", 1, None, []])
async def test_a_nonce_is_used_or_not_and_nothing_else(value):
    with pytest.raises(BallastError):
        await views(Node(value)).is_nonce_used("0xabc", "nonce")


@pytest.mark.parametrize("octets", [[300], [-1], [255, 254], [], list(b'{"a":1,"a":2}')], ids=str)
async def test_bytes_that_are_no_json_are_no_answer(octets):
    answer = {"result": {"result": octets, "block_height": 1}}

    with pytest.raises(BallastError) as refused:
        await views(Node(answer=answer)).current_salt()

    assert refused.value.code is ErrorCode.VENUE_UNAVAILABLE


async def test_views_are_asked_with_the_contracts_arguments():
    node = Node([{"token_id": "a", "owner_id": "0xabc"}])
    contract = views(node)

    assert await contract.tokens_of("0xabc", 20, 10) == ["a"]

    args = {"account_id": "0xabc", "from_index": "20", "limit": 10}
    assert node.asked == [("mt_tokens_for_owner", args)]


def test_at_least_one_node_is_needed():
    with pytest.raises(BallastError) as refused:
        VerifierViews([])

    assert refused.value.code is ErrorCode.SETTINGS_INVALID


async def test_a_node_that_never_answers_costs_only_its_share_of_the_time():
    async def silent(scope, receive, send):
        await asyncio.Event().wait()

    clients = [
        HttpClient("http://node.invalid", name=f"node {n}", app=app, limits=LIMITS)
        for n, app in enumerate((silent, Node(["5"])))
    ]
    contract = VerifierViews(clients, total_seconds=0.2)
    started = asyncio.get_running_loop().time()

    assert await contract.balances("0xabc", ["a"]) == ["5"]
    assert asyncio.get_running_loop().time() - started < 2


async def test_when_every_node_is_silent_all_of_them_are_named():
    async def silent(scope, receive, send):
        await asyncio.Event().wait()

    clients = [
        HttpClient("http://node.invalid", name=f"node {n}", app=silent, limits=LIMITS)
        for n in range(2)
    ]
    with pytest.raises(BallastError) as refused:
        await VerifierViews(clients, total_seconds=0.05).current_salt()

    assert refused.value.details["faults"] == [
        "node 0: it took too long",
        "node 1: it took too long",
    ]
