"""Tokens that an external provider makes: whose they are, and everything that is not its own."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from ballast.adapters.http import HttpClient
from ballast.adapters.provider_tokens import IssuerTokens
from ballast.app.access.accounts import create_account, disable_account, link
from ballast.app.access.admission import admit
from ballast.app.access.api_keys import create_api_key
from ballast.app.operation import Caller
from ballast.core.access import Scope
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError, ErrorCode
from tests.access.serving import reached
from tests.app.world import QUICK

ISSUER = "https://login.example/realm"
OURS = "http://127.0.0.1:8790"
OWNER = Caller(face="cli")
FIRST, SECOND, ELLIPTIC = (
    new_rsa_key(65537, 2048),
    new_rsa_key(65537, 2048),
    new_ec_key(SECP256R1()),
)


def published(key, kid):
    algorithm = "ES256" if key is ELLIPTIC else "RS256"
    maker = jwt.algorithms.get_default_algorithms()[algorithm]
    return json.loads(maker.to_jwk(key.public_key())) | {"kid": kid, "alg": algorithm}


class Provider:
    """An issuer's server. `asked` is every path that was asked for."""

    def __init__(self):
        self.keys = [published(FIRST, "first")]
        self.says = {"issuer": ISSUER, "jwks_uri": "https://keys.login.example/jwks"}
        self.asked = []
        self.down = False
        self.app = Starlette(routes=[Route("/{path:path}", self._answer)])

    async def _answer(self, request):
        self.asked.append(request.url.path)
        if self.down:
            return JSONResponse({}, status_code=503)
        if request.url.path == "/jwks":
            return JSONResponse({"keys": self.keys})
        if request.url.path == "/realm/.well-known/openid-configuration":
            return JSONResponse(self.says)
        return JSONResponse({}, status_code=404)

    def client(self, url):
        return HttpClient(url, name="the sign-in provider", app=self.app, limits=QUICK)


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
async def world(world, provider):
    tokens = IssuerTokens(ISSUER, (OURS, f"{OURS}/mcp"), world.app.wall, provider.client)
    world.app.sign_in = replace(world.app.sign_in, provider=tokens)
    await create_account(world.app, OWNER, "me", None, mine=True)
    await link(world.app, OWNER, "me", ISSUER, "person-1")
    yield world
    await tokens.close()


def token(world, key=FIRST, kid="first", algorithm="RS256", **more):
    now = world.app.wall.now()
    payload = {
        "iss": ISSUER,
        "aud": f"{OURS}/mcp",
        "sub": "person-1",
        "scope": "openid read write",
        "exp": int((now + timedelta(minutes=5)).timestamp()),
        **more,
    }
    kept = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(kept, key, algorithm, {"kid": kid} if kid else None)


def by_hand(world, secret):
    """HS256 under what is no secret; PyJWT would not sign so."""
    body = token(world).split(".")[1]
    head = json.dumps({"alg": "HS256", "typ": "JWT", "kid": "first"}).encode()
    signed = f"{base64.urlsafe_b64encode(head).decode().rstrip('=')}.{body}"
    mark = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256"))
    return f"{signed}.{mark.decode().rstrip('=')}"


async def refused(world, text, code=ErrorCode.UNAUTHENTICATED):
    with pytest.raises(BallastError) as caught:
        await admit(world.app, text, "mcp")
    assert caught.value.code is code
    return caught.value


async def test_whoever_the_provider_knows_is_the_owner_of_the_linked_account(world):
    caller = await admit(world.app, token(world), "mcp")

    assert (caller.owner_id, caller.scopes) == (LOCAL_OWNER, {Scope.READ, Scope.WRITE})
    assert caller.credential_id.startswith("acc_")
    as_list = token(world, scope=None, scp=["spend"], aud=["https://other.example", OURS])
    assert (await admit(world.app, as_list, "mcp")).scopes == {Scope.SPEND}


async def test_somebody_the_provider_knows_and_nobody_here_is_told_how_they_are_called(world):
    refusal = await refused(world, token(world, sub="person-2"))

    assert "linked" in refusal.message
    assert refusal.details["subject"] == "person-2"


async def test_a_disabled_account_is_not_opened(world):
    await disable_account(world.app, OWNER, "me")

    await refused(world, token(world))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_a_token_that_is_not_the_providers_or_not_for_us_opens_nothing(world, provider):
    public = FIRST.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    published_text = json.dumps(published(FIRST, "first")).encode()
    provider.keys.append(
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0LXRoYXQtZXZlcnlib2R5LWtub3dz"}
    )
    provider.keys.append(published(ELLIPTIC, "elliptic") | {"alg": "RS256"})
    past = int((world.app.wall.now() - timedelta(seconds=1)).timestamp())
    soon = int((world.app.wall.now() + timedelta(seconds=60)).timestamp())
    good = token(world)
    head, body, signature = good.split(".")
    forged = {
        "another issuer": token(world, iss="https://evil.example"),
        "another audience": token(world, aud="https://other.example/mcp"),
        "an audience that begins like ours": token(world, aud=f"{OURS}.evil.example"),
        "no audience": token(world, aud=None),
        "no subject": token(world, sub=None),
        "no end": token(world, exp=None),
        "expired": token(world, exp=past),
        "not yet": token(world, nbf=soon),
        "another key": token(world, key=SECOND),
        "a key that is not known": token(world, key=SECOND, kid="second"),
        "no key named": token(world, kid=None),
        "HS256 with the public key": by_hand(world, public),
        "HS256 with the published key": by_hand(world, published_text),
        "a shared key": token(world, b"secret-that-everybody-knows", "shared", "HS256"),
        "another algorithm of the key": token(world, algorithm="PS256"),
        "an algorithm that is not the key's": token(world, ELLIPTIC, "elliptic", "ES256"),
        "unsigned": jwt.encode({"iss": ISSUER}, None, "none", {"kid": "first"}),
        "no signature": f"{head}.{body}.",
        "tampered": f"{head}.{body[:-4]}AAAA.{signature}",
        "rubbish": "a.b.c",
    }
    for name, text in forged.items():
        refusal = await refused(world, text)
        assert refusal.code is ErrorCode.UNAUTHENTICATED, name
    await admit(world.app, good, "mcp")


async def test_keys_are_fetched_once_and_anew_when_they_change_but_not_by_every_guess(
    world, provider
):
    for _ in range(3):
        await admit(world.app, token(world), "mcp")
    assert provider.asked == ["/realm/.well-known/openid-configuration", "/jwks"]
    for number in range(5):
        await refused(world, token(world, SECOND, f"guess {number}"))
    assert len(provider.asked) == 2

    provider.keys = [published(SECOND, "second"), published(ELLIPTIC, "elliptic")]
    world.app.wall.pass_time(timedelta(minutes=1))
    await admit(world.app, token(world, SECOND, "second"), "mcp")
    await admit(world.app, token(world, ELLIPTIC, "elliptic", "ES256"), "mcp")
    assert len(provider.asked) == 4
    await refused(world, token(world))

    provider.keys = []
    world.app.wall.pass_time(timedelta(hours=1))
    await refused(world, token(world, SECOND, "second"))


async def test_metadata_of_another_issuer_is_not_believed(world, provider):
    provider.says["issuer"] = "https://evil.example"

    await refused(world, token(world), ErrorCode.PROVIDER_UNAVAILABLE)


async def test_a_provider_that_is_down_keeps_nobody_out_who_has_a_key(world, provider):
    provider.down = True
    key = await create_api_key(world.app, OWNER, "GPT", [Scope.READ])

    refusal = await refused(world, token(world), ErrorCode.PROVIDER_UNAVAILABLE)

    assert refusal.spec.retryable
    assert (await admit(world.app, key.text, "rest")).owner_id == LOCAL_OWNER


async def test_clients_are_told_of_the_provider_and_there_is_no_page_of_ours(world):
    async with reached(world) as at, at() as client:
        refused_call = await client.get("/api/indexes")
        told = (await client.get("/.well-known/oauth-protected-resource/mcp")).json()
        page = await client.get("/authorize")

    assert "resource_metadata=" in refused_call.headers["www-authenticate"]
    assert told["authorization_servers"] == [ISSUER]
    assert page.status_code == 404
