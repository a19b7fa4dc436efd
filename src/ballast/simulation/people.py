"""Those who use an index: what owners ask for, and what comes to them from outside."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from ballast.core.ids import LOCAL_OWNER
from ballast.devnet.admin import SendBody, send_from_outside
from ballast.devnet.books import ISSUANCE, Move
from ballast.devnet.clock import to_us
from ballast.devnet.errors import Refusal
from ballast.errors import BallastError
from ballast.simulation.dice import Dice
from ballast.simulation.story import ViolationError
from ballast.simulation.terminal import DESTINATIONS
from ballast.simulation.world import World

Deed = Callable[[], Coroutine[Any, Any, None]]

OWNERS: Final = (LOCAL_OWNER, "own_01HZZZZZZZZZZZZZZZZZZZZZZZ")
# Nobody asks for more addresses than this before some have been paid to, or have closed: each is
# looked at again and again.
OPEN_ADDRESSES: Final = 2

BASKETS: Final = (
    (("BTC", 50), ("USDC", 50)),
    (("BTC", 40), ("ETH", 30), ("SOL", 20), ("USDC", 10)),
    (("ETH", 60), ("SOL", 40)),
    (("BTC", 20), ("ETH", 20), ("SOL", 20), ("NEAR", 20), ("BNB", 20)),
)
# What is paid, on which chain, and how much: in thousandths of a whole unit.
PAYABLE: Final = (
    ("USDC", "base", 30_000, 3_000_000),
    ("USDC", "ethereum", 30_000, 3_000_000),
    ("USDC", "near", 30_000, 3_000_000),
    ("USDC", "near", 30_000, 3_000_000),
    ("BTC", None, 1, 40),
    ("ETH", None, 20, 1_000),
    ("SOL", None, 500, 20_000),
)
# What can be traded, and is not being traded.
_IDLE: Final = (
    "SELECT index_id FROM indexes WHERE state = 'active' AND index_id NOT IN"
    " (SELECT index_id FROM rebalances WHERE state IN ('executing', 'halted')) ORDER BY index_id"
)
TRESPASSES: Final = (
    "get_index", "trade_history", "preview_rebalance", "rebalance_index", "withdraw", "pause_index",
)  # fmt: skip
GIFTS: Final = (
    ("nep141:eth.omft.near", 10**15),
    ("nep141:17208628f84f5d6ad33f0da3bbbeb27ffcb398eac501a31bd6ad2011e36133a1", 2_500_000),
)


class People:
    """Whoever deals with the indexes. Each deed is drawn, and done through the product's one door
    or on the devnet.

    Args:
        indexes: how many indexes there may be.
    """

    def __init__(self, world: World, dice: Dice, indexes: int) -> None:
        self._world = world
        self._records = world.records
        self._dice = dice
        self._indexes = indexes
        self._request = 0

    def deeds(self) -> Mapping[Callable[[], Deed | None], int]:
        """What can be drawn, and how often."""
        return MappingProxyType(
            {
                self.new_index: 3,
                self.new_address: 6,
                self.pay: 10,
                self.pay_in_paper: 6,
                self.rebalance: 14,
                self.use_old_plan: 2,
                self.withdraw: 6,
                self.other_targets: 2,
                self.pause: 2,
                self.resume: 3,
                self.halt: 1,
                self.gift: 1,
                self.look_around: 2,
                self.trespass: 1,
            }
        )

    def _request_id(self) -> str:
        self._request += 1
        return f"request-{self._request}"

    def _index(self, *, active: bool = False) -> str | None:
        """Any index; preferably, if so said, one that can be traded now."""
        if active and self._dice.chance(85):
            found = self._records.column(_IDLE)
            if found:
                return str(self._dice.one_of(found))
        found = self._records.column("SELECT index_id FROM indexes ORDER BY index_id")
        return str(self._dice.one_of(found)) if found else None

    def _owner(self, index_id: str) -> str:
        (owner,) = self._records.column("SELECT owner_id FROM indexes WHERE index_id = ?", index_id)
        return str(owner)

    def _calling(self, owner_id: str, operation: str, **arguments: Any) -> Deed:
        """A call that is the same, however often it is made."""
        arguments["request_id"] = self._request_id()

        async def deed() -> None:
            await self._world.call(owner_id, operation, **arguments)

        return deed

    def _asking(self, index_id: str, operation: str, **arguments: Any) -> Deed:
        """A call of the owner of an index."""
        return self._calling(self._owner(index_id), operation, index_id=index_id, **arguments)

    def beginning(self) -> tuple[Callable[[], Deed | None], ...]:
        """What every story begins with: two indexes at most, and somebody who pays."""
        return (self.new_index, self.fund, self.new_index, self.fund)

    def fund(self) -> Deed | None:
        """Pay into the newest index what is enough to begin with."""
        index_id = self._records.column("SELECT max(index_id) FROM indexes")[0]
        owner_id = self._owner(index_id)
        amount = str(self._dice.between(200, 2_000))

        async def deed() -> None:
            asked = {"index_id": index_id, "asset": "USDC", "chain": "near", "amount": amount}
            deposit = await self._world.call(owner_id, "deposit_address", **asked)
            await self._world.call(owner_id, "send_paper_deposit", deposit_id=deposit.deposit_id)

        return deed

    # --- owners -----------------------------------------------------------------------------------

    def new_index(self) -> Deed | None:
        """Create one, unless there are enough."""
        there = len(self._records.column("SELECT index_id FROM indexes"))
        if there >= self._indexes:
            return None
        targets = _targets(self._dice.one_of(BASKETS))
        owner_id = self._dice.one_of(OWNERS)
        return self._calling(owner_id, "create_index", name=f"Index {there + 1}", targets=targets)

    def other_targets(self) -> Deed | None:
        """Want something else."""
        index_id = self._index()
        return None if index_id is None else self._change(index_id)

    def _change(self, index_id: str) -> Deed:
        targets = _targets(self._dice.one_of(BASKETS))
        return self._asking(index_id, "update_index", targets=targets)

    def new_address(self) -> Deed | None:
        """Ask for an address to pay to, unless there are enough."""
        index_id = self._index()
        if index_id is None or self._open_addresses(index_id) >= OPEN_ADDRESSES:
            return None
        asset, chain, least, most = self._dice.one_of(PAYABLE)
        thousandths = self._dice.between(least, most)
        amount = f"{thousandths // 1000}.{thousandths % 1000:03}"
        return self._asking(
            index_id,
            "deposit_address",
            asset=asset,
            chain=chain,
            amount=None if self._dice.chance(20) else amount,
        )

    def _open_addresses(self, index_id: str) -> int:
        sql = "SELECT count(*) FROM deposits WHERE state = 'awaiting' AND index_id = ?"
        (found,) = self._records.column(sql, index_id)
        return int(found)

    def rebalance(self) -> Deed | None:
        """Want something else, most of the time; see a plan, and carry it out."""
        index_id = self._index(active=True)
        if index_id is None:
            return None
        owner_id = self._owner(index_id)
        destination = self._dice.one_of(("target", "target", "policy"))
        other = self._change(index_id) if self._dice.chance(60) else None
        preview, start = self._request_id(), self._request_id()

        async def deed() -> None:
            if other is not None:
                await other()
            asked = {"index_id": index_id, "destination": destination, "request_id": preview}
            plan = await self._world.call(owner_id, "preview_rebalance", **asked)
            if not isinstance(plan, BallastError):
                given = {"index_id": index_id, "plan_id": plan.plan_id, "request_id": start}
                await self._world.call(owner_id, "rebalance_index", **given)

        return deed

    def use_old_plan(self) -> Deed | None:
        """Try to carry out any plan there ever was, as a confused client would."""
        plans = self._records.all("SELECT plan_id, index_id FROM plans ORDER BY plan_id")
        if not plans:
            return None
        plan = self._dice.one_of(plans)
        operation = self._dice.one_of(("rebalance_index", "withdraw"))
        return self._asking(plan["index_id"], operation, plan_id=plan["plan_id"])

    def withdraw(self) -> Deed | None:
        """See what a withdrawal would do, and do it."""
        index_id = self._index(active=True)
        if index_id is None:
            return None
        owner_id = self._owner(index_id)
        preview, start = self._request_id(), self._request_id()
        asked: dict[str, Any] = self._dice.one_of(
            (
                {"amount": str(self._dice.between(5, 300))},
                {"share_percent": str(self._dice.between(1, 60))},
                {"everything": True},
            )
        )
        if not (asked.get("everything") and self._dice.chance(50)):
            asked["destination"] = self._dice.one_of(DESTINATIONS)[0]

        async def deed() -> None:
            asked.update(index_id=index_id, request_id=preview)
            plan = await self._world.call(owner_id, "preview_withdrawal", **asked)
            if not isinstance(plan, BallastError):
                given = {"index_id": index_id, "plan_id": plan.plan_id, "request_id": start}
                await self._world.call(owner_id, "withdraw", **given)

        return deed

    def pause(self) -> Deed | None:
        """Let an index rest; now and then what has not been signed is given up."""
        index_id = self._index()
        if index_id is None:
            return None
        return self._asking(index_id, "pause_index", cancel=self._dice.chance(40))

    def resume(self) -> Deed | None:
        """Let one that rests go on."""
        resting = self._records.column(
            "SELECT index_id FROM indexes WHERE state = 'paused' ORDER BY index_id"
        )
        if not resting:
            return None
        return self._asking(self._dice.one_of(resting), "resume_index")

    def want_what_is_listed(self) -> Deed:
        """Take out of every basket what has left the list: until then nothing of it is traded."""
        listed = {token.asset_id for token in self._world.devnet.network.listing.tokens()}
        rows = self._records.all("SELECT index_id, targets FROM indexes ORDER BY index_id")
        gone = [row["index_id"] for row in rows if not set(json.loads(row["targets"])) <= listed]
        targets = _targets(BASKETS[0])

        async def deed() -> None:
            for index_id in gone:
                await self._asking(index_id, "update_index", targets=targets)()

        return deed

    def let_all_go_on(self) -> Deed:
        """Resume every index that rests: what waits there would wait for ever."""

        async def deed() -> None:
            while (one := self.resume()) is not None:
                await one()

        return deed

    def halt(self) -> Deed:
        """Stop all trading, or whatever buys."""
        level = self._dice.one_of(("nothing", "no_new_risk"))
        return self.halt_by(self._dice.one_of(OWNERS), level)

    def halt_by(self, owner_id: str, level: str) -> Deed:
        """An owner stops; the owner of the machine stops everybody."""
        return self._calling(owner_id, "halt_trading", level=level)

    def trespass(self) -> Deed | None:
        """Somebody asks about, and tries to use, what belongs to somebody else."""
        plans = self._records.all("SELECT plan_id, index_id FROM plans ORDER BY plan_id")
        if not plans:
            return None
        plan = self._dice.one_of(plans)
        mine = self._owner(plan["index_id"])
        stranger = next(owner for owner in OWNERS if owner != mine)
        given = {"index_id": plan["index_id"]}
        operation = self._dice.one_of(TRESPASSES)
        if operation in ("rebalance_index", "withdraw"):
            given["plan_id"] = plan["plan_id"]

        async def deed() -> None:
            answer = await self._world.call(stranger, operation, **given)
            if not isinstance(answer, BallastError):
                raise ViolationError(f"A stranger was let into {plan['index_id']}: {operation}.")

        return deed

    def look_around(self) -> Deed | None:
        """Ask how everything stands."""
        index_id = self._index()
        if index_id is None:
            return None
        owner_id = self._owner(index_id)
        ids = self._records.column(
            "SELECT rebalance_id FROM rebalances WHERE owner_id = ?1 UNION"
            " SELECT deposit_id FROM deposits WHERE owner_id = ?1 UNION"
            " SELECT withdrawal_id FROM withdrawals WHERE owner_id = ?1 ORDER BY 1",
            owner_id,
        )
        some = self._dice.one_of(ids) if ids else None

        async def deed() -> None:
            for operation in ("get_index", "get_drift", "trade_history", "explain"):
                await self._world.call(owner_id, operation, index_id=index_id)
            await self._world.call(owner_id, "get_status")
            if some is not None:
                await self._world.call(owner_id, "get_progress", id=some)

        return deed

    # --- the world outside ------------------------------------------------------------------------

    def pay_in_paper(self) -> Deed | None:
        """Have the outside wallet pay what an address was made for."""
        open_ = self._records.all(
            "SELECT deposit_id, owner_id FROM deposits"
            " WHERE state = 'awaiting' AND amount_units IS NOT NULL ORDER BY deposit_id"
        )
        if not open_:
            return None
        one = self._dice.one_of(open_)
        return self._calling(one["owner_id"], "send_paper_deposit", deposit_id=one["deposit_id"])

    def pay(self) -> Deed | None:
        """Pay any address there ever was: right, too little, too much; in time, late or twice."""
        deposits = self._records.all("SELECT * FROM deposits ORDER BY deposit_id")
        if not deposits:
            return None
        late = self._dice.chance(25)
        chosen = self._dice.one_of(deposits if late else deposits[-3:])
        percent = self._dice.weighted({100: 8, 40: 2, 60: 2, 7: 1, 180: 1})
        units = max(1, int(chosen["quoted_units"]) * percent // 100)

        async def deed() -> None:
            self._send(chosen["address"], chosen["memo"], units)

        return deed

    def _send(self, address: str, memo: str | None, units: int) -> None:
        body = SendBody(address=address, memo=memo or "", amount=str(units))
        try:
            sent = send_from_outside(self._world.devnet.network, body)["tx_hash"]
        except Refusal as refusal:
            sent = f"refused: {refusal.message}"
        self._world.story.tell(f"    outside: {units} to {address} -> {sent}")

    def gift(self) -> Deed | None:
        """Somebody transfers something to an index's account, unasked."""
        accounts = self._records.column("SELECT account_id FROM indexes ORDER BY index_id")
        if not accounts:
            return None
        account, (asset_id, units) = self._dice.one_of(accounts), self._dice.one_of(GIFTS)

        async def deed() -> None:
            network = self._world.devnet.network
            with network.store.write():
                moves = [Move(ISSUANCE, account, asset_id, units)]
                network.books.post("mint", "gift", to_us(network.clock.now()), moves)
            self._world.story.tell(f"    outside: a gift of {units} {asset_id} to {account}")

        return deed

    # --- time -------------------------------------------------------------------------------------

    def some_time(self) -> timedelta:
        """Seconds most often, days now and then."""
        unit = self._dice.weighted({1: 10, 10: 6, 60: 4, 3600: 2, 86_400: 1})
        return timedelta(seconds=unit * self._dice.between(1, 9))

    def a_while(self) -> timedelta:
        """As long as somebody would watch: less than a second, up to a few minutes."""
        unit = self._dice.weighted({100: 10, 1_000: 14, 10_000: 5, 60_000: 1})
        return timedelta(milliseconds=unit * self._dice.between(1, 9))


def _targets(basket: tuple[tuple[str, int], ...]) -> list[dict[str, str]]:
    return [{"asset": asset, "percent": str(percent)} for asset, percent in basket]
