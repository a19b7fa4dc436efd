"""A devnet, an account on it, and the venue adapter before it: in this process or over HTTP."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
from pydantic import SecretStr

from ballast.adapters.http import HttpClient, HttpLimits
from ballast.adapters.near_intents import (
    DevnetWallet,
    NearIntentsVenue,
    OneClick,
    RelayPublisher,
    SolverRelay,
    VenueSettings,
    VerifierViews,
)
from ballast.adapters.vault import FileVault
from ballast.app.ports import DepositAsk, SwapAsk, TransferOrder, WithdrawalAsk
from ballast.core.ids import IdKind
from ballast.devnet import DevnetOptions, open_devnet

URL = "http://devnet.invalid"
START = datetime(2027, 1, 15, 12, tzinfo=UTC)
INDEX = f"{IdKind.INDEX.value}_01KAHX0000000000000000000A"
QUICK = HttpLimits(attempts=2, first_wait_seconds=0.001, failures_to_open=100)

USDC = "nep141:eth-0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48.omft.near"
ETH = "nep141:eth.omft.near"
BTC = "nep141:nbtc.bridge.near"
BITCOIN = "1cs_v1:btc:native:coin"
THOUSAND = 1_000_000_000

HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


class World:
    """A devnet in this process, with whatever may stand between it and the venue.

    Args:
        url: of another process that serves the same devnet; without one it answers in this one.
    """

    def __init__(self, path, *, url=None, limits=QUICK):
        options = DevnetOptions(
            start=START, speed=Decimal(0), settle_seconds=(2, 2), synchronous="OFF"
        )
        self.devnet = open_devnet(path, options)
        self.clock = self.devnet.clock
        self.url = url
        self.limits = limits
        self.requests: list[str] = []
        self.lose_answers_of = ""
        self.clients: list[HttpClient] = []
        self.key = "partner"
        self.admin = self.client("admin", near=True)
        self.wallet = DevnetWallet(self.admin)
        self.vault = FileVault(bytes(range(32)), os.urandom)
        self.envelope = self.vault.new_key(INDEX)
        self.account = self.envelope.account_id

    async def app(self, scope, receive, send):
        """The devnet; answers on one path may get lost after they took effect."""
        self.requests.append(scope["path"])
        lost = scope["path"] == self.lose_answers_of

        async def nowhere(message):
            pass

        await self.devnet.app(scope, receive, nowhere if lost else send)
        if lost:
            await send({"type": "http.response.start", "status": 504, "headers": []})
            await send({"type": "http.response.body", "body": b"<html>timeout</html>"})

    def client(self, name, path="", *, near=False):
        secrets = {"X-API-Key": SecretStr(self.key)} if self.key else {}
        app = self.app if near or self.url is None else None
        url = URL if app else self.url
        client = HttpClient(url + path, name=name, app=app, secrets=secrets, limits=self.limits)
        self.clients.append(client)
        return client

    def relay(self):
        return RelayPublisher(SolverRelay(self.client("the relay", "/relay/rpc")))

    def venue(self, *, publishers=(), **settings):
        nodes = VerifierViews([self.client("node", "/rpc")])
        one_click = OneClick(self.client("1Click"))
        own = VenueSettings(**settings)
        return NearIntentsVenue(one_click, nodes, self.clock, own, publishers)

    async def close(self):
        for client in self.clients:
            await client.close()
        self.devnet.close()

    async def manager_key(self):
        return (await self.admin.get("/devnet/info")).json["manager_public_key"]

    async def mint(self, asset_id, units, account=None):
        body = {"account_id": account or self.account, "asset_id": asset_id, "amount": str(units)}
        assert (await self.admin.post("/devnet/mint", body, repeatable=False)).ok

    async def fault(self, route, kind, *, always=False, skip=0, **settings):
        body = {"route": route, "kind": kind, "settings": settings, "skip": skip}
        answer = await self.admin.post(
            "/devnet/faults", body | ({"always": True} if always else {}), repeatable=False
        )
        assert answer.ok, answer.json

    async def clear_faults(self):
        transport = httpx.ASGITransport(app=self.devnet.app)
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            assert (await client.delete("/devnet/faults")).is_success

    async def held(self):
        """What the devnet's books say the account holds."""
        answer = await self.admin.get("/devnet/books", {"account": self.account})
        return {name: int(units) for name, units in answer.json["accounts"][self.account].items()}

    def ask(self, **changes):
        deadline = self.clock.now() + timedelta(minutes=10)
        return replace(SwapAsk(self.account, USDC, ETH, THOUSAND // 2, 50, deadline), **changes)

    def deposit_ask(self, **changes):
        deadline = self.clock.now() + timedelta(hours=2)
        ask = DepositAsk(self.account, USDC, USDC, THOUSAND, 50, deadline, None)
        return replace(ask, **changes)

    def withdrawal_ask(self, **changes):
        deadline = self.clock.now() + timedelta(minutes=10)
        ask = WithdrawalAsk(self.account, USDC, USDC, THOUSAND // 2, HOME, None, 50, deadline)
        return replace(ask, **changes)

    async def order(self, venue, quote, **changes):
        order = TransferOrder(
            signer_id=self.account,
            receiver_id=quote.deposit_address,
            asset_id=USDC,
            units=quote.units_in,
            deadline=quote.deadline,
            nonce_deadline=quote.deadline + timedelta(hours=1),
            salt=await venue.current_salt(),
            random=os.urandom(15),
        )
        return replace(order, **changes)

    async def sign(self, venue, quote, **changes):
        return self.vault.sign_transfer(self.envelope, await self.order(venue, quote, **changes))

    async def signed_swap(self, venue):
        await self.mint(USDC, THOUSAND)
        quote = await venue.quote_swap(self.ask(), firm=True)
        return quote, await self.sign(venue, quote)
