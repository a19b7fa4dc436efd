"""The stories one after the other, and what they came to."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule

from ballast.core.wording import counted
from ballast.demo.conversation import conversation
from ballast.demo.day import UnattendedDay
from ballast.demo.day_script import UNATTENDED, Day
from ballast.demo.outcome import Outcome
from ballast.demo.script import DEFAULT_SEED, REAL_PRICES, TEN_ASSETS, Script
from ballast.demo.stopped import DemoStopped
from ballast.demo.story import Story
from ballast.demo.tables import books_table, savings_table
from ballast.demo.world import PaperWorld

PLAIN_WIDTH = 100

STORIES: Final = (REAL_PRICES, TEN_ASSETS, UNATTENDED)


def run_demo(
    seed: int | None = None,
    keep: Path | None = None,
    quick: bool = False,
    *,
    console: Console | None = None,
    world: type[PaperWorld] = PaperWorld,
    stories: Sequence[Script | Day] = STORIES,
) -> int:
    """Tell the stories on a terminal, or as plain text where there is none.

    Args:
        seed: of the market, the delays and the fills; None for the usual one.
        keep: folder for the data, which stays; None for a temporary one.
        quick: end each story after its first rebalance.
        console: where it is told; by default stdout.
        world: how the world outside is played.

    Returns:
        0 when every rebalance completed and the books agree to the last base unit, else 1.
    """
    shown = console or _stdout()
    used = DEFAULT_SEED if seed is None else seed
    telling = Telling(shown, used, world, quick=quick)
    try:
        with tempfile.TemporaryDirectory(prefix="ballast-demo-") as temporary:
            directory = keep.expanduser().resolve() if keep else Path(temporary)
            asyncio.run(telling.tell(stories, directory))
    except DemoStopped as stop:
        shown.print()
        shown.print(f"The demo stopped: {stop}", style="bold red", markup=False)
        return 1
    return telling.conclude(directory if keep else None)


def _stdout() -> Console:
    """A console that gets by without colour, terminal or Unicode."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    reconfigure = getattr(console.file, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    return console


class Telling:
    """One run of the demo."""

    def __init__(
        self, console: Console, seed: int, world: type[PaperWorld], *, quick: bool
    ) -> None:
        self._console = console
        self._seed = seed
        self._world = world
        self._quick = quick
        self._stories: Sequence[Script | Day] = ()
        self._outcomes: list[Outcome] = []
        self._wall_seconds = 0.0

    async def tell(self, stories: Sequence[Script | Day], directory: Path) -> None:
        """Tell each story in a folder, a world and a server of its own.

        Raises:
            DemoStopped: one of them could not be told to its end.
        """
        self._stories = stories
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number, script in enumerate(stories, start=1):
            self._console.print()
            self._console.print(Rule(f"{number}. {script.title}", align="left", style="cyan"))
            self._outcomes.append(await self._one(script, directory / script.folder))
        self._wall_seconds = loop.time() - began

    async def _one(self, script: Script | Day, data_dir: Path) -> Outcome:
        with closing(self._world.create(data_dir, script, self._seed)) as world:
            async with conversation(data_dir, script, self._seed) as talk:
                tools = await talk.tool_count()
                self._console.print(f"   Connected to {talk.introduction}: {tools} tools.")
                story = (
                    UnattendedDay(script, talk, world, self._console)
                    if isinstance(script, Day)
                    else Story(script, talk, world, self._console)
                )
                await story.tell(to_the_end=not self._quick)
            return story.outcome

    def conclude(self, keep: Path | None) -> int:
        """Print the figures and the verdict; the exit code."""
        console = self._console
        console.print()
        console.print(Rule("What it came to", align="left", style="cyan"))
        for table in (
            books_table(self._outcomes),
            savings_table(one for one in self._outcomes if one.rebalances),
        ):
            console.print(Padding(table, (1, 0, 0, 3), expand=False))
        console.print("   Costs are quoted by the venue; via USDC they are the planner's estimate.")
        console.print()
        for outcome in self._outcomes:
            days = round(outcome.domain_time / timedelta(days=1))
            console.print(f"   {outcome.name}: {counted(days, 'day')} of domain time.")
        console.print(f"   Wall time {self._wall_seconds:.1f} s. Seed {self._seed}.")
        if keep is not None:
            self._say_where(keep)
        return self._verdict()

    def _say_where(self, keep: Path) -> None:
        """How to look into what was kept: a world opens only as what it was made as."""
        self._console.print(f"   Kept below {keep}. To look into it:", markup=False, soft_wrap=True)
        for script in self._stories:
            home = keep / script.folder
            settings = {
                "BALLAST_DATA_DIR": str(home),
                "BALLAST_MARKET_SEED": str(self._seed),
                **script.world_settings(home),
            }
            self._console.print(
                f"   {' '.join(f'{name}={value}' for name, value in settings.items())} "
                "ballast verify",
                markup=False,
                soft_wrap=True,
            )

    def _verdict(self) -> int:
        problems = [one for outcome in self._outcomes for one in outcome.problems]
        self._console.print()
        if not problems:
            self._console.print("   Everything agrees.", style="bold green")
            return 0
        for problem in problems:
            self._console.print(f"   {problem}", style="bold red", markup=False)
        self._console.print("   Something does not agree.", style="bold red")
        return 1
