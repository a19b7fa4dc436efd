"""Every arrow that is there is there on purpose, and so is every one that is not."""

from __future__ import annotations

from itertools import product

import pytest

from ballast.core.states import (
    MACHINES,
    DepositState,
    IllegalMoveError,
    IntentState,
    RebalanceState,
    SwapState,
    is_terminal,
    move,
)

ARROWS = [(start, end) for moves in MACHINES.values() for start, end in moves]
ABSENT = [
    (start, end)
    for kind, moves in MACHINES.items()
    for start, end in product(kind, kind)
    if (start, end) not in moves
]


@pytest.mark.parametrize(("start", "end"), ARROWS)
def test_an_arrow_of_the_table_can_be_taken(start, end):
    assert move(start, end) is end


@pytest.mark.parametrize(("start", "end"), ABSENT)
def test_an_arrow_that_is_not_in_the_table_is_refused(start, end):
    with pytest.raises(IllegalMoveError):
        move(start, end)


@pytest.mark.parametrize(
    "sentence", [text for moves in MACHINES.values() for text in moves.values()]
)
def test_every_arrow_has_a_sentence(sentence):
    assert sentence.endswith(".")
    assert len(sentence) > 15


def test_money_that_may_have_moved_never_counts_as_not_moved_without_evidence():
    # From "we do not know" there is no way to "failed" but through the intent's expiry.
    assert (IntentState.PUBLISHING, IntentState.EXPIRED) not in MACHINES[IntentState]
    assert (IntentState.PUBLISHED, IntentState.EXPIRED) not in MACHINES[IntentState]


@pytest.mark.parametrize(
    "state",
    [
        IntentState.EXECUTED,
        IntentState.EXPIRED,
        SwapState.SETTLED,
        SwapState.REFUNDED,
        SwapState.FAILED,
        RebalanceState.COMPLETED,
        RebalanceState.PARTIAL,
        RebalanceState.FAILED,
        RebalanceState.CANCELLED,
        DepositState.CREDITED,
        DepositState.REFUNDED,
    ],
)
def test_an_end_is_an_end(state):
    assert is_terminal(state)


@pytest.mark.parametrize("kind", list(MACHINES))
def test_every_state_can_be_reached(kind):
    first = next(iter(kind))
    reached = {first}
    for _ in kind:
        reached |= {end for start, end in MACHINES[kind] if start in reached}

    assert reached == set(kind)
