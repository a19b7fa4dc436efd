"""Access tokens of an external provider: its keys fetched by our HTTP client, read by PyJWT.

Metadata: OpenID Connect Discovery 1.0 or RFC 8414. Tokens: RFC 9068, and RFC 8725 for what to
distrust: the algorithm is the key's own and never a symmetric one, issuer and audience are known
beforehand, and no address in a token is ever asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ballast.adapters.http import HttpClient, NoAnswerError
from ballast.app.ports import Clock
from ballast.core.access import ALL_SCOPES
from ballast.core.sign_in import ProviderClaims
from ballast.errors import BallastError, ErrorCode

if TYPE_CHECKING:
    from jwt import PyJWK

# Keys are asked for anew when a token names one that is not known, but not more often than this;
# and when they are as old as the other, so that one that was taken back is believed no longer.
_LEAST_AGE: Final = timedelta(minutes=1)
_GREATEST_AGE: Final = timedelta(hours=1)
_ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
_PLACES: Final = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
_OPTIONS: Final[Any] = {
    "require": ["iss", "aud", "sub", "exp"],
    # Against the machine's clock, which the caller reads: PyJWT would read it by itself.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}

Open = Callable[[str], HttpClient]
"""A client of the server at an address."""


class IssuerTokens:
    """Fulfils the port `ProviderTokens` for one issuer.

    Args:
        issuer: its identifier, an https address without a slash at its end.
        audiences: what a token has to be made for.
        wall: the machine's clock.
        open_client: makes the client of an address; it is closed by `close`.
    """

    def __init__(
        self, issuer: str, audiences: tuple[str, ...], wall: Clock, open_client: Open
    ) -> None:
        self._issuer = issuer
        self._audiences = audiences
        self._wall = wall
        self._open_client = open_client
        self._clients: dict[str, HttpClient] = {}
        self._keys: Mapping[str, PyJWK] = {}
        self._fetched_at = datetime.min.replace(tzinfo=UTC)
        self._fetching = asyncio.Lock()

    @property
    def issuer(self) -> str:
        """Who makes the tokens."""
        return self._issuer

    async def read(self, text: str) -> ProviderClaims:
        """What a token says, if this issuer made it for us; times are for the caller.

        Raises:
            BallastError: `unauthenticated`; `provider_unavailable` when its keys cannot be had.
        """
        import jwt

        try:
            kid = jwt.get_unverified_header(text).get("kid")
            key = await self._key(kid if isinstance(kid, str) else "")
            payload = jwt.decode(
                text,
                key.key,
                algorithms=[key.algorithm_name],
                issuer=self._issuer,
                audience=self._audiences,
                options=_OPTIONS,
            )
            return _claims(payload)
        except (jwt.PyJWTError, LookupError, ValueError, TypeError, OverflowError):
            raise BallastError(
                ErrorCode.UNAUTHENTICATED, "This credential is not known here."
            ) from None

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.close()

    async def _key(self, kid: str) -> PyJWK:
        async with self._fetching:
            age = self._wall.now() - self._fetched_at
            if age >= _GREATEST_AGE or (kid not in self._keys and age >= _LEAST_AGE):
                self._keys = await self._fetched()
                self._fetched_at = self._wall.now()
        return self._keys[kid]

    async def _fetched(self) -> dict[str, PyJWK]:
        import jwt

        told = await self._metadata()
        address = urlsplit(str(told.get("jwks_uri")))
        answer = await self._asked(f"{address.scheme}://{address.netloc}", address.path)
        keys = answer.get("keys")
        found = {}
        for one in keys if isinstance(keys, list) else ():
            # One that cannot be read is left out, as RFC 7517, 5 wants it.
            try:
                key = jwt.PyJWK.from_dict(one)
            except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
                continue
            if key.algorithm_name in _ALGORITHMS and key.key_id:
                found[key.key_id] = key
        return found

    async def _metadata(self) -> Mapping[str, Any]:
        base = urlsplit(self._issuer)
        for place in _PLACES:
            # OpenID's place stands behind the issuer's path, that of RFC 8414 before it.
            behind = place == _PLACES[0]
            path = f"{base.path}{place}" if behind else f"{place}{base.path}"
            told = await self._asked(f"{base.scheme}://{base.netloc}", path)
            # Another's metadata would bring another's keys (RFC 8414, 3.3).
            if str(told.get("issuer", "")).rstrip("/") == self._issuer:
                return told
        raise _unavailable("it does not say where its keys are")

    async def _asked(self, server: str, path: str) -> Mapping[str, Any]:
        if server not in self._clients:
            self._clients[server] = self._open_client(server)
        try:
            answer = await self._clients[server].get(path)
        except NoAnswerError as error:
            raise _unavailable(str(error.details.get("fault", ""))) from None
        return answer.json if answer.ok and isinstance(answer.json, dict) else {}


def _claims(payload: Mapping[str, Any]) -> ProviderClaims:
    begins = payload.get("nbf")
    return ProviderClaims(
        subject=str(payload["sub"]),
        scopes=tuple(scope for scope in ALL_SCOPES if scope in _scopes(payload)),
        not_before=datetime.fromtimestamp(begins, UTC) if begins is not None else None,
        expires_at=datetime.fromtimestamp(payload["exp"], UTC),
    )


def _scopes(payload: Mapping[str, Any]) -> list[str]:
    """`scope` with spaces (RFC 9068, 2.2.3), or `scp` as a list, which some providers write."""
    given = payload.get("scope", payload.get("scp", ""))
    return [str(one) for one in given] if isinstance(given, list) else str(given).split()


def _unavailable(fault: str) -> BallastError:
    return BallastError(
        ErrorCode.PROVIDER_UNAVAILABLE, "The sign-in provider gave no usable answer.", fault=fault
    )
