"""What must be the same whether there was a crash or not. The devnet's own books decide.

Read from the two databases alone, when nothing runs, beside what `verify` says of the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from ballast.app.verify import verify
from ballast.bootstrap import opened_app
from ballast.devnet import open_devnet
from ballast.devnet.network import Network
from tests.app.world import QUICK, settings_for
from tests.crash.flows import Site

STATES = (
    "indexes", "plans", "rebalances", "swaps", "intents", "deposits", "withdrawals",
)  # fmt: skip
Rows = Callable[[str], list[Any]]
HELD = "('available', 'reserved', 'in_flight')"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found.

    Attributes:
        problems: what is wrong by itself, as sentences.
        counts: how many things of each kind there are: rows by state, movements at the devnet.
        movements: how much money moved how often at the devnet, by kind: what must be neither more
            nor less than without a crash.
        books: a digest of the ledger's chain, all states and the devnet's balances.
    """

    problems: list[str]
    counts: Counter[str]
    movements: Counter[str]
    books: str


def examine(site: Site) -> Findings:
    """Look at everything. Nothing may be running there but the devnet."""
    problems = asyncio.run(_verified(site))
    with _both(site) as (ours, network):
        problems += network.books.faults() + _differences(ours, network) + _twice(ours, network)
        return Findings(problems, states(ours), _movements(network), _digest(ours, network))


def books(site: Site) -> str:
    """The digest alone."""
    with _both(site) as (ours, network):
        return _digest(ours, network)


async def _verified(site: Site) -> list[str]:
    # The devnet's own file, wherever it is served.
    here = replace(site, devnet_url=None)
    settings = settings_for(site.directory, **here.settings)
    async with opened_app(settings, limits=QUICK) as app:
        return (await verify(app)).problems


@contextmanager
def _both(site: Site) -> Iterator[tuple[Rows, Network]]:
    with _ours(site) as ours, closing(open_devnet(site.places.devnet, None)) as world:
        yield ours, world.network


@contextmanager
def _ours(site: Site) -> Iterator[Rows]:
    """Reads the ledger's database behind Ballast's back."""
    connection: Any
    if site.database_url is None:
        connection = sqlite3.connect(site.places.database)
    else:
        connection = psycopg.connect(site.database_url)
    with closing(connection):
        yield lambda sql: connection.execute(sql).fetchall()


def _differences(ours: Rows, network: Network) -> list[str]:
    wrong = []
    held: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    sql = f"SELECT index_id, asset_id, units FROM balances WHERE account IN {HELD}"
    for index_id, asset_id, units in ours(sql):
        held[index_id][asset_id] += int(units)
    for index_id, account in ours("SELECT index_id, account_id FROM indexes"):
        found = {asset: units for asset, units in held[index_id].items() if units}
        theirs = network.books.holdings(account)
        if found != theirs:
            wrong.append(f"The ledger of {index_id} holds {found}, the devnet {theirs}.")
    return wrong


def _twice(ours: Rows, network: Network) -> list[str]:
    """Each movement at the devnet was signed by us, and for a purpose of its own."""
    known = dict(ours("SELECT intent_hash, swap_id FROM intents"))
    executed = [
        row["hash"] for row in network.store.all("SELECT hash FROM intents WHERE executed = 1")
    ]
    wrong = [f"The devnet executed {one}, of which nothing is known." for one in executed
             if one not in known]  # fmt: skip
    purposes = Counter(known[one] for one in executed if one in known)
    wrong += [
        f"{swap} was executed {times} times." for swap, times in purposes.items() if times > 1
    ]
    return wrong


def states(ours: Rows) -> Counter[str]:
    """How many rows of each kind are in which state."""
    counts = Counter[str]()
    for table in STATES:
        for state, number in ours(f"SELECT state, count(*) FROM {table} GROUP BY state"):
            counts[f"{table} {state}"] = number
    return counts


def _movements(network: Network) -> Counter[str]:
    rows = network.store.all("SELECT kind, count(*) AS number FROM entries GROUP BY kind")
    return Counter({str(row["kind"]): int(row["number"]) for row in rows})


def _digest(ours: Rows, network: Network) -> str:
    digest = hashlib.sha256()
    heads = ours("SELECT index_id, sequence, hash FROM entries ORDER BY 1, 2")
    rows = network.store.all("SELECT * FROM balances ORDER BY account, asset_id")
    digest.update(
        repr((heads, sorted(states(ours).items()), [tuple(row) for row in rows])).encode()
    )
    return digest.hexdigest()
