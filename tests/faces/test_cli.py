"""The command line: what can be typed, what is shown, and with which code it ends."""

from __future__ import annotations

import csv
import io
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
import structlog
from structlog.testing import capture_logs

from ballast.app.catalog import OPERATIONS, operation_named
from ballast.app.operation import Effect
from ballast.app.trades import TradePage
from ballast.bootstrap import configure_logging, opened_app, running_app
from ballast.errors import BallastError, ErrorCode
from ballast.faces.answers import answer_of
from ballast.faces.cli.command_line import interrupted
from ballast.faces.cli.following import follow
from ballast.faces.cli.layouts import LAYOUTS
from ballast.faces.cli.parameters import arguments_of
from ballast.faces.cli.rendering import filled, make_console
from ballast.faces.cli.trade_csv import trades_csv
from ballast.settings import Settings
from tests.faces.serving import ECHO, CommandLine, no_app


@pytest.fixture
def line(capsys):
    return CommandLine(capsys, (ECHO, *OPERATIONS), no_app)


@pytest.mark.parametrize(
    ("effect", "waits", "said"),
    [
        (Effect.READ, False, "nothing was started or changed"),
        (Effect.READ, True, "get_progress ID --follow"),
        (Effect.SPEND, True, "get_progress ID --follow"),
        (Effect.ADD, False, "may have been done"),
    ],
)
def test_an_interrupted_command_says_what_has_become_of_it(effect, waits, said):
    assert said in interrupted(effect, waits)


def test_a_policy_can_be_typed_as_names_and_values():
    model = operation_named("create_index").input

    typed = arguments_of(model, {"policy": "method=hybrid, interval_days: 30, sometimes"})

    assert typed == {"policy": {"method": "hybrid", "interval_days": "30", "sometimes": ""}}


def test_every_operation_is_a_command_and_hyphens_will_do(line):
    _, listing, _ = line.run("--help")

    for one in OPERATIONS:
        assert f"  {one.name} " in listing
        code, out, _ = line.run(one.name.replace("_", "-"), "--help")
        assert code == 0
        for field in one.input.model_fields:
            assert field in out or f"--{field.replace('_', '-')}" in out, (one.name, field)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("eco", "x"), "did you mean echo?"),
        (("echo", "--wrd", "x"), "--wrd: is not an option of this command"),
        (("echo", "--word"), "--word: needs a value"),
        (("echo", "one", "two"), "one: is more than the command takes"),
        (("echo",), "word: is required"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_in_our_words_with_code_2(line, words, said):
    code, out, err = line.run(*words)

    assert code == 2
    assert out == ""
    assert said in err
    assert "Next: " in err
    assert "Traceback" not in err


def test_with_json_even_an_unreadable_line_gets_the_error_object(line):
    code, refusal = line.json("echo", "--wrd")

    assert code == 2
    assert refusal["code"] == "invalid_input"
    assert refusal["details"]["problems"][0]["field"] == "--wrd"


def test_a_refusal_goes_to_stderr_with_its_own_code_and_no_traceback(line):
    code, out, err = line.run("echo", "--word", "refuse")

    assert (code, out) == (6, "")
    assert err.splitlines()[0] == "Error: Too much."
    assert "spent_usd: 10.00" in err


def test_a_fault_of_ours_ends_with_code_70_and_tells_nothing_of_its_inside(line):
    with capture_logs() as logged:
        code, out, err = line.run("echo", "--word", "fault")

    assert [one["event"] for one in logged] == ["operation_failed"]
    assert (code, out) == (70, "")
    assert err.startswith("Error: echo failed because of a fault in Ballast.")


def test_what_keeps_the_app_from_opening_is_a_refusal_too(capsys):
    @asynccontextmanager
    async def closed():
        raise BallastError(ErrorCode.SETTINGS_INVALID, "BALLAST_MOOD is not a setting.")
        yield

    code, out, err = CommandLine(capsys, (ECHO,), closed).run("echo", "--word", "x")

    assert (code, out) == (8, "")
    assert "BALLAST_MOOD" in err


def test_without_a_terminal_there_is_no_colour(line):
    _, out, err = line.run("echo", "--word", "hello [bold]world[/]")

    assert "hello [bold]world[/]" in out
    assert "\x1b" not in out + err


def test_without_a_command_the_commands_are_listed(line):
    code, out, _ = line.run()

    assert code == 0
    assert "get_index" in out


def test_every_kind_of_answer_has_a_layout_whose_fields_exist():
    for one in OPERATIONS:
        layout = LAYOUTS[one.output]
        fields = one.output.model_fields
        for listing in layout.listings:
            assert listing.field in fields, one.name
        shown = [layout.headline, layout.text, *(fact.template for fact in layout.facts)]
        for template in shown:
            for piece in template.split("{")[1:]:
                name = piece.split("}")[0].split(":")[0].split(".")[0]
                assert name in fields, (one.name, name)


@pytest.mark.parametrize(
    ("template", "value", "shown"),
    [
        ("{x:usd}", "1234567.89", "$1,234,567.89"),
        ("{x:usd}", "-0.04", "-$0.04"),
        ("{x:amount}", "0.123456789012345678", "0.12345678…"),
        ("{x:amount}", "0.12345678", "0.12345678"),
        ("{x:time}", "2026-11-21T03:13:03.576519Z", "2026-11-21 03:13:03 UTC"),
        ("{x:yes}", False, "no"),
        ("{x} %", None, None),
        ("{x} %", "", None),
    ],
)
def test_values_are_shown_from_their_text(template, value, shown):
    assert filled(template, {"x": value}) == shown


def swap(**more):
    fields = TradePage.model_fields["swaps"].annotation.__args__[0].model_fields
    return {**dict.fromkeys(fields, None), **more}


def test_trades_as_csv_keep_every_digit_and_start_no_formula():
    page = {
        "swaps": [
            swap(
                swap_id="swp_1",
                buy_amount_units="123456789012345678901234567890",
                problem='=HYPERLINK("x"), "quoted"',
            )
        ]
    }

    [row] = csv.DictReader(io.StringIO(trades_csv(page)))

    assert row["buy_amount_units"] == "123456789012345678901234567890"
    assert row["problem"] == '\'=HYPERLINK("x"), "quoted"'
    assert row["refunded_amount"] == ""


async def test_following_goes_on_from_a_deposit_to_what_invests_it(capsys):
    steps = {
        "dep_1": [
            {"state": "awaiting", "done": False, "summary": "awaiting", "follow_up_id": None},
            {"state": "credited", "done": True, "summary": "5 USDC", "follow_up_id": "reb_1"},
        ],
        "reb_1": [{"state": "partial", "done": True, "summary": "1 of 2", "follow_up_id": None}],
    }

    async def look(handle):
        return {"kind": "thing", "id": handle, **steps[handle].pop(0)}

    final = await follow(look, "dep_1", make_console(errors=True))

    assert (final["id"], final["state"]) == ("reb_1", "partial")
    assert capsys.readouterr().err.splitlines() == [
        "thing dep_1: awaiting",
        "thing dep_1: credited, 5 USDC",
        "thing reb_1: partial, 1 of 2",
    ]


def test_the_same_answer_object_is_printed_with_json(line):
    code, answer = line.json("echo", "--word", "hello")

    assert code == 0
    assert answer == answer_of(
        ECHO.output(mode="paper", word="hello", next_step="Say more.")  # type: ignore[call-arg]
    )


@pytest.fixture
def logging_to_stderr(capsys):
    """As the command itself begins: stdout is for answers alone."""
    configure_logging(Settings())
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("logging_to_stderr")
def test_a_life_of_an_index_in_commands(capsys, tmp_path):
    settings = Settings(data_dir=tmp_path, market_speed=Decimal(60))
    line = CommandLine(
        capsys, OPERATIONS, lambda: opened_app(settings), lambda: running_app(settings)
    )
    _, index = line.json("create_index", "Main", "--targets", "BTC 50, ETH 30, USDC 20")
    _, deposit = line.json("deposit_address", index["index_id"], "--amount", "1000")

    code, out, err = line.run("send_paper_deposit", deposit["deposit_id"])

    assert code == 0, err
    assert "2 of 2 swaps settled" in err
    assert "completed  (paper)" in out
    assert line.json("get_progress", deposit["deposit_id"], "--follow")[0] == 0
    assert "Net paid in" in line.run("get_performance", "Main")[1]

    _, plan = line.json("preview_rebalance", index["index_id"], "--destination", "target")
    words = ["rebalance_index", index["index_id"], plan["plan_id"]]
    code, rebalance = line.json(*words)
    assert (code, rebalance.get("state") or rebalance["code"]) in {
        (0, "executing"),
        (4, "nothing_to_do"),
    }

    for command, said in (
        ("get_index", "Main: active, $"),
        ("get_drift", "Largest drift"),
        ("trade_history", "settled"),
        ("explain", "a deposit had arrived"),
    ):
        code, out, _ = line.run(command, index["index_id"])
        assert code == 0
        assert said in out, command
        assert max(map(len, out.splitlines())) <= 100, command
    code, out, _ = line.run("trade_history", index["index_id"], "--csv")
    assert len(list(csv.DictReader(io.StringIO(out)))) == 2
