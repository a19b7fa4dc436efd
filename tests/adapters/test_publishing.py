"""One set of signed bytes, several ways to send them: what each way's answer proves."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import base58
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from ballast.adapters.http import HttpClient, HttpLimits
from ballast.adapters.near_intents import NearAccountPublisher, RelayPublisher, SolverRelay
from ballast.adapters.near_intents.publishing import Published, publish_in_turn
from ballast.app.ports import PublishOutcome, PublishResult, SignedIntent
from ballast.errors import BallastError, ErrorCode

ACCEPTED, REJECTED, UNKNOWN = PublishOutcome
LIMITS = HttpLimits(attempts=1, failures_to_open=100)
INTENT = SignedIntent(
    payload='{"intents":[{"receiver_id":"ab"}],"signer_id":"0xé"}',
    signature="secp256k1:1",
    intent_hash="8z",
    nonce="bm9uY2U=",
    deadline=datetime(2027, 1, 15, 12, tzinfo=UTC),
)


# --- in turn ------------------------------------------------------------------------------------


class Way:
    """A way to publish with one answer, which remembers what it was given."""

    account_id = None

    def __init__(self, outcome, *, maybe_sent=True, reason="because"):
        self.name = outcome.value
        self.answer = Published(PublishResult(outcome, reason), maybe_sent=maybe_sent)
        self.sent = []

    async def publish(self, intent):
        self.sent.append(intent)
        return self.answer

    async def close(self):
        pass


@pytest.mark.parametrize(
    ("ways", "outcome", "asked"),
    [
        ([Way(ACCEPTED), Way(ACCEPTED)], ACCEPTED, 1),
        ([Way(REJECTED), Way(ACCEPTED)], REJECTED, 1),
        ([Way(UNKNOWN), Way(ACCEPTED)], ACCEPTED, 2),
        ([Way(UNKNOWN, maybe_sent=False), Way(REJECTED)], REJECTED, 2),
        ([Way(UNKNOWN, maybe_sent=True), Way(REJECTED)], UNKNOWN, 2),
        ([Way(UNKNOWN), Way(REJECTED), Way(ACCEPTED)], UNKNOWN, 2),
        ([Way(UNKNOWN), Way(UNKNOWN)], UNKNOWN, 2),
        ([], UNKNOWN, 0),
    ],
    ids=[
        "the first that accepts is enough",
        "a proof that it is dead is enough",
        "a lost answer: the next way",
        "nothing was sent: the refusal counts",
        "it may have been sent: the refusal proves nothing",
        "and no third way is tried",
        "nobody knows",
        "no way at all",
    ],
)
async def test_ways_are_tried_in_turn_with_the_same_bytes(ways, outcome, asked):
    published = await publish_in_turn(ways, INTENT)

    assert published.result.outcome is outcome
    assert [way.sent for way in ways] == [[INTENT]] * asked + [[]] * (len(ways) - asked)


async def test_every_way_that_failed_says_why():
    ways = [Way(UNKNOWN, reason="The relay sleeps."), Way(UNKNOWN, reason="So does the node.")]

    published = await publish_in_turn(ways, INTENT)

    assert published.result.reason == "The relay sleeps. So does the node."


async def test_without_any_effect_nothing_is_in_doubt():
    ways = [Way(UNKNOWN, maybe_sent=False), Way(UNKNOWN, maybe_sent=False)]

    assert not (await publish_in_turn(ways, INTENT)).maybe_sent


# --- the relay ----------------------------------------------------------------------------------


class Service:
    """Answers JSON-RPC methods with what it is told; None loses the answer."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    async def __call__(self, scope, receive, send):
        request = json.loads((await receive())["body"])
        self.asked.append(request)
        answer = self.answers[request["method"]]
        answer = answer.pop(0) if isinstance(answer, list) else answer
        status = 504 if answer is None else 200
        body = {"jsonrpc": "2.0", "id": request["id"], **(answer or {})}
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def client(self, limits=LIMITS):
        return HttpClient("http://service.invalid/rpc", name="the service", app=self, limits=limits)


def ok(**result):
    return {"result": result}


TAKEN = ok(status="OK", intent_hash=INTENT.intent_hash)
ON_ITS_WAY = ok(status="TX_BROADCASTED", intent_hash=INTENT.intent_hash, data={"hash": "tx"})
PENDING = ok(status="PENDING", intent_hash=INTENT.intent_hash, data=None)
NOT_THERE = ok(status="NOT_FOUND_OR_NOT_VALID", intent_hash=INTENT.intent_hash)


def failed(reason):
    return ok(status="FAILED", reason=reason, intent_hash=INTENT.intent_hash)


@pytest.mark.parametrize(
    ("publish", "status", "outcome", "near_hash"),
    [
        (TAKEN, ON_ITS_WAY, ACCEPTED, "tx"),
        (TAKEN, PENDING, ACCEPTED, None),
        (TAKEN, None, ACCEPTED, None),
        (TAKEN, NOT_THERE, UNKNOWN, None),
        (TAKEN, ok(status="SOMETHING_NEW"), ACCEPTED, None),
        (None, ON_ITS_WAY, ACCEPTED, "tx"),
        (None, NOT_THERE, UNKNOWN, None),
        (None, None, UNKNOWN, None),
        (None, ok(status="SETTLED", intent_hash="another"), UNKNOWN, None),
        (ok(status="OK", intent_hash="another"), PENDING, UNKNOWN, None),
        (failed("intent is already processed"), None, ACCEPTED, None),
        (failed("nonce was already used"), None, ACCEPTED, None),
        (failed("deadline has expired"), None, REJECTED, None),
        (failed("insufficient balance or overflow"), None, REJECTED, None),
        (failed("public key 'x' doesn't exist for account 'y'"), None, REJECTED, None),
        (failed("internal"), None, UNKNOWN, None),
        (failed(None), None, UNKNOWN, None),
        ({"error": {"code": -32601, "message": "Method not found"}}, None, UNKNOWN, None),
        (ok(), None, UNKNOWN, None),
    ],
)
async def test_what_the_relay_says_is_what_it_proves(publish, status, outcome, near_hash):
    way = RelayPublisher(SolverRelay(Service(publish_intent=publish, get_status=status).client()))

    published = await way.publish(INTENT)

    assert published.result.outcome is outcome
    assert published.near_hash == near_hash


async def test_the_relay_gets_the_signed_bytes_as_they_are():
    service = Service(publish_intent=TAKEN, get_status=PENDING)

    await RelayPublisher(SolverRelay(service.client())).publish(INTENT)

    (params,) = service.asked[0]["params"]
    signed = {"standard": "erc191", "payload": INTENT.payload, "signature": INTENT.signature}
    assert params == {"quote_hashes": [], "signed_data": signed}
    assert service.asked[1]["params"] == [{"intent_hash": INTENT.intent_hash}]


async def test_a_refusal_of_a_second_copy_proves_nothing():
    lost_then_refused = [None, failed("deadline has expired")]
    service = Service(publish_intent=lost_then_refused, get_status=NOT_THERE)
    limits = HttpLimits(attempts=2, first_wait_seconds=0.001)

    published = await RelayPublisher(SolverRelay(service.client(limits))).publish(INTENT)

    assert published.result.outcome is UNKNOWN


# --- an account of our own ----------------------------------------------------------------------

SEED = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
SECRET = SecretStr("ed25519:" + base58.b58encode(SEED + PUBLIC.public_bytes_raw()).decode())
BLOCK = base58.b58encode(bytes(range(100, 132))).decode()
KEY_VIEW = ok(nonce=41, block_hash=BLOCK, block_height=1, permission="FullAccess")
DONE = ok(status={"SuccessValue": "e30="}, transaction={"hash": "whatever"})


def panicked(text):
    error = {"FunctionCallError": {"ExecutionError": f"Smart contract panicked: {text}"}}
    failure = {"ActionError": {"index": 0, "kind": error}}
    return ok(status={"Failure": failure}, transaction={"hash": "whatever"})


@asynccontextmanager
async def allowed():
    async def noted(near_hash):
        assert near_hash

    yield noted


def account(service, may_sign=allowed):
    return NearAccountPublisher([service.client()], may_sign, "payer.near", SECRET)


class Borsh:
    """Reads what NEAR's transactions are written in (nomicon, Transaction and Borsh)."""

    def __init__(self, raw):
        self.raw = raw

    def take(self, size):
        found, self.raw = self.raw[:size], self.raw[size:]
        return found

    def number(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize(form)))[0]

    def text(self):
        return self.take(self.number("I")).decode()


async def test_the_account_calls_the_contract_with_the_signed_bytes_as_they_are():
    service = Service(query=KEY_VIEW, send_tx=DONE)

    published = await account(service).publish(INTENT)

    assert published.result.outcome is ACCEPTED
    raw = base64.b64decode(service.asked[1]["params"]["signed_tx_base64"])
    read = Borsh(raw)
    assert read.text() == "payer.near"
    assert (read.number("B"), read.take(32)) == (0, PUBLIC.public_bytes_raw())
    assert read.number("Q") == 42
    assert read.text() == "intents.near"
    assert read.take(32) == bytes(range(100, 132))
    assert (read.number("I"), read.number("B")) == (1, 2)  # one action: a function call
    assert read.text() == "execute_intents"
    signed = {"standard": "erc191", "payload": INTENT.payload, "signature": INTENT.signature}
    assert json.loads(read.text()) == {"signed": [signed]}
    assert read.number("Q") == 100 * 10**12
    assert read.take(16) == bytes(16)  # no deposit
    digest = hashlib.sha256(raw[: len(raw) - len(read.raw)]).digest()
    assert read.number("B") == 0
    PUBLIC.verify(read.take(64), digest)
    assert read.raw == b""
    assert published.near_hash == base58.b58encode(digest).decode()


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (DONE, ACCEPTED, ""),
        (panicked("nonce was already used"), ACCEPTED, "nonce was already used"),
        (panicked("invalid salt"), REJECTED, "invalid salt"),
        (panicked("something new"), UNKNOWN, "something new"),
        (ok(status={"NotStarted": None}), UNKNOWN, "The transaction has no outcome yet."),
        (ok(), UNKNOWN, "The transaction has no outcome yet."),
        (None, UNKNOWN, "No NEAR node gives a usable answer."),
        ({"error": {"cause": {"name": "TIMEOUT_ERROR"}}}, UNKNOWN, "No NEAR node gives a usable"),
        (ok(status="SuccessValue"), UNKNOWN, "There was no usable answer from the NEAR node"),
    ],
)
async def test_a_transaction_proves_what_its_outcome_says(answer, outcome, reason):
    published = await account(Service(query=KEY_VIEW, send_tx=answer)).publish(INTENT)

    assert published.result.outcome is outcome
    assert published.result.reason.startswith(reason)
    assert published.maybe_sent


@pytest.mark.parametrize(
    "view",
    [None, {"error": {"cause": {"name": "UNKNOWN_ACCESS_KEY"}}}, ok(nonce=1, block_hash="x")],
)
async def test_without_its_access_key_the_account_sends_nothing(view):
    service = Service(query=view, send_tx=DONE)

    published = await account(service).publish(INTENT)

    assert published.result.outcome is UNKNOWN
    assert published.result.reason.startswith("Nothing was sent.")
    assert not published.maybe_sent
    assert [request["method"] for request in service.asked] == ["query"]


async def test_an_account_signs_nothing_once_trading_has_been_halted():
    @asynccontextmanager
    async def halted():
        yield None

    service = Service(query=KEY_VIEW, send_tx=DONE)

    published = await account(service, halted).publish(INTENT)

    assert published.result.outcome is UNKNOWN
    assert "halted" in published.result.reason
    assert not published.maybe_sent
    assert [request["method"] for request in service.asked] == ["query"]


async def test_two_transactions_never_share_a_nonce():
    service = Service(query=KEY_VIEW, send_tx=DONE)
    way = account(service)

    first, second = await way.publish(INTENT), await way.publish(INTENT)

    assert first.near_hash != second.near_hash


@pytest.mark.parametrize(
    ("account_id", "key"),
    [
        ("Payer.near", SECRET),
        ("payer.near", SecretStr("")),
        ("payer.near", SecretStr("ed25519:0OIl")),
        ("payer.near", SecretStr("ed25519:" + base58.b58encode(SEED).decode())),
        ("payer.near", SecretStr("ed25519:" + base58.b58encode(SEED + SEED).decode())),
    ],
    ids=["capitals", "no key", "no base58", "half a key", "halves that do not belong together"],
)
def test_an_account_that_could_not_sign_is_refused_and_its_key_not_shown(account_id, key):
    with pytest.raises(BallastError) as refused:
        NearAccountPublisher([Service().client()], allowed, account_id, key)

    assert refused.value.code is ErrorCode.SETTINGS_INVALID
    secret = key.get_secret_value()
    assert not secret or secret not in str(refused.value.as_dict())


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "py_near_primitives", None)

    with pytest.raises(
        BallastError, match=r"\.venv/bin/python -m pip install '\.\[near\]'"
    ) as refused:
        account(Service())

    assert refused.value.code is ErrorCode.SETTINGS_INVALID
