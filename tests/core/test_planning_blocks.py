"""Few swaps: the search against every possible partition, and the strategies against each other."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from ballast.core.planning.blocks import best_fit, packed_blocks, two_pointer
from ballast.core.planning.exact import exact_blocks, upper_bound
from ballast.core.planning.legs import Legs, even_out
from ballast.core.planning.matching import fewest_swaps, pair_up
from ballast.core.planning.table import Block, LegTable, Partition

MILLION = 10**6
amounts = st.integers(1, 40).map(lambda size: size * MILLION)


@st.composite
def legs(draw: st.DrawFn, *, most: int = 7) -> Legs:
    """Differences with many coincidences, some exits, and tolerances from none to generous."""
    count = draw(st.integers(2, most))
    sizes = draw(st.lists(amounts, min_size=count, max_size=count))
    split = draw(st.integers(1, count - 1))
    sells = {f"s{i}": size for i, size in enumerate(sizes[:split])}
    buys = {f"b{i}": size for i, size in enumerate(sizes[split:])}
    gap = sum(sells.values()) - sum(buys.values())
    if gap:
        (buys if gap > 0 else sells)["rest"] = abs(gap)
    exits = draw(st.sets(st.sampled_from(sorted(sells)), max_size=2))
    slack = draw(st.sampled_from([0, MILLION // 2, 2 * MILLION, 5 * MILLION]))
    return Legs(
        sells=sells,
        buys=buys,
        tolerances={asset: slack for asset in (*sells, *buys) if asset not in exits},
        exits=frozenset(exits),
        ceilings={asset: 2 * value for asset, value in sells.items()},
    )


def every_partition(items: list[int]) -> Iterator[Partition]:
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for smaller in every_partition(rest):
        yield [(first,), *smaller]
        for place, block in enumerate(smaller):
            yield [*smaller[:place], (first, *block), *smaller[place + 1 :]]


def most_blocks(table: LegTable) -> int:
    """By looking at every partition."""
    return max(
        len(partition)
        for partition in every_partition(list(range(len(table.assets))))
        if all(table.is_balanced(block) for block in partition)
    )


def check_partition(table: LegTable, partition: Partition) -> None:
    members: list[int] = [i for block in partition for i in block]
    assert sorted(members) == list(range(len(table.assets)))
    assert all(table.is_balanced(block) for block in partition)


@settings(max_examples=60)
@given(given_legs=legs())
def test_the_fewest_swaps_are_found_where_every_partition_can_be_tried(given_legs: Legs) -> None:
    table = LegTable.of(given_legs)

    found = fewest_swaps(table)

    check_partition(table, found)
    assert len(found) == len(exact_blocks(table)) == most_blocks(table)


@given(given_legs=legs(most=11))
def test_each_strategy_lies_between_two_pointer_and_the_optimum(given_legs: Legs) -> None:
    table = LegTable.of(given_legs)
    optimum = len(exact_blocks(table))

    for strategy in (two_pointer, best_fit, packed_blocks):
        found = strategy(table)
        check_partition(table, found)
        assert len(found) <= optimum
    assert len(two_pointer(table)) <= len(fewest_swaps(table)) == optimum <= upper_bound(table)


@settings(max_examples=30)
@given(given_legs=legs(most=60))
def test_the_strategies_hold_at_any_size(given_legs: Legs) -> None:
    table = LegTable.of(given_legs)

    for strategy in (two_pointer, best_fit, packed_blocks):
        check_partition(table, strategy(table))


@given(given_legs=legs(most=12))
def test_pairings_carry_out_each_leg_within_its_tolerance(given_legs: Legs) -> None:
    pairings = pair_up(given_legs)

    for asset, value in given_legs.sells.items():
        ended = sum(pairing.pico for pairing in pairings if pairing.sell == asset)
        slack = given_legs.tolerances.get(asset, 0) + 1_000
        assert abs(ended - value) <= (0 if asset in given_legs.exits else slack)
    for asset, value in given_legs.buys.items():
        ended = sum(pairing.pico for pairing in pairings if pairing.buy == asset)
        assert abs(ended - value) <= given_legs.tolerances.get(asset, 0) + 1_000
    assert all(pairing.pico > 0 for pairing in pairings)


@given(given_legs=legs(most=12))
def test_a_block_of_k_legs_takes_at_most_k_minus_1_swaps(given_legs: Legs) -> None:
    table = LegTable.of(given_legs)

    swaps = len(pair_up(given_legs))

    assert swaps <= len(table.assets) - len(fewest_swaps(table))


def test_equal_opposites_are_paired() -> None:
    sells = {"a": 50 * MILLION, "b": 30 * MILLION, "c": 20 * MILLION}

    found = pair_up(Legs(sells, dict(zip("xyz", sells.values(), strict=True))))

    assert sorted((pairing.sell, pairing.buy) for pairing in found) == [
        ("a", "x"),
        ("b", "y"),
        ("c", "z"),
    ]


def test_sets_of_four_are_found_where_pairs_and_threes_are_not() -> None:
    sells = {"a": 100, "b": 61, "c": 37, "d": 26}
    buys = {"w": 93, "x": 68, "y": 40, "z": 23}
    scaled = Legs(
        {asset: value * MILLION for asset, value in sells.items()},
        {asset: value * MILLION for asset, value in buys.items()},
    )

    table = LegTable.of(scaled)

    # a + b = w + x, c + d = y + z.
    assert blocks_of(table, packed_blocks(table)) == [["a", "b", "w", "x"], ["c", "d", "y", "z"]]
    assert len(pair_up(scaled)) == 6


def test_a_difference_within_tolerance_takes_no_swap() -> None:
    given_legs = Legs(
        {"a": 100 * MILLION, "small": 2 * MILLION},
        {"x": 102 * MILLION},
        tolerances=dict.fromkeys(("a", "small", "x"), 2 * MILLION),
    )

    assert [(pairing.sell, pairing.buy) for pairing in pair_up(given_legs)] == [("a", "x")]


def test_an_exit_is_sold_whole_even_if_its_counterpart_wants_less() -> None:
    given_legs = Legs(
        {"gone": 100 * MILLION},
        {"x": 99 * MILLION},
        tolerances={"x": 2 * MILLION},
        exits=frozenset({"gone"}),
    )

    assert [pairing.pico for pairing in pair_up(given_legs)] == [100 * MILLION]


@given(given_legs=legs(), minimum=st.integers(0, 30).map(lambda size: size * MILLION))
def test_evened_out_legs_are_worth_a_swap_and_meet(given_legs: Legs, minimum: int) -> None:
    even = even_out(given_legs, minimum)

    assert all(value >= minimum for value in (*even.sells.values(), *even.buys.values()))
    assert even.excess() == 0
    assert bool(even.sells) == bool(even.buys)
    for asset in even.sells.keys() & even.exits:
        assert even.sells[asset] == given_legs.sells[asset]


def test_a_hair_is_closed_at_once_however_large_the_legs() -> None:
    even = even_out(
        Legs(
            {"large": 10**18, "gone": 10**6},
            {"x": 998_999},
            tolerances={"large": 10**18},
            exits=frozenset({"gone"}),
            ceilings={"large": 10**18, "gone": 10**6},
        ),
        minimum=0,
    )

    assert even.excess() == 0
    assert even.sells["gone"] == 10**6
    assert abs(even.buys["x"] - 998_999) <= 1


def blocks_of(table: LegTable, partition: list[Block]) -> list[list[str]]:
    return sorted(sorted(table.assets[i] for i in block) for block in partition)
