"""The world outside, joined: the venue, its nodes, and whoever pays in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from ballast.app.timekeeping import Timekeeper
from ballast.bootstrap.machine import Wire
from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.adapters.coingecko import CoinGecko
    from ballast.adapters.http import HttpClient, HttpLimits
    from ballast.adapters.near_intents import OneClick, Publisher
    from ballast.app.observing import Watchers
    from ballast.app.ports import Clock, MaySign, OutsideWallet, Store, Venue
    from ballast.app.switch import AroundIntents
    from ballast.devnet import Devnet

PAPER_KEY: Final = SecretStr("paper")
DEVNET_URL: Final = "http://devnet.invalid"

# 1Click's public service and the key its quotes are signed with (1Click API reference;
# one-click-sdk-typescript, quote-signature.ts), and public NEAR nodes, tried in this order.
LIVE_ONECLICK_URL: Final = "https://1click.chaindefuser.com"
LIVE_MANAGER_KEY: Final = "ed25519:reYaWhvwu8Jzo3WUM3zhn6VrhuMEF4eADL17qtRVifc"
LIVE_RELAY_URL: Final = "https://solver-relay-v2.chaindefuser.com/rpc"
LIVE_RPC_URLS: Final = (
    "https://free.rpc.fastnear.com",
    "https://near-rpc.defuse.org",
    "https://1rpc.io/near",
    "https://near.lava.build:443",
)


@dataclass(frozen=True, slots=True)
class Outside:
    """What stands for the world outside, joined: in paper mode the devnet in this process."""

    clock: Clock
    venue: Venue
    wallet: OutsideWallet | None
    timekeeper: Timekeeper
    around: AroundIntents


@dataclass(frozen=True, slots=True)
class Place:
    """Where the outside is reached: addresses over the network, or an application in here."""

    url: str
    nodes: tuple[str, ...]
    api_key: SecretStr | None
    manager_key: str | None
    app: Wire | None
    limits: HttpLimits | None
    observer: Watchers
    timekeeper: Timekeeper

    def client(self, url: str, name: str, *, keyed: bool = False) -> HttpClient:
        """A client of one service there; `keyed`: whether it is shown the partner key."""
        from ballast.adapters.http import HttpClient

        secrets = {"X-API-Key": self.api_key} if keyed and self.api_key else {}
        return HttpClient(
            url,
            name=name,
            secrets=secrets,
            app=self.app,
            limits=self.limits,
            observer=self.observer,
            timekeeper=self.timekeeper,
        )


def embedded_outside(
    settings: Settings,
    devnet: Devnet,
    stack: AsyncExitStack,
    way: Callable[[Wire], Wire],
    limits: HttpLimits | None,
    store: Store,
    clock_of: Callable[[Clock], Clock] | None,
    observer: Watchers,
) -> Outside:
    """The devnet in this process, reached without a network."""
    clock = clock_of(devnet.clock) if clock_of else devnet.clock
    place = Place(
        url=DEVNET_URL,
        nodes=(f"{DEVNET_URL}/rpc",),
        api_key=PAPER_KEY,
        manager_key=devnet.manager_public_key,
        app=way(devnet.app),
        limits=limits,
        observer=observer,
        timekeeper=Timekeeper(clock),
    )
    return _joined(settings, clock, stack, place, store)


def network_outside(
    settings: Settings,
    stack: AsyncExitStack,
    limits: HttpLimits | None,
    store: Store,
    observer: Watchers,
) -> Outside:
    """Services and nodes over the network: the public ones in live mode, or those set."""
    from ballast.adapters.local import SystemClock

    paper, clock = settings.mode == "paper", SystemClock()
    place = Place(
        url=settings.oneclick_url or LIVE_ONECLICK_URL,
        nodes=settings.near_rpc_urls or LIVE_RPC_URLS,
        # Somebody's simulator may ask for a key as well.
        api_key=settings.oneclick_api_key or (PAPER_KEY if paper else None),
        manager_key=settings.oneclick_manager_key or (None if paper else LIVE_MANAGER_KEY),
        app=None,
        limits=limits,
        observer=observer,
        timekeeper=Timekeeper(clock),
    )
    return _joined(settings, clock, stack, place, store)


def _joined(
    settings: Settings, clock: Clock, stack: AsyncExitStack, place: Place, store: Store
) -> Outside:
    from ballast.adapters.near_intents import (
        DevnetWallet,
        NearIntentsVenue,
        OneClick,
        QuoteRules,
        VenueSettings,
        VerifierViews,
    )
    from ballast.app.observing import Activity, Doing
    from ballast.app.switch import AroundIntents

    around = AroundIntents()

    async def on_record() -> dict[str, int]:
        async with store.read_once() as reader:
            return await reader.decimals_on_record()

    @asynccontextmanager
    async def signing() -> AsyncIterator[Callable[[str], Awaitable[None]] | None]:
        purpose = {"purpose": "near_transaction"}
        async with around.may_sign() as note:
            if note is None:
                yield None
                return
            with place.observer.observe(Activity(Doing.SIGNATURE, "sign transaction", purpose)):
                yield note

    service = place.client(place.url, "1Click", keyed=True)
    nodes = [
        place.client(node, f"NEAR node {number}") for number, node in enumerate(place.nodes, 1)
    ]
    one_click = OneClick(service)
    venue = NearIntentsVenue(
        one_click,
        VerifierViews(nodes),
        clock,
        VenueSettings(rules=QuoteRules(manager_public_key=place.manager_key)),
        _publishers(settings, one_click, nodes, place, signing),
        on_record,
    )
    stack.push_async_callback(venue.close)
    wallet = DevnetWallet(service) if settings.mode == "paper" else None
    return Outside(clock, venue, wallet, place.timekeeper, around)


def _publishers(
    settings: Settings,
    one_click: OneClick,
    nodes: list[HttpClient],
    place: Place,
    may_sign: MaySign,
) -> list[Publisher]:
    """The ways to publish that the settings name, in their order."""
    from ballast.adapters.near_intents import (
        NearAccountPublisher,
        OneClickPublisher,
        RelayPublisher,
        SolverRelay,
    )

    ways: list[Publisher] = []
    for way in settings.publish:
        if way == "oneclick":
            ways.append(OneClickPublisher(one_click))
        elif way == "relay":
            at = settings.relay_url or (f"{DEVNET_URL}/relay/rpc" if place.app else LIVE_RELAY_URL)
            relay = place.client(at, "the solver relay", keyed=True)
            ways.append(RelayPublisher(SolverRelay(relay)))
        else:
            assert settings.near_account_id is not None, "settings are checked when they are read"
            assert settings.near_secret_key is not None, "settings are checked when they are read"
            account, key = settings.near_account_id, settings.near_secret_key
            ways.append(NearAccountPublisher(nodes, may_sign, account, key))
    return ways


def second_prices(settings: Settings, observer: Watchers) -> CoinGecko | None:
    """The second source of prices; None when it is switched off."""
    if settings.second_prices == "off":
        return None
    from ballast.adapters.coingecko import CoinGecko, CoinGeckoPlan

    plan = CoinGeckoPlan(settings.coingecko_plan)
    return CoinGecko(plan, key=settings.coingecko_api_key, observer=observer)
