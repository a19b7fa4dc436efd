"""The world outside, as the demo plays it: the domain clock, and the venue's books as referee.

The outside wallet is played through the product's own `send_paper_deposit`. Nothing here touches
Ballast's database.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, Self

from ballast.bootstrap import Places
from ballast.demo.day_script import Day
from ballast.demo.script import Script
from ballast.demo.stopped import DemoStopped
from ballast.devnet import Devnet, DevnetError, DevnetOptions, open_devnet

# While people talk, a second is a second. While swaps settle (4 to 12 s), it is a twentieth: a plan
# of five minutes then lasts 15 real seconds, and a signed intent of three minutes 9.
TALKING: Final = Decimal(1)
SETTLING: Final = Decimal(20)
STANDING: Final = Decimal(0)


class PaperWorld:
    """One devnet file, opened beside the server that trades on it."""

    def __init__(self, devnet: Devnet) -> None:
        self._devnet = devnet
        self.began = devnet.clock.now()

    @classmethod
    def create(cls, data_dir: Path, script: Script | Day, seed: int) -> Self:
        """Make the world in a data directory that has none, before the server looks for one.

        Raises:
            DemoStopped: the directory cannot be made, or a world is there already.
        """
        file = Places(data_dir / "paper").devnet
        if file.exists():
            raise DemoStopped(f"{data_dir} already holds a paper world; name another folder.")
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return cls(open_devnet(file, _options(data_dir, script, seed)))
        except (OSError, DevnetError) as error:
            raise DemoStopped(f"The paper world cannot be made: {error}") from error

    def close(self) -> None:
        """Close the file; the server has its own hold on it."""
        self._devnet.close()

    def now(self) -> datetime:
        """The domain time."""
        return self._devnet.clock.now()

    def run_at(self, speed: Decimal) -> None:
        """Let the clock run on at so many domain seconds per real second."""
        self._devnet.clock.set_speed(speed)

    def skip_to_midnight(self) -> None:
        """Jump to the next midnight and stand still there. Only while nothing is in flight."""
        now = self.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        self.skip_to(midnight)

    def skip_to(self, at: datetime) -> None:
        """Jump to a moment and stand still there. Only while nothing is in flight."""
        self.run_at(STANDING)
        self._devnet.clock.advance(at - self.now())

    def balances(self, account_id: str) -> dict[str, int]:
        """What the venue's own books say an account holds: base units by asset id, no zeros."""
        return self._devnet.network.books.holdings(account_id)

    def faults(self) -> list[str]:
        """What is wrong with the venue's own books, every posting added up again."""
        return self._devnet.network.books.faults()


def _options(data_dir: Path, script: Script | Day, seed: int) -> DevnetOptions:
    if isinstance(script, Script):
        return DevnetOptions(market=script.market, seed=seed, start=script.start, speed=TALKING)
    prices = script.prices_file(data_dir)
    prices.write_text(script.prices_csv(), encoding="utf-8")
    return DevnetOptions(
        market="replay", replay_path=prices, seed=seed, start=script.start, speed=TALKING
    )
