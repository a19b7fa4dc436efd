"""Where a row is played: a copy of a funded world, its engine, and the devnet as the referee."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from ballast.app.destinations import add_destination
from ballast.app.engine.reconciliation import INTERVAL, PATIENCE
from ballast.app.ports import TradeFilter
from ballast.app.resuming import resume_trading
from ballast.app.verify import verify
from ballast.app.write_off import preview_write_off, write_off
from ballast.core.ids import LOCAL_OWNER
from ballast.core.ledger import EntryKind, held
from ballast.core.states import IntentState, SwapState, WithdrawalState, is_terminal
from ballast.devnet.faults import add_fault, clear_faults
from ballast.devnet.swaps import load_swap, payments, swap_number
from ballast.errors import BallastError
from tests.app.behaviours.catalogue import End, Row
from tests.app.behaviours.previews import Preview
from tests.app.world import BASKET, World, open_world

HALVES = (("BTC", "50"), ("USDC", "50"))
BASKETS = {"one": HALVES, "four": BASKET, "cash": HALVES}
HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
# In the first minutes every due row is stepped at its time; then the clock jumps further at once.
CLOSE_LOOK = timedelta(minutes=2)
SHORTEST = timedelta(milliseconds=1)
JUMP = timedelta(seconds=40)
OF_SWAPS = (
    EntryKind.SWAP_RESERVED,
    EntryKind.SWAP_SENT,
    EntryKind.SWAP_SETTLED,
    EntryKind.SWAP_REFUNDED,
    EntryKind.SWAP_RELEASED,
    EntryKind.PAYOUT_SENT,
)
# The asset list and its prices are read again.
STALE = timedelta(seconds=20)


async def make_template(directory: Path, basket: str) -> str:
    """A funded index whose market has moved for half a year; its id."""
    async with open_world(directory) as world:
        policy = {"invest_deposits": basket != "cash"}
        index = await world.funded_index(basket=BASKETS[basket], policy=policy)
        world.pass_time(timedelta(days=200))
        await world.run(INTERVAL + 2 * PATIENCE)
        return index.index_id


@asynccontextmanager
async def stage(template: Path, directory: Path, index_id: str):
    """A copy of a template, opened."""
    shutil.copytree(template, directory, dirs_exist_ok=True)
    async with open_world(directory) as world:
        index = await world.call("get_index", index_id=index_id)
        async with world.app.store.read() as reader:
            entries = len(await reader.list_entries(index_id))
        yield Stage(world, index, entries, world.executed_by(index.account_id))


@dataclass
class Stage:
    """One index under observation.

    Attributes:
        entries: length of its ledger before the row.
        executed: intents of its account that the contract had executed by then.
    """

    world: World
    index: Any
    entries: int
    executed: int
    handle: str = ""
    swap_ids: list[str] = field(default_factory=list)

    def switch_on(self, row: Row | Preview) -> None:
        """The row's faults."""
        for one in row.faults:
            add_fault(
                self.world.devnet.network,
                one.route,
                one.kind,
                one.settings,
                count=one.count,
                skip=one.skip,
                probability=one.probability,
            )

    def switch_off(self) -> None:
        """Every fault."""
        clear_faults(self.world.devnet.network)

    async def preview(self) -> BallastError | None:
        """Preview a rebalance with fresh prices; the refusal, if it is one."""
        self.world.pass_time(STALE)
        try:
            await self.world.call(
                "preview_rebalance", index_id=self.index.index_id, destination="target"
            )
        except BallastError as refusal:
            return refusal
        return None

    async def start_rebalance(self) -> None:
        """Ask for a rebalance to the targets; nothing has worked on it yet."""
        plan = await self.world.call(
            "preview_rebalance", index_id=self.index.index_id, destination="target"
        )
        started = await self.world.call(
            "rebalance_index", index_id=self.index.index_id, plan_id=plan.plan_id
        )
        self.handle = started.rebalance_id
        # What was read for the plan is too old by now.
        self.world.pass_time(STALE)

    async def start_deposit(self) -> Any:
        """An address for 100 USDC from Base; nobody has paid yet."""
        deposit = await self.world.call(
            "deposit_address", index_id=self.index.index_id, asset="USDC on Base", amount="100"
        )
        self.handle = deposit.deposit_id
        return deposit

    async def start_withdrawal(self, amount: str) -> None:
        """Ask for so many USDC to be delivered on Ethereum; nothing has worked on it yet."""
        await add_destination(self.world.app, LOCAL_OWNER, "home", "ethereum", HOME, None)
        index_id = self.index.index_id
        plan = await self.world.call(
            "preview_withdrawal", index_id=index_id, amount=amount, destination="home"
        )
        started = await self.world.call("withdraw", index_id=index_id, plan_id=plan.plan_id)
        self.handle = started.withdrawal_id
        self.world.pass_time(STALE)

    async def watch(self, span: timedelta, *, through: bool = False) -> Any:
        """Let the engine work until all is done, at most for so long; the progress by then.
        `through`: for so long, whatever is done."""
        world, start = self.world, self.world.app.clock.now()
        while True:
            await world.engine.run_until_idle()
            progress = await world.call("get_progress", id=self.handle)
            passed = world.app.clock.now() - start
            if (progress.done and not through) or passed >= span:
                return progress
            due_at = await world.engine.next_work()
            until_due = (due_at or start + span) - world.app.clock.now()
            shortest = max(JUMP, passed / 20) if passed > CLOSE_LOOK else SHORTEST
            world.pass_time(min(max(until_due, shortest), start + span - world.app.clock.now()))

    async def check(self, end: End, moved: int) -> None:
        """Everything that must hold, with the devnet's books as the truth."""
        progress = await self.world.call("get_progress", id=self.handle)
        assert progress.state == end.state, progress
        assert sorted(one.state for one in progress.swaps) == sorted(end.swaps), progress
        said = " ".join([progress.problem, *(one.problem for one in progress.swaps)])
        assert end.words in said, said
        assert progress.next_step
        await self._check_movements(moved)
        await self._check_books(end)
        await self._check_names(end)
        await self._check_floors()
        shown = await self.world.call("get_index", index_id=self.index.index_id)
        assert shown.state == end.index
        assert (await self.world.call("get_status")).trading == end.trading

    async def _check_movements(self, moved: int) -> None:
        """No intent moved twice, and what we believe executed is what the contract executed."""
        swaps = await self._swaps()
        intents = [one for swap in swaps for one in await self._intents(swap.swap_id)]
        network = self.world.devnet.network
        # The contract may have forgotten nonces; what it paid out for them stays in the books.
        assert self.world.executed_by(self.index.account_id) - self.executed <= moved
        assert sum(one.state is IntentState.EXECUTED for one in intents) <= moved
        arrived = 0
        for swap in swaps:
            number = swap_number(network, swap.deposit_address or "", swap.deposit_memo or "")
            paid = [] if number is None else payments(network, number)
            if swap.deposit_address is not None and number is not None:
                ours = {one.intent_hash for one in intents if one.swap_id == swap.swap_id}
                mine = [one for one in paid if one.intent_hash in ours]
                arrived += len(mine)
                assert len(mine) <= 1
                assert all(one.units == swap.input_units for one in mine)
        assert arrived == moved

    async def check_delivered(self, times: int | None) -> None:
        """What lies at the address outside is what we say was delivered, so many times."""
        async with self.world.app.store.read() as reader:
            withdrawal = await reader.get_withdrawal(LOCAL_OWNER, self.handle)
        rows = self.world.devnet.network.store.all("SELECT account, amount FROM balances")
        there = sum(int(row["amount"]) for row in rows if HOME.lower() in row["account"].lower())
        if withdrawal.state is WithdrawalState.SENT:
            assert there == withdrawal.delivered_units * (1 if times is None else times)
            assert withdrawal.transactions
        elif withdrawal.state is WithdrawalState.FAILED:
            assert there == 0

    async def _check_books(self, end: End) -> None:
        network = self.world.devnet.network
        assert network.books.faults() == []
        async with self.world.app.store.read() as reader:
            ours = Counter(held(await reader.balances(self.index.index_id)))
        theirs = Counter(network.books.holdings(self.index.account_id))
        gap = {one: theirs[one] - ours[one] for one in theirs | ours if theirs[one] != ours[one]}
        expected = await self._expected_gap(end)
        assert gap == expected, (gap, expected)
        report = await verify(self.world.app)
        assert len(report.problems) == len(end.problems), report.problems
        assert all(
            word in text for word, text in zip(end.problems, report.problems, strict=True)
        ), report.problems

    async def _expected_gap(self, end: End) -> dict[str, int]:
        expected: Counter[str] = Counter()
        network = self.world.devnet.network
        for swap in await self._swaps():
            if is_terminal(swap.state):
                continue
            number = swap_number(network, swap.deposit_address or "", swap.deposit_memo or "")
            if "sold" in end.gap:
                expected[swap.sell] -= swap.input_units
            if "bought" in end.gap and number is not None:
                expected[swap.buy] += load_swap(network, number).amount_out or 0
        if "arrived" in end.gap:
            async with self.world.app.store.read() as reader:
                deposit = await reader.get_deposit(LOCAL_OWNER, self.handle)
            number = swap_number(network, deposit.address, deposit.memo or "")
            expected[deposit.credit_asset_id] += load_swap(network, number).amount_out or 0
        return {one: units for one, units in expected.items() if units}

    async def _check_names(self, end: End) -> None:
        async with self.world.app.store.read() as reader:
            entries = (await reader.list_entries(self.index.index_id))[self.entries :]
        kinds = {one.entry.kind for one in entries}
        assert {one.value for one in kinds if one not in OF_SWAPS} == set(end.named)

    async def _check_floors(self) -> None:
        """Nothing is booked below the minimum that the venue signed."""
        for swap in await self._swaps():
            if swap.state.value == "settled" and swap.quote is not None:
                signed = int(swap.quote["quote"]["minAmountOut"])
                assert swap.minimum_units == signed
                assert (swap.output_units or 0) >= signed

    async def go_on(self) -> None:
        """With the faults gone the index can be rebalanced as ever: where no evidence ever comes,
        once the owner has written the swap off; where trading was halted, once it is resumed."""
        await resume_trading(self.world.app, LOCAL_OWNER)
        async with self.world.app.store.read() as reader:
            running = await reader.active_rebalance(self.index.index_id)
        if running is not None:
            await self._write_off()
        await self._want_something_else()
        await self.start_rebalance()
        progress = await self.watch(timedelta(minutes=30))
        assert progress.state == "completed", progress

    async def _write_off(self) -> None:
        """What the balances show is booked, and what is missing is unexplained, to the unit."""
        refusal = await self.world.refused(
            "preview_rebalance", index_id=self.index.index_id, destination="target"
        )
        assert refusal.code == "rebalance_running"
        missing: Counter[str] = Counter()
        for swap in [one for one in await self._swaps() if one.state is SwapState.ATTENTION]:
            seen = await preview_write_off(self.world.app, LOCAL_OWNER, swap.swap_id)
            await write_off(self.world.app, seen)
            missing[swap.sell] += seen.missing
        progress = await self.watch(timedelta(minutes=10))
        assert progress.done, progress
        assert "Ended by the owner." in " ".join(one.problem for one in progress.swaps)
        async with self.world.app.store.read() as reader:
            balances = await reader.balances(self.index.index_id)
        ours = {one: units for one, units in held(balances).items() if units}
        assert ours == self.world.devnet.network.books.holdings(self.index.account_id)
        report = await verify(self.world.app)
        assert [one.partition(" (")[0] for one in report.problems] == [
            f"{self.index.name}: {units} base units of {one}"
            for one, units in missing.items()
            if units
        ]
        assert all(" are unexplained." in one for one in report.problems)

    async def _want_something_else(self) -> None:
        """Other targets, so that there is something to do at once."""
        targets = [{"asset": "ETH", "percent": "50"}, {"asset": "USDC", "percent": "50"}]
        self.world.pass_time(STALE)
        await self.world.call("update_index", index_id=self.index.index_id, targets=targets)

    async def _swaps(self) -> list[Any]:
        async with self.world.app.store.read() as reader:
            swaps = await reader.list_swaps(
                LOCAL_OWNER, TradeFilter(index_id=self.index.index_id, limit=1000)
            )
        started = (await self.world.call("get_progress", id=self.handle)).started_at
        return [one for one in swaps if one.created_at >= started]

    async def _intents(self, swap_id: str) -> list[Any]:
        async with self.world.app.store.read() as reader:
            return await reader.intents_of(swap_id)
