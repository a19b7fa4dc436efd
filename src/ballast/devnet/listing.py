"""Which assets are listed: those the market prices, but for ids that have moved or been dropped.

A moved id is a new id for the same asset, as when BNB went from `nep245:v2_1.omni.hot.tg:56_...`
to `nep141:bnb.omdep.near` (1Click changelog of 2026-11-09). Balances stay under the old id.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ballast.devnet.errors import Refusal
from ballast.devnet.market import Market
from ballast.devnet.payload import is_token_id
from ballast.devnet.store import Store
from ballast.devnet.tokens import TOKENS, Token


@dataclass(frozen=True, slots=True)
class Listing:
    """The list of one devnet, kept in its file. Changes are made inside `store.write()`."""

    store: Store
    market: Market

    def tokens(self) -> list[Token]:
        """The listed assets."""
        left = self._left()
        return [
            _at(token, left.get(token.asset_id) or token.asset_id)
            for token in TOKENS.values()
            if self.market.lists(token.coin) and left.get(token.asset_id, "") is not None
        ]

    def token(self, asset_id: str) -> Token | None:
        """A listed asset by id."""
        found = self.known(asset_id)
        if found is None or not self.market.lists(found.coin) or asset_id in self._left():
            return None
        return found

    def known(self, asset_id: str) -> Token | None:
        """An asset by an id that is listed, or once was."""
        if asset_id in TOKENS:
            return TOKENS[asset_id]
        row = self.store.one("SELECT asset_id FROM listing WHERE moved_to = ?", asset_id)
        return _at(TOKENS[row["asset_id"]], asset_id) if row else None

    def move(self, asset_id: str, new_id: str) -> None:
        """List an asset under a new id instead of its present one.

        Raises:
            Refusal: 400, if the asset is not listed, or the new id is taken or is none.
        """
        self._require_listed(asset_id)
        if self.known(new_id) is not None or not is_token_id(new_id):
            raise Refusal(400, f"{new_id} cannot be a new asset id")
        self.store.run("INSERT INTO listing VALUES (?, ?)", asset_id, new_id)

    def drop(self, asset_id: str) -> None:
        """List an asset no more.

        Raises:
            Refusal: 400, if it is not listed.
        """
        self._require_listed(asset_id)
        self.store.run("INSERT INTO listing VALUES (?, NULL)", asset_id)

    def restore(self, asset_id: str) -> None:
        """List an asset under its first id again."""
        self.store.run("DELETE FROM listing WHERE asset_id = ?", asset_id)

    def left(self) -> dict[str, str | None]:
        """What has left the list: old id -> new id, or None for a dropped one."""
        return self._left()

    def _require_listed(self, asset_id: str) -> None:
        if asset_id not in TOKENS or self.token(asset_id) is None:
            raise Refusal(400, f"{asset_id} is not on the list under its first id")

    def _left(self) -> dict[str, str | None]:
        rows = self.store.all("SELECT asset_id, moved_to FROM listing")
        return {row["asset_id"]: row["moved_to"] for row in rows}


def _at(token: Token, asset_id: str) -> Token:
    return token if token.asset_id == asset_id else replace(token, asset_id=asset_id)
