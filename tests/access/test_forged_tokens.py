"""Access tokens that somebody else made, or changed."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ballast.adapters.tokens import JwtTokens
from ballast.app.access.accounts import create_account
from ballast.app.access.admission import admit
from ballast.app.access.sessions import log_in
from ballast.app.operation import Caller
from ballast.core.access import ALL_SCOPES
from ballast.core.sign_in import AccessClaims
from ballast.errors import BallastError, ErrorCode

PASSWORD = "correct horse battery staple"
KEY = b"k" * 32
ISSUER = "https://ballast.example"
NOW = datetime(2027, 1, 15, tzinfo=UTC)
CLAIMS = AccessClaims("own_local", "ses_1", ALL_SCOPES, NOW + timedelta(minutes=10))
PAYLOAD = {
    "iss": ISSUER,
    "aud": ISSUER,
    "sub": "own_local",
    "sid": "ses_1",
    "scope": "read write spend",
    "iat": int(NOW.timestamp()),
    "exp": int((NOW + timedelta(minutes=10)).timestamp()),
}
TYPE = {"typ": "at+jwt"}


@pytest.fixture
def tokens():
    return JwtTokens(lambda: KEY, ISSUER)


def test_a_token_of_our_own_says_what_it_was_made_with(tokens):
    assert tokens.read(tokens.issue(CLAIMS, NOW)) == CLAIMS
    assert tokens.read(jwt.encode(PAYLOAD, KEY, "HS256", TYPE)) == CLAIMS


def unsigned(header):
    parts = (json.dumps(one).encode() for one in (header | TYPE, PAYLOAD))
    return ".".join(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in parts) + "."


def forged():
    """Name and text of each token."""
    ed25519, rsa = Ed25519PrivateKey.generate(), generate_private_key(65537, 2048)
    public = ed25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    good = jwt.encode(PAYLOAD, KEY, "HS256", TYPE)
    head, body, signature = good.split(".")
    swapped = base64.urlsafe_b64encode(json.dumps(PAYLOAD | {"sub": "own_other"}).encode()).decode()
    yield "no algorithm", unsigned({"alg": "none"})
    yield "no algorithm, in capitals", unsigned({"alg": "NONE"})
    yield "ours named, unsigned", unsigned({"alg": "HS256"})
    yield "another algorithm of the same key", jwt.encode(PAYLOAD, KEY * 2, "HS512", TYPE)
    yield "signed by EdDSA", jwt.encode(PAYLOAD, ed25519, "EdDSA", TYPE)
    yield "signed by RSA", jwt.encode(PAYLOAD, rsa, "RS256", TYPE)
    yield "a public key as our secret", jwt.encode(PAYLOAD, public, "HS256", TYPE)
    yield "another key", jwt.encode(PAYLOAD, b"x" * 32, "HS256", TYPE)
    yield "another owner put in", f"{head}.{swapped.rstrip('=')}.{signature}"
    yield "the signature left out", f"{head}.{body}."
    yield "a signature cut short", f"{head}.{body}.{signature[:-4]}"
    yield "another kind of token", jwt.encode(PAYLOAD, KEY, "HS256")
    yield (
        "a key to be fetched",
        jwt.encode(PAYLOAD, b"x" * 32, "HS256", TYPE | {"jku": "https://evil.example/keys"}),
    )
    yield "a critical extension", jwt.encode(PAYLOAD, KEY, "HS256", TYPE | {"crit": ["exp"]})
    for name, value in {
        "iss": "https://evil.example",
        "aud": "https://other.example",
        "sub": 7,
        "sid": None,
        "scope": "read admin",
        "exp": "tomorrow",
    }.items():
        yield (
            f"another {name}",
            jwt.encode(PAYLOAD | {name: value}, KEY, "HS256", TYPE)
            if (name not in {"sub", "exp"})
            else _raw(PAYLOAD | {name: value}),
        )
    for name in PAYLOAD:
        kept = {key: value for key, value in PAYLOAD.items() if key != name}
        yield f"no {name}", jwt.encode(kept, KEY, "HS256", TYPE)
    yield "an end beyond all time", _raw(PAYLOAD | {"exp": 10**20})
    yield "nothing", "..."
    yield "much", "a." * 5_000


def _raw(payload):
    """Signed as it is, without PyJWT's own checks of what goes in."""
    return jwt.api_jws.encode(json.dumps(payload).encode(), KEY, "HS256", TYPE)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_no_forged_or_changed_token_is_read(tokens):
    for name, text in forged():
        with pytest.raises(BallastError) as caught:
            pytest.fail(f"{name} was read: {tokens.read(text)}")
        assert caught.value.code is ErrorCode.UNAUTHENTICATED, name
        assert caught.value.message == "This credential is not known here.", name


async def test_a_token_of_our_own_with_another_owner_or_session_opens_nothing(world):
    app = world.app
    for name in ("ann", "bob"):
        await create_account(app, Caller(face="cli"), name, PASSWORD)
    ann, bob = [await log_in(app, name, PASSWORD, "rest") for name in ("ann", "bob")]
    claims = app.sign_in.tokens.read(ann.access_token)

    for changed in (
        replace(claims, owner_id=bob.session.owner_id),
        replace(claims, session_id=bob.session.session_id),
        replace(claims, session_id="ses_" + "0" * 26),
    ):
        with pytest.raises(BallastError) as caught:
            await admit(app, app.sign_in.tokens.issue(changed, app.wall.now()), "rest")
        assert caught.value.code is ErrorCode.UNAUTHENTICATED


async def test_tokens_of_one_master_key_or_mode_are_nothing_under_another(world):
    vault = world.app.vault
    keys = {vault.derive_key("access tokens paper"), vault.derive_key("access tokens live")}

    assert len(keys) == 2
    assert vault.derive_key("access tokens paper") in keys
