"""Creating and opening a devnet file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from ballast.devnet.books import Books
from ballast.devnet.clock import DomainClock, from_us, real_now, to_us
from ballast.devnet.errors import DevnetError
from ballast.devnet.listing import Listing
from ballast.devnet.market import (
    Market,
    ReplayMarket,
    ReplayRow,
    SimulatedMarket,
    default_replay_start,
    read_replay,
    replay_digest,
)
from ballast.devnet.network import Network
from ballast.devnet.seed import Draws, new_network_id
from ballast.devnet.store import SCHEMA_VERSION, Store

if TYPE_CHECKING:
    from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class DevnetOptions:
    """What a devnet is made of.

    Market, seed and replay data are fixed when the file is created. Start and speed only count
    then; the clock in the file rules afterwards. `settle_seconds` and `api_keys` hold for the
    process that gives them, and for those that open the file with no options.

    Attributes:
        seed: everything random comes from it.
        replay_path: a CSV file with time, asset, price; None with market "replay" means the
            shipped prices of 2023.
        start: domain time at creation, aware. By default the machine's time, or one day after
            the first row of a replay.
        speed: domain seconds per real second; 0 is a clock that only moves by hand.
        settle_seconds: shortest and longest settlement in domain seconds; (0, 0) is at once.
        api_keys: the partner keys; None takes any key that is not empty.
        synchronous: OFF loses the latest writes when the machine (not the process) crashes.
    """

    market: Literal["simulated", "replay"] = "simulated"
    seed: int = 1
    replay_path: Path | None = None
    start: datetime | None = None
    speed: Decimal = Decimal(1)
    settle_seconds: tuple[float, float] = (4.0, 12.0)
    api_keys: frozenset[str] | None = None
    synchronous: Literal["FULL", "OFF"] = "FULL"


# Accounts with a colon are the devnet's own.
_ACCOUNTS_OR_SWAPS: Final = (
    "SELECT EXISTS (SELECT 1 FROM swaps)"
    " OR EXISTS (SELECT 1 FROM balances WHERE account NOT LIKE '%:%')"
)


class Devnet:
    """An open devnet: its ASGI app, its clock, and the id it got when it was created."""

    def __init__(self, network: Network) -> None:
        from ballast.devnet.application import make_app

        self.network = network
        self.app: ASGIApp = make_app(network)
        self.clock: DomainClock = network.clock
        self.network_id: str = network.network_id

    @property
    def manager_public_key(self) -> str:
        """The key its quotes are signed with, as `ed25519:<base58>`."""
        from ballast.devnet.quoting import quote_signer

        return quote_signer(self.network).public_key()

    def close(self) -> None:
        """Close the file. Other processes may go on using it."""
        self.network.store.close()


_DEFAULTS = DevnetOptions()


def open_devnet(path: Path, options: DevnetOptions | None = _DEFAULTS) -> Devnet:
    """Create the devnet in the file `path`, or open the one that is there.

    Args:
        path: the file; its folder must exist.
        options: None takes what the file has, and then the file must exist.

    Raises:
        DevnetError: the file cannot be opened, is of another version, was made with another
            market, seed or replay data, or is missing while `options` is None.
    """
    if options is None and not path.exists():
        raise DevnetError(
            f"There is no devnet at {path}.",
            next_step="ballast get_status makes one in paper mode, and so does ballast devnet "
            "serve; --file names another file.",
        )
    _check(options or _DEFAULTS)
    store = Store(path, (options or _DEFAULTS).synchronous)
    try:
        return Devnet(_network(store, options))
    except BaseException:
        store.close()
        raise


def has_accounts(path: Path) -> bool:
    """Whether somebody has an account in the devnet in a file, or has asked it for a swap.

    Raises:
        DevnetError: for a file that is no devnet's, or cannot be read.
    """
    if not path.exists():
        return False
    store = Store(path, _DEFAULTS.synchronous)
    try:
        return not store.is_new and bool(store.one(_ACCOUNTS_OR_SWAPS)[0])
    finally:
        store.close()


def _check(options: DevnetOptions) -> None:
    shortest, longest = options.settle_seconds
    if not 0 <= shortest <= longest:
        raise DevnetError("settle_seconds must be two numbers, the smaller one first.")
    if options.start is not None and options.start.tzinfo is None:
        raise DevnetError("The start must be a time with its zone.")
    if not (options.speed.is_finite() and options.speed >= 0):
        raise DevnetError("The speed must be zero or more.")


def _network(store: Store, options: DevnetOptions | None) -> Network:
    if store.is_new:
        _create(store, options or _DEFAULTS)
    if 0 < store.version < SCHEMA_VERSION:
        with store.write():
            store.create_tables()
    if store.version != SCHEMA_VERSION:
        raise DevnetError(
            f"The devnet file {store.path} is of version {store.version}; this program reads "
            f"version {SCHEMA_VERSION}. Use another file, or move this one away."
        )
    if options is not None:
        _check_same(store, options)
    kept = json.loads(store.meta("process"))
    keys = kept["api_keys"] if options is None else options.api_keys
    settle = kept["settle_seconds"] if options is None else options.settle_seconds
    start = from_us(int(store.meta("start_us")))
    market = _market(store, start)
    return Network(
        store=store,
        clock=DomainClock(store),
        market=market,
        listing=Listing(store, market),
        draws=Draws(int(store.meta("seed"))),
        books=Books(store),
        market_name=store.meta("market"),
        network_id=store.meta("network_id"),
        start=start,
        settle_seconds=(float(settle[0]), float(settle[1])),
        api_keys=None if keys is None else frozenset(keys),
    )


def _create(store: Store, options: DevnetOptions) -> None:
    """Make the file, unless another process has done so meanwhile."""
    rows = read_replay(options.replay_path) if options.market == "replay" else []
    now = real_now()
    start = options.start or (default_replay_start(rows) if rows else now)
    with store.write():
        if not store.is_new:
            return
        store.create_tables()
        for key, value in _facts(options, start).items():
            store.run("INSERT INTO meta VALUES (?, ?)", key, value)
        for row in rows:
            store.run(
                "INSERT OR REPLACE INTO replay VALUES (?, ?, ?)",
                row.coin,
                to_us(row.at),
                str(row.price),
            )
        speed = str(options.speed)
        store.run("INSERT INTO clock VALUES (1, ?, ?, ?)", to_us(now), to_us(start), speed)
        salt = Draws(options.seed).bytes("salt", 0)[:4].hex()
        store.run("INSERT INTO salts VALUES (?, 0, 1)", salt)


def _facts(options: DevnetOptions, start: datetime) -> dict[str, str]:
    process: dict[str, Any] = {
        "settle_seconds": options.settle_seconds,
        "api_keys": None if options.api_keys is None else sorted(options.api_keys),
    }
    return {
        "network_id": new_network_id(),
        "market": options.market,
        "seed": str(options.seed),
        "replay_digest": _replay_digest(options),
        "start_us": str(to_us(start.astimezone(UTC))),
        "process": json.dumps(process),
    }


def _replay_digest(options: DevnetOptions) -> str:
    return replay_digest(options.replay_path) if options.market == "replay" else ""


def _check_same(store: Store, options: DevnetOptions) -> None:
    made_with = store.meta("market"), int(store.meta("seed"))
    if made_with != (options.market, options.seed):
        raise DevnetError(
            f"The devnet {store.path} was made with the {made_with[0]} market and seed "
            f"{made_with[1]}, not with the {options.market} market and seed {options.seed}. "
            "Open it with those, or use another file."
        )
    if _replay_digest(options) != store.meta("replay_digest"):
        raise DevnetError(
            f"The devnet {store.path} was made with other replay prices. Use another file."
        )


def _market(store: Store, start: datetime) -> Market:
    if store.meta("market") == "simulated":
        return SimulatedMarket(int(store.meta("seed")), start)
    rows = store.all("SELECT coin, at_us, price FROM replay")
    return ReplayMarket(
        ReplayRow(from_us(row["at_us"]), row["coin"], Decimal(row["price"])) for row in rows
    )
