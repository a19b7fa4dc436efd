"""What all parts of the devnet share: its file, clock, market, books and seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ballast.devnet.books import Books
from ballast.devnet.clock import DomainClock
from ballast.devnet.listing import Listing
from ballast.devnet.market import Market
from ballast.devnet.seed import Draws
from ballast.devnet.store import Store
from ballast.devnet.tokens import Token

VERIFIER_ID: Final = "intents.near"


@dataclass(frozen=True, slots=True)
class Network:
    """One open devnet, without its HTTP face.

    `settle_seconds` are the shortest and the longest settlement in domain seconds;
    `api_keys` the partner keys, None for any.
    """

    store: Store
    clock: DomainClock
    market: Market
    listing: Listing
    draws: Draws
    books: Books
    market_name: str
    network_id: str
    start: datetime
    settle_seconds: tuple[float, float]
    api_keys: frozenset[str] | None

    def tokens(self) -> list[Token]:
        """The listed assets: those that the market prices."""
        return self.listing.tokens()

    def token(self, asset_id: str) -> Token | None:
        """A listed asset by id."""
        return self.listing.token(asset_id)

    def known_token(self, asset_id: str) -> Token:
        """An asset that a swap names, also when its id has left the list since."""
        token = self.listing.known(asset_id)
        assert token is not None, f"no swap can name {asset_id}"
        return token

    def current_salt(self) -> str:
        """The salt that new nonces should carry, 8 hex digits."""
        return str(self.store.one("SELECT salt FROM salts ORDER BY n DESC LIMIT 1")["salt"])

    def is_valid_salt(self, salt: str) -> bool:
        """Whether nonces with this salt are accepted: also earlier ones, until retired."""
        return bool(self.store.one("SELECT 1 FROM salts WHERE salt = ? AND valid", salt))
