"""The day that nobody attends: the monitor acts and keeps from acting, hour by hour."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from ballast.demo.chart import strokes_of
from ballast.demo.conversation import FOLLOW_TIMEOUT, POLL_PAUSE, Conversation
from ballast.demo.day_script import (
    COSTLY,
    HOUR,
    HOURS,
    LIMITED,
    NOTHING,
    PAUSED,
    QUIET,
    RESTS,
    TOLD,
    TRADED,
    UNKNOWN,
    WHAT_IT_DID,
    Day,
    Watched,
)
from ballast.demo.outcome import Answer, BookLine, Outcome, compare_books
from ballast.demo.receiver import Receiver, listening
from ballast.demo.stopped import DemoStopped
from ballast.demo.tables import policies_table, short
from ballast.demo.timeline import day_chart
from ballast.demo.voice import Voice
from ballast.demo.world import TALKING, PaperWorld

# What the reasons of the monitor mean in the script of the day.
_STANDINGS: Final = {
    "quiet_hours": QUIET,
    "cooldown": RESTS,
    "cost_above_limit": COSTLY,
    "limit_exceeded": LIMITED,
    "index_paused": PAUSED,
    "within_bands": NOTHING,
    "not_due": NOTHING,
    "auto_off": NOTHING,
}

_PARAGRAPHS: Final = "\n\n"


@dataclass(slots=True)
class Kept:
    """One index as the day goes on.

    Attributes:
        index_id: empty until it is made.
        did: what it did at each hour so far, a character each.
        told: when its owner asked why, and the answer; None until then.
    """

    script: Watched
    index_id: str = ""
    did: str = ""
    told: tuple[datetime, str] | None = None


@dataclass(slots=True)
class UnattendedDay:
    """The day being told; `outcome` fills up on the way."""

    script: Day
    talk: Conversation
    world: PaperWorld
    console: Console
    outcome: Outcome = field(init=False)
    _voice: Voice = field(init=False)
    _kept: list[Kept] = field(init=False)

    def __post_init__(self) -> None:
        self.outcome = Outcome(self.script.name)
        self._voice = Voice(self.talk, self.world, self.console)
        self._kept = [Kept(one) for one in self.script.indexes]

    async def tell(self, *, to_the_end: bool) -> None:
        """From empty wallets to the comparison of the books.

        Args:
            to_the_end: go on after the first trade, until midnight.

        Raises:
            DemoStopped: something did not go as it should.
        """
        receiver = Receiver()
        with listening(receiver) as url:
            await self._create()
            await self._fund()
            await self._prepare()
            await self._be_told(receiver, url)
            await self._watch(HOURS if to_the_end else self._first_trade() + 1)
            self._ask_why()
            await self._read_messages(receiver, complete=to_the_end)
        await self._compare()

    # --- the chapters -------------------------------------------------------------------------

    async def _create(self) -> None:
        self._voice.say(
            f"Make me {len(self._kept)} indexes of {self.script.basket_words()}, and keep each "
            "in its own way.",
            "create_index",
        )
        targets = [{"asset": asset, "percent": percent} for asset, percent in self.script.basket]
        made = []
        for one in self._kept:
            policy = dict(one.script.policy)
            index = await self._voice.call(
                "create_index", name=one.script.name, targets=targets, policy=policy
            )
            one.index_id = index["index_id"]
            made.append(index)
        self._voice.show(policies_table(made))

    async def _fund(self) -> None:
        self._voice.say(
            f"Pay {short(self.script.deposit)} USDC into each.",
            "deposit_address, send_paper_deposit",
        )
        paid = []
        for one in self._kept:
            deposit = await self._voice.call(
                "deposit_address",
                index_id=one.index_id,
                asset="USDC",
                chain="base",
                amount=self.script.deposit,
            )
            await self._voice.call("send_paper_deposit", deposit_id=deposit["deposit_id"])
            paid.append(deposit["deposit_id"])
        followed = [(await self._voice.settled(one, "credited"))["follow_up_id"] for one in paid]
        bought = [one for one in followed if one is not None]
        for one in bought:
            await self._voice.settled(one, "completed")
        self._voice.tell(
            f"{len(paid)} deposits are credited, and {len(bought)} of them invested; one stays "
            "cash, for purchases."
        )

    async def _prepare(self) -> None:
        """What the owner narrows before going."""
        for one in self._kept:
            if one.script.narrowed is not None:
                words, tool, arguments = one.script.narrowed
                await self._voice.ask(words, tool, index_id=one.index_id, **arguments)

    async def _be_told(self, receiver: Receiver, url: str) -> None:
        """A program of the owner's is told of what happens, and verifies it."""
        made = await self._voice.ask(
            "Tell my own program what happens.",
            "create_webhook",
            url=url,
            label="My program",
            events=list(self.script.events),
        )
        receiver.secret = made["secret"]
        tested = await self._voice.call("test_webhook", webhook_id=made["webhook_id"])
        if not tested["delivered"]:
            raise DemoStopped(f"The webhook does not work: {tested['problem']}.")
        self._voice.tell(
            "It refused the first message, having no secret yet; with it, the test verifies."
        )

    async def _watch(self, hours: int) -> None:
        """Let the hours pass. At each the clock stands until every index has been looked at."""
        self._voice.say("Good night.", "explain", note="asked at every hour; nothing else is")
        with Live(console=self.console, auto_refresh=False) as live:
            for hour in range(hours):
                self.world.skip_to(self.script.midnight + hour * HOUR)
                await self._hour(hour)
                live.update(self._chart(), refresh=True)
        if not self.console.is_terminal:
            self.console.print()
        for one in self._kept:
            self._hold_against_script(one)

    def _ask_why(self) -> None:
        for one in self._kept:
            if one.told is None:
                continue
            at, answer = one.told
            self._voice.say(one.script.question, "explain", note=f"at {at:%H:%M}")
            self._voice.show(Text(_about_the_day(one, answer), style="italic"))
            missing = [words for words in one.script.answer if words not in answer]
            self.outcome.problems += [
                f"The explanation of {one.script.name} does not say that {words}."
                for words in missing
            ]

    async def _read_messages(self, receiver: Receiver, *, complete: bool) -> None:
        """Wait for the messages that are still on their way, and look at what came."""
        self._voice.say("What was my program told?", "the receiver's own record")
        wanted = Counter(self.script.events) if complete else Counter({"index.rebalanced": 1})
        with suppress(TimeoutError):
            async with asyncio.timeout(FOLLOW_TIMEOUT):
                while True:
                    if not wanted - self._told(receiver):
                        break
                    await asyncio.sleep(POLL_PAUSE)
        told = self._told(receiver)
        if told != wanted if complete else wanted - told:
            self.outcome.problems.append(
                f"The webhook was told {_counted(told)}, where it should have been told "
                f"{_counted(wanted)}."
            )
        self._voice.tell(
            f"{told.total()} messages of the day, each of them verified with the library "
            f"standardwebhooks: {_counted(told)}."
        )
        if all(receiver.sees_through(one) for one in receiver.taken.values()):
            self._voice.tell("With one letter changed, none of them verifies.")
        else:
            self.outcome.problems.append("A message verifies although it was changed.")

    async def _compare(self) -> None:
        """Every index's ledger beside the venue's account of it, to the base unit."""
        self.world.run_at(TALKING)
        self._voice.say("Do your books agree with the venue's?", "get_index", note="each")
        equal, lines = 0, []
        for one in self._kept:
            index = await self._voice.call("get_index", index_id=one.index_id)
            found = compare_books(index["holdings"], self.world.balances(index["account_id"]))
            equal += all(line.agrees for line in found)
            lines += [replace(line, symbol=f"{one.script.name}, {line.symbol}") for line in found]
        self.outcome.domain_time = self.world.now() - self.world.began
        self.outcome.add_books(lines, self.world.faults())
        self.outcome.books = _summed(lines)
        self._voice.tell(
            f"{equal} of {len(self._kept)} indexes are equal to the last base unit of each asset."
        )

    # --- parts --------------------------------------------------------------------------------

    async def _hour(self, hour: int) -> None:
        """See what each index does at this hour, and let it settle."""
        mark, started = self.world.now(), []
        for one in self._kept:
            standing = await self._looked_at(one, mark)
            one.did += _character(standing, mark)
            if one.did.endswith(TRADED):
                started.append(standing["reference"])
        for rebalance_id in started:
            await self._voice.settled(rebalance_id, "completed")
        for one in self._kept:
            if one.script.asked_at == hour:
                told = await self._voice.call("explain", index_id=one.index_id)
                one.told = (mark, told["answer"])

    async def _looked_at(self, one: Kept, mark: datetime) -> Answer:
        """Where an index stands once the monitor has dealt with this moment.

        Raises:
            DemoStopped: it has not within FOLLOW_TIMEOUT.
        """
        try:
            async with asyncio.timeout(FOLLOW_TIMEOUT):
                while True:
                    told = await self._voice.call("explain", index_id=one.index_id)
                    standing: Answer | None = told["standing"]
                    if standing is not None and _is_dealt_with(standing, mark):
                        return standing
                    await asyncio.sleep(POLL_PAUSE)
        except TimeoutError:
            raise DemoStopped(
                f"The monitor has not looked at {one.script.name} at {mark:%H:%M}."
            ) from None

    def _hold_against_script(self, one: Kept) -> None:
        """Everything that came otherwise than it had to is a problem."""
        for hour, (wanted, was) in enumerate(zip(one.script.day, one.did, strict=False)):
            if wanted != was:
                self.outcome.problems.append(
                    f"{one.script.name} at {hour:02d}:00: {WHAT_IT_DID[was]}, where it should "
                    f"have been: {WHAT_IT_DID[wanted]}."
                )

    def _first_trade(self) -> int:
        """The hour at which the first index has to trade."""
        return min(one.day.index(TRADED) for one in self.script.indexes if TRADED in one.day)

    def _told(self, receiver: Receiver) -> Counter[str]:
        """How many messages of each kind have come and verified, of what happened on the day."""
        return Counter(
            str(one.content["type"])
            for one in receiver.taken.values()
            if datetime.fromisoformat(one.content["timestamp"]) >= self.script.midnight
            and one.content["type"] in self.script.events
        )

    def _chart(self) -> Padding:
        rows = [(one.script.name, one.did) for one in self._kept]
        eth = [self.script.prices_at(Decimal(hour))["ETH"] for hour in range(HOURS)]
        chart = day_chart("ETH", eth, rows, strokes_of(self.console))
        return Padding(chart, (1, 0, 0, 3), expand=False)


def _is_dealt_with(standing: Answer, mark: datetime) -> bool:
    """Whether nothing of this moment is left to look at: it was, or a later time is planned."""
    planned = standing["next_check"]
    if planned is not None:
        return datetime.fromisoformat(planned) > mark
    return datetime.fromisoformat(standing["checked_at"]) >= mark


def _character(standing: Answer, mark: datetime) -> str:
    """What an index did at this moment, as the script of the day writes it."""
    is_new = datetime.fromisoformat(standing["since"]) >= mark
    if standing["reference"]:
        return TRADED if is_new else NOTHING
    if standing["reason"] == "alerted":
        return TOLD if is_new else NOTHING
    return _STANDINGS.get(standing["reason"], UNKNOWN)


def _about_the_day(one: Kept, answer: str) -> str:
    """Without the part about the purchase on the evening before."""
    if TRADED in one.did[: one.script.asked_at + 1]:
        return answer
    return f"{answer.split(_PARAGRAPHS, maxsplit=1)[0]} […]"


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "nothing"


def _summed(lines: Iterable[BookLine]) -> list[BookLine]:
    """All indexes together, an asset each; whether each agrees was said before."""
    sums: dict[str, list[int]] = {}
    for line in lines:
        total = sums.setdefault(line.symbol.rpartition(", ")[2], [0, 0])
        total[0] += line.ledger_units
        total[1] += line.venue_units
    return [BookLine(symbol, *total) for symbol, total in sums.items()]
