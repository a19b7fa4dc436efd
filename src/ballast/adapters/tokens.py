"""Access tokens: JSON Web Tokens that only this data directory can make and read, by PyJWT."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from ballast.core.access import scopes_of
from ballast.core.sign_in import AccessClaims
from ballast.errors import BallastError, ErrorCode

_ALGORITHM: Final = "HS256"
_TYPE: Final = "at+jwt"  # RFC 9068, 2.1: no other kind of token passes for one of these
_REQUIRED: Final = ["iss", "aud", "sub", "sid", "scope", "iat", "exp"]
# Against the machine's clock, which the caller reads: PyJWT would read it by itself.
_OPTIONS: Final[Any] = {
    "require": _REQUIRED,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


class JwtTokens:
    """Fulfils the port `AccessTokens`.

    One party makes and reads them, so the key is a symmetric one; and one algorithm is taken,
    whatever a token says of itself (RFC 8725, 3.1).

    Args:
        key: gives 32 bytes, derived from the master key; asked when the first token is.
        issuer: who makes them; also the only one they are made for.
    """

    def __init__(self, key: Callable[[], bytes], issuer: str) -> None:
        self._derive = key
        self._issuer = issuer

    @cached_property
    def _key(self) -> bytes:
        return self._derive()

    def issue(self, claims: AccessClaims, now: datetime) -> str:
        """The text of a token."""
        import jwt

        payload = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": claims.owner_id,
            "sid": claims.session_id,
            "scope": " ".join(claims.scopes),
            "iat": int(now.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
        }
        return jwt.encode(payload, self._key, algorithm=_ALGORITHM, headers={"typ": _TYPE})

    def read(self, text: str) -> AccessClaims:
        """What a token says, if it is one of ours; whether it has expired is for the caller.

        Raises:
            BallastError: `unauthenticated`.
        """
        import jwt

        try:
            found = jwt.decode_complete(
                text,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=self._issuer,
                audience=self._issuer,
                options=_OPTIONS,
            )
            if found["header"].get("typ") != _TYPE:
                raise _not_ours()
            return _claims(found["payload"])
        except (jwt.PyJWTError, BallastError, ValueError, TypeError, OverflowError):
            raise _not_ours() from None


def _claims(payload: dict[str, Any]) -> AccessClaims:
    return AccessClaims(
        owner_id=payload["sub"],
        session_id=payload["sid"],
        scopes=scopes_of(payload["scope"].split()),
        expires_at=datetime.fromtimestamp(payload["exp"], UTC),
    )


def _not_ours() -> BallastError:
    return BallastError(ErrorCode.UNAUTHENTICATED, "This credential is not known here.")
