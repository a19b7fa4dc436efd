"""Who may call over HTTP: the seam between the application and whatever knows credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from ballast.app.access.admission import admit
from ballast.app.app import App
from ballast.app.operation import Caller

RESOURCE_METADATA: Final = "/.well-known/oauth-protected-resource/mcp"


class Doorkeeper(Protocol):
    """Tells who is calling by the credential a request carries."""

    @property
    def challenge(self) -> str:
        """What a refused request is told in `WWW-Authenticate` (RFC 9110, 11.6.1)."""
        ...

    async def admit(self, headers: Mapping[str, str], address: str) -> Caller:
        """The caller of a request. Scopes are checked later, by the operation called.

        Args:
            headers: of the request; names in lower case.
            address: of the client, as far as it can be trusted; for logs and counts.

        Raises:
            BallastError: `unauthenticated` when there is no credential, or none that counts.
        """
        ...


class BearerDoor:
    """Admits whoever sends a credential of this Ballast as a bearer token (RFC 6750, 2.1)."""

    def __init__(self, app: App) -> None:
        self._app = app

    @property
    def challenge(self) -> str:
        """Where an MCP client finds out who gives tokens, if anybody does (RFC 9728, 5.1)."""
        plain = 'Bearer realm="ballast"'
        if not self._app.sign_in.grants and self._app.sign_in.provider is None:
            return plain
        return f'{plain}, resource_metadata="{self._app.sign_in.public_url}{RESOURCE_METADATA}"'

    async def admit(self, headers: Mapping[str, str], address: str) -> Caller:
        """The caller whose credential it is.

        Raises:
            BallastError: `unauthenticated`.
        """
        return await admit(self._app, _bearer(headers.get("authorization", "")), "http")


def _bearer(header: str) -> str | None:
    scheme, _, credential = header.partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else None
