"""Windows of calls, and how long they are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ballast.errors import BallastError, ErrorCode
from ballast.faces.http.rates import Rates


class Wall:
    """A clock that is moved by hand."""

    def __init__(self):
        self.time = datetime(2027, 1, 15, tzinfo=UTC)

    def now(self):
        return self.time


async def test_a_window_that_has_ended_is_begun_anew_for_each_who_asks():
    wall = Wall()
    rates = Rates(wall, {"read": "2/minute"})
    for _ in range(2):
        await rates.take("read", "somebody")
    with pytest.raises(BallastError) as refused:
        await rates.take("read", "somebody")
    await rates.take("read", "another")
    wall.time += timedelta(minutes=1)

    await rates.take("read", "somebody")

    assert refused.value.code is ErrorCode.RATE_LIMITED
    assert refused.value.details["retry_after_seconds"] == 60


async def test_who_does_not_come_again_is_forgotten():
    wall = Wall()
    rates = Rates(wall, {"address": "10/minute"})
    for number in range(1_000):
        await rates.take("address", str(number))
    kept = len(rates._windows.expirations)
    wall.time += timedelta(minutes=1)
    await rates.take("address", "newcomer")

    assert kept == 1_000
    assert len(rates._windows.expirations) == len(rates._windows.storage) == 1
