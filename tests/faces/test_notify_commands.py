"""ballast notify: a channel is added, shown without its address, tested, and taken away."""

from __future__ import annotations

import sys

import pytest
import typer

from ballast.app.catalog import OPERATIONS
from ballast.bootstrap import opened_app
from tests.app.test_notifications import TOKEN, serving
from tests.app.world import settings_for
from tests.faces.serving import CommandLine


@pytest.fixture
def line(capsys, tmp_path):
    settings = settings_for(tmp_path)
    return CommandLine(capsys, OPERATIONS, lambda: opened_app(settings))


def test_a_channel_lives_on_the_command_line_and_its_address_is_never_shown(line, monkeypatch):
    with serving() as service:
        monkeypatch.setattr("typer.prompt", lambda *_, **__: service.address)
        codes_and_answers = [
            line.json("notify", "add", "phone", "--level", "critical"),
            line.json("notify", "list"),
            line.json("notify", "test", "phone"),
            line.json("notify", "history"),
            line.json("notify", "remove", "phone"),
            line.json("notify", "list"),
        ]

    answers = [answer for _, answer in codes_and_answers]
    kept = {"label": "phone", "service": "json", "level": "critical", "problem": ""}
    assert [code for code, _ in codes_and_answers] == [0] * 6
    assert answers == [kept, [kept], kept, [], kept, []]
    assert TOKEN not in str(answers)
    assert [title for title, _, _ in service.got] == ["Ballast: a test"] * 2


def test_words_of_ones_own_are_set_shown_listed_and_tried_on_the_command_line(line, monkeypatch):
    with serving() as service:
        monkeypatch.setattr("typer.prompt", lambda *_, **__: service.address)
        line.run("notify", "add", "phone")
        words = ("--title", "Halt: ${why}", "--text", "${words}!")
        code, seen = line.json("notify", "template", "set", "trading.halted", *words)
        _, listed = line.json("notify", "template", "list")
        shown = line.run("notify", "template", "show", "trading.halted")[1]
        line.run("notify", "test", "phone", "--about", "trading.halted")
        wrong, refusal = line.json("notify", "template", "set", "trading.halted", "--text", "${x}")
        own = ("set", "trading.halted", "--channel", "phone", "--text", "phone: ${words}")
        line.run("notify", "template", *own)
        line.run("notify", "test", "phone", "--about", "trading.halted")
        both = line.json("notify", "template", "list")[1]
        table = line.run("notify", "template", "list")[1]
        line.run("notify", "template", "set", "trading.halted", "--channel", "phone")
        line.run("notify", "template", "set", "trading.halted")
        emptied = line.run("notify", "template", "list")[1]

    message = ("Halt: [why]", "trading is halted ([why]: [level])!")
    assert (code, seen["title"], seen["text"], seen["level"]) == (0, *message, "critical")
    everywhere = {"subject": "trading.halted", "channel": None, "title": words[1], "text": words[3]}
    assert listed == [everywhere]
    assert shown == "\n".join([*message, ""])
    assert service.got[-2] == (*message, "failure")
    assert service.got[-1][1] == "phone: trading is halted ([why]: [level])"
    assert both == [
        everywhere,
        {"subject": "trading.halted", "channel": "phone", "title": "", "text": own[5]},
    ]
    assert "every" in table
    assert "phone" in table
    assert (wrong, refusal["code"]) == (2, "invalid_input")
    assert "${x}: no field of trading.halted" in refusal["details"]["problems"][0]["problem"]
    assert "own words" in emptied


def test_a_service_that_takes_nothing_is_answered_with_what_to_check_of_the_channel(
    line, monkeypatch
):
    with serving() as service:
        gone = service.address
    monkeypatch.setattr("typer.prompt", lambda *_, **__: gone)

    code, refusal = line.json("notify", "add", "phone")

    assert (code, refusal["code"]) == (7, "receiver_failed")
    assert "Check the channel's URL" in refusal["next_step"]
    assert TOKEN not in str(refusal)


def test_without_the_extra_nobody_is_asked_for_a_url_and_the_command_that_adds_it_is_told(
    line, monkeypatch
):
    def asked(*_, **__):
        raise AssertionError("somebody was asked for what is of no use")

    monkeypatch.setattr("typer.prompt", asked)
    bad_label = line.json("notify", "add", "\x1b[31m")[1]
    monkeypatch.setitem(sys.modules, "apprise", None)

    code, refusal = line.json("notify", "add", "phone")

    assert (code, refusal["code"]) == (8, "settings_invalid")
    assert ".venv/bin/python -m pip install '.[notify]'" in refusal["message"]
    assert bad_label["code"] == "invalid_input"


def test_a_pipe_that_brings_no_url_is_said(line, monkeypatch):
    def nothing_comes(*_, **__):
        raise typer.Abort

    monkeypatch.setattr("typer.prompt", nothing_comes)
    code, refusal = line.json("notify", "add", "phone")

    assert (code, refusal["message"]) == (2, "No URL came on stdin.")


def test_a_channel_that_is_not_there_is_named_with_what_to_do(line):
    code, refusal = line.json("notify", "test", "phone")

    assert code == 3
    assert refusal["code"] == "not_found"
    assert "notify list" in refusal["next_step"]
