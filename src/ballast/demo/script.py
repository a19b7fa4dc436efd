"""What the first two stories are about: basket, money, prices, how long the index is watched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

DEFAULT_SEED: Final = 7

Basket = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Script:
    """One story.

    Attributes:
        folder: of its data, below the demo's data directory.
        name: of the story in a table.
        title: of the story as a heading.
        basket: symbols and percent, as a person would say them.
        deposit: whole USDC that the outside wallet pays, on Base.
        market: of the paper world; "replay" plays the shipped prices of 2023.
        start: domain time at which the world begins; None for the beginning of the prices.
        end: domain time at which the watching ends.
        destination: how far a rebalance goes, as preview_rebalance takes it.
        request: what the person says when a band has been left.
    """

    folder: str
    name: str
    title: str
    index_name: str
    basket: Basket
    deposit: str
    market: Literal["replay", "simulated"]
    start: datetime | None
    end: datetime
    destination: Literal["policy", "target"]
    request: str

    def basket_words(self) -> str:
        """The basket as a person says it."""
        return in_words(self.basket)

    def world_settings(self, data_dir: Path) -> dict[str, str]:
        """The settings without which its world does not open again."""
        return {"BALLAST_MARKET": self.market}

    def server_settings(self) -> dict[str, str]:
        """What else its server is started with."""
        return {}


def in_words(basket: Basket) -> str:
    """A basket as a person says it."""
    return ", ".join(f"{symbol} {percent} %" for symbol, percent in basket)


REAL_PRICES: Final = Script(
    folder="real-2023",
    name="Real 2023",
    title="Three assets on the real prices of 2023",
    index_name="Majors",
    basket=(("BTC", "40"), ("ETH", "40"), ("USDC", "20")),
    deposit="10000",
    market="replay",
    start=None,
    end=datetime(2024, 1, 1, tzinfo=UTC),
    destination="policy",
    request="What would bring it back, and what would that cost?",
)

# The simulated world begins at a fixed time, so that one seed gives one story on any day.
_SIMULATED_START: Final = datetime(2026, 1, 5, tzinfo=UTC)

TEN_ASSETS: Final = Script(
    folder="ten-assets",
    name="Simulated",
    title="Ten assets on a simulated market",
    index_name="Top ten",
    basket=(
        ("BTC", "25"),
        ("ETH", "20"),
        ("SOL", "12"),
        ("BNB", "10"),
        ("XRP", "8"),
        ("LINK", "6"),
        ("AVAX", "6"),
        ("DOGE", "5"),
        ("LTC", "5"),
        ("USDC", "3"),
    ),
    deposit="10000",
    market="simulated",
    start=_SIMULATED_START,
    end=_SIMULATED_START + timedelta(days=90),
    destination="target",
    request="Show me what it takes to bring every asset back to its exact target.",
)
