"""`ballast account`: who may sign in, typed by the owner."""

from __future__ import annotations

import asyncio

import pytest

from ballast.app.access.admission import admit
from ballast.app.access.sessions import log_in
from ballast.app.catalog import OPERATIONS
from ballast.bootstrap import opened_app
from tests.app.world import settings_for
from tests.faces.serving import CommandLine

PASSWORD = "correct horse battery staple"


@pytest.fixture
def line(capsys, tmp_path):
    settings = settings_for(tmp_path)
    return CommandLine(capsys, OPERATIONS, lambda: opened_app(settings))


@pytest.fixture
def typed(monkeypatch):
    """Somebody at a terminal, who types this as the password."""
    words = [PASSWORD]
    monkeypatch.setattr("ballast.faces.cli.accounts.need_terminal", lambda command: None)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: words[0])
    return words


def signed_in_as(tmp_path, name, password):
    async def owner():
        async with opened_app(settings_for(tmp_path)) as app:
            tokens = await log_in(app, name, password, "rest")
            return (await admit(app, tokens.access_token, "rest")).owner_id

    return asyncio.run(owner())


def test_passwords_are_typed_on_a_terminal_only(line):
    for words in (("create", "ann"), ("password", "ann")):
        code, out, err = line.run("account", *words)
        assert (code, out) == (2, "")
        assert "works on a terminal only" in err
    assert line.run("account", "list")[1] == "Nobody can sign in.\n"


def test_an_account_is_made_changed_shown_and_disabled(line, typed, tmp_path):
    made = line.json("account", "create", "ann@example.org", "--mine")[1]
    assert signed_in_as(tmp_path, "ann@example.org", PASSWORD) == made["owner_id"] == "own_local"
    assert PASSWORD not in str(made)

    typed[0] = "quite another password"
    assert line.run("account", "password", "ann@example.org")[0] == 0
    assert signed_in_as(tmp_path, "ann@example.org", typed[0]) == "own_local"
    assert "this machine's owner" in line.run("account", "list")[1]

    assert line.run("account", "disable", "ann@example.org")[0] == 0
    assert [one["state"] for one in line.json("account", "list")[1]] == ["disabled"]


def test_a_key_is_made_for_somebody_elses_account(line, typed, tmp_path):
    made = line.json("account", "create", "ann")[1]
    key = line.json("apikey", "create", "hers", "--account", "ann")[1]

    async def owner():
        async with opened_app(settings_for(tmp_path)) as app:
            return (await admit(app, key["api_key"], "rest")).owner_id

    assert asyncio.run(owner()) == made["owner_id"] != "own_local"
    assert line.json("apikey", "list")[1] == []
    assert len(line.json("apikey", "list", "--account", "ann")[1]) == 1
    assert line.run("apikey", "revoke", "hers")[0] == 3
    assert line.run("apikey", "revoke", "hers", "--account", "ann")[0] == 0


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (("account", "disable", "nobody"), 3, "not_found"),
        (("account", "password", "nobody"), 3, "not_found"),
        (("apikey", "create", "x", "--account", "nobody"), 3, "not_found"),
        (("account", "create", ""), 2, "invalid_input"),
    ],
)
def test_a_mistake_with_accounts_is_one_clear_message(line, typed, words, exit_code, code):
    refused, refusal = line.json(*words)

    assert (refused, refusal["code"]) == (exit_code, code)


def test_an_account_is_linked_with_a_wallet_or_with_a_person_of_the_provider_that_is_set(
    line, typed
):
    wallet = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
    line.run("account", "create", "ann", "--without-password")
    assert line.run("account", "link", "ann", "--ethereum", wallet)[0] == 0

    for words in ((), ("--subject", "person-1"), ("--subject", "x", "--ethereum", wallet)):
        code, refusal = line.json("account", "link", "ann", *words)
        assert (code, refusal["code"]) == (2, "invalid_input")
        assert "BALLAST_OAUTH_ISSUER" in refusal["message"]
    assert line.json("account", "link", "ann", "--ethereum", "0x12")[1]["code"] == "invalid_input"


def test_a_password_that_is_too_short_makes_nothing(line, typed):
    typed[0] = "short"

    assert line.json("account", "create", "ann")[1]["code"] == "invalid_input"
    assert line.json("account", "list")[1] == []
