"""`/devnet/...`: the world outside and the referee. None of this exists on the real network."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ballast.devnet.books import ISSUANCE, Move
from ballast.devnet.chain_rpc import add_access_key
from ballast.devnet.chains import is_near_account
from ballast.devnet.clock import from_us, to_us
from ballast.devnet.errors import ContractPanic, DevnetError, Refusal
from ballast.devnet.fates import Fate
from ballast.devnet.network import Network
from ballast.devnet.payload import read_nonce
from ballast.devnet.publishing import near_transaction_hash, publish
from ballast.devnet.quoting import quote_signer
from ballast.devnet.settlement import pay_from_outside
from ballast.devnet.swaps import Swap, all_swaps, load_swap, payments, swap_number
from ballast.devnet.wire import U128_MAX, Call, Reply, formatted, iso_millis


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SendBody(_Body):
    """A payment by the outside wallet, in base units; the asset is the quote's by default.

    A `reference` is the payer's own name for this payment: the same one never pays twice.
    """

    address: str
    memo: str = ""
    asset_id: str | None = None
    amount: str
    reference: str | None = Field(default=None, min_length=1, max_length=100)


class ClockBody(_Body):
    """What to change about the clock: both are decimal text or numbers."""

    speed: str | float | None = None
    advance_seconds: str | float | None = None


class MintBody(_Body):
    """New units for an account inside the contract, out of nothing."""

    account_id: str
    asset_id: str
    amount: str


class SaltBody(_Body):
    """A new current salt: 8 hex digits, drawn if not given. Retired ones are no longer valid."""

    salt: str | None = Field(default=None, pattern="^[0-9a-f]{8}$")
    retire_others: bool = False


class ListingBody(_Body):
    """What happens to the place of an asset on the list."""

    asset_id: str
    action: Literal["move", "drop", "restore"]
    new_id: str | None = None


class NearKeyBody(_Body):
    """A key for a NEAR account, as `ed25519:<base58>`."""

    account_id: str
    public_key: str = Field(pattern="^ed25519:[1-9A-HJ-NP-Za-km-z]{32,44}$")


class ExecuteBody(_Body):
    """Signed payloads, as `execute_intents` takes them."""

    signed: list[Any]


def _read(kind: Any, call: Call) -> Any:
    try:
        return kind.model_validate(call.json() if call.body else {})
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(map(str, found["loc"])) or "body"
        raise Refusal(400, f"{where}: {found['msg']}") from error


def _units(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,38}", text) or int(text) > U128_MAX:
        raise Refusal(400, "amount must be a positive whole number of base units, as text")
    return int(text)


def info(network: Network, call: Call) -> Reply:
    """Who this devnet is."""
    return Reply(
        200,
        {
            "network_id": network.network_id,
            "market": network.market_name,
            "seed": network.draws.seed,
            "start": iso_millis(network.start),
            "now": iso_millis(call.now),
            "speed": str(network.clock.speed()),
            "manager_public_key": quote_signer(network).public_key(),
            "current_salt": network.current_salt(),
            "assets": len(network.tokens()),
        },
    )


def show_clock(network: Network, call: Call) -> Reply:
    """The domain time (with microseconds) and the speed."""
    return Reply(200, {"now": network.clock.now().isoformat(), "speed": str(network.clock.speed())})


def change_clock(network: Network, call: Call) -> Reply:
    """Set the speed, or jump forward, or both: the jump comes first."""
    body: ClockBody = _read(ClockBody, call)
    try:
        if body.advance_seconds is not None:
            network.clock.advance(_number(body.advance_seconds, "advance_seconds"))
        if body.speed is not None:
            network.clock.set_speed(_number(body.speed, "speed"))
    except DevnetError as error:
        raise Refusal(400, str(error)) from error
    return show_clock(network, call)


def _number(given: object, field: str) -> Decimal:
    try:
        return Decimal(str(given))
    except InvalidOperation:
        raise Refusal(400, f"{field} must be a number, such as 3600 or 0.5") from None


def send(network: Network, call: Call) -> Reply:
    """The outside wallet pays a deposit address on its chain."""
    body: SendBody = _read(SendBody, call)
    return Reply(201, send_from_outside(network, body, call.fate))


def send_from_outside(network: Network, body: SendBody, fate: Fate | None = None) -> dict[str, Any]:
    """As `send`, for a caller in this process.

    Raises:
        Refusal: 404 for an address no quote gave out; 400 for one inside Intents, or for an asset
            of another chain.
    """
    units = _units(body.amount)
    with network.store.write():
        before = _sent_before(network, body.reference)
        if before is not None:
            return before
        sent = _pay(network, body, units, fate)
        if body.reference:
            network.store.run(
                "INSERT INTO sendings VALUES (?, ?)", body.reference, json.dumps(sent)
            )
    return sent


def _sent_before(network: Network, reference: str | None) -> dict[str, Any] | None:
    if reference is None:
        return None
    row = network.store.one("SELECT sent FROM sendings WHERE reference = ?", reference)
    found: dict[str, Any] | None = json.loads(row["sent"]) if row else None
    return found


def _pay(network: Network, body: SendBody, units: int, fate: Fate | None) -> dict[str, Any]:
    number = swap_number(network, body.address, body.memo)
    if number is None:
        raise Refusal(404, "No open quote has this address and memo")
    swap = load_swap(network, number)
    asset_id = body.asset_id or swap.terms.origin
    _check_payable(network, swap, asset_id)
    tx_hash, visible_us = pay_from_outside(network, swap, asset_id, units, fate)
    return {
        "tx_hash": tx_hash,
        "chain": swap.chain,
        "asset_id": asset_id,
        "amount": str(units),
        "amount_formatted": formatted(units, network.known_token(asset_id).decimals),
        "visible_at": iso_millis(from_us(visible_us)),
    }


def _check_payable(network: Network, swap: Swap, asset_id: str) -> None:
    if not swap.chain:
        raise Refusal(400, "This address lies inside Intents; pay it with a transfer intent")
    token = network.listing.known(asset_id)
    if token is None or token.blockchain != swap.chain:
        raise Refusal(400, f"The address is on {swap.chain}, where there is no such asset")


def books(network: Network, call: Call) -> Reply:
    """All balances, or those of `?account=`, with the minted supply."""
    with network.store.read():
        return Reply(200, books_view(network, call.query.get("account")))


def books_view(network: Network, account: str | None) -> dict[str, Any]:
    """Balances as text by account and asset id, of one account or all; and the supply."""
    found = network.books.balances()
    if account is not None:
        found = {account: found.get(account, {})}
    return {
        "network_id": network.network_id,
        "accounts": {name: _as_text(held) for name, held in found.items()},
        "supply": _as_text(network.books.supply()),
    }


def audit(network: Network, call: Call) -> Reply:
    """Whether the books are whole, by adding up every posting again."""
    with network.store.read():
        faults = network.books.faults()
    return Reply(200, {"whole": not faults, "faults": faults})


def swaps(network: Network, call: Call) -> Reply:
    """Every live quote with what came in for it: the referee's view of submissions."""
    with network.store.read():
        return Reply(200, {"swaps": [_swap_view(network, swap) for swap in all_swaps(network)]})


def _swap_view(network: Network, swap: Swap) -> dict[str, Any]:
    return {
        "deposit_address": swap.address,
        "deposit_memo": swap.memo or None,
        "status": swap.status,
        "origin": swap.terms.origin,
        "destination": swap.terms.destination,
        "amount_in": str(swap.terms.amount_in),
        "deposits": [
            {"amount": str(p.units), "tx_hash": p.tx_hash, "intent_hash": p.intent_hash}
            for p in payments(network, swap.n)
        ],
        "settled_in": None if swap.amount_in is None else str(swap.amount_in),
        "settled_out": None if swap.amount_out is None else str(swap.amount_out),
        "refunded": str(swap.refunded),
    }


def _as_text(held: dict[str, int]) -> dict[str, str]:
    return {asset_id: str(units) for asset_id, units in held.items()}


def mint(network: Network, call: Call) -> Reply:
    """Give an account inside the contract new units of any asset id, for tests."""
    body: MintBody = _read(MintBody, call)
    units = _units(body.amount)
    if not is_near_account(body.account_id):
        raise Refusal(400, "account_id is not a NEAR account id")
    with network.store.write():
        moves = [Move(ISSUANCE, body.account_id, body.asset_id, units)]
        network.books.post("mint", body.account_id, to_us(call.now), moves)
    return Reply(201, {"balance": str(network.books.balance(body.account_id, body.asset_id))})


def rotate_salt(network: Network, call: Call) -> Reply:
    """Make a new salt the current one; earlier ones stay valid unless they are retired."""
    body: SaltBody = _read(SaltBody, call)
    salt = make_salt_current(network, body.salt, retire_others=body.retire_others)
    return Reply(200, {"current_salt": salt})


def make_salt_current(network: Network, salt: str | None, *, retire_others: bool) -> str:
    """The salt that new nonces should carry from now on; drawn from the seed if none is given."""
    with network.store.write():
        number = network.store.take_number("salt")
        salt = salt or network.draws.bytes("salt", number)[:4].hex()
        if retire_others:
            network.store.run("UPDATE salts SET valid = 0")
        network.store.run("INSERT OR REPLACE INTO salts VALUES (?, ?, 1)", salt, number)
    return salt


def clean_nonces(network: Network, call: Call) -> Reply:
    """Forget used nonces whose time is over, as the contract's operator does now and then."""
    return Reply(200, {"forgotten": forget_expired_nonces(network)})


def forget_expired_nonces(network: Network) -> int:
    """Forget them: `is_nonce_used` says false then, though no payload can use them again.

    Legacy nonces have no deadline and stay.

    Returns:
        How many were forgotten.
    """
    now_ns = to_us(network.clock.now()) * 1000
    with network.store.write():
        rows = network.store.all("SELECT account, nonce FROM nonces")
        gone = [row for row in rows if _is_over(row["nonce"], now_ns)]
        for row in gone:
            network.store.run(
                "DELETE FROM nonces WHERE account = ? AND nonce = ?", row["account"], row["nonce"]
            )
    return len(gone)


def _is_over(nonce: bytes, now_ns: int) -> bool:
    versioned = read_nonce(nonce)
    return versioned is not None and versioned.deadline_ns < now_ns


def add_near_key(network: Network, call: Call) -> Reply:
    """Let a key sign NEAR transactions for an account."""
    body: NearKeyBody = _read(NearKeyBody, call)
    if not is_near_account(body.account_id):
        raise Refusal(400, "account_id is not a NEAR account id")
    with network.store.write():
        add_access_key(network, body.account_id, body.public_key)
    return Reply(201, body.model_dump())


def show_listing(network: Network, call: Call) -> Reply:
    """Which ids have left the list, and where they have gone."""
    return Reply(200, {"left": network.listing.left()})


def change_listing(network: Network, call: Call) -> Reply:
    """Move an asset to a new id, drop it, or list it as at first. Balances stay as they are."""
    body: ListingBody = _read(ListingBody, call)
    if (body.new_id is not None) != (body.action == "move"):
        raise Refusal(400, "new_id goes with the action move, and only with it")
    with network.store.write():
        match body.action:
            case "move":
                network.listing.move(body.asset_id, body.new_id or "")
            case "drop":
                network.listing.drop(body.asset_id)
            case "restore":
                network.listing.restore(body.asset_id)
    return show_listing(network, call)


def execute(network: Network, call: Call) -> Reply:
    """Call `execute_intents` as if from a NEAR account that pays the gas. No key needed."""
    body: ExecuteBody = _read(ExecuteBody, call)
    try:
        executed = publish(network, call, body.signed, "on-chain")
    except ContractPanic as panic:
        raise Refusal(400, f"Smart contract panicked: {panic}") from panic
    hashes = [each.intent_hash for each in executed]
    tx_hash = near_transaction_hash(network, hashes[0]) if hashes else None
    return Reply(201, {"intent_hashes": hashes, "tx_hash": tx_hash})
