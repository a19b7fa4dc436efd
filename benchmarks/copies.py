"""Copies of one funded index, in our database and in the devnet's: many, in no time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ballast.bootstrap import Places
from ballast.core.ledger import (
    EPOCH,
    GENESIS,
    Account,
    ChainedEntry,
    Entry,
    EntryKind,
    Posting,
    chain,
    microseconds,
)


def copy_index(home: Path, count: int) -> None:
    """Fill both databases up to so many indexes; the monitor has looked at all of them."""
    ours, devnet = (Places(home / "paper").database, Places(home / "paper").devnet)
    with closing(sqlite3.connect(ours)) as db, closing(sqlite3.connect(devnet)) as books:
        (present,) = db.execute("SELECT count(*) FROM indexes").fetchone()
        numbers = range(present, count)
        source, account = db.execute(
            "SELECT index_id, account_id FROM indexes ORDER BY index_id LIMIT 1"
        ).fetchone()
        db.execute("PRAGMA foreign_keys = OFF")
        for table in ("indexes", "balances", "checks"):
            _copy(db, table, source, numbers)
        db.commit()
        held = books.execute(
            "SELECT asset_id, amount FROM balances WHERE account = ?", [account]
        ).fetchall()
        books.executemany(
            "INSERT INTO balances VALUES (?, ?, ?)",
            ((_account(number), *row) for number in numbers for row in held),
        )
        books.commit()


def book_copies(home: Path) -> None:
    """Give each copy a ledger: one entry that makes the balances it has."""
    with closing(sqlite3.connect(Places(home / "paper").database)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        copies = db.execute(
            "SELECT index_id, owner_id FROM indexes WHERE index_id NOT IN"
            " (SELECT index_id FROM entries)"
        ).fetchall()
        for index_id, owner_id in copies:
            held = db.execute(
                "SELECT account, asset_id, units FROM balances WHERE index_id = ?", [index_id]
            )
            _post(db, chain(_entry(index_id, owner_id, held.fetchall()), 1, EPOCH, GENESIS))
        db.commit()


def _entry(index_id: str, owner_id: str, held: Sequence[tuple[str, str, str]]) -> Entry:
    postings = tuple(
        Posting(Account(account), asset_id, int(units))
        for account, asset_id, units in held
        if int(units)
    )
    return Entry(
        entry_id=f"ent_{index_id}",
        owner_id=owner_id,
        index_id=index_id,
        kind=EntryKind.OUTSIDE_DEPOSIT,
        reference="",
        external_key=f"copy:{index_id}",
        event_at=EPOCH,
        postings=postings,
    )


def _post(db: sqlite3.Connection, link: ChainedEntry) -> None:
    entry, at = link.entry, microseconds(link.recorded_at)
    row = {
        "entry_id": entry.entry_id,
        "owner_id": entry.owner_id,
        "index_id": entry.index_id,
        "sequence": link.sequence,
        "kind": entry.kind.value,
        "reference": entry.reference,
        "external_key": entry.external_key,
        "event_at": at,
        "recorded_at": at,
        "previous_hash": link.previous_hash,
        "hash": link.hash,
    }
    _insert(db, "entries", [row])
    _insert(
        db,
        "postings",
        [
            {
                "entry_id": entry.entry_id,
                "position": position,
                "owner_id": entry.owner_id,
                "account": one.account.value,
                "asset_id": one.asset_id,
                "units": str(one.units),
            }
            for position, one in enumerate(entry.postings)
        ],
    )


def _insert(db: sqlite3.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    places = ", ".join(f":{name}" for name in rows[0])
    db.executemany(f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES ({places})", rows)


def _copy(db: sqlite3.Connection, table: str, source: str, numbers: Sequence[int]) -> None:
    found = db.execute(f"SELECT * FROM {table} WHERE index_id = ?", [source])
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found]
    places = ", ".join(f":{name}" for name in names)
    db.executemany(
        f"INSERT INTO {table} VALUES ({places})",
        (row | _own(row, number) for number in numbers for row in rows),
    )


def _own(row: Mapping[str, Any], number: int) -> dict[str, str]:
    """What a copy does not share with the others: no two have the same weights either."""
    all_own = {
        "targets": _shifted(row["targets"], number) if "targets" in row else "",
        "index_id": f"idx_copy{number:08}",
        "name": f"Copy {number}",
        "name_key": f"copy {number}",
        "account_id": _account(number),
    }
    return {name: value for name, value in all_own.items() if name in row}


def _shifted(targets: str, number: int) -> str:
    """Weights some basis points from those given, in one of a hundred thousand ways."""
    weights = {asset: int(bps) for asset, bps in json.loads(targets).items()}
    names = list(weights)
    for place in range(0, len(names) - 1, 2):
        number, shift = divmod(number, 10)
        weights[names[place]] += shift
        weights[names[place + 1]] -= shift
    return json.dumps({asset: str(bps) for asset, bps in weights.items()}, separators=(",", ":"))


def _account(number: int) -> str:
    return f"0x{number:040x}"
