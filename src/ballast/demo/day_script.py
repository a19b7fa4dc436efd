"""What the third story is about: one day, eight indexes of one basket, each with a policy of its
own, and what each of them has to do at every hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from ballast.demo.script import Basket, in_words

HOUR: Final = timedelta(hours=1)
HOURS: Final = 24

# What an index does at an hour, a character each.
TRADED: Final = "^"
TOLD: Final = "!"
NOTHING: Final = "."
QUIET: Final = "q"
RESTS: Final = "r"
COSTLY: Final = "c"
LIMITED: Final = "l"
PAUSED: Final = "p"
UNKNOWN: Final = "?"

WHAT_IT_DID: Final[Mapping[str, str]] = {
    TRADED: "traded",
    TOLD: "told you",
    NOTHING: "nothing to do",
    QUIET: "quiet hours",
    RESTS: "rests",
    COSTLY: "costs too much",
    LIMITED: "above a limit",
    PAUSED: "paused",
    UNKNOWN: "something else",
}


@dataclass(frozen=True, slots=True)
class Watched:
    """One index of the day.

    Attributes:
        policy: as create_index takes it.
        narrowed: what its owner narrows before the day begins: in which words, with which tool,
            and the tool's arguments.
        day: what it has to do at each hour from midnight on.
        asked_at: the hour at which its owner asks why.
        question: in which words.
        answer: words that the answer has to hold.
    """

    name: str
    policy: Mapping[str, Any]
    day: str
    asked_at: int
    question: str
    answer: tuple[str, ...]
    narrowed: tuple[str, str, Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """The day.

    Attributes:
        folder, name, title: as of `Script`.
        deposit: whole USDC that each index gets.
        start: domain time at which the world begins; the day begins at the next midnight.
        path: hours since midnight, and what BTC and ETH cost then, in dollars. In between the
            prices move evenly, and they change on the half hour.
        events: what the webhook asks for, and how many of each have to arrive at least.
    """

    folder: str
    name: str
    title: str
    basket: Basket
    deposit: str
    start: datetime
    path: tuple[tuple[int, int, int], ...]
    indexes: tuple[Watched, ...]
    events: Mapping[str, int]

    @property
    def midnight(self) -> datetime:
        """When the day begins."""
        return self.start.replace(hour=0, minute=0, second=0, microsecond=0) + HOURS * HOUR

    def basket_words(self) -> str:
        """The basket as a person says it."""
        return in_words(self.basket)

    def world_settings(self, data_dir: Path) -> dict[str, str]:
        """The settings without which its world does not open again."""
        return {
            "BALLAST_MARKET": "replay",
            "BALLAST_MARKET_FILE": str(self.prices_file(data_dir)),
        }

    def prices_file(self, data_dir: Path) -> Path:
        """Where its prices lie."""
        return data_dir / "prices.csv"

    def server_settings(self) -> dict[str, str]:
        """What else its server is started with."""
        return {
            "BALLAST_MONITOR_SCHEDULE": "0 * * * *",
            "BALLAST_TOOLSETS": "webhooks",
            "BALLAST_WEBHOOK_LOOPBACK": "true",
        }

    def prices_csv(self) -> str:
        """The prices as a replay file."""
        rows = ["time,asset,price"]
        for half_hour in range(2 * HOURS + 1):
            at = self.midnight + half_hour * HOUR / 2
            for coin, usd in self.prices_at(Decimal(half_hour) / 2).items():
                rows.append(f"{at:%Y-%m-%dT%H:%M:%SZ},{coin},{usd:.2f}")
        return "\n".join(rows) + "\n"

    def prices_at(self, hour: Decimal) -> dict[str, Decimal]:
        """What BTC and ETH cost at so many hours after midnight, to the cent."""
        after = next(step for step in self.path[1:] if hour <= step[0])
        before = self.path[self.path.index(after) - 1]
        share = (hour - before[0]) / (after[0] - before[0])
        cent = Decimal("0.01")
        return {
            coin: (before[place] + (after[place] - before[place]) * share).quantize(cent)
            for coin, place in (("BTC", 1), ("ETH", 2))
        }


_MAY_TRADE: Final = {"auto": "trade", "band_relative_percent": "10"}

UNATTENDED: Final = Day(
    folder="unattended-day",
    name="Unattended",
    title="A day on its own: eight indexes, one basket, eight policies",
    basket=(("BTC", "50"), ("ETH", "30"), ("USDC", "20")),
    deposit="10000",
    start=datetime(2026, 3, 1, 23, 30, tzinfo=UTC),
    # ETH loses a quarter by noon and wins half of it back; BTC hardly moves.
    path=(
        (0, 60_000, 2_000),
        (2, 60_000, 2_000),
        (6, 59_600, 1_660),
        (12, 59_400, 1_480),
        (15, 59_400, 1_480),
        (20, 59_700, 1_840),
        (24, 59_800, 1_840),
    ),
    indexes=(
        Watched(
            name="Calm",
            policy={"auto": "trade", "band_relative_percent": "50"},
            day="........................",
            asked_at=12,
            question="Why did you not trade Calm, with ETH down by a quarter?",
            answer=("every asset was within its band", "would leave its band"),
        ),
        Watched(
            name="Keen",
            policy={**_MAY_TRADE, "cooldown_minutes": 360},
            day="......^....rr^......^...",
            asked_at=11,
            question="Why did you trade Keen, and why not again since?",
            answer=("had left its band", "resting after the last rebalance"),
        ),
        Watched(
            name="Night owl",
            policy={**_MAY_TRADE, "quiet_hours": "22:00-09:00"},
            day="......qqq^..............",
            asked_at=7,
            question="Why did you not trade Night owl?",
            answer=("quiet hours",),
        ),
        Watched(
            name="Bystander",
            policy={"auto": "alert", "band_relative_percent": "10"},
            day="......!.................",
            asked_at=10,
            question="Why did you only tell me about Bystander?",
            answer=("leave the trading to a person",),
        ),
        Watched(
            name="Miser",
            policy={
                "auto": "trade",
                "method": "calendar",
                "schedule": "0 12 * * *",
            },
            narrowed=(
                "From now on Miser may lose 0.01 % to fees at most.",
                "update_index",
                {"policy": {"max_cost_percent": "0.01"}},
            ),
            day="............cccccccccccc",
            asked_at=12,
            question="It is noon: why did you not rebalance Miser?",
            answer=("would have cost more than the policy allows",),
        ),
        Watched(
            name="Capped",
            policy=_MAY_TRADE,
            narrowed=(
                "No swap of Capped above $100.",
                "update_index",
                {"limits": {"swap_usd": "100"}},
            ),
            day="......lllllllllllll.....",
            asked_at=6,
            question="Why did you not trade Capped?",
            answer=("above the limit of $100.00 per swap",),
        ),
        Watched(
            name="Sleeper",
            policy=_MAY_TRADE,
            narrowed=("Leave Sleeper alone for today.", "pause_index", {}),
            day="pppppppppppppppppppppppp",
            asked_at=8,
            question="And Sleeper?",
            answer=("it was paused",),
        ),
        Watched(
            name="Saver",
            policy={
                "auto": "off",
                "invest_deposits": False,
                "purchase_usd": "500",
                "purchase_schedule": "0 10,18 * * *",
            },
            day="..........^.......^.....",
            asked_at=10,
            question="What did Saver do just now?",
            answer=("the date of the recurring purchase had come",),
        ),
    ),
    events={"drift.threshold": 6, "index.rebalanced": 6, "limit.refused": 1},
)
