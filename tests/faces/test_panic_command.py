"""`ballast panic`: a person at a terminal has everything sold, and sees it to its end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from ballast.app.catalog import OPERATIONS, operation_named
from ballast.app.operation import Caller, invoke
from ballast.bootstrap import opened_app, running_app
from ballast.settings import Settings
from tests.faces.serving import CommandLine


@pytest.fixture
def line(capsys, tmp_path):
    settings = Settings(data_dir=tmp_path, market_speed=Decimal(60))
    return CommandLine(capsys, OPERATIONS, *opening(settings))


def opening(settings):
    """How a command opens the app: for one use of it, and to do the work meanwhile."""
    return lambda: opened_app(settings), lambda: running_app(settings)


@pytest.fixture
def at_a_terminal(monkeypatch):
    """A person at a terminal, who agrees; what they were asked."""
    asked = []
    monkeypatch.setattr("ballast.faces.cli.panic.need_terminal", lambda command: None)
    monkeypatch.setattr("typer.prompt", lambda *given, **more: asked.append(given) or "y")
    return asked


def funded(line):
    _, index = line.json("create_index", "One", "--targets", "BTC 50, USDC 50")
    _, deposit = line.json("deposit_address", index["index_id"], "--amount", "1000")
    assert line.run("send_paper_deposit", deposit["deposit_id"])[0] == 0
    return index["index_id"]


def test_everything_is_sold_by_somebody_at_a_terminal_alone(line):
    code, refusal = line.json("panic")

    assert (code, refusal["code"]) == (2, "invalid_input")
    assert line.json("get_status")[1]["trading"] == "on"


@pytest.mark.parametrize("typed", ["30", "0", "abc", "3.333", "1000"])
def test_a_budget_out_of_range_is_refused_before_anything_is_asked(line, at_a_terminal, typed):
    code, out, err = line.run("panic", "--slippage", typed)

    assert (code, out, at_a_terminal) == (2, "", [])
    assert "from 0.5 % to 20 %" in err
    assert "--slippage: must be from 0.5 to 20 percent" in err


def test_with_no_other_process_the_command_sells_by_itself_and_says_what(line, at_a_terminal):
    index_id = funded(line)

    code, out, err = line.run("panic", "--slippage", "2")

    assert (code, len(at_a_terminal)) == (0, 1)
    asked, told = " ".join(err.split()), " ".join(out.split())
    assert "at worst 2 % below the price: - One" in asked
    assert "One: sold, 1 of 1 swaps settled" in asked
    assert f"One ({index_id}): sold sold 0." in told
    assert "BTC for" in told
    held = {one["symbol"]: one["amount"] for one in line.json("get_index", index_id)[1]["holdings"]}
    assert Decimal(held["BTC"]) == 0
    assert line.json("get_status")[1]["trading"] == "no_new_risk"


def test_what_is_left_is_named_with_the_reason_and_the_exit_code_says_so(line, at_a_terminal):
    index_id = funded(line)

    code, out, _ = line.run("panic", "--slippage", "0.5")

    assert code == 4
    told = " ".join(out.split())
    assert f"One ({index_id}): left Not sold at no worse than 0.5 % below the price" in told
    assert "BTC worth $" in told


def test_a_sale_that_is_left_to_others_is_pending_in_the_status(line, at_a_terminal):
    index_id = funded(line)

    code, answer = line.json("panic", "--no-follow")
    _, status = line.json("get_status")
    shown = " ".join(line.run("get_status")[1].split())

    assert code == 0
    assert [(one["name"], one["state"], one["done"]) for one in answer["sales"]] == [
        ("One", "waiting", False)
    ]
    panic = status["panic"]
    assert (panic["level"], panic["indexes"], panic["done"]) == ("no_new_risk", 1, 0)
    assert [(one["index_id"], one["state"]) for one in panic["left"]] == [(index_id, "waiting")]
    assert "0 of 1 indexes done since" in shown

    assert line.run("panic")[0] == 0
    assert line.json("get_status")[1]["panic"] is None


def test_a_halt_of_everything_ends_the_waiting_and_not_the_sale(capsys, tmp_path, at_a_terminal):
    settings = Settings(data_dir=tmp_path, market_speed=Decimal(60))

    @asynccontextmanager
    async def halted_meanwhile():
        async with opened_app(settings) as app, asyncio.TaskGroup() as others:
            others.create_task(halt_once_it_sells(app))
            yield app

    funded(CommandLine(capsys, OPERATIONS, *opening(settings)))
    line = CommandLine(capsys, OPERATIONS, lambda: opened_app(settings), halted_meanwhile)

    code, out, err = line.run("panic")

    assert code == 4
    assert "Trading was halted meanwhile" in " ".join(err.split())
    assert "goes on by itself wherever Ballast runs" in " ".join(out.split())


async def halt_once_it_sells(app):
    await app.work_waiting.wait()
    await invoke(app, operation_named("halt_trading"), {}, Caller())
