"""`ballast apikey`: what the owner types, and what is shown."""

from __future__ import annotations

import asyncio

import pytest

from ballast.app.access.admission import admit
from ballast.app.catalog import OPERATIONS
from ballast.bootstrap import opened_app
from ballast.settings import Settings
from tests.app.world import settings_for
from tests.faces.serving import CommandLine


@pytest.fixture
def line(capsys, tmp_path):
    settings = settings_for(tmp_path)
    return CommandLine(capsys, OPERATIONS, lambda: opened_app(settings))


def test_a_key_is_printed_alone_and_once(line, tmp_path):
    code, out, err = line.run("apikey", "create", "My GPT", "--scopes", "spend,read")
    shown = line.run("apikey", "list")[1]

    assert code == 0
    text = out.strip()
    assert text.startswith("bal_")
    assert "not shown again" in err
    assert text not in shown
    assert "My GPT" in shown
    assert text[:16] in shown
    [listed] = line.json("apikey", "list")[1]
    assert (listed["scopes"], listed["state"]) == (["read", "spend"], "active")

    async def owner():
        async with opened_app(settings_for(tmp_path)) as app:
            return (await admit(app, text, "rest")).owner_id

    assert asyncio.run(owner()) == "own_local"


def test_a_key_is_rotated_and_revoked(line):
    first = line.json("apikey", "create", "My GPT")[1]
    second = line.json("apikey", "rotate", "My GPT", "--overlap-hours", "0")[1]

    listed = {one["prefix"]: one["state"] for one in line.json("apikey", "list")[1]}
    assert listed == {first["prefix"]: "expired", second["prefix"]: "active"}
    assert second["api_key"] != first["api_key"]

    assert line.run("apikey", "revoke", "My GPT")[0] == 0
    assert {one["state"] for one in line.json("apikey", "list")[1]} == {"revoked"}


@pytest.mark.parametrize(
    ("words", "exit_code", "code", "said"),
    [
        (("create", "x", "--scopes", "admin"), 2, "invalid_input", "admin is no scope"),
        (("create", "x", "--scopes", ""), 2, "invalid_input", "no scope"),
        (("create", "x", "--days", "0"), 2, "invalid_input", "days"),
        (("create", ""), 2, "invalid_input", "name"),
        (("rotate", "nothing"), 3, "not_found", "no key"),
        (("revoke", "bal_nothing"), 3, "not_found", "no key"),
    ],
)
def test_a_mistake_with_keys_is_one_clear_message(line, words, exit_code, code, said):
    refused, refusal = line.json("apikey", *words)

    assert (refused, refusal["code"]) == (exit_code, code)
    assert said in str(refusal)


def test_in_live_mode_a_key_is_made_on_a_terminal_only(capsys, tmp_path):
    live = Settings(data_dir=tmp_path, mode="live")
    line = CommandLine(capsys, OPERATIONS, lambda: opened_app(live, ready=False))

    for words in (("create", "My GPT"), ("rotate", "My GPT")):
        code, out, err = line.run("apikey", *words)
        assert (code, out) == (2, "")
        assert "works on a terminal only" in err
    assert line.json("apikey", "list")[1] == []
