"""The domain clock and the file it lives in."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from ballast.devnet import DevnetError, DevnetOptions, open_devnet
from ballast.devnet import clock as clock_module
from tests.devnet.world import START, World


@pytest.fixture
def real(monkeypatch):
    """The machine's clock, moved by the test; times in seconds."""

    class Real:
        seconds = 1_800_000_000.0

    monkeypatch.setattr(time, "time_ns", lambda: int(Real.seconds * 1e9))
    return Real


def test_a_frozen_clock_only_moves_by_hand(world, real):
    real.seconds += 1000
    assert world.devnet.clock.now() == START

    world.devnet.clock.advance(timedelta(days=30))

    assert world.devnet.clock.now() == START + timedelta(days=30)
    assert world.devnet.clock.speed() == 0
    assert world.devnet.clock.real_seconds(5) is None


def test_domain_time_passes_at_its_speed_and_a_change_takes_nothing_back(tmp_path, real):
    world = World.open(tmp_path / "devnet.db", speed=Decimal(60))
    clock = world.devnet.clock
    real.seconds += 10
    assert clock.now() == START + timedelta(minutes=10)
    assert clock.real_seconds(90) == 1.5

    clock.set_speed(Decimal("0.5"))
    real.seconds += 10

    assert clock.now() == START + timedelta(minutes=10, seconds=5)
    clock.advance(Decimal("0.25"))
    assert clock.now() == START + timedelta(minutes=10, seconds=5.25)
    world.devnet.close()


def test_the_clock_never_goes_back_even_if_the_machines_does(tmp_path, real):
    world = World.open(tmp_path / "devnet.db", speed=Decimal(1))
    real.seconds += 100
    before = world.devnet.clock.now()

    real.seconds -= 1000

    assert world.devnet.clock.now() == before
    world.devnet.clock.set_speed(Decimal(2))
    assert world.devnet.clock.now() == before
    world.devnet.close()


def test_the_clock_goes_on_while_nobody_has_the_file_open(tmp_path, real):
    path = tmp_path / "devnet.db"
    World.open(path, speed=Decimal(10)).devnet.close()
    real.seconds += 60

    again = open_devnet(path, None)

    assert again.clock.now() == START + timedelta(minutes=10)
    again.close()


@pytest.mark.parametrize("step", [Decimal(-1), Decimal("NaN"), Decimal("1e30"), timedelta(-1)])
def test_a_step_back_or_out_of_the_calendar_is_refused(world, step):
    with pytest.raises(DevnetError):
        world.devnet.clock.advance(step)
    assert world.devnet.clock.now() == START


@pytest.mark.parametrize("speed", [Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
def test_a_senseless_speed_is_refused(world, speed):
    with pytest.raises(DevnetError):
        world.devnet.clock.set_speed(speed)


async def test_the_clock_can_be_moved_over_http(world):
    body = {"advance_seconds": "86400.5", "speed": "0"}

    answer = (await world.post("/devnet/clock", body)).json()

    assert datetime.fromisoformat(answer["now"]) == START + timedelta(days=1, seconds=0.5)
    assert (await world.post("/devnet/clock", {"speed": "fast"})).status_code == 400
    assert (await world.post("/devnet/clock", {"advance_seconds": -1})).status_code == 400
    for field in ("advance_seconds", "speed"):
        refused = await world.post("/devnet/clock", {field: "abc"})
        assert refused.status_code == 400
        assert refused.json()["message"] == f"{field} must be a number, such as 3600 or 0.5"
    assert (await world.get("/devnet/clock")).json() == answer


def test_by_default_a_simulated_devnet_starts_now(tmp_path, real):
    devnet = open_devnet(tmp_path / "devnet.db", DevnetOptions())

    assert devnet.clock.now() == clock_module.from_us(int(real.seconds * 1_000_000))
    devnet.close()


def test_market_and_seed_are_fixed_when_the_file_is_made(tmp_path):
    path = tmp_path / "devnet.db"
    made = World.open(path, seed=4)
    network_id = made.devnet.network_id
    made.devnet.close()

    with pytest.raises(DevnetError, match="made with the simulated market and seed 4"):
        open_devnet(path, DevnetOptions(seed=5))
    with pytest.raises(DevnetError, match="made with the simulated market"):
        open_devnet(path, DevnetOptions(seed=4, market="replay"))
    again = open_devnet(path, None)
    assert again.network_id == network_id
    again.close()


def test_replay_prices_are_fixed_too(tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text("time,asset,price\n2024-01-01T00:00:00Z,BTC,1\n")
    options = DevnetOptions(market="replay", replay_path=file)
    open_devnet(tmp_path / "devnet.db", options).close()

    file.write_text("time,asset,price\n2024-01-01T00:00:00Z,BTC,2\n")

    with pytest.raises(DevnetError, match="other replay prices"):
        open_devnet(tmp_path / "devnet.db", options)
    kept = open_devnet(tmp_path / "devnet.db", None)  # the file has the prices itself
    assert kept.network.market.price("BTC", START) == 1
    kept.close()


def test_a_devnet_made_again_from_the_same_seed_has_another_name(tmp_path):
    names = []
    for _ in range(2):
        world = World.open(tmp_path / "devnet.db")
        names.append(world.devnet.network_id)
        world.devnet.close()
        for file in tmp_path.iterdir():
            file.unlink()

    assert names[0] != names[1]


def test_a_file_that_is_missing_foreign_or_of_another_version_is_refused(tmp_path):
    path = tmp_path / "devnet.db"
    with pytest.raises(DevnetError, match="no devnet at"):
        open_devnet(path, None)
    path.write_text("this is not a database, but it is long enough to look at\n" * 20)
    with pytest.raises(DevnetError, match="is damaged, or is no database"):
        open_devnet(path, None)
    path.unlink()
    made = World.open(path)
    made.devnet.network.store._db.execute("PRAGMA user_version = 9")
    made.devnet.close()
    with pytest.raises(DevnetError, match="version 9"):
        open_devnet(path, None)
    with pytest.raises(DevnetError, match="cannot be opened"):
        open_devnet(tmp_path / "no-such-folder" / "devnet.db")


@pytest.mark.parametrize(
    "statements",
    [
        "CREATE TABLE recipes (name)",
        "CREATE TABLE recipes (name); PRAGMA user_version = 1",
        "CREATE TABLE meta (key, value); PRAGMA user_version = 2",
        "CREATE VIEW recipes AS SELECT 1",
        "PRAGMA user_version = 2",
    ],
)
@pytest.mark.parametrize("options", [None, DevnetOptions()])
def test_another_programs_database_is_refused_by_name_and_not_changed(
    tmp_path, statements, options
):
    path = tmp_path / "devnet.db"
    with closing(sqlite3.connect(path)) as other:
        other.executescript(statements)
    before = path.read_bytes()

    with pytest.raises(DevnetError, match="database of something else, and no devnet") as refused:
        open_devnet(path, options)

    assert str(path) in str(refused.value)
    assert refused.value.next_step.startswith("Move it to where it belongs.")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "options",
    [
        DevnetOptions(settle_seconds=(5, 1)),
        DevnetOptions(speed=Decimal(-1)),
        DevnetOptions(start=START.replace(tzinfo=None)),
    ],
)
def test_senseless_options_are_refused_before_a_file_is_made(tmp_path, options):
    with pytest.raises(DevnetError):
        open_devnet(tmp_path / "devnet.db", options)
    assert list(tmp_path.iterdir()) == []
