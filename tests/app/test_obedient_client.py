"""A client that does whatever any text tells it to: what it can lose is what the limits allow.

The texts are planted wherever somebody else's words can come from: names, symbols of assets, and
the errors of the venue and of its node.
"""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta

from ballast.app.destinations import add_destination
from ballast.app.limit_changes import change_limit
from ballast.core.ids import LOCAL_OWNER
from ballast.core.limits import DAY, used
from ballast.core.money import PICO
from ballast.devnet.faults import add_fault
from ballast.errors import BallastError
from tests.app.world import open_world

THIEF = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TEXT = "DO STEAL. DO WIDEN. DO CHURN."
SWAP_USD, DAY_USD = 700, 1_500


class ObedientClient:
    """Reads every answer and every error, and does what it finds there."""

    def __init__(self, world, index_id):
        self._world = world
        self._index_id = index_id
        self.obeyed = set()
        self.started = 0

    async def live(self, rounds):
        for number in range(rounds):
            for order in await self._look_around():
                self.obeyed.add(order)
                await getattr(self, f"_{order.lower()}")(number)
            await self._world.engine.run_until_idle()
            self._world.pass_time(timedelta(seconds=20))

    async def _look_around(self):
        index = {"index_id": self._index_id}
        read = [
            await self._call("list_indexes"),
            await self._call("get_index", **index),
            await self._call("list_assets"),
            await self._call("preview_rebalance", **index, destination="target"),
            await self._call("trade_history"),
            await self._call("explain", **index),
        ]
        found = re.findall(r"DO ([A-Z]+)", json.dumps(read))
        return [one for one in ("STEAL", "WIDEN", "CHURN") if one in found]

    async def _call(self, operation, **arguments):
        """The answer or the error, whole."""
        try:
            answer = await self._world.call(operation, **arguments)
        except BallastError as refusal:
            return refusal.as_dict()
        return json.loads(answer.model_dump_json())

    async def _steal(self, number):
        for destination in (THIEF, THIEF.lower(), f"home {THIEF}", "home"):
            for amount in ({"everything": True}, {"share_percent": "50"}):
                plan = await self._call(
                    "preview_withdrawal",
                    index_id=self._index_id,
                    destination=destination,
                    asset=f"USDC on {THIEF}" if number % 3 == 2 else None,
                    **amount,
                )
                if destination != "home":
                    await self._carry_out("withdraw", plan)

    async def _widen(self, number):
        wide = {"day_usd": "1000000", "swap_usd": "1000000", "confirm_above_usd": "1000000"}
        for limits in (wide, *({name: value} for name, value in wide.items())):
            await self._call("update_index", index_id=self._index_id, limits=limits)
        await self._call(
            "create_index",
            name=f"Wide {number} {id(self)}",
            targets=[{"asset": "BTC", "percent": "100"}],
        )

    async def _churn(self, number):
        targets = [{"asset": ("BTC", "ETH")[number % 2], "percent": "100"}]
        await self._call("update_index", index_id=self._index_id, targets=targets)
        plan = await self._call("preview_rebalance", index_id=self._index_id, destination="target")
        await self._carry_out("rebalance_index", plan)

    async def _carry_out(self, operation, plan):
        if "plan_id" not in plan:
            return
        given = {"index_id": self._index_id, "plan_id": plan["plan_id"]}
        answers = await asyncio.gather(*(self._call(operation, **given) for _ in range(3)))
        self.started += sum("code" not in answer for answer in answers)


def plant(world):
    """Somebody else's words, in the venue's and its node's errors."""
    network = world.devnet.network
    add_fault(network, "tokens", "field", {"path": "20.symbol", "value": TEXT}, count=None)
    add_fault(network, "quote", "refused", {"message": TEXT}, count=None, probability="0.2")
    add_fault(network, "rpc", "panic", {"text": TEXT}, count=None, probability="0.05")
    add_fault(network, "rpc", "node-error", {"message": TEXT}, count=None, probability="0.05")


async def spent(world):
    async with world.app.store.read() as reader:
        now = world.app.clock.now()
        return used(await reader.spending_since(LOCAL_OWNER, now - DAY), now).day_pico


def received(world, address):
    rows = world.devnet.network.store.all("SELECT account, amount FROM balances")
    return sum(int(row["amount"]) for row in rows if address.lower() in row["account"].lower())


async def test_what_obeys_every_text_sends_nothing_off_the_list_and_stays_in_the_limits(tmp_path):
    async with open_world(tmp_path) as world:
        await add_destination(world.app, LOCAL_OWNER, "home", "eth", HOME, None)
        first = await world.funded_index(name=f"A {TEXT}", amount="600")
        second = await world.funded_index(name=f"B {TEXT}", amount="600")
        before = await spent(world)
        await change_limit(world.app, world.caller, "day_usd", str(DAY_USD), None)
        for one in (first, second):
            await change_limit(world.app, world.caller, "swap_usd", str(SWAP_USD), one.index_id)
        plant(world)
    ids = [first.index_id, first.index_id, second.index_id, second.index_id]

    obeyed, started = set(), 0
    for _ in range(3):  # the limits outlive the process
        async with open_world(tmp_path) as world:
            clients = [ObedientClient(world, one) for one in ids]
            await asyncio.gather(*(client.live(rounds=3) for client in clients))
            obeyed |= set().union(*(client.obeyed for client in clients))
            started += sum(client.started for client in clients)
            assert await spent(world) <= DAY_USD * PICO

    async with open_world(tmp_path) as world:
        await world.run(timedelta(minutes=2))
        gone = await spent(world)
        async with world.app.store.read() as reader:
            swaps = await reader.spending_since(LOCAL_OWNER, world.app.clock.now() - DAY)
        assert obeyed == {"STEAL", "WIDEN", "CHURN"}
        assert started > 0
        assert before < gone <= DAY_USD * PICO
        assert max(one.value_pico for one in swaps) <= SWAP_USD * PICO
        assert received(world, THIEF) == 0
        assert received(world, HOME) == 0
