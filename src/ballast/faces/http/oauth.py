"""The authorization server's HTTP side: the MCP SDK reads the protocol, `app/access/oauth.py` acts.

Off unless BALLAST_OAUTH says `embedded`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    AuthorizeError,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    RegistrationError,
    TokenError,
)
from mcp.server.auth.routes import create_auth_routes, create_protected_resource_routes
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl, AnyUrl
from starlette.routing import Route

from ballast.app.access import oauth
from ballast.app.access.redirects import takes_codes
from ballast.app.access.secrets import hash_of
from ballast.app.access.sessions import Tokens, log_out, refresh
from ballast.core.access import ALL_SCOPES, scopes_of
from ballast.core.oauth import MAX_REDIRECTS, Authorization
from ballast.core.sign_in import AccessClaims
from ballast.errors import BallastError

if TYPE_CHECKING:
    from ballast.app.app import App

MCP_PATH: Final = "/mcp"
CONSENT_PATH: Final = "/oauth/consent"
REGISTRATION_PATH: Final = "/register"
MAX_INFORMATION: Final = 8_000
"""Characters of what a client says of itself."""


class Code(AuthorizationCode):
    """A code, with the authorization it is for."""

    authorization: Authorization


class Refreshing(RefreshToken):
    """A refresh token, with the session it belongs to."""

    session_id: str


class Access(AccessToken):
    """An access token, with the session it belongs to."""

    session_id: str


class Provider(OAuthAuthorizationServerProvider[Code, Refreshing, Access]):
    """What the SDK's handlers ask. Refusals leave in the protocol's words."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        """A client that has registered, with its secret if it has one."""
        found = await oauth.find_client(self._app, client_id)
        if found is None:
            return None
        known = OAuthClientInformationFull.model_validate_json(found.information)
        return self._with_secret(known)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Remember a client. Its secret is replaced by one that need not be kept; the answer is
        made from the same object.

        Raises:
            RegistrationError: for an address that no code may be sent to.
        """
        addresses = [str(one) for one in client_info.redirect_uris or ()]
        if len(addresses) > MAX_REDIRECTS or not all(takes_codes(one) for one in addresses):
            raise RegistrationError(
                "invalid_redirect_uri",
                f"Redirect URIs are at most {MAX_REDIRECTS}, over https or to this machine.",
            )
        client_info.client_secret = self._with_secret(client_info).client_secret
        kept = client_info.model_copy(update={"client_secret": None})
        text = kept.model_dump_json(exclude_none=True)
        if len(text) > MAX_INFORMATION:
            raise RegistrationError("invalid_client_metadata", "This is too much about a client.")
        await oauth.register_client(self._app, client_info.client_id, text)

    def _with_secret(self, client: OAuthClientInformationFull) -> OAuthClientInformationFull:
        if client.token_endpoint_auth_method == "none":  # noqa: S105 (no password)
            return client
        secret = oauth.secret_of_client(self._app, client.client_id)
        return client.model_copy(update={"client_secret": secret})

    async def authorize(
        self, client: OAuthClientInformationFull, params: AuthorizationParams
    ) -> str:
        """The page on which a person decides.

        Raises:
            AuthorizeError: when the token would be for another server (RFC 8707).
        """
        url = self._app.sign_in.public_url
        if params.resource is not None and params.resource.rstrip("/") not in (
            url,
            f"{url}{MCP_PATH}",
        ):
            raise AuthorizeError("invalid_target", "Tokens of this server are for itself alone.")
        words = params.scopes or (client.scope or " ".join(ALL_SCOPES)).split()
        name = await oauth.ask(
            self._app,
            oauth.Wish(
                client_id=client.client_id,
                redirect_uri=str(params.redirect_uri),
                redirect_given=params.redirect_uri_provided_explicitly,
                state=params.state,
                code_challenge=params.code_challenge,
                scopes=scopes_of(words),
            ),
        )
        return f"{url}{CONSENT_PATH}?{urlencode({'request': name})}"

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> Code | None:
        """What a code of this client is for."""
        found = await oauth.find_code(self._app, client.client_id, authorization_code)
        if found is None:
            return None
        return Code(
            code=authorization_code,
            scopes=list(found.scopes),
            expires_at=found.expires_at.timestamp(),
            client_id=found.client_id,
            code_challenge=found.code_challenge,
            redirect_uri=AnyUrl(found.redirect_uri),
            redirect_uri_provided_explicitly=found.redirect_given,
            authorization=found,
        )

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: Code
    ) -> OAuthToken:
        """Tokens for a code.

        Raises:
            TokenError: when it is not good any more.
        """
        try:
            return self._told(await oauth.exchange(self._app, authorization_code.authorization))
        except BallastError as refusal:
            raise TokenError("invalid_grant", refusal.message) from None

    async def load_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: str
    ) -> Refreshing | None:
        """A refresh token of this client, used or not: a second use has to be noticed."""
        async with self._app.store.read() as reader:
            token = await reader.find_refresh_token(hash_of(refresh_token))
            session = await reader.get_session(token.session_id) if token else None
        if session is None or session.client_id != client.client_id:
            return None
        return Refreshing(
            token=refresh_token,
            client_id=client.client_id,
            scopes=list(session.scopes),
            session_id=session.session_id,
        )

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: Refreshing, scopes: list[str]
    ) -> OAuthToken:
        """Fresh tokens for a refresh token.

        Raises:
            TokenError: when it was used before, or its session has ended.
        """
        try:
            wanted = scopes_of(scopes)
            tokens = await refresh(self._app, refresh_token.token, wanted, client.client_id)
        except BallastError as refusal:
            raise TokenError("invalid_grant", refusal.message) from None
        return self._told(tokens)

    async def load_access_token(self, token: str) -> Access | None:
        """An access token, to be revoked."""
        try:
            claims: AccessClaims = self._app.sign_in.tokens.read(token)
        except BallastError:
            return None
        async with self._app.store.read_once() as reader:
            session = await reader.get_session(claims.session_id)
        if session is None or session.client_id is None:
            return None
        return Access(
            token=token,
            client_id=session.client_id,
            scopes=list(claims.scopes),
            session_id=session.session_id,
        )

    async def revoke_token(self, token: Access | Refreshing) -> None:
        """End the session that a token belongs to."""
        await log_out(self._app, token.session_id)

    def _told(self, tokens: Tokens) -> OAuthToken:
        left = tokens.access_expires_at - self._app.wall.now()
        return OAuthToken(
            access_token=tokens.access_token,
            token_type="Bearer",  # noqa: S106 (no password)
            expires_in=max(0, int(left.total_seconds())),
            scope=" ".join(tokens.scopes),
            refresh_token=tokens.refresh_token,
        )


def authorization_routes(app: App) -> list[Route]:
    """The endpoints of the authorization server, and what MCP clients find it by."""
    url = AnyHttpUrl(app.sign_in.public_url)
    words = [scope.value for scope in ALL_SCOPES]
    return [
        *create_auth_routes(
            Provider(app),
            url,
            client_registration_options=ClientRegistrationOptions(
                enabled=True, valid_scopes=words, default_scopes=words
            ),
            revocation_options=RevocationOptions(enabled=True),
        ),
        *resource_routes(app, app.sign_in.public_url),
    ]


def resource_routes(app: App, issuer: str) -> list[Route]:
    """Where MCP clients find out who gives tokens for this server (RFC 9728)."""
    return create_protected_resource_routes(
        AnyHttpUrl(f"{app.sign_in.public_url}{MCP_PATH}"),
        [AnyHttpUrl(issuer)],
        [scope.value for scope in ALL_SCOPES],
        resource_name="Ballast",
    )


def client_name(information: str) -> str:
    """What a client calls itself; its words, not ours."""
    return str(json.loads(information).get("client_name") or "An application without a name")
