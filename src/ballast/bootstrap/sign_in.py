"""What signing in takes, joined."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.app.app import SignIn
    from ballast.app.ports import Clock, ProviderTokens, Vault

DEFAULT_URL: Final = "http://127.0.0.1:8790"
"""Where `ballast serve` is reached when nothing else is said."""


def opened_sign_in(settings: Settings, vault: Vault, wall: Clock, stack: AsyncExitStack) -> SignIn:
    """Everything that signing in takes. Nothing heavy is imported, and nobody is asked."""
    from ballast.adapters.ethereum import WalletSignatures
    from ballast.adapters.passwords import Argon2Passwords
    from ballast.adapters.tokens import JwtTokens
    from ballast.app.app import SignIn

    url = settings.http_url or DEFAULT_URL
    key = partial(vault.derive_key, f"access tokens {settings.mode}")
    return SignIn(
        passwords=Argon2Passwords(),
        tokens=JwtTokens(key, url),
        wallets=WalletSignatures(),
        public_url=url,
        open_to_all=settings.registration == "open",
        grants=settings.oauth == "embedded",
        provider=_provider(settings.oauth_issuer, url, wall, stack),
    )


def _provider(
    issuer: str | None, url: str, wall: Clock, stack: AsyncExitStack
) -> ProviderTokens | None:
    if issuer is None:
        return None
    from ballast.adapters.http import HttpClient
    from ballast.adapters.provider_tokens import IssuerTokens

    provider = IssuerTokens(
        issuer, (url, f"{url}/mcp"), wall, partial(HttpClient, name="the sign-in provider")
    )
    stack.push_async_callback(provider.close)
    return provider
