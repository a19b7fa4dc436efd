"""The referee's books: whole after any sequence of events."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballast.devnet.books import ISSUANCE, SOLVER, Books, Move
from ballast.devnet.fates import FateKind
from ballast.devnet.store import Store
from tests.devnet.faulty import add
from tests.devnet.world import ALICE, BOB, BTC, ETH, USDC, USDC_BASE, Wallet, World

ASSETS = (USDC, USDC_BASE, BTC, ETH)


@dataclass
class Script:
    """Plays random events on a world; what the protocol refuses is refused and nothing more."""

    world: World
    quotes: list[dict[str, Any]] = field(default_factory=list)

    async def quote(self, origin: str, target: str, units: int, kind: str, chain: bool) -> None:
        body = {
            "originAsset": origin,
            "destinationAsset": target,
            "amount": str(units),
            "swapType": kind,
            "depositType": "ORIGIN_CHAIN" if chain else "INTENTS",
            "deadline": "2036-01-01T00:00:00.000Z",
        }
        if origin != target:
            self.quotes.append(await self.world.quote(**body))

    async def fault(self, route: str, kind: str) -> None:
        await add(self.world, route, kind)

    async def withdraw(self, wallet: Wallet, units: int) -> None:
        self.quotes.append(
            await self.world.quote(
                originAsset=ETH,
                destinationAsset=USDC_BASE,
                recipientType="DESTINATION_CHAIN",
                recipient="0x52908400098527886E0F7030069857D2E4169EE7",
                amount=str(units),
                refundTo=wallet.account,
                deadline="2036-01-01T00:00:00.000Z",
            )
        )

    async def pay(self, wallet: Wallet, choice: int, percent: int) -> None:
        if not self.quotes:
            return
        quoted = self.quotes[choice % len(self.quotes)]
        units = max(1, int(quoted["quote"]["amountIn"]) * percent // 100)
        if quoted["quoteRequest"]["depositType"] == "ORIGIN_CHAIN":
            await self.world.send(quoted, units)
            return
        origin = quoted["quoteRequest"]["originAsset"]
        if await self.world.balance(wallet.account, origin) >= units:
            await self.world.pay(wallet, quoted, units)


units = st.integers(10**15, 10**20)
EVENTS = st.one_of(
    st.tuples(
        st.just("quote"),
        st.sampled_from(ASSETS),
        st.sampled_from(ASSETS),
        units,
        st.sampled_from(["EXACT_INPUT", "FLEX_INPUT", "EXACT_OUTPUT"]),
        st.booleans(),
    ),
    st.tuples(
        st.just("pay"),
        st.sampled_from([ALICE, BOB]),
        st.integers(0, 5),
        st.sampled_from([20, 60, 100, 100, 130]),
    ),
    st.tuples(st.just("advance"), st.sampled_from([1, 5, 60, 3600, 86_400, 86_400 * 60])),
    st.tuples(
        st.just("mint"),
        st.sampled_from([ALICE.account, BOB.account]),
        st.sampled_from(ASSETS),
        units,
    ),
)


FAULTS = st.one_of(
    st.tuples(
        st.just("fault"),
        st.sampled_from(["quote", "submit-intent", "devnet-send"]),
        st.sampled_from([*map(str, FateKind), "lost-answer", "lost-request", "error-after-effect"]),
    ),
    st.tuples(
        st.just("fault"), st.just("quote"), st.sampled_from(["other-request", "foreign-fee"])
    ),
    st.tuples(
        st.just("fault"),
        st.just("submit-intent"),
        st.sampled_from(["not-executed", "rotate-salt", "clean-nonces", "server-error"]),
    ),
    st.tuples(st.just("withdraw"), st.sampled_from([ALICE, BOB]), units),
)


@settings(max_examples=25)
@given(events=st.lists(EVENTS, min_size=3, max_size=25))
def test_no_sequence_of_events_makes_or_loses_a_unit(tmp_path_factory, events):
    async def play() -> None:
        world = World.open(tmp_path_factory.mktemp("books") / "devnet.db")
        await world.use_salt()
        for wallet in (ALICE, BOB):
            for asset_id in ASSETS:
                await world.mint(wallet.account, asset_id, 10**21)
        script = Script(world)
        for name, *details in events:
            await getattr(script if hasattr(script, name) else world, name)(*details)
            await no_unit_is_made_or_lost(world)
        world.devnet.close()

    asyncio.run(play())


@settings(max_examples=25)
@given(events=st.lists(st.one_of(EVENTS, FAULTS), min_size=6, max_size=30))
def test_nor_does_any_sequence_of_faults(tmp_path_factory, events):
    async def play() -> None:
        world = World.open(tmp_path_factory.mktemp("faulty") / "devnet.db")
        await world.use_salt()
        for wallet in (ALICE, BOB):
            for asset_id in ASSETS:
                await world.mint(wallet.account, asset_id, 10**21)
        script, crashes = Script(world), Crashes()
        for name, *details in events:
            with suppress(ConnectionResetError, AssertionError):  # the fault, seen by the client
                await getattr(script if hasattr(script, name) else world, name)(*details)
            await no_unit_is_made_or_lost(world)
        await world.advance(86_400 * 5)
        await no_unit_is_made_or_lost(world)
        world.devnet.close()
        crashes.close()
        assert crashes.seen == []

    asyncio.run(play())


class Crashes(logging.Handler):
    """What the devnet logs when a request fails through a fault of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        logging.getLogger("ballast.devnet").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))

    def close(self) -> None:
        logging.getLogger("ballast.devnet").removeHandler(self)
        super().close()


async def no_unit_is_made_or_lost(world: World) -> None:
    held = await world.accounts()  # fails unless the books are whole
    supply = (await world.get("/devnet/books")).json()["supply"]
    for asset_id, minted in supply.items():
        others = (h.get(asset_id, 0) for name, h in held.items() if name != ISSUANCE)
        assert sum(others) == int(minted)


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "books.db", "OFF")
    with made.write():
        made.create_tables()
    yield made
    made.close()


def test_nobody_spends_what_he_does_not_have(store):
    books = Books(store)

    with pytest.raises(AssertionError), store.write():
        books.post("theft", "x", 0, [Move("alice.near", "bob.near", BTC, 1)])

    assert books.balances() == {}
    assert store.one("SELECT count(*) FROM entries")[0] == 0


def test_the_solver_draws_on_the_issuance_only_for_what_it_lacks(store):
    books = Books(store)
    with store.write():
        books.post("first", "x", 0, [Move(SOLVER, "alice.near", BTC, 10)])
        books.post("back", "x", 0, [Move("alice.near", SOLVER, BTC, 4)])
        books.post("again", "x", 0, [Move(SOLVER, "bob.near", BTC, 5)])

    assert books.supply() == {BTC: 11}
    assert books.faults() == []


@pytest.mark.parametrize(
    ("tampering", "fault"),
    [
        ("UPDATE balances SET amount = '11' WHERE account = 'alice.near'", "sum of its postings"),
        ("UPDATE postings SET amount = '11' WHERE account = 'alice.near'", "does not balance"),
        ("DELETE FROM balances WHERE account = 'alice.near'", "name different accounts"),
        ("DELETE FROM postings WHERE account = 'alice.near'", "does not balance"),
    ],
)
def test_the_audit_notices_tampering(store, tampering, fault):
    books = Books(store)
    with store.write():
        books.post("mint", "x", 0, [Move(ISSUANCE, "alice.near", BTC, 10)])
    assert books.faults() == []

    with store.write():
        store.run(tampering)

    assert any(fault in each for each in books.faults())
