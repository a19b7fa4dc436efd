"""The machine's clock and ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ballast.adapters import local
from ballast.adapters.local import SystemClock, SystemIds
from ballast.core.ids import IdKind, kind_of

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


class HandClock:
    """A clock that shows what it is told."""

    def __init__(self, moment):
        self.moment = moment

    def now(self):
        return self.moment

    def real_seconds(self, domain_seconds):
        return None


def test_the_time_is_aware_and_in_utc():
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_the_time_never_goes_backwards(monkeypatch):
    moments = iter([NOON, NOON - timedelta(hours=1), NOON + timedelta(seconds=1)])

    class Machine(datetime):
        @classmethod
        def now(cls, tz=None):
            return next(moments)

    monkeypatch.setattr(local, "datetime", Machine)
    clock = SystemClock()
    clock._latest = NOON - timedelta(days=1)

    assert [clock.now() for _ in range(3)] == [NOON, NOON, NOON + timedelta(seconds=1)]


@given(steps=st.lists(st.integers(-5_000, 5_000), max_size=50))
def test_ids_sort_in_the_order_of_their_making_even_if_the_clock_jumps(steps):
    clock = HandClock(NOON)
    ids = SystemIds(clock)
    made = []
    for step in steps:
        clock.moment += timedelta(microseconds=step)
        made.append(ids.new(IdKind.SWAP))

    assert made == sorted(set(made))


def test_an_id_names_its_kind_and_carries_the_time_of_its_clock():
    ids = SystemIds(HandClock(NOON))

    made = {kind: ids.new(kind) for kind in IdKind}

    assert all(kind_of(text) is kind for kind, text in made.items())
    from ulid import ULID

    assert ULID.from_str(made[IdKind.INDEX][4:]).datetime == NOON


def test_random_bytes_are_as_many_as_asked_and_differ():
    ids = SystemIds(HandClock(NOON))

    assert len(ids.random_bytes(15)) == 15
    assert ids.random_bytes(32) != ids.random_bytes(32)
