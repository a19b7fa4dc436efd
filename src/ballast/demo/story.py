"""The story itself: create, fund, watch, preview, run, ask why, compare the books."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from ballast.core.wording import counted
from ballast.demo.chart import Sample, date_words, drift_chart, sample_of, strokes_of
from ballast.demo.conversation import Conversation
from ballast.demo.outcome import Answer, Outcome, Rebalanced, compare_books
from ballast.demo.script import Script
from ballast.demo.stopped import DemoStopped
from ballast.demo.tables import (
    drift_table,
    fills_table,
    holdings_table,
    money,
    plan_table,
    rebalances_table,
    short,
)
from ballast.demo.voice import Voice
from ballast.demo.world import TALKING, PaperWorld

# How many days of drift are drawn before the chart on a terminal moves on.
_REDRAW_EVERY = 5


class Story:
    """One story being told; `outcome` fills up on the way."""

    def __init__(
        self, script: Script, talk: Conversation, world: PaperWorld, console: Console
    ) -> None:
        self._script = script
        self._world = world
        self._voice = Voice(talk, world, console)
        self._index_id = ""
        self._samples: list[Sample] = []
        self.outcome = Outcome(script.name)

    async def tell(self, *, to_the_end: bool) -> None:
        """From an empty wallet to the comparison of the books.

        Args:
            to_the_end: go on after the first rebalance, until the script's end.

        Raises:
            DemoStopped: something did not go as it should.
        """
        await self._create()
        await self._fund()
        drift = await self._watch()
        await self._rebalance(drift)
        await self._ask_why()
        if to_the_end:
            await self._go_on()
        await self._compare()

    # --- the chapters -------------------------------------------------------------------------

    async def _create(self) -> None:
        words = f"Make me an index: {self._script.basket_words()}."
        targets = [{"asset": asset, "percent": percent} for asset, percent in self._script.basket]
        index = await self._voice.ask(
            words, "create_index", name=self._script.index_name, targets=targets
        )
        self._index_id = index["index_id"]
        taken = ", ".join(f"{one['symbol']} on {one['chain']}" for one in index["holdings"])
        self._voice.tell(f"Created with a wallet of its own. Each symbol was taken for: {taken}.")
        relative = index["policy"]["band_relative_percent"]
        self._voice.tell(
            f"Policy: {index['policy']['method']}, band {relative} % of each target, "
            f"back to {index['policy']['destination'].replace('_', ' ')}."
        )

    async def _fund(self) -> None:
        deposit = await self._voice.ask(
            f"Where do I send {short(self._script.deposit)} USDC? I have it on Base.",
            "deposit_address",
            index_id=self._index_id,
            asset="USDC",
            chain="base",
            amount=self._script.deposit,
        )
        self._voice.tell(f"Address {deposit['address']}, fee {deposit['fee_percent']} %.")
        await self._voice.ask(
            "It is paper money: play the wallet that pays.",
            "send_paper_deposit",
            deposit_id=deposit["deposit_id"],
        )
        credited = await self._voice.settled(deposit["deposit_id"], "credited")
        self._voice.tell(
            f"{credited['summary']} after {self._took(credited)}; it is invested at once."
        )
        if credited["follow_up_id"] is None:
            raise DemoStopped("The deposit was credited, but it is not being invested.")
        bought = await self._voice.settled(credited["follow_up_id"], "completed")
        self._voice.tell(f"{bought['summary']}, {self._took(bought)} in all.")
        index = await self._voice.ask("What do I have now?", "get_index", index_id=self._index_id)
        self._voice.show(holdings_table(index))

    async def _watch(self) -> Answer:
        until = date_words(self._script.end)
        self._voice.say("Has it drifted?", "get_drift", note="once a day, at midnight")
        with self._live_chart() as live:
            drift = await self._walk(live)
        self._end_chart()
        if drift["would_trade"]:
            days = (self._world.now() - self._world.began).days
            symbols = ", ".join(drift["breached"])
            self._voice.tell(f"After {days} days {symbols} has left its band.")
        else:
            self._voice.tell(
                f"Nothing left its band until {until}; it is brought back all the same."
            )
        self._voice.show(drift_table(drift))
        return drift

    async def _rebalance(self, drift: Answer) -> None:
        self._world.run_at(TALKING)
        plan = await self._voice.ask(
            self._script.request,
            "preview_rebalance",
            index_id=self._index_id,
            destination=self._script.destination,
        )
        self._voice.show(plan_table(plan))
        self._voice.tell(_cost_sentence(plan))
        self._voice.tell(_drift_sentence(plan))
        self._voice.say("Do it.", "rebalance_index", note="with the plan's id; a plan is used once")
        done = await self._run(plan, drift)
        self._voice.tell(f"{done['summary']} in {self._took(done)}; legs run side by side.")
        self._voice.show(fills_table(done))

    async def _ask_why(self) -> None:
        told = await self._voice.ask("Why did you trade?", "explain", index_id=self._index_id)
        self._voice.show(Text(told["answer"], style="italic"))

    async def _go_on(self) -> None:
        """The rest of the time, in one chart: whatever is breached is previewed and run."""
        self._voice.say(
            f"Go on like that until {date_words(self._script.end)}.",
            "get_drift, preview_rebalance, rebalance_index",
        )
        with self._live_chart() as live:
            while self._world.now() < self._script.end:
                drift = await self._walk(live)
                if drift["would_trade"]:
                    self._world.run_at(TALKING)
                    await self._run(await self._preview(), drift)
        self._end_chart()
        self._voice.show(rebalances_table(self.outcome.rebalances))

    async def _compare(self) -> None:
        self._world.run_at(TALKING)
        index = await self._voice.ask(
            "Do your books agree with the venue's?", "get_index", index_id=self._index_id
        )
        self.outcome.domain_time = self._world.now() - self._world.began
        balances = self._world.balances(index["account_id"])
        lines = compare_books(index["holdings"], balances)
        self.outcome.add_books(lines, self._world.faults())
        equal = sum(line.agrees for line in lines)
        self._voice.tell(
            f"{equal} of {len(lines)} assets are equal to the last base unit. "
            f"The index is worth {money(index['value_usd'])}."
        )

    # --- parts --------------------------------------------------------------------------------

    async def _walk(self, live: Live) -> Answer:
        """Go from midnight to midnight until the policy would trade, or the script ends.

        Returns the last drift seen.
        """
        while True:
            self._world.skip_to_midnight()
            drift = await self._voice.call("get_drift", index_id=self._index_id)
            self._samples.append(sample_of(drift, self._world.now()))
            over = drift["would_trade"] or self._world.now() >= self._script.end
            if over or len(self._samples) % _REDRAW_EVERY == 0:
                live.update(self._chart(), refresh=True)
            if over:
                return drift

    async def _preview(self) -> Answer:
        return await self._voice.call(
            "preview_rebalance",
            index_id=self._index_id,
            destination=self._script.destination,
        )

    def _live_chart(self) -> Live:
        """On a terminal it grows as the days pass; elsewhere it is printed once, at the end."""
        return Live(console=self._voice.console, auto_refresh=False)

    def _end_chart(self) -> None:
        """Elsewhere than on a terminal the live chart leaves its last line open."""
        if not self._voice.console.is_terminal:
            self._voice.console.print()

    def _chart(self) -> Padding:
        caption = Text("The asset furthest out, as a share of its band", style="dim")
        console = self._voice.console
        chart = drift_chart(self._samples, console.width - 4, strokes_of(console))
        return Padding(Group(caption, chart), (1, 0, 0, 3), expand=False)

    async def _run(self, plan: Answer, drift: Answer) -> Answer:
        """Carry a plan out and see it settle."""
        at = self._world.now()
        if not plan["swaps"]:
            raise DemoStopped(f"The plan holds no swap. {plan['next_step']}")
        started = await self._voice.call(
            "rebalance_index", index_id=self._index_id, plan_id=plan["plan_id"]
        )
        done = await self._voice.settled(started["rebalance_id"], "completed")
        self.outcome.rebalances.append(Rebalanced(at, tuple(drift["breached"]), plan))
        self._samples[-1] = replace(self._samples[-1], rebalanced=True)
        return done

    @staticmethod
    def _took(progress: Answer) -> str:
        started, ended = (
            datetime.fromisoformat(progress[name]) for name in ("started_at", "ended_at")
        )
        return f"{(ended - started).total_seconds():.0f} s"


def _cost_sentence(plan: Answer) -> str:
    other = plan["comparison"]
    return (
        f"{counted(other['swaps'], 'swap')} for {money(plan['fee_usd'])} in fees and spread "
        f"({plan['fee_percent_of_value']} % of the value); through USDC about "
        f"{counted(other['swaps_through_base'], 'swap')} for "
        f"{money(other['fee_usd_through_base'])}."
    )


def _drift_sentence(plan: Answer) -> str:
    before, after = (
        max(abs(Decimal(one[name])) for one in plan["drift"])
        for name in ("before_percent", "after_percent")
    )
    return f"The furthest asset is {before} points from its target now, and {after} afterwards."
