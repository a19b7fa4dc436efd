"""How a simulation ends: the world behaves, time passes, and then everything must have an end."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ballast.app.verify import verify
from ballast.simulation.checks import Checks
from ballast.simulation.people import People
from ballast.simulation.story import ViolationError
from ballast.simulation.terminal import Terminal
from ballast.simulation.trouble import Trouble
from ballast.simulation.world import World

# How long everything may take to come to rest, in growing strides.
STRIDES: Final = 44
# So many of them are taken in any case: two minutes, in which a difference gets its name.
SHORT_STRIDES: Final = 11
# An address is watched for a week after it has closed, and what may have come there is not yet
# called a gift.
WATCH: Final = timedelta(days=9)
# Between two comparisons with the venue that Ballast makes by itself.
COMPARED: Final = timedelta(minutes=20)


class Ending:
    """The last part of a simulation."""

    def __init__(
        self, world: World, trouble: Trouble, people: People, terminal: Terminal, checks: Checks
    ) -> None:
        self._world = world
        self._trouble = trouble
        self._people = people
        self._terminal = terminal
        self._checks = checks

    async def play(self) -> None:
        """With all faults gone, everything comes to an end, and the books agree.

        Raises:
            ViolationError: something does not.
        """
        world = self._world
        world.story.tell("the end: no more faults, trading on, time passes")
        world.process.dies_at = None
        self._trouble.mend()
        await self._everything_allowed()
        await self._rest(SHORT_STRIDES)
        for pause in (COMPARED, WATCH, COMPARED):
            await world.play(world.reconcile)
            world.pass_time(pause)
            await self._rest()
        if self._unnamed():
            # What claimed it has ended only now, after the last comparison.
            await world.play(world.reconcile)
            world.pass_time(COMPARED)
            await self._rest()
        self._checks.require()
        self._require_the_end()
        await self._require_verified()

    async def _everything_allowed(self) -> None:
        """Keys are found, trading goes on, and the program begins anew with the right time."""
        if (found := self._terminal.find_keys()) is not None:
            await self._world.play(found)
        await self._world.play(self._terminal.lift_halt(), self._people.let_all_go_on())
        await self._world.restart()
        await self._world.play(self._people.want_what_is_listed())

    async def _rest(self, least: int = 0) -> None:
        """Let time pass, in growing strides, until there is nothing left to do.

        Args:
            least: so many strides are made in any case.
        """
        for stride in range(STRIDES):
            await self._world.play(self._world.engine.run_until_idle)
            self._checks.require()
            if stride >= least and not self._unfinished():
                return
            self._world.pass_time(timedelta(seconds=2 ** (stride // 2)))

    def _unfinished(self) -> list[str]:
        """Everything that has not come to an end and that nobody has to look at."""
        return self._world.records.column(
            "SELECT swap_id FROM swaps WHERE"
            " state NOT IN ('settled', 'refunded', 'failed', 'written_off', 'attention')"
            " UNION SELECT deposit_id FROM deposits"
            " WHERE state NOT IN ('credited', 'refunded', 'expired', 'attention')"
            " OR (state = 'credited' AND ended_at IS NULL AND index_id NOT IN"
            " (SELECT index_id FROM swaps WHERE state = 'attention'))"
            " UNION SELECT rebalance_id FROM rebalances WHERE state = 'executing' AND NOT EXISTS"
            " (SELECT 1 FROM swaps WHERE swaps.rebalance_id = rebalances.rebalance_id"
            " AND swaps.state = 'attention')"
            " UNION SELECT withdrawal_id FROM withdrawals WHERE state IN"
            " ('confirmed', 'selling', 'sending') AND rebalance_id NOT IN"
            " (SELECT rebalance_id FROM swaps WHERE state = 'attention')"
            " ORDER BY 1"
        )

    def _require_the_end(self) -> None:
        wrong = [f"{one} never comes to an end." for one in self._unfinished()]
        wrong += [
            f"At the end the devnet holds {gap} more than {index_id} knows of."
            for index_id, gap in self._unnamed().items()
        ]
        wrong += [
            f"{index_id} needs attention, and nothing outside has gone wrong."
            for index_id in sorted(self._watched())
            if not self._checks.books.is_excused(index_id)
        ]
        wrong += self._checks.ledger.changed()
        wrong += self._world.devnet.network.books.faults()
        if wrong:
            raise ViolationError("\n".join(wrong))

    def _watched(self) -> set[str]:
        """Indexes of which something is left to a person's attention."""
        return set(
            self._world.records.column(
                "SELECT index_id FROM swaps WHERE state = 'attention'"
                " UNION SELECT index_id FROM deposits WHERE state = 'attention'"
            )
        )

    def _unnamed(self) -> dict[str, dict[str, int]]:
        """What the devnet holds beyond the books, of indexes that nobody has to look at."""
        watched = self._watched()
        gaps = self._checks.books.differences()
        return {index_id: gap for index_id, gap in gaps.items() if index_id not in watched}

    async def _require_verified(self) -> None:
        """What `ballast verify` says, where nothing outside has gone wrong."""
        report = await verify(self._world.app)
        names = {
            row["name"]
            for row in self._world.records.all("SELECT index_id, name FROM indexes")
            if self._checks.books.is_excused(row["index_id"])
        }
        wrong = [one for one in report.problems if one.partition(":")[0] not in names]
        if wrong:
            raise ViolationError("\n".join(wrong))
