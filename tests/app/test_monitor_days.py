"""Ninety days of the real prices of 2023, each policy on an index of its own, unattended.

Beside the monitor runs another one, written here from the pages: slow, in fractions, from the
devnet's own books and the file of prices. At every look the two must find the same.
"""

from __future__ import annotations

import bisect
import csv
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from ballast.core.trading import Starter
from ballast.devnet.market import SHIPPED_REPLAY
from tests.app.world import USDC, open_world

DAYS = 90
LOOK = timedelta(hours=8)  # as often as the file has prices
BASKET = (("BTC", "50"), ("ETH", "40"), ("USDC", "10"))
TARGETS = {"BTC": Fraction(1, 2), "ETH": Fraction(2, 5), "USDC": Fraction(1, 10)}
DECIMALS = {"BTC": 8, "ETH": 18, "USDC": 6}
BERLIN = ZoneInfo("Europe/Berlin")

POLICIES = {
    "default": {"auto": "trade"},
    "told": {"auto": "alert", "band_relative_percent": "10"},
    "points": {
        "auto": "trade",
        "band_absolute_percent": "2.5",
        "destination": "band_edge",
        "quiet_hours": "23:00-07:00",
    },
    "weekly": {"auto": "trade", "method": "calendar", "schedule": "weekly"},
    "monthly": {"auto": "trade", "method": "calendar", "interval_days": 30},
    "dated": {
        "auto": "trade",
        "method": "hybrid",
        "schedule": "0 12 * * 5",
        "band_relative_percent": "8",
    },
    "patient": {
        "auto": "trade",
        "method": "hybrid",
        "interval_days": 10,
        "band_relative_percent": "5",
    },
    "none": {"auto": "trade", "method": "none"},
    "off": {"auto": "off"},
}


def replayed():
    times, prices = {}, {}
    with SHIPPED_REPLAY.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            times.setdefault(row["asset"], []).append(datetime.fromisoformat(row["time"]))
            prices.setdefault(row["asset"], []).append(Fraction(row["price"]))
    return times, prices


@dataclass
class Slow:
    """The other monitor, of one index."""

    name: str
    index_id: str
    account_id: str
    agreed_at: datetime
    ended_at: datetime
    ran_at: datetime | None = None
    outside: set[str] = field(default_factory=set)
    rests: str = ""
    dates: int = 0
    traded: int = 0
    alerts: int = 0
    reasons: set[str] = field(default_factory=set)

    @property
    def policy(self):
        return POLICIES[self.name]

    @property
    def method(self):
        return self.policy.get("method", "drift")

    def band(self, asset):
        if "band_absolute_percent" in self.policy:
            return Fraction(self.policy["band_absolute_percent"]) / 100
        return Fraction(self.policy.get("band_relative_percent", "20")) / 100 * TARGETS[asset]

    def expects(self, now, worth):
        """What a look at `now` must find, given what each asset is worth."""
        if self.policy["auto"] == "off":
            return "auto_off"
        if self.method == "none":
            return "method_none"
        if self.method != "drift" and not self.is_due(now):
            # What has dealt with a date without a trade is looked at again on the next one.
            return self.rests or "not_due"
        self.rests = ""
        total = sum(worth.values())
        off = {asset: worth[asset] / total - TARGETS[asset] for asset in TARGETS}
        if self.method == "calendar":
            return self.on_a_date(now, off)
        return self.by_bands(now, off, total)

    def on_a_date(self, now, off):
        self.ran_at = now
        self.dates += 1
        # The planner leaves an asset that is within 2 % of its target's worth.
        if all(abs(off[a]) * 50 <= TARGETS[a] for a in off):
            self.rests = "below_minimum"
        return self.rests or "calendar_due"

    def by_bands(self, now, off, total):
        breached = {a for a in off if abs(off[a]) > self.band(a) and abs(off[a]) * total >= 1}
        back = {a for a in off if abs(off[a]) * 100 <= 80 * self.band(a)}
        fresh = breached - self.outside
        self.outside = breached | (self.outside - back)
        if self.policy["auto"] == "alert":
            self.alerts += bool(fresh)
            return "alerted" if self.outside else "within_bands"
        if not breached:
            if "schedule" in self.policy:
                self.ran_at, self.rests = now, "within_bands"
            return "within_bands"
        return self.traded_or_not(now)

    def traded_or_not(self, now):
        if now < self.ended_at + timedelta(hours=1):
            return "cooldown"
        hour = now.astimezone(BERLIN).hour
        if "quiet_hours" in self.policy and (hour >= 23 or hour < 7):
            return "quiet_hours"
        self.ran_at, self.outside = now, set()
        return "band_breached"

    def is_due(self, now):
        done = max(self.ended_at, self.ran_at or self.ended_at)
        if "interval_days" in self.policy:
            return now >= done + timedelta(days=self.policy["interval_days"])
        after = max(self.agreed_at, self.ran_at or self.agreed_at)
        minute = after.replace(second=0, microsecond=0)
        while (minute := minute + timedelta(minutes=1)) <= now:
            local = minute.astimezone(BERLIN)
            weekday, clock = local.weekday(), (local.hour, local.minute)
            if (weekday, clock) == ((0, (0, 0)) if self.name == "weekly" else (4, (12, 0))):
                return True
        return False


@pytest.fixture(scope="module")
def market():
    return replayed()


def worth_of(world, one, market, now):
    times, prices = market
    held = world.devnet.network.books.holdings(one.account_id)
    worth = {}
    for asset_id, units in held.items():
        asset = (
            next(name for name in ("BTC", "ETH") if name.lower() in asset_id)
            if (asset_id != USDC)
            else "USDC"
        )
        price = Fraction(1)
        if asset != "USDC":
            price = prices[asset][bisect.bisect_right(times[asset], now) - 1]
        worth[asset] = Fraction(units, 10 ** DECIMALS[asset]) * price
    return worth


async def funded(world):
    slow = []
    for name, policy in POLICIES.items():
        index = await world.funded_index(name, "5000", basket=BASKET, policy=policy)
        async with world.app.store.transaction() as tx:
            row = await tx.get_index("own_local", index.index_id)
            # Comparing the books at every look takes as long as all the rest, and is tested apart.
            await tx.save_index(replace(row, reconcile_at=None), was_version=row.version)
        slow.append(
            Slow(name, index.index_id, row.account_id, row.updated_at, row.last_rebalanced_at)
        )
    return slow


async def look(world, slow, market):
    """Go on to the next price, and hold the two monitors against each other."""
    now = world.app.clock.now()
    begins = datetime(2023, 1, 1, tzinfo=UTC)
    tick = begins + ((now - begins) // LOOK + 1) * LOOK
    world.pass_time(tick - now)
    expected = {one.name: one.expects(tick, worth_of(world, one, market, tick)) for one in slow}
    await world.engine.run_until_idle()
    started = [one for one in slow if await has_started(world, one, expected[one.name], tick)]
    for one in started:
        one.ended_at = await settled(world, one)
        one.traded += 1


async def has_started(world, one, expected, tick):
    async with world.app.store.read() as reader:
        check = await reader.get_check(one.index_id)
        last = (await reader.list_rebalances(one.index_id, 1))[0]
    assert check.reason == expected, (tick, one)
    one.reasons.add(check.reason)
    trades = check.reason in ("band_breached", "calendar_due")
    assert (last.started_by is Starter.MONITOR and last.created_at >= tick) == trades, (tick, one)
    return trades


async def settled(world, one):
    async with world.app.store.read() as reader:
        last = (await reader.list_rebalances(one.index_id, 1))[0]
    assert (await world.follow(last.rebalance_id)).state == "completed"
    async with world.app.store.read() as reader:
        return (await reader.get_rebalance(last.owner_id, last.rebalance_id)).ended_at


async def test_ninety_days_of_each_policy_agree_with_a_slow_monitor(tmp_path, market):
    settings = {
        "market": "replay",
        "timezone": "Europe/Berlin",
        "monitor_schedule": "0 0,8,16 * * *",
    }
    # The market of the file is calm at first: what is watched begins in March.
    async with open_world(tmp_path, **settings) as world:
        world.pass_time(timedelta(days=58))
        slow = await funded(world)
        for _ in range(DAYS * 3):
            await look(world, slow, market)

        for one in slow:
            async with world.app.store.read() as reader:
                decisions = [d.reason for d in await reader.list_decisions(one.index_id, 1_000)]
            assert decisions.count("alerted") == one.alerts
        done = {one.name: (one.traded, sorted(one.reasons)) for one in slow}
        assert await world.verified()
    assert {name for name, (traded, _) in done.items() if traded} == set(POLICIES) - {
        "told",
        "none",
        "off",
    }, done
    dates = {one.name: one.dates for one in slow}
    assert (dates["weekly"], dates["monthly"]) == (13, 2), done
