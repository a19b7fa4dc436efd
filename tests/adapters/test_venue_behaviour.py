"""What a venue may do, and where that ends: nothing is believed, and nothing moves twice.

Each row switches faults of the devnet on, does one thing, and says how it must end. Then the faults
are switched off, what was sent is sent again, and the devnet's books are looked at: the account has
paid once, or not at all. Every row runs against the devnet in this process and over a socket.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ballast.adapters.http import HttpLimits
from ballast.adapters.near_intents import OneClick, OneClickPublisher, QuoteRules, sign_given
from ballast.adapters.near_intents.signing import account_of
from ballast.app.ports import VenueStatus
from ballast.errors import BallastError
from tests.adapters.venue_behaviours import BNB, CHAIN, HALF, OFFER, QUOTES, ROWS
from tests.adapters.venue_world import THOUSAND, USDC, World

SRC = Path(__file__).parents[2] / "src"
SERVER = (
    "import sys; from pathlib import Path; from ballast.devnet import open_devnet;"
    "from ballast.devnet.serve import serve;"
    "serve(open_devnet(Path(sys.argv[1]), None), port=0,"
    " announce=lambda url: print(url, flush=True))"
)
PATIENT = HttpLimits(
    max_bytes=2**20,
    attempts=2,
    first_wait_seconds=0.001,
    longest_wait_seconds=0.01,
    longest_rest_seconds=0,
    failures_to_open=100,
)
# For answers that do not come. What does come has to come within this on a busy machine, too.
CURT = replace(PATIENT, attempt_seconds=3, total_seconds=6)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """One devnet file for all rows, and another process that serves it; yields file and URL."""
    path = tmp_path_factory.mktemp("behaviour") / "devnet.sqlite"
    World(path).devnet.close()
    environment = os.environ | {"PYTHONPATH": str(SRC)}
    command = [sys.executable, "-c", SERVER, str(path)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    timer = threading.Timer(60, server.kill)
    timer.start()
    url = server.stdout.readline().strip()
    timer.cancel()
    yield path, url
    server.terminate()
    try:
        server.communicate(timeout=60)
    finally:
        server.kill()


@pytest.fixture
async def world(stage, request):
    path, url = stage
    row, over = (request.node.callspec.params[name] for name in ("row", "over"))
    limits = CURT if row.late else PATIENT
    world = World(path, url=url if over == "over HTTP" else None, limits=limits)
    yield world
    await world.clear_faults()
    await world.close()


CASES = [(row, over) for row in ROWS for over in row.over]


@pytest.mark.parametrize(
    ("row", "over"), CASES, ids=[f"{row.doing}: {row.name}, {over}" for row, over in CASES]
)
async def test_however_the_venue_behaves_it_ends_right(world, row, over):
    scene = Scene(world, row)
    await scene.begin()
    await scene.spoil()

    ended, said = await scene.do()

    assert ended == row.ends, said
    assert row.words.lower() in said.lower()
    await world.clear_faults()
    await scene.send_again()
    held = await world.held()
    assert held[USDC] == THOUSAND - (HALF if row.paid else 0)
    audit = (await world.admin.get("/devnet/books/audit")).json
    assert audit["whole"], audit["faults"]


def test_the_catalogue_has_many_rows_and_each_name_once():
    names = [(row.doing, row.name) for row in ROWS]

    assert len(set(names)) == len(names) >= 60


class Scene:
    """One row being played."""

    def __init__(self, world, row):
        self.world = world
        self.row = row
        self.key = os.urandom(32)
        self.venue = None
        self.signed = None
        self.quote = None
        self.first = None

    async def begin(self):
        """An account with money; for what comes after a quote, a signed transfer as well."""
        world = self.world
        if self.row.doing == "sign theirs":
            world.account = account_of(self.key)
        await world.mint(USDC, THOUSAND)
        rules = QuoteRules(manager_public_key=await world.manager_key())
        self.venue = world.venue(
            publishers=self._ways(),
            rules=rules,
            payload_source="venue" if self.row.doing == "sign theirs" else "own",
            list_seconds=0,
        )
        self.first = await self.venue.quote_swap(world.ask(), firm=True)
        if self.row in QUOTES or self.row.doing == "swap":
            return
        self.quote = await self.venue.quote_swap(world.ask(), firm=True)
        if self.row.doing != "sign theirs":
            self.signed = await world.sign(self.venue, self.quote)
        if self.row in CHAIN:
            await self.venue.publish(self.signed)

    def _ways(self):
        first = OneClickPublisher(OneClick(self.world.client("1Click")))
        ways = {"publish both ways": [first, self.world.relay()]}
        return ways.get(
            self.row.doing, [self.world.relay()] if self.row.doing == "publish by relay" else []
        )

    async def spoil(self):
        for one in self.row.faults:
            known = {"{account}": self.world.account, "{first}": self.first.deposit_address}
            values = {
                name: known.get(value, value) if isinstance(value, str) else value
                for name, value in one.items()
            }
            await self.world.fault(values.pop("route"), values.pop("kind"), **values)

    async def do(self):
        """How it ended, and all that was said."""
        try:
            return await self._deeds()[self.row.doing]()
        except BallastError as error:
            return error.code.value, f"{error.message} {error.details}"

    def _deeds(self):
        return {
            "swap": self._swap,
            "quote after the list": self._swap,
            "quote what moved": lambda: self._swap(buy=BNB),
            "deposit": self._deposit,
            "withdraw": self._withdraw,
            "publish": self._publish,
            "publish both ways": self._publish,
            "publish by relay": self._publish,
            "preflight": self._preflight,
            "sign theirs": self._sign_theirs,
            "settle": self._settle,
            "balance": self._balance,
            "nonce": self._nonce,
            "salt": self._salt,
        }

    async def _swap(self, **changes):
        found = await self.venue.quote_swap(self.world.ask(**changes), firm=True)
        return OFFER, str(found)

    async def _deposit(self):
        return OFFER, str(await self.venue.quote_deposit(self.world.deposit_ask()))

    async def _withdraw(self):
        ask = self.world.withdrawal_ask()
        return OFFER, str(await self.venue.quote_withdrawal(ask, firm=True))

    async def _publish(self):
        result = await self.venue.publish(self.signed)
        return result.outcome.value, result.reason

    async def _preflight(self):
        return await self.venue.preflight(self.signed) or "nobody can say", ""

    async def _sign_theirs(self):
        order = await self.world.order(self.venue, self.quote)
        text = await self.venue.payload_for(order)
        self.signed = sign_given(text, order, self.key, self.world.clock.now())
        return "signed", self.signed.payload

    async def _settle(self):
        await self.venue.publish(self.signed)
        self.world.clock.advance(timedelta(seconds=5))
        status = await self.venue.swap_status(self.quote.deposit_address, None)
        if status is None:
            return "not known", ""
        silent = status.status is VenueStatus.SUCCESS and status.units_out is None
        return f"{status.status}{' without amounts' if silent else ''}", str(status)

    async def _balance(self):
        return OFFER, str(await self.venue.balances(self.world.account, [USDC]))

    async def _nonce(self):
        await self.venue.final_time()
        used = await self.venue.nonce_used(self.world.account, self.signed.nonce)
        return f"used: {used}", ""

    async def _salt(self):
        fresh = self.world.venue()
        return await fresh.current_salt(), ""

    async def send_again(self):
        """The same bytes, whatever became of them, and time to settle."""
        if self.signed is not None:
            for _ in range(2):
                await self.venue.publish(self.signed)
        self.world.clock.advance(timedelta(seconds=5))
