"""Callers whose tokens an external provider has made, for an account that is linked with them."""

from __future__ import annotations

from ballast.app.app import App
from ballast.app.operation import Caller
from ballast.app.ports import ProviderTokens
from ballast.errors import BallastError, ErrorCode


async def by_provider(app: App, provider: ProviderTokens, credential: str, face: str) -> Caller:
    """The caller that a provider's token stands for.

    Raises:
        BallastError: `unauthenticated` when it is not the provider's, not for this server, not
            good at this time, or of somebody who has no account here; `provider_unavailable`.
    """
    claims = await provider.read(credential)
    now = app.wall.now()
    if now >= claims.expires_at or (claims.not_before and now < claims.not_before):
        raise BallastError(ErrorCode.UNAUTHENTICATED, "This token has expired, or is not good yet.")
    async with app.store.read() as reader:
        identity = await reader.find_identity(provider.issuer, claims.subject)
        account = await reader.get_account(identity.account_id) if identity else None
    if account is None or account.disabled_at is not None:
        raise BallastError(
            ErrorCode.UNAUTHENTICATED,
            "No account here is linked with this sign-in.",
            subject=claims.subject[:200],
        )
    return Caller(account.owner_id, face, frozenset(claims.scopes), account.account_id)
