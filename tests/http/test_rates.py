"""How often somebody may call, as the time passes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ballast.errors import BallastError
from ballast.faces.http.rates import Rates
from tests.access.clock import WallClock


async def test_a_window_ends_so_long_after_its_first_call_and_the_next_one_takes_as_many():
    wall = WallClock()
    rates = Rates(wall, {"read": "2/minute"})
    await rates.take("read", "me")
    wall.pass_time(timedelta(seconds=59))
    await rates.take("read", "me")

    with pytest.raises(BallastError) as refused:
        await rates.take("read", "me")
    assert refused.value.details == {"bucket": "read", "retry_after_seconds": 1}

    wall.pass_time(timedelta(seconds=1))
    await rates.take("read", "me")
    await rates.take("read", "me")
    with pytest.raises(BallastError):
        await rates.take("read", "me")


async def test_whoever_asked_once_is_not_remembered_for_ever():
    wall = WallClock()
    rates = Rates(wall, {})
    for number in range(100):
        await rates.take("address", f"192.0.2.{number}")
    wall.pass_time(timedelta(minutes=2))
    await rates.take("address", "192.0.2.200")

    assert list(rates._windows) == [("address", "192.0.2.200")]
