"""The demo as a person sees it: what it prints, and the code it ends with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from ballast.demo import run_demo
from ballast.demo.day_script import NOTHING, TRADED, UNATTENDED, WHAT_IT_DID
from ballast.demo.script import REAL_PRICES
from ballast.demo.world import SETTLING, PaperWorld
from ballast.devnet.admin import mint
from ballast.devnet.wire import Call

USDC = "nep141:17208628f84f5d6ad33f0da3bbbeb27ffcb398eac501a31bd6ad2011e36133a1"
TIMEOUT = 240


class Mint(PaperWorld):
    """A world where units appear out of nothing."""

    def mint(self, account_id: str, units: int) -> None:
        body = {"account_id": account_id, "asset_id": USDC, "amount": str(units)}
        network = self._devnet.network
        text = json.dumps(body).encode()
        mint(network, Call("POST", "/devnet/mint", {}, {}, text, network.clock.now()))


class OneUnitTooMany(Mint):
    """The venue gets one more base unit just before the books are compared."""

    def balances(self, account_id: str) -> dict[str, int]:
        self.mint(account_id, 1)
        return super().balances(account_id)


class MoneyFromNowhere(Mint):
    """The index's account is given a dollar behind Ballast's back, while its first rebalance
    settles: earlier, it might be booked as the owner's before the rebalance begins."""

    nights = 0
    given = False

    def skip_to_midnight(self) -> None:
        super().skip_to_midnight()
        self.nights += 1

    def run_at(self, speed: Decimal) -> None:
        super().run_at(speed)
        if speed == SETTLING and self.nights and not self.given:
            self.given = True
            accounts = self._devnet.network.books.balances()
            [wallet] = [name for name, held in accounts.items() if name[:2] == "0x" and held]
            self.mint(wallet, 1_000_000)


def told(story=REAL_PRICES, **arguments: object) -> tuple[int, str]:
    """Run a story up to its first rebalance; the exit code, and what was printed."""
    paper = StringIO()
    console = Console(file=paper, width=100, highlight=False)
    code = run_demo(quick=True, console=console, stories=(story,), **arguments)
    return code, paper.getvalue()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """An empty home folder."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def whole_demo(home):
    """`ballast demo` from a shell, without a terminal; run once."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BALLAST_")}
    return subprocess.run(
        [sys.executable, "-m", "ballast", "demo"],
        env=clean | {"HOME": str(home), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
        encoding="utf-8",
    )


def test_the_whole_demo_ends_well(whole_demo):
    assert whole_demo.returncode == 0, whole_demo.stdout[-2000:] + whole_demo.stderr
    assert "Everything agrees." in whole_demo.stdout
    assert whole_demo.stderr == ""


def test_every_asset_is_shown_equal_to_the_last_unit(whole_demo):
    lines = re.findall(r"([A-Z]+) +(\d+) +(\d+) +(\S+) *$", whole_demo.stdout, re.MULTILINE)

    assert len(lines) == 3 + 10 + 3
    for symbol, ledger, venue, difference in lines:
        assert (ledger, difference) == (venue, "equal"), symbol
        assert int(ledger) > 0, symbol


def test_netting_takes_fewer_swaps_and_costs_less_than_going_through_usdc(whole_demo):
    pattern = r"Simulated +(\d+) +(\d+) +(\d+) +\$([\d.]+) +\$([\d.]+) +(\d+) %"
    [figures] = re.findall(pattern, whole_demo.stdout)
    rebalances, swaps, through_base, cost, cost_through_base, saved = map(Decimal, figures)

    assert rebalances >= 1
    assert swaps < through_base
    assert cost < cost_through_base
    assert abs(saved - (100 - 100 * cost / cost_through_base)) <= Decimal("0.5")


def test_the_real_prices_leave_the_band_on_the_day_they_did(whole_demo):
    # BTC and ETH rose by a third within three weeks, which left the USDC below 16 % of the value.
    assert "After 18 days USDC has left its band." in whole_demo.stdout
    assert "It traded on 2023-01-21 00:00 UTC because an asset had left its band" in (
        whole_demo.stdout
    )


def test_on_its_own_each_index_does_at_every_hour_what_its_policy_says(whole_demo):
    rows = dict(re.findall(r"^   (\w[\w ]+?)  +((?:\S ?){24}) *$", whole_demo.stdout, re.MULTILINE))

    did = {name: row.replace(" ", "").replace("▲", TRADED) for name, row in rows.items()}
    assert did == {one.name: one.day for one in UNATTENDED.indexes}
    assert set("".join(did.values())) == set(WHAT_IT_DID) - {"?"}


def test_each_of_them_says_why_in_plain_words(whole_demo):
    plain = " ".join(whole_demo.stdout.split())

    for one in UNATTENDED.indexes:
        _, _, answer = plain.partition(f"“{one.question}”")
        assert all(words in answer for words in one.answer), one.name


def test_what_the_webhook_brought_was_verified_and_a_forgery_is_seen_through(whole_demo):
    plain = " ".join(whole_demo.stdout.split())

    assert (
        "13 messages of the day, each of them verified with the library standardwebhooks: "
        "6 drift.threshold, 6 index.rebalanced, 1 limit.refused. "
        "With one letter changed, none of them verifies."
    ) in plain


def test_an_index_that_acts_otherwise_than_it_has_to_ends_the_demo_with_1():
    (keen,) = [one for one in UNATTENDED.indexes if one.name == "Keen"]
    late = replace(keen, day=NOTHING * 7 + TRADED, asked_at=7)

    code, text = told(replace(UNATTENDED, indexes=(late,)))

    assert code == 1
    assert "Keen at 06:00: traded, where it should have been: nothing to do." in text
    assert "Keen at 07:00: nothing to do, where it should have been: traded." in text
    assert "does not say that resting after the last rebalance" in text


def test_plain_output_holds_no_control_characters(whole_demo):
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", whole_demo.stdout)
    assert max(map(len, whole_demo.stdout.splitlines())) <= 100


def test_nothing_of_it_stays_in_the_home_folder(whole_demo, home):
    assert list(home.rglob("*.sqlite*")) == []


def test_one_unit_too_many_at_the_venue_ends_the_demo_with_1():
    code, text = told(world=OneUnitTooMany)

    assert code == 1
    assert re.search(r"USDC +\d+ +\d+ +\+1", text)
    assert "2 of 3 assets" in text
    assert "Something does not agree." in text
    assert "Everything agrees." not in text


def test_a_rebalance_that_meets_money_from_nowhere_ends_the_demo_with_1():
    code, text = told(world=MoneyFromNowhere)

    assert code == 1
    assert "The demo stopped:" in text
    assert "differed from the ledger" in " ".join(text.split())


def test_a_server_that_does_not_start_ends_the_demo_with_1(capfd):
    code, text = told(seed=-1)

    assert code == 1
    assert "The server did not start" in text
    assert "BALLAST_MARKET_SEED" in capfd.readouterr().err


def test_a_folder_that_holds_a_world_already_is_left_alone(tmp_path):
    file = tmp_path / REAL_PRICES.folder / "paper" / "devnet.sqlite"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"somebody's")

    code, text = told(keep=tmp_path)

    assert code == 1
    assert "name another folder" in text
    assert file.read_bytes() == b"somebody's"


def test_what_is_kept_can_be_opened_and_verified_with_the_line_that_is_printed(tmp_path):
    code, text = told(keep=tmp_path, seed=5)
    [line] = [line.split() for line in text.splitlines() if line.endswith("ballast verify")]
    settings = dict(word.split("=") for word in line[:-2])

    verified = subprocess.run(
        [sys.executable, "-m", "ballast", "verify"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | settings,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
        encoding="utf-8",
    )

    assert code == 0, text
    assert "Seed 5." in text
    assert verified.returncode == 0, verified.stdout + verified.stderr
