"""What planning saves and what it costs, as ratios beside a base line of the same run.

    python -m benchmarks.planning

Random indexes from a fixed seed: weights from 1 to a few times the average, each holding off its
target by a log-normal factor with a deviation of 20 %, a fee of 0.2 % and a tolerance of 2 % of the
target unless said otherwise. Every number is over all indexes of a row, not the best of them.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from math import exp
from time import perf_counter

from rich.console import Console
from rich.table import Table

from ballast.core.drift import AssetPrice, measure_drift, value_holdings
from ballast.core.money import PICO, PPM, units_for_value
from ballast.core.planning import PlanInput, SwapPlan, plan_to_targets
from ballast.core.planning.blocks import best_fit, packed_blocks, two_pointer
from ballast.core.planning.exact import exact_blocks
from ballast.core.planning.legs import Legs
from ballast.core.planning.table import LegTable
from ballast.core.planning.value import value_after_sales
from ballast.core.policy import Band
from ballast.core.screen import Screen, Watched
from benchmarks.figures import Figure, summary

SEED = 20_261_101
FEE_PPM = 2_000
USDC = "usdc"
SIZES = (5, 10, 20, 50, 100)

Measured = tuple[Table, list[Figure]]


def random_index(rng: random.Random, assets: int, *, holds_usdc: bool) -> PlanInput:
    """A drifted index of 100,000 dollars. With `holds_usdc`, USDC is one of its assets."""
    names = [f"asset-{i:03}" for i in range(assets)]
    if holds_usdc:
        names[-1] = USDC
    weights = {name: 1 + int(1_000 * rng.gammavariate(2, 1)) for name in names}
    prices = {USDC: AssetPrice(6, Decimal(1))}
    holdings = {}
    for name, weight in weights.items():
        price = Decimal(f"{10 ** rng.uniform(-2, 4.5):.6g}")
        quoted = prices.setdefault(name, AssetPrice(rng.choice([8, 9, 18, 24]), price))
        share = 100_000 * PICO * weight // sum(weights.values())
        value = int(share * exp(rng.gauss(0, 0.2)))
        holdings[name] = units_for_value(value, quoted.decimals, quoted.price)
    return PlanInput(holdings, prices, weights, FEE_PPM, PICO, base_asset_id=USDC)


def random_indexes(
    count: int, assets: int, *, holds_usdc: bool = False
) -> tuple[list[PlanInput], list[SwapPlan]]:
    rng = random.Random(f"{SEED}-{assets}-{holds_usdc}")
    facts = [random_index(rng, assets, holds_usdc=holds_usdc) for _ in range(count)]
    return facts, [plan_to_targets(given) for given in facts]


def against_usdc() -> Measured:
    """Direct swaps against selling into USDC and buying from it, for the same purchases."""
    table = _table(
        "Direct plan / plan through USDC (in brackets: USDC is one of the assets)",
        ["assets", "notional", "fee", "swaps", "rounds"],
    )
    direct: dict[int, tuple[float, ...]] = {}
    for assets in SIZES:
        rows = []
        for holds_usdc in (False, True):
            _, plans = random_indexes(200 if assets < 50 else 60, assets, holds_usdc=holds_usdc)
            through = [plan.through_base for plan in plans]
            rows.append(
                (
                    _ratio((p.notional_pico for p in plans), (t.notional_pico for t in through)),
                    _ratio((p.fee_pico for p in plans), (t.fee_pico for t in through)),
                    _ratio((len(p.swaps) for p in plans), (t.swaps for t in through)),
                    _ratio((1 for p in plans if p.swaps), (t.rounds for t in through)),
                )
            )
        cells = [f"{out:.3f} ({held:.3f})" for out, held in zip(*rows, strict=True)]
        table.add_row(str(assets), *cells)
        direct[assets] = rows[0]
    return table, [
        _ratio_figure("notional, 10 assets / through USDC", direct[10][0], 0.5),
        _ratio_figure("fee, 10 assets / through USDC", direct[10][1], 0.5),
        _ratio_figure("swaps, 10 assets / through USDC", direct[10][2], 0.7),
        _ratio_figure("swaps, 50 assets / through USDC", direct[50][2], 0.6),
        _ratio_figure("swaps, 100 assets / through USDC", direct[100][2], 0.6),
    ]


def against_optimum() -> Measured:
    """Swaps of each way to find blocks against the fewest possible, from every subset."""
    table = _table(
        "Swaps / fewest possible", ["assets", "planner", "best fit", "packing", "two-pointer"]
    )
    worst = 0.0
    for assets in (6, 8, 10, 12, 14):
        rng = random.Random(f"{SEED}-optimum-{assets}")
        indexes = [random_index(rng, assets, holds_usdc=False) for _ in range(60)]
        tables = [_legs_of(given) for given in indexes]
        fewest = [_swaps(table, exact_blocks) for table in tables]
        cells = [_ratio((len(plan_to_targets(given).swaps) for given in indexes), fewest)]
        for strategy in (best_fit, packed_blocks, two_pointer):
            cells.append(_ratio((_swaps(legs, strategy) for legs in tables), fewest))
        table.add_row(str(assets), *(f"{cell:.3f}" for cell in cells))
        worst = max(worst, cells[0])
    return table, [_ratio_figure("swaps / fewest possible, worst size up to 14", worst, 1.03)]


def against_rebuying() -> Measured:
    """Fee of rebalancing against selling everything and buying it again, ten assets."""
    table = _table("Fee / fee of selling everything and buying it again", ["assets", "fee"])
    facts, plans = random_indexes(200, 10)
    fees = []
    for given, plan in zip(facts, plans, strict=True):
        proceeds = plan.value_pico * (PPM - given.fee_ppm) // PPM
        fees.append((plan.value_pico + proceeds) * given.fee_ppm // PPM)
    ratio = _ratio([plan.fee_pico for plan in plans], fees)
    table.add_row("10", f"{ratio:.4f}")
    return table, [_ratio_figure("fee, 10 assets / selling and rebuying", ratio, 0.05)]


def plan_times() -> Measured:
    """Time of a whole plan, beside the barest plan there is: two sorted lists walked down once."""
    table = _table(
        "Time of a plan (median of 60 indexes, best of 5 runs each)",
        ["assets", "plan, us", "two lists, us", "ratio"],
    )
    figures = []
    for assets in (5, 20, 100):
        facts, _ = random_indexes(60, assets)
        planned, bare = _median_us(plan_to_targets, facts), _median_us(_two_lists, facts)
        table.add_row(str(assets), f"{planned:.0f}", f"{bare:.0f}", f"{planned / bare:.1f}")
        name = f"time of a plan, {assets} assets / two sorted lists"
        figures.append(Figure(name, f"{bare:.0f} us", f"{planned:.0f} us", planned / bare))
    return table, figures


def screen_times() -> Measured:
    """One pass of the screen, beside measuring each index exactly (timed on 1,000 of them)."""
    table = _table(
        "Drift screen, ten assets each",
        ["indexes", "screen, ms", "exact loop, ms", "ratio", "named", "outside"],
    )
    figures = []
    for count in (1_000, 100_000):
        watched, prices = _watched(count)
        screen = Screen(watched, {asset: price.decimals for asset, price in prices.items()})
        named = screen.breached(prices)
        passed = min(_seconds(partial(screen.breached, prices)) for _ in range(9))
        exact = _seconds(partial(_measure_all, watched[:1_000], prices)) * count / 1_000
        outside = len(_measure_all([watched[i] for i in named], prices))
        table.add_row(
            f"{count:,}",
            f"{passed * 1e3:.2f}",
            f"{exact * 1e3:.0f}",
            f"{passed / exact:.5f}",
            str(len(named)),
            str(outside),
        )
        name = f"drift screen, {count:,} indexes / exact loop"
        ratio = passed / exact
        figures.append(Figure(name, f"{exact * 1e3:.3g} ms", f"{passed * 1e3:.2g} ms", ratio))
    return table, figures


def _watched(count: int) -> tuple[list[Watched], dict[str, AssetPrice]]:
    """Indexes of ten out of forty assets with equal targets, few of them outside a 20 % band."""
    rng = random.Random(f"{SEED}-watched")
    band = Band(absolute_bps=None, relative_bps=2_000)
    names = [f"asset-{i:02}" for i in range(40)]
    prices = {name: AssetPrice(8, Decimal(f"{10 ** rng.uniform(-2, 4):.6g}")) for name in names}
    per_dollar = {name: units_for_value(PICO, 8, price.price) for name, price in prices.items()}
    watched = []
    for _ in range(count):
        own = rng.sample(names, 10)
        held = {name: int(1_000 * per_dollar[name] * exp(rng.gauss(0, 0.06))) for name in own}
        watched.append(Watched(held, dict.fromkeys(own, 1_000), band))
    return watched, prices


def _measure_all(watched: Sequence[Watched], prices: dict[str, AssetPrice]) -> list[int]:
    reports = (measure_drift(w.holdings, prices, w.targets, w.band) for w in watched)
    return [i for i, report in enumerate(reports) if report.breached]


def _two_lists(given: PlanInput) -> list[tuple[str, str, int]]:
    """Values, the value after fees, and two sorted lists paired from the top: no search at all."""
    sells, buys = _sides(given)
    ours = sorted(((v, a) for a, v in sells.items()), reverse=True)
    theirs = sorted(((v, a) for a, v in buys.items()), reverse=True)
    swaps = []
    while ours and theirs:
        (sold, seller), (bought, buyer) = ours.pop(0), theirs.pop(0)
        swaps.append((seller, buyer, min(sold, bought)))
        if sold > bought:
            ours.insert(0, (sold - bought, seller))
        elif bought > sold:
            theirs.insert(0, (bought - sold, buyer))
    return swaps


def _sides(given: PlanInput) -> tuple[dict[str, int], dict[str, int]]:
    values, scale = _values(given), sum(given.targets.values())
    weights = [given.targets.get(asset, 0) for asset in values]
    total = sum(values.values())
    after = value_after_sales(total, list(values.values()), weights, scale, given.fee_ppm)
    gaps = {
        asset: value - weight * after // scale
        for (asset, value), weight in zip(values.items(), weights, strict=True)
    }
    sells = {asset: gap for asset, gap in gaps.items() if gap > 0}
    buys = {asset: -gap * PPM // (PPM - given.fee_ppm) for asset, gap in gaps.items() if gap < 0}
    return sells, buys


def _legs_of(given: PlanInput) -> LegTable:
    sells, buys = _sides(given)
    values = _values(given)
    slack = {
        asset: sum(values.values())
        * weight
        * given.tolerance_bps
        // (sum(given.targets.values()) * 10_000)
        for asset, weight in given.targets.items()
    }
    return LegTable.of(Legs(sells, buys, slack, ceilings={asset: values[asset] for asset in sells}))


def _values(given: PlanInput) -> dict[str, int]:
    return value_holdings(given.holdings, given.prices, given.targets)


def _swaps(legs: LegTable, strategy: Callable[[LegTable], Sequence[object]]) -> int:
    return len(legs.assets) - len(strategy(legs))


def _ratio(parts: Iterator[int] | Sequence[int], wholes: Iterator[int] | Sequence[int]) -> float:
    return sum(parts) / sum(wholes)


def _median_us(run: Callable[[PlanInput], object], facts: Sequence[PlanInput]) -> float:
    times = []
    for given in facts:
        times.append(min(_seconds(partial(run, given)) for _ in range(5)))
    return statistics.median(times) * 1e6


def _seconds(run: Callable[[], object]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def _ratio_figure(name: str, ratio: float, target: float) -> Figure:
    return Figure(name, "1", f"{ratio:.3f}", ratio, target)


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def run(console: Console) -> list[Figure]:
    """Print every table, and give back the lines of the summary."""
    figures = []
    for measure in (against_usdc, against_optimum, against_rebuying, plan_times, screen_times):
        table, found = measure()
        console.print(table)
        figures += found
    return figures


def main() -> None:
    """Print the figures."""
    console = Console()
    console.print(summary(run(console)))


if __name__ == "__main__":
    main()
