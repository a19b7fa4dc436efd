"""One of everything the store keeps, ready to be varied."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ballast.app.ports import KeyEnvelope, Transaction
from ballast.core.access import ApiKey, Scope
from ballast.core.decisions import Decision
from ballast.core.deposits import Deposit, Payment
from ballast.core.ethereum_sign_in import Challenge, Identity
from ballast.core.events import Event, EventKind, Level
from ballast.core.index import Asset, Index
from ballast.core.ledger import Account, Entry, EntryKind, transfer
from ballast.core.limits import Limits
from ballast.core.notifications import Channel, Notice, NoticeState
from ballast.core.oauth import Authorization, OAuthClient
from ballast.core.policy import Band, Policy
from ballast.core.sign_in import LoginAccount, RefreshToken, Session
from ballast.core.states import (
    DeliveryState,
    DepositState,
    IndexState,
    IntentState,
    PlanState,
    RebalanceState,
    SwapState,
    WebhookState,
    WithdrawalState,
)
from ballast.core.trading import (
    Intent,
    Plan,
    PlannedSwap,
    Price,
    Purpose,
    Rebalance,
    RebalanceKind,
    Skipped,
    Starter,
    Swap,
    ThroughBase,
)
from ballast.core.webhooks import Delivery, Webhook
from ballast.core.withdrawals import Destination, Withdrawal

NOON = datetime(2027, 1, 15, 12, 0, 0, 123_456, tzinfo=UTC)
OWNER = "own_local"
INDEX = "idx_1"
USDC = Asset("nep141:usdc.near", "USDC", "near", 6)
ETH = Asset("nep141:eth.omft.near", "ETH", "eth", 18)
NEAR = Asset("nep141:wrap.near", "wNEAR", "near", 24)
ASSETS = (USDC, ETH, NEAR)


def after(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def index(index_id: str = INDEX, **changed: object) -> Index:
    given: dict[str, object] = {
        "index_id": index_id,
        "owner_id": OWNER,
        "name": f"Index {index_id}",
        "mode": "paper",
        "account_id": f"0x{index_id}",
        "base_asset_id": USDC.asset_id,
        "targets": {NEAR.asset_id: 2_500, ETH.asset_id: 6_000, USDC.asset_id: 1_500},
        "buffer_bps": 100,
        "policy": Policy(band=Band(500, 2_500), minimum_swap_pico=10**14),
        "limits": Limits(max_swap_pico=10**30),
        "state": IndexState.PENDING,
        "version": 1,
        "created_at": NOON,
        "updated_at": after(1),
        "last_rebalanced_at": None,
        "reconcile_at": None,
    }
    return Index(**(given | changed))  # type: ignore[arg-type]


def key(index_id: str = INDEX) -> KeyEnvelope:
    return KeyEnvelope(index_id, f"0x{index_id}", "0123456789abcdef", b"\x00nonce", b"\xffsecret")


def plan(plan_id: str = "pln_1", **changed: object) -> Plan:
    given: dict[str, object] = {
        "plan_id": plan_id,
        "owner_id": OWNER,
        "index_id": INDEX,
        "kind": RebalanceKind.REBALANCE,
        "state": PlanState.OPEN,
        "swaps": (PlannedSwap(USDC.asset_id, ETH.asset_id, 10**9, 10**15, 10**19, 9, -1),),
        "skipped": (Skipped(NEAR.asset_id, -(10**20), "below_minimum"),),
        "through_base": ThroughBase(2, 10**22, 3, 2),
        "prices": {ETH.asset_id: Price(ETH.asset_id, Decimal("3456.78901234"), "venue", NOON)},
        "value_pico": 10**21,
        "notional_pico": 10**20,
        "fee_pico": -5,
        "drift_before": {ETH.asset_id: -12_345},
        "drift_after": {ETH.asset_id: 0},
        "reason": "band_breached",
        "digest": "d" * 64,
        "index_version": 1,
        "ledger_sequence": 2,
        "created_at": NOON,
        "expires_at": after(90),
    }
    return Plan(**(given | changed))  # type: ignore[arg-type]


def rebalance(rebalance_id: str = "reb_1", **changed: object) -> Rebalance:
    given: dict[str, object] = {
        "rebalance_id": rebalance_id,
        "owner_id": OWNER,
        "index_id": INDEX,
        "plan_id": "pln_1",
        "kind": RebalanceKind.REBALANCE,
        "state": RebalanceState.EXECUTING,
        "started_by": Starter.PERSON,
        "created_at": NOON,
        "updated_at": NOON,
        "ended_at": None,
        "due_at": after(3),
        "note": "",
    }
    return Rebalance(**(given | changed))  # type: ignore[arg-type]


def swap(swap_id: str = "swp_1", **changed: object) -> Swap:
    given: dict[str, object] = {
        "swap_id": swap_id,
        "owner_id": OWNER,
        "index_id": INDEX,
        "rebalance_id": "reb_1",
        "position": 0,
        "purpose": Purpose.SWAP,
        "recipient": None,
        "recipient_memo": None,
        "state": SwapState.PLANNED,
        "sell": USDC.asset_id,
        "buy": ETH.asset_id,
        "input_units": 10**9,
        "value_pico": 10**15,
        "cost_pico": 10**13,
        "floor_units": 10**19,
        "quoted_units": None,
        "minimum_units": None,
        "deposit_address": None,
        "deposit_memo": None,
        "quote_deadline": None,
        "quote": {"quote": {"amountOut": "10000000000000000001", "timeEstimate": 12}},
        "output_units": None,
        "refunded_units": None,
        "created_at": NOON,
        "updated_at": NOON,
        "published_at": None,
        "ended_at": None,
        "due_at": after(2),
        "attempts": 0,
        "problem": "",
    }
    return Swap(**(given | changed))  # type: ignore[arg-type]


def intent(intent_id: str = "int_1", **changed: object) -> Intent:
    given: dict[str, object] = {
        "intent_id": intent_id,
        "owner_id": OWNER,
        "index_id": INDEX,
        "swap_id": "swp_1",
        "purpose": "transfer",
        "state": IntentState.SIGNED,
        "intent_hash": f"hash of {intent_id}",
        "payload": '{"signer_id": "0xidx_1"}',
        "signature": "secp256k1:abc",
        "nonce": "bm9uY2U=",
        "receiver_id": "deposit.near",
        "asset_id": USDC.asset_id,
        "units": 10**9,
        "deadline": after(600),
        "created_at": NOON,
        "updated_at": NOON,
        "attempts": 0,
    }
    return Intent(**(given | changed))  # type: ignore[arg-type]


def deposit(deposit_id: str = "dep_1", **changed: object) -> Deposit:
    given: dict[str, object] = {
        "deposit_id": deposit_id,
        "owner_id": OWNER,
        "index_id": INDEX,
        "state": DepositState.AWAITING,
        "asset_id": ETH.asset_id,
        "chain": "eth",
        "credit_asset_id": USDC.asset_id,
        "address": f"0xaddress of {deposit_id}",
        "memo": None,
        "amount_units": 10 * 10**18,
        "quoted_units": 10 * 10**18,
        "minimum_units": 10**18,
        "expected_units": 34_567_890_000,
        "fee_bps": 20,
        "quote": {"signature": "ed25519:…"},
        "deadline": after(3_600),
        "credited_units": None,
        "created_at": NOON,
        "updated_at": NOON,
        "ended_at": None,
        "due_at": after(1),
        "attempts": 0,
        "problem": "",
    }
    return Deposit(**(given | changed))  # type: ignore[arg-type]


def payment(payment_id: str = "pay_1", **changed: object) -> Payment:
    given: dict[str, object] = {
        "payment_id": payment_id,
        "owner_id": OWNER,
        "deposit_id": "dep_1",
        "external_id": "0xtx",
        "units": None,
        "seen_at": NOON,
    }
    return Payment(**(given | changed))  # type: ignore[arg-type]


def decision(decision_id: str = "dec_1", **changed: object) -> Decision:
    given: dict[str, object] = {
        "decision_id": decision_id,
        "owner_id": OWNER,
        "index_id": INDEX,
        "at": NOON,
        "reason": "within_bands",
        "summary": "Nothing is outside its band.",
        "reference": "",
        "facts": {"drift_ppm": {"ETH": "12"}, "list": [1, None, True]},
    }
    return Decision(**(given | changed))  # type: ignore[arg-type]


def credited(
    units: int, *, number: int = 1, asset: Asset = USDC, index_id: str = INDEX, owner: str = OWNER
) -> Entry:
    """A deposit of `units`, as an outside fact of its own."""
    return Entry(
        entry_id=f"ent_{index_id}_{asset.symbol}_{number}",
        owner_id=owner,
        index_id=index_id,
        kind=EntryKind.DEPOSIT_CREDITED,
        reference="dep_1",
        external_key=f"venue:deposit:{index_id}:{asset.symbol}:{number}",
        event_at=NOON,
        postings=transfer(asset.asset_id, units, Account.OWNER, Account.AVAILABLE),
    )


async def add_ground(tx: Transaction) -> None:
    """The assets, and one index: what everything else stands on."""
    for asset in ASSETS:
        await tx.add_asset(asset)
    await tx.add_index(index(), key())


async def add_running_rebalance(tx: Transaction) -> None:
    """The index with a plan that is being carried out in one swap."""
    await add_ground(tx)
    await tx.add_plan(plan())
    await tx.add_rebalance(rebalance())
    await tx.add_swap(swap())


def withdrawal(**changed: object) -> Withdrawal:
    given: dict[str, object] = {
        "withdrawal_id": "wdr_1",
        "owner_id": OWNER,
        "index_id": INDEX,
        "plan_id": "pln_1",
        "rebalance_id": None,
        "state": WithdrawalState.PLANNED,
        "everything": False,
        "base_asset_id": USDC.asset_id,
        "asked_units": 10**24,
        "payout_asset_id": ETH.asset_id,
        "chain": "eth",
        "address": "0x" + "ab" * 20,
        "memo": None,
        "expected_units": 10**30,
        "minimum_units": 1,
        "fee_units": 0,
        "sent_units": None,
        "delivered_units": None,
        "transactions": (),
        "created_at": NOON,
        "updated_at": NOON,
        "ended_at": None,
        "problem": "",
    }
    return Withdrawal(**(given | changed))  # type: ignore[arg-type]


def destination(number: int = 1, **changed: object) -> Destination:
    given: dict[str, object] = {
        "destination_id": f"dst_{number}",
        "owner_id": OWNER,
        "label": "home",
        "chain": "eth",
        "address": "0x" + "ab" * 20,
        "memo": None,
        "added_at": NOON,
        "usable_at": NOON,
        "wall_usable_at": NOON,
        "removed_at": None,
    }
    return Destination(**(given | changed))  # type: ignore[arg-type]


def api_key(number: int = 1, **changed: object) -> ApiKey:
    given: dict[str, object] = {
        "key_id": f"key_{number}",
        "owner_id": OWNER,
        "name": f"Key {number}",
        "prefix": "bal_abcdefghijkl",
        "secret_hash": f"{number:064x}",
        "scopes": (Scope.READ, Scope.SPEND),
        "created_at": NOON,
        "expires_at": after(3_600),
        "last_used_at": None,
        "revoked_at": None,
        "replaced_by": None,
    }
    return ApiKey(**(given | changed))  # type: ignore[arg-type]


def account(number: int = 1, **changed: object) -> LoginAccount:
    given: dict[str, object] = {
        "account_id": f"acc_{number}",
        "owner_id": OWNER,
        "name": f"Person {number}",
        "password_hash": "$argon2id$…",
        "created_at": NOON,
        "disabled_at": None,
    }
    return LoginAccount(**(given | changed))  # type: ignore[arg-type]


def session(number: int = 1, **changed: object) -> Session:
    given: dict[str, object] = {
        "session_id": f"ses_{number}",
        "owner_id": OWNER,
        "account_id": "acc_1",
        "client_id": "a client",
        "scopes": (Scope.READ,),
        "created_at": NOON,
        "expires_at": after(90),
        "ended_at": None,
        "end_reason": "",
    }
    return Session(**(given | changed))  # type: ignore[arg-type]


def refresh_token(number: int = 1, **changed: object) -> RefreshToken:
    given: dict[str, object] = {
        "token_hash": f"{number:064x}",
        "session_id": "ses_1",
        "owner_id": OWNER,
        "created_at": NOON,
        "expires_at": after(14),
        "used_at": None,
    }
    return RefreshToken(**(given | changed))  # type: ignore[arg-type]


def event(number: int = 1, **changed: object) -> Event:
    given: dict[str, object] = {
        "event_id": f"evt_{number}",
        "owner_id": OWNER,
        "index_id": INDEX,
        "stream": INDEX,
        "sequence": number,
        "kind": EventKind.INDEX_CREATED,
        "at": NOON,
        "data": {"name": "Ω", "state": "active", "version": "1"},
        "told_at": None,
    }
    return Event(**(given | changed))  # type: ignore[arg-type]


def identity(subject: str = "0xAb", **changed: object) -> Identity:
    given: dict[str, object] = {
        "provider": "ethereum",
        "subject": subject,
        "account_id": "acc_1",
        "owner_id": OWNER,
        "added_at": NOON,
    }
    return Identity(**(given | changed))  # type: ignore[arg-type]


def challenge(number: int = 1) -> Challenge:
    return Challenge(f"{number:064x}", "0xAb", after(5), None)


def client(number: int = 1) -> OAuthClient:
    return OAuthClient(f"client {number}", '{"client_name":"Ω"}', NOON, None)


def authorization(number: int = 1, **changed: object) -> Authorization:
    given: dict[str, object] = {
        "request_hash": f"{number:064x}",
        "client_id": "client 1",
        "redirect_uri": "https://app.example/back",
        "redirect_given": True,
        "state": None,
        "code_challenge": "c" * 43,
        "scopes": (Scope.READ, Scope.WRITE),
        "expires_at": after(600),
        "code_hash": None,
        "account_id": None,
        "owner_id": None,
        "session_id": None,
    }
    return Authorization(**(given | changed))  # type: ignore[arg-type]


def webhook() -> Webhook:
    return Webhook(
        webhook_id="whk_1",
        owner_id=OWNER,
        url="https://receiver.example/",
        label="Receiver",
        kinds=(EventKind.INDEX_CREATED,),
        state=WebhookState.ACTIVE,
        secret="key.sealed",
        previous_secret=None,
        previous_until=None,
        failing_since=None,
        problem="",
        created_at=NOON,
        updated_at=NOON,
    )


def delivery(of: Event) -> Delivery:
    return Delivery(
        delivery_id="dlv_1",
        owner_id=OWNER,
        webhook_id="whk_1",
        event_id=of.event_id,
        stream=of.stream,
        sequence=of.sequence,
        kind=of.kind,
        state=DeliveryState.PENDING,
        attempts=0,
        due_at=NOON,
        status=None,
        problem="",
        created_at=NOON,
        updated_at=NOON,
        ended_at=None,
    )


def channel(**changed: object) -> Channel:
    given: dict[str, object] = {
        "channel_id": "chn_1",
        "owner_id": OWNER,
        "label": "phone",
        "service": "json",
        "address": "key.sealed",
        "level": Level.WARNING,
        "next_at": NOON,
        "problem": "",
        "created_at": NOON,
        "removed_at": None,
    }
    return Channel(**(given | changed))  # type: ignore[arg-type]


def notice(of: Event, **changed: object) -> Notice:
    given: dict[str, object] = {
        "channel_id": "chn_1",
        "event_id": of.event_id,
        "owner_id": OWNER,
        "state": NoticeState.PENDING,
        "created_at": NOON,
        "ended_at": None,
    }
    return Notice(**(given | changed))  # type: ignore[arg-type]
