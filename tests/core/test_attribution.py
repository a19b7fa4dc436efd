"""To which cause an arrival belongs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.core.attribution import Claim, is_proven, own_units

UNITS = st.integers(1, 10**24)


@pytest.mark.parametrize(
    ("surplus", "mine", "others", "proven"),
    [
        pytest.param(99, Claim(100), [], False, id="less than is claimed proves nothing"),
        pytest.param(130, Claim(100), [], True, id="a gift beside it takes nothing away"),
        pytest.param(100, Claim(100, True), [Claim(None)], True, id="what fits exactly has come"),
        pytest.param(170, Claim(100), [Claim(70)], True, id="so it has beside another that fits"),
        pytest.param(170, Claim(100), [Claim(170)], False, id="what another fits exactly is its"),
        pytest.param(
            170, Claim(100), [Claim(120), Claim(50)], False, id="what two others fit is theirs"
        ),
        pytest.param(160, Claim(100), [Claim(70)], False, id="two that are believed, too little"),
        pytest.param(160, Claim(100), [Claim(70, True)], True, id="a doubted claim comes last"),
        pytest.param(160, Claim(100, True), [Claim(70)], False, id="doubted itself, it comes last"),
        pytest.param(180, Claim(100, True), [Claim(70)], True, id="enough for all proves all"),
        pytest.param(
            130, Claim(100), [Claim(None)], True, id="what nobody claims is not waited for"
        ),
        pytest.param(
            130, Claim(100, True), [Claim(None)], False, id="unless the claim has been doubted"
        ),
    ],
)
def test_an_arrival_is_given_to_the_claim_that_explains_it_best(surplus, mine, others, proven):
    assert is_proven(surplus, mine, others) is proven


@given(arrived=st.lists(UNITS, min_size=1, max_size=16), more=st.just(0) | UNITS)
def test_what_has_all_arrived_is_proven_for_each_whatever_comes_beside_it(arrived, more):
    claims = [Claim(units, is_doubted=units % 2 == 0) for units in arrived]

    for place, mine in enumerate(claims):
        others = claims[:place] + claims[place + 1 :]
        assert is_proven(sum(arrived) + more, mine, others)


@given(sizes=st.sets(st.integers(0, 60), min_size=2, max_size=8), lies=st.integers(1, 7))
def test_what_has_not_arrived_is_not_proven_by_what_has(sizes, lies):
    """Powers of two: every sum of them has one explanation, as amounts of this size do."""
    claims = [Claim(2**size) for size in sorted(sizes)]
    lies = min(lies, len(claims) - 1)
    arrived = sum(one.units or 0 for one in claims[lies:])

    for place, mine in enumerate(claims):
        others = claims[:place] + claims[place + 1 :]
        assert is_proven(arrived, mine, others) is (place >= lies)


@pytest.mark.parametrize(
    ("surplus", "mine", "others", "own"),
    [
        pytest.param(90, Claim(100, True), [], 90, id="alone it takes what there is"),
        pytest.param(-5, Claim(100, True), [], 0, id="less than nothing is nothing"),
        pytest.param(130, Claim(100, True), [Claim(30)], 100, id="what is proven is its own"),
        pytest.param(70, Claim(100, True), [Claim(70)], 0, id="what another fits is not"),
        pytest.param(90, Claim(None, True), [Claim(70)], 20, id="the others are met first"),
        pytest.param(60, Claim(None, True), [Claim(70)], 0, id="all of it may be the other's"),
        pytest.param(90, Claim(None, True), [Claim(None)], 0, id="nor while nobody knows"),
        pytest.param(100, Claim(100, True), [Claim(None)], 100, id="what fits exactly has come"),
    ],
)
def test_what_is_ended_now_takes_nothing_that_another_may_have_brought(surplus, mine, others, own):
    assert own_units(surplus, mine, others) == own


@given(mine=st.none() | UNITS, others=st.lists(st.none() | UNITS, max_size=6), surplus=UNITS)
def test_what_is_ended_now_takes_no_more_than_there_is(mine, others, surplus):
    claims = [Claim(units) for units in others]

    assert 0 <= own_units(surplus, Claim(mine, is_doubted=True), claims) <= surplus
