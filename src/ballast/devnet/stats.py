"""`GET /devnet/stats` and `/devnet/overview`: what has happened here, for people and programs."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any, Final

from ballast.devnet.books import FEES, NETWORK, SPREAD
from ballast.devnet.clock import from_us
from ballast.devnet.faults import faults
from ballast.devnet.market import grid_time
from ballast.devnet.network import Network
from ballast.devnet.swaps import Swap, latest_swaps
from ballast.devnet.tokens import Token
from ballast.devnet.wire import Call, Reply, formatted, iso_millis, usd

_SHOWN: Final = 25
_ACCOUNTS: Final = 60
_REFUSED: Final = "refused:"


def stats(network: Network, call: Call) -> Reply:
    """Counts and sums since the devnet was made. Dollars are at the prices of now."""
    with network.store.read():
        return Reply(200, stats_view(network, call))


def stats_view(network: Network, call: Call) -> dict[str, Any]:
    """The same as a value."""
    return {
        "live_quotes": _count(network, "SELECT count(*) FROM swaps"),
        "swaps_by_state": _by_state(network),
        "volume_usd": _volume(network, call),
        "fees_usd": _worth(network, call, network.books.holdings(FEES)),
        "spread_usd": _worth(network, call, network.books.holdings(SPREAD)),
        "chain_costs_usd": _worth(network, call, network.books.holdings(NETWORK)),
        "intents_executed": _executed(network),
        "intents_refused": _refused(network),
        "faults_struck": sum(fault.hits for fault in faults(network)),
    }


def overview(network: Network, call: Call) -> Reply:
    """Everything the page shows, in one answer that is one state of the file."""
    with network.store.read():
        view = {
            "network_id": network.network_id,
            "market": network.market_name,
            "seed": network.draws.seed,
            "now": iso_millis(call.now),
            "speed": str(network.clock.speed()),
            "prices": _prices(network, call),
            "accounts": _accounts(network, call),
            "swaps": [_swap(network, each) for each in latest_swaps(network, _SHOWN)],
            "intents": _intents(network),
            "faults": [fault.view() for fault in faults(network)],
            "stats": stats_view(network, call),
        }
    return Reply(200, view)


def _count(network: Network, sql: str) -> int:
    return int(network.store.one(sql)[0])


def _by_state(network: Network) -> dict[str, int]:
    rows = network.store.all("SELECT status, count(*) AS n FROM swaps GROUP BY status")
    return {row["status"]: row["n"] for row in rows}


def _executed(network: Network) -> dict[str, int]:
    rows = network.store.all("SELECT way, count(*) AS n FROM intents WHERE executed GROUP BY way")
    return {row["way"]: row["n"] for row in rows}


def _refused(network: Network) -> dict[str, int]:
    rows = network.store.all("SELECT name, used FROM counters WHERE name LIKE 'refused:%'")
    return {row["name"].removeprefix(_REFUSED): row["used"] for row in rows}


def _volume(network: Network, call: Call) -> str:
    """What successful swaps took in."""
    taken: dict[str, int] = defaultdict(int)
    rows = network.store.all(
        "SELECT json_extract(terms, '$.origin') AS asset_id, amount_in FROM swaps"
        " WHERE status = 'SUCCESS' AND amount_in IS NOT NULL"
    )
    for row in rows:
        taken[row["asset_id"]] += int(row["amount_in"])
    return _worth(network, call, taken)


def _worth(network: Network, call: Call, held: dict[str, int]) -> str:
    """Dollars with two decimals; ids that are no assets here count nothing."""
    total = Decimal(0)
    for asset_id, units in held.items():
        token = network.listing.known(asset_id)
        if token is not None and network.market.lists(token.coin):
            total += Decimal(usd(units, token.decimals, _price(network, call, token)))
    return f"{total:.2f}"


def _price(network: Network, call: Call, token: Token) -> Decimal:
    return network.market.price(token.coin, grid_time(call.now))


def _prices(network: Network, call: Call) -> list[dict[str, str]]:
    """One line per coin, in the order of the list."""
    coins = {token.coin: token for token in reversed(network.tokens())}
    return [
        {"coin": coin, "usd": format(_price(network, call, token), "f")}
        for coin, token in reversed(coins.items())
    ]


def _accounts(network: Network, call: Call) -> list[dict[str, Any]]:
    """Accounts of people inside the contract first, then the devnet's own and those on chains."""
    balances = network.books.balances()
    deposits = {row["address"] for row in network.store.all("SELECT address FROM swaps")}
    names = sorted(
        (name for name in balances if name not in deposits),
        key=lambda name: (":" in name, name),
    )
    return [
        {"account": name, "holdings": _holdings(network, balances[name])}
        for name in names[:_ACCOUNTS]
    ]


def _holdings(network: Network, held: dict[str, int]) -> list[dict[str, str]]:
    return [_amount(network, asset_id, units) for asset_id, units in held.items()]


def _amount(network: Network, asset_id: str, units: int) -> dict[str, str]:
    token = network.listing.known(asset_id)
    if token is None:
        return {"asset_id": asset_id, "symbol": asset_id, "chain": "", "amount": str(units)}
    text = ("-" if units < 0 else "") + formatted(abs(units), token.decimals)
    return {
        "asset_id": asset_id,
        "symbol": token.symbol,
        "chain": token.blockchain,
        "amount": text,
    }


def _swap(network: Network, swap: Swap) -> dict[str, Any]:
    terms = swap.terms
    return {
        "n": swap.n,
        "status": swap.status,
        "updated": iso_millis(from_us(swap.updated_us)),
        "deposit_address": swap.address,
        "deposit_memo": swap.memo or None,
        "chain": swap.chain or None,
        "recipient": terms.recipient_account,
        "takes": _amount(network, terms.origin, swap.amount_in or terms.amount_in),
        "gives": _amount(network, terms.destination, swap.amount_out or terms.amount_out),
        "fate": swap.fate.kind if swap.fate else None,
    }


def _intents(network: Network) -> list[dict[str, Any]]:
    rows = network.store.all("SELECT * FROM intents ORDER BY told_us DESC, hash LIMIT ?", _SHOWN)
    return [
        {
            "hash": row["hash"],
            "account": row["account"],
            "way": row["way"],
            "at": iso_millis(from_us(row["told_us"])),
            "executed": bool(row["executed"]),
        }
        for row in rows
    ]
