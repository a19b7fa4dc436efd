"""What a venue may do, through the whole product: every row ends where it must, and moves once.

Each row switches faults of the devnet on while the real engine works, and names the end. In
between and afterwards the devnet's books are the truth: what the contract executed, what the
account holds, what is still in motion. Then the faults are gone and time has passed: what can be
proven has resolved, and the index can be rebalanced again.
"""

from __future__ import annotations

import pytest

from tests.app.behaviours import deposits, previews, rebalances, withdrawals
from tests.app.behaviours.stage import make_template, stage

ROWS = (*rebalances.ROWS, *deposits.ROWS, *withdrawals.ROWS, *previews.ROWS)


@pytest.fixture(scope="session")
def templates(tmp_path_factory):
    """Funded worlds by basket, made once and copied for each row."""
    return {}


@pytest.fixture
async def template(templates, tmp_path_factory, row):
    if row.basket not in templates:
        place = tmp_path_factory.mktemp(row.basket)
        templates[row.basket] = (place, await make_template(place, row.basket))
    return templates[row.basket]


def names(rows):
    return [pytest.param(row, id=row.name) for row in rows]


@pytest.mark.parametrize("row", names(rebalances.ROWS))
async def test_a_rebalance_where(row, template, tmp_path):
    async with stage(*template[:1], tmp_path, template[1]) as play:
        await play.start_rebalance()
        play.switch_on(row)
        if row.act:
            await row.act(play.world, None)
        await play.watch(row.watched)
        play.switch_off()
        await play.check(row.ends, row.moved)

        await play.watch(row.later)
        await play.check(row.then or row.ends, row.moved)
        await play.go_on()


@pytest.mark.parametrize("row", names(deposits.ROWS))
async def test_a_deposit_where(row, template, tmp_path):
    async with stage(*template[:1], tmp_path, template[1]) as play:
        deposit = await play.start_deposit()
        play.switch_on(row)
        await row.act(play.world, deposit)
        await play.watch(row.watched)
        play.switch_off()
        await play.check(row.ends, row.moved)

        await play.watch(row.later, through=True)
        await play.check(row.then or row.ends, row.moved)
        await play.go_on()


@pytest.mark.parametrize("row", names(withdrawals.ROWS))
async def test_a_withdrawal_where(row, template, tmp_path):
    async with stage(*template[:1], tmp_path, template[1]) as play:
        await play.start_withdrawal(row.amount)
        play.switch_on(row)
        await play.watch(row.watched)
        play.switch_off()
        await play.check(row.ends, row.moved)
        await play.check_delivered(row.delivered)

        await play.watch(row.later)
        await play.check(row.then or row.ends, row.moved)
        await play.check_delivered(row.delivered)
        await play.go_on()


@pytest.mark.parametrize("row", names(previews.ROWS))
async def test_a_preview_where(row, template, tmp_path):
    async with stage(*template[:1], tmp_path, template[1]) as play:
        await play.preview()
        play.switch_on(row)
        refusal = await play.preview()

        assert (refusal.code if refusal else "") == row.code
        assert row.words in f"{refusal} {refusal.details if refusal else ''}"
        play.switch_off()
        assert await play.preview() is None


def test_the_catalogue_is_long_enough_and_says_each_thing_once():
    told = [row.name for row in ROWS]

    assert len(told) >= 60
    assert len(set(told)) == len(told)
