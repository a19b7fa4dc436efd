"""Applications that want more than they were given, and people who were not asked."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from ballast.app.access.accounts import disable_account
from ballast.bootstrap import Places
from tests.access.oauth_steps import (
    BACK,
    CHALLENGE,
    OWNER,
    PASSWORD,
    answered,
    asking,
    code_for,
    decided,
    exchanged,
    opens,
    page_of,
    registered,
)
from tests.access.serving import reached
from tests.app.world import settings_for
from tests.http.serving import HERE, OFTEN


async def test_a_replayed_code_is_refused_and_ends_what_it_was_exchanged_for(client):
    application = await registered(client)
    code = await code_for(client, application)
    tokens = (await exchanged(client, application, code)).json()
    assert await opens(client, tokens)

    replayed = await exchanged(client, application, code)

    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_grant")
    assert not await opens(client, tokens)


async def test_a_replayed_refresh_token_ends_the_session(client):
    application = await registered(client)
    tokens = (await exchanged(client, application, await code_for(client, application))).json()
    again = {
        "grant_type": "refresh_token",
        "client_id": application["client_id"],
        "refresh_token": tokens["refresh_token"],
    }
    fresh = (await client.post("/token", data=again)).json()

    replayed = await client.post("/token", data=again)

    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_grant")
    assert not await opens(client, fresh)
    assert not await opens(client, tokens)


async def test_a_code_with_anything_wrong_beside_it_gives_no_tokens(client):
    application = await registered(client)
    code = await code_for(client, application)
    for change, error in (
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": CHALLENGE}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": f"{BACK}/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"code": "boc_guess"}, "invalid_grant"),
        ({"client_id": "nobody"}, "invalid_client"),
    ):
        refused = await exchanged(client, application, **{"code": code, **change})

        assert refused.status_code in (400, 401), change
        assert refused.json()["error"] == error, change
    assert (await exchanged(client, application, code)).status_code == 200


async def test_a_code_and_a_refresh_token_are_their_clients_alone(client):
    mine, thief = await registered(client), await registered(client, client_name="Thief")
    code = await code_for(client, mine)
    stolen = await exchanged(client, thief, code)
    assert stolen.json()["error"] == "invalid_grant"

    tokens = (await exchanged(client, mine, code)).json()
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    for who in (thief["client_id"], "nobody"):
        assert (await client.post("/token", data={**again, "client_id": who})).is_error
    elsewhere = {"refresh_token": tokens["refresh_token"]}
    assert (await client.post("/api/auth/refresh", json=elsewhere)).status_code == 401

    assert await opens(client, tokens)


async def test_a_client_with_a_secret_has_to_show_it_and_it_is_kept_nowhere(
    client, granting, tmp_path
):
    application = await registered(client, token_endpoint_auth_method="client_secret_post")
    code = await code_for(client, application)

    for wrong in ({}, {"client_secret": ""}, {"client_secret": "0" * 64}):
        refused = await exchanged(client, application, code, **wrong)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")

    secret = application["client_secret"]
    assert (await exchanged(client, application, code, client_secret=secret)).status_code == 200
    for file in Places(settings_for(tmp_path).home).database.parent.iterdir():
        assert secret.encode() not in file.read_bytes(), file


async def test_a_code_expires_after_a_minute_and_a_request_after_ten(client, granting):
    application = await registered(client)
    code = await code_for(client, application)
    granting.app.wall.pass_time(timedelta(minutes=1))
    assert (await exchanged(client, application, code)).json()["error"] == "invalid_grant"

    request, _ = await page_of(client, application)
    granting.app.wall.pass_time(timedelta(minutes=10))
    assert (await decided(client, request)).status_code == 404


NO_PLACES = (
    "http://evil.example/callback",
    "http://127.0.0.1.evil.example/",
    "http://localhost@evil.example/",
    "https://user:pass@evil.example/",
    "https://evil.example/#fragment",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "//evil.example/",
    "blob:https://evil.example/x",
)


async def test_a_client_with_an_address_that_no_code_may_go_to_is_not_registered(client):
    for address in NO_PLACES:
        refused = await client.post(
            "/register",
            json={"redirect_uris": [BACK, address], "token_endpoint_auth_method": "none"},
        )

        assert refused.status_code == 400, address
        assert refused.json()["error"] in ("invalid_redirect_uri", "invalid_client_metadata")


async def test_nobody_is_sent_to_an_address_that_was_not_registered(client):
    application = await registered(client)
    for address in (
        "https://evil.example/",
        "https://claude.ai.evil.example/api/mcp/auth_callback",
        f"{BACK}/../../evil",
        f"{BACK}?next=https://evil.example",
        f"{BACK}%00",
        BACK.replace("https", "http"),
        BACK.upper(),
    ):
        answer = await client.get("/authorize", params=asking(application, redirect_uri=address))

        assert answer.status_code == 400, address
        assert "location" not in answer.headers


async def test_a_wish_that_is_wrong_goes_back_to_the_client_without_a_page(client):
    application = await registered(client)
    for change, error in (
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "read admin"}, "invalid_scope"),
        ({"resource": "https://other.example/mcp"}, "invalid_target"),
        ({"resource": f"{HERE}.evil.example/mcp"}, "invalid_target"),
    ):
        answer = await client.get("/authorize", params=asking(application, **change))

        assert answer.status_code == 302, change
        said = parse_qs(urlsplit(answer.headers["location"]).query)
        assert answer.headers["location"].startswith(BACK)
        assert said["error"] == [error], change
        assert said["state"] == ["opaque state"]


async def test_whoever_does_not_know_the_password_allows_nothing(client):
    application = await registered(client)
    request, _ = await page_of(client, application)

    for wrong in ({"password": "wrong " + PASSWORD}, {"password": ""}, {"name": "nobody"}):
        answer = await decided(client, request, **wrong)
        assert answer.status_code == 401
        assert "Name or password is wrong." in answer.text
        assert PASSWORD not in answer.text

    assert "code" in answered(await decided(client, request))
    assert (await decided(client, request)).status_code == 404


async def test_nobody_allows_more_than_was_asked_for_or_nothing_at_all(client):
    application = await registered(client)
    request, _ = await page_of(client, application, scope="read")

    for scopes in (["read", "spend"], [], ["admin"], ["read read"]):
        assert (await decided(client, request, scopes=scopes)).status_code in (400, 403)

    assert "code" in answered(await decided(client, request, scopes=["read"]))


async def test_an_account_that_is_disabled_meanwhile_gets_no_tokens(client, granting):
    application = await registered(client)
    code = await code_for(client, application)
    await disable_account(granting.app, OWNER, "ann")

    assert (await exchanged(client, application, code)).json()["error"] == "invalid_grant"


async def test_what_a_client_calls_itself_is_shown_as_text_and_runs_nowhere(client):
    name = "<script>alert(1)</script><img src=x onerror=alert(1)>{__class__}\"'"
    application = await registered(client, client_name=name)

    _, page = await page_of(client, application)
    odd = await client.get("/oauth/consent", params={"request": '"><script>alert(1)</script>'})

    assert html.escape(name, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in (
        page.text
    )
    for shown in (page, odd):
        assert "<script" not in shown.text
        assert "<img" not in shown.text
        policy = shown.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert shown.headers["x-frame-options"] == "DENY"
    style = re.search(r"<style>(.*?)</style>", page.text)[1]
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{hashed}'" in page.headers["content-security-policy"]


async def test_passwords_are_tried_few_times_on_the_page_and_clients_registered_few(granting):
    async with reached(granting, OFTEN | {"login": "5/minute"}) as at, at() as client:
        application = await registered(client)
        request, _ = await page_of(client, application)
        tries = [
            (await decided(client, request, password=f"guess number {number}")).status_code
            for number in range(6)
        ]
        refused = await client.post("/register", json={"redirect_uris": [BACK]})

    assert tries == [401] * 4 + [429] * 2
    assert refused.status_code == 429


async def test_clients_that_nobody_allows_anything_are_forgotten_and_used_ones_are_not(
    client, granting, tmp_path
):
    used = await registered(client)
    await exchanged(client, used, await code_for(client, used))
    await registered(client, client_name="Never used")
    granting.app.wall.pass_time(timedelta(days=2))
    newest = await registered(client, client_name="New")

    with closing(sqlite3.connect(Places(settings_for(tmp_path).home).database)) as connection:
        left = {row[0] for row in connection.execute("SELECT client_id FROM oauth_clients")}
    assert left == {used["client_id"], newest["client_id"]}


RUBBISH = (b"", b"{", b"[]", b"\xff\xfe\x00", b"a=%00&a=%ff", b"x" * 5_000)
KINDS = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")


async def test_rubbish_is_refused_without_a_fault(client):
    for path in ("/register", "/token", "/revoke", "/authorize", "/oauth/consent"):
        for body in RUBBISH:
            for kind in KINDS:
                answer = await client.post(path, content=body, headers={"Content-Type": kind})
                assert 400 <= answer.status_code < 500, (path, body, kind, answer.text)
                assert "Traceback" not in answer.text
