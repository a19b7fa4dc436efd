"""Somebody else's wallet, on the devnet: it pays a deposit address on the asset's chain."""

from __future__ import annotations

from ballast.adapters.http import HttpClient
from ballast.adapters.near_intents.client import unreadable
from ballast.adapters.near_intents.refusals import refusal_text
from ballast.errors import BallastError, ErrorCode


class DevnetWallet:
    """Implements `ballast.app.ports.OutsideWallet` through the devnet's `/devnet/send`."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def send(
        self, address: str, memo: str | None, asset_id: str, units: int, *, reference: str
    ) -> str:
        """Pay so many base units, and return the chain's transaction hash. The same reference
        never pays twice.

        Raises:
            BallastError: `venue_refused` if the devnet refuses; `venue_unavailable` if it does not
                answer, and then the money may have been sent.
        """
        body = {
            "address": address,
            "memo": memo or "",
            "asset_id": asset_id,
            "amount": str(units),
            "reference": reference,
        }
        answer = await self._http.post("/devnet/send", body, repeatable=True)
        if not answer.ok:
            raise BallastError(
                ErrorCode.VENUE_REFUSED,
                "The outside wallet cannot pay this.",
                venue_message=refusal_text(answer),
            )
        sent = answer.json.get("tx_hash") if isinstance(answer.json, dict) else None
        if not isinstance(sent, str) or not sent:
            raise unreadable(self._http.name)
        return sent

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
