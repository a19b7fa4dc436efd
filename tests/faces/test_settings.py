"""Settings that do not fit: all of them are named at once, with what is needed, and no value."""

from __future__ import annotations

import pytest

from ballast.errors import BallastError, ErrorCode
from ballast.settings import Settings, read_settings

KEY = "ed25519:reYaWhvwu8Jzo3WUM3zhn6VrhuMEF4eADL17qtRVifc"
SECRET = "ed25519:" + "2" * 88  # 64 bytes


def refused(monkeypatch, **settings: str) -> BallastError:
    for name, value in settings.items():
        monkeypatch.setenv(f"BALLAST_{name}", value)
    with pytest.raises(BallastError) as caught:
        read_settings()
    assert caught.value.code is ErrorCode.SETTINGS_INVALID
    return caught.value


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("HTTP_PROXIES", "foo", "IP addresses or networks"),
        ("HTTP_PROXIES", "10.0.0.1/8", "IP addresses or networks"),
        ("HTTP_ORIGINS", "foo", "https://a.example"),
        ("HTTP_ORIGINS", "https://a.example/page", "https://a.example"),
        ("HTTP_ORIGINS", "*", "https://a.example"),
        ("HTTP_URL", "https://[[", "https://a.example"),
        ("HTTP_URL", "https://a.example:99999", "https://a.example"),
        ("HTTP_URL", "ftp://a.example", "https://a.example"),
        ("OAUTH_ISSUER", "https://:::", "begins with https://"),
        ("ONECLICK_URL", "somewhere", "begins with https://"),
        ("NEAR_RPC_URLS", "https://rpc.example, file:///etc/passwd", "begins with https://"),
        ("RELAY_URL", "foo", "begins with https://"),
        ("ONECLICK_MANAGER_KEY", "foo", "32 bytes"),
        ("ONECLICK_MANAGER_KEY", SECRET, "32 bytes"),
        ("NEAR_SECRET_KEY", "hunter2hunter2", "64 bytes"),
        ("NEAR_SECRET_KEY", KEY, "64 bytes"),
        ("NEAR_ACCOUNT_ID", "###", "ballast.near"),
        ("MASTER_KEY", "zz", "64 hex digits or base64"),
        ("DATABASE_URL", "mysql://ballast:hunter2@db/ballast", "postgresql://"),
        ("DATA_DIR", "~nobody-of-this-name/x", "has a home here"),
        ("TIMEZONE", "Berlin/Europe", "IANA"),
        ("MONITOR_SCHEDULE", "0 0 31 2 *", "never comes"),
    ],
)
def test_a_value_of_another_form_is_refused_with_what_is_needed(monkeypatch, name, value, needed):
    refusal = refused(monkeypatch, **{name: value})

    assert f"BALLAST_{name} does not fit" in refusal.message
    assert needed in refusal.message
    assert value not in str(refusal.as_dict())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PROXIES", "127.0.0.1, 10.0.0.0/8, ::1, fd00::/8"),
        ("HTTP_PROXIES", "*"),
        ("HTTP_ORIGINS", "https://b.example, http://localhost:6274/, vscode-webview://abc-1"),
        ("HTTP_URL", "http://[::1]:8790"),
        ("OAUTH_ISSUER", "https://login.example/tenant"),
        ("RELAY_URL", "https://user:word@relay.example:8443/rpc?key=1"),
        ("ONECLICK_MANAGER_KEY", KEY),
        ("NEAR_SECRET_KEY", SECRET),
        ("NEAR_ACCOUNT_ID", "ballast-1.near"),
        ("MASTER_KEY", "5a" * 32),
        ("DATABASE_URL", "postgresql://ballast:hunter2@db:5432/ballast"),
    ],
)
def test_what_has_the_right_form_is_taken(monkeypatch, name, value):
    monkeypatch.setenv(f"BALLAST_{name}", value)
    if name == "OAUTH_ISSUER":
        monkeypatch.setenv("BALLAST_OAUTH", "external")

    assert getattr(read_settings(), name.lower()) is not None


def test_everything_wrong_is_told_at_once_and_nothing_that_only_follows_from_it(monkeypatch):
    refusal = refused(
        monkeypatch,
        MASTER_KEY="zz",
        DATABASE_URL="x",
        ONECLICK_URL="x",
        NEAR_RPC_URLS="https://rpc.example",
        LOG_LEVEL="loud",
        MARKET_FILE="prices.csv",
        MOOD="good",
    )

    for name in ("MASTER_KEY", "DATABASE_URL", "ONECLICK_URL", "LOG_LEVEL"):
        assert f"BALLAST_{name} does not fit" in refusal.message
    assert "BALLAST_MOOD is not a setting" in refusal.message
    assert "set BALLAST_MARKET=replay" in refusal.message
    assert "belong together" not in refusal.message


def test_a_name_that_is_like_none_of_ours_gets_no_guess(monkeypatch):
    refusal = refused(monkeypatch, FOO="1")

    assert "Did you mean" not in refusal.message
    assert "Known are: BALLAST_DATA_DIR" in refusal.message


def test_signing_in_with_a_web_page_needs_an_address_with_tls_or_this_machine(monkeypatch):
    refusal = refused(monkeypatch, OAUTH="embedded", HTTP_URL="http://ballast.example.com")

    for said in ("BALLAST_OAUTH=embedded", "BALLAST_HTTP_URL", "https://"):
        assert said in refusal.message
    for url in ("https://ballast.example.com", "http://localhost:8790", "http://127.0.0.1"):
        monkeypatch.setenv("BALLAST_HTTP_URL", url)
        assert isinstance(read_settings(), Settings)
