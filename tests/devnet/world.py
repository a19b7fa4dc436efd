"""A devnet with a hand-moved clock in a temporary folder, and a client that speaks raw HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import base58
import httpx
from eth_hash.auto import keccak
from eth_keys import keys

from ballast.devnet import Devnet, DevnetOptions, open_devnet

START = datetime(2026, 12, 1, tzinfo=UTC)
KEY = {"X-API-Key": "partner"}

USDC = "nep141:eth-0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48.omft.near"
USDC_BASE = "nep141:base-0x833589fcd6edb6e08f4c7c32d4f71b54bda02913.omft.near"
BTC = "nep141:nbtc.bridge.near"
BTC_CHAIN = "1cs_v1:btc:native:coin"
ETH = "nep141:eth.omft.near"
XRP = "nep141:xrp.omft.near"
SALT = "252812b3"


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Wallet:
    """An EVM key that signs payload texts, written here from the reference and not from src."""

    secret: bytes

    @property
    def account(self) -> str:
        return "0x" + keccak(self.public_key)[12:].hex()

    @property
    def public_key(self) -> bytes:
        return keys.PrivateKey(self.secret).public_key.to_bytes()

    def sign(self, text: str) -> dict[str, str]:
        raw = text.encode()
        digest = keccak(b"\x19Ethereum Signed Message:\n%d" % len(raw) + raw)
        signature = keys.PrivateKey(self.secret).sign_msg_hash(digest).to_bytes()
        encoded = "secp256k1:" + base58.b58encode(signature).decode()
        return {"standard": "erc191", "payload": text, "signature": encoded}


ALICE = Wallet(b"\x11" * 32)
BOB = Wallet(b"\x22" * 32)


def nonce(number: int = 1, *, salt: str = SALT, deadline: datetime | None = None) -> str:
    """A versioned nonce, a day long unless a deadline is given."""
    until = deadline or START + timedelta(days=1)
    nanoseconds = int(until.timestamp()) * 10**9
    head = bytes.fromhex("5628f6c600" + salt) + nanoseconds.to_bytes(8, "little")
    return base64.b64encode(head + number.to_bytes(15, "big")).decode()


def transfer(receiver: str, tokens: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"intent": "transfer", "receiver_id": receiver, "tokens": tokens, **more}


def payload(signer: str, *intents: Any, **fields: Any) -> str:
    """A payload text that is fine unless `fields` say otherwise."""
    whole = {
        "signer_id": signer,
        "verifying_contract": "intents.near",
        "deadline": iso(START + timedelta(minutes=20)),
        "nonce": nonce(),
        "intents": list(intents),
    }
    return json.dumps(whole | fields)


@dataclass
class World:
    """An open devnet and a client of it."""

    devnet: Devnet
    path: Path
    paid: int = 0

    @classmethod
    def open(cls, path: Path, **options: Any) -> World:
        given = {"start": START, "speed": Decimal(0), "synchronous": "OFF"} | options
        return cls(open_devnet(path, DevnetOptions(**given)), path)

    @staticmethod
    @contextmanager
    def open_present(path: Path) -> Iterator[Devnet]:
        devnet = open_devnet(path, None)
        yield devnet
        devnet.close()

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.devnet.app)
        return httpx.AsyncClient(transport=transport, base_url="http://devnet")

    async def get(self, path: str, **params: str) -> httpx.Response:
        async with self.client() as client:
            return await client.get(path, params=params)

    async def post(self, path: str, body: Any, key: bool = True) -> httpx.Response:
        async with self.client() as client:
            return await client.post(path, json=body, headers=KEY if key else {})

    async def advance(self, seconds: float) -> None:
        assert (await self.post("/devnet/clock", {"advance_seconds": seconds})).status_code == 200

    async def mint(self, account: str, asset_id: str, units: int) -> None:
        body = {"account_id": account, "asset_id": asset_id, "amount": str(units)}
        assert (await self.post("/devnet/mint", body)).status_code == 201

    async def use_salt(self, salt: str = SALT) -> None:
        assert (await self.post("/devnet/salt", {"salt": salt})).status_code == 200

    async def quote(self, key: bool = True, **fields: Any) -> dict[str, Any]:
        answer = await self.post("/v0/quote", quote_body(**fields), key)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def refusal(self, key: bool = True, **fields: Any) -> Any:
        answer = await self.post("/v0/quote", quote_body(**fields), key)
        assert answer.status_code == 400, answer.text
        assert set(answer.json()) == {"message", "correlationId", "timestamp", "path"}
        return answer.json()["message"]

    async def submit(self, signed: dict[str, str]) -> httpx.Response:
        return await self.post("/v0/submit-intent", {"type": "swap_transfer", "signedData": signed})

    async def pay(self, wallet: Wallet, quoted: dict[str, Any], units: int | None = None) -> str:
        """Transfer to a quote's deposit address; returns the intent's hash."""
        address, origin = quoted["quote"]["depositAddress"], quoted["quoteRequest"]["originAsset"]
        self.paid += 1
        text = payload(
            wallet.account,
            transfer(address, {origin: str(units or quoted["quote"]["amountIn"])}),
            deadline=iso(self.devnet.clock.now() + timedelta(minutes=5)),
            nonce=nonce(1000 + self.paid, deadline=START + timedelta(days=4000)),
        )
        answer = await self.submit(wallet.sign(text))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["intentHash"])

    async def send(self, quoted: dict[str, Any], units: int, **more: str) -> httpx.Response:
        where = {"address": quoted["quote"]["depositAddress"]}
        if "depositMemo" in quoted["quote"]:
            where["memo"] = quoted["quote"]["depositMemo"]
        return await self.post("/devnet/send", where | {"amount": str(units)} | more)

    async def status(self, quoted: dict[str, Any]) -> dict[str, Any]:
        where = {"depositAddress": quoted["quote"]["depositAddress"]}
        if "depositMemo" in quoted["quote"]:
            where["depositMemo"] = quoted["quote"]["depositMemo"]
        answer = await self.get("/v0/status", **where)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rpc(self, method: str, **args: Any) -> dict[str, Any]:
        encoded = base64.b64encode(json.dumps(args).encode()).decode()
        params = {
            "request_type": "call_function",
            "finality": "final",
            "account_id": "intents.near",
            "method_name": method,
            "args_base64": encoded,
        }
        request = {"jsonrpc": "2.0", "id": "7", "method": "query", "params": params}
        answer = (await self.post("/rpc", request, key=False)).json()
        assert answer["id"] == "7"
        return answer["result"]

    async def view(self, method: str, **args: Any) -> Any:
        return json.loads(bytes((await self.rpc(method, **args))["result"]))

    async def balance(self, account: str, asset_id: str) -> int:
        return int(await self.view("mt_balance_of", account_id=account, token_id=asset_id))

    async def accounts(self) -> dict[str, dict[str, int]]:
        """Every account of the books, after checking that they are whole."""
        assert (await self.get("/devnet/books/audit")).json() == {"whole": True, "faults": []}
        found = (await self.get("/devnet/books")).json()["accounts"]
        return {name: {a: int(u) for a, u in held.items()} for name, held in found.items()}


def quote_body(**fields: Any) -> dict[str, Any]:
    """USDC to BTC inside Intents for Alice, one hour of deadline, unless `fields` say otherwise."""
    body = {
        "dry": False,
        "swapType": "EXACT_INPUT",
        "slippageTolerance": 100,
        "originAsset": USDC,
        "depositType": "INTENTS",
        "destinationAsset": BTC,
        "amount": "1000000000",
        "refundTo": ALICE.account,
        "refundType": "INTENTS",
        "recipient": ALICE.account,
        "recipientType": "INTENTS",
        "deadline": iso(START + timedelta(hours=1)),
    }
    return {name: value for name, value in (body | fields).items() if value is not ...}
