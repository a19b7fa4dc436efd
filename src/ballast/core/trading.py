"""What is carried out: plans, rebalances, swaps, and the intents that were signed for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ballast.core.states import IntentState, PlanState, RebalanceState, SwapState


class RebalanceKind(StrEnum):
    """Why money moves. construct: the first purchase; invest: a deposit, which only buys."""

    CONSTRUCT = "construct"
    REBALANCE = "rebalance"
    INVEST = "invest"
    WITHDRAW = "withdraw"
    LIQUIDATE = "liquidate"


class Purpose(StrEnum):
    """What a leg is for. payout: the outward transfer of a withdrawal, bought for delivery."""

    SWAP = "swap"
    PAYOUT = "payout"


class Starter(StrEnum):
    """Who started it. engine: a deposit to be invested; monitor: the policy."""

    PERSON = "person"
    ENGINE = "engine"
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True)
class Price:
    """An observation: USD per whole unit, with its source and time."""

    asset_id: str
    usd: Decimal
    source: str
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class PlannedSwap:
    """One priced leg of a plan.

    Attributes:
        input_units: what is sold, base units.
        input_pico: its value at the plan's prices.
        expected_units: what the venue offered for it, base units.
        minimum_units: the least that is accepted (the slippage floor).
        fee_pico: value lost to the venue's fee and spread at the plan's prices.
    """

    sell: str
    buy: str
    input_units: int
    input_pico: int
    expected_units: int
    minimum_units: int
    fee_pico: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A difference that is left alone, and why. Value is signed: above zero is too much held."""

    asset_id: str
    value_pico: int
    reason: str


@dataclass(frozen=True, slots=True)
class ThroughBase:
    """What the same change would take through the base asset."""

    swaps: int
    notional_pico: int
    fee_pico: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A priced proposal. Used once.

    Attributes:
        digest: SHA-256 over the swaps, so that two plans can be told apart.
        index_version, ledger_sequence: what the index was when it was made; if they have moved,
            the plan is stale.
        drift_before, drift_after: per asset, absolute drift in parts per million of the value.
    """

    plan_id: str
    owner_id: str
    index_id: str
    kind: RebalanceKind
    state: PlanState
    swaps: tuple[PlannedSwap, ...]
    skipped: tuple[Skipped, ...]
    through_base: ThroughBase
    prices: Mapping[str, Price]
    value_pico: int
    notional_pico: int
    fee_pico: int
    drift_before: Mapping[str, int]
    drift_after: Mapping[str, int]
    reason: str
    digest: str
    index_version: int
    ledger_sequence: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Rebalance:
    """One plan being carried out. At most one per index is not terminal."""

    rebalance_id: str
    owner_id: str
    index_id: str
    plan_id: str
    kind: RebalanceKind
    state: RebalanceState
    started_by: Starter
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    due_at: datetime | None
    note: str


@dataclass(frozen=True, slots=True)
class Swap:
    """One leg being carried out.

    Attributes:
        recipient, recipient_memo: where a payout is delivered, on the bought asset's chain.
        value_pico: value of the input when it was planned; what spending limits count.
        cost_pico: what of it goes to fees, spread and slippage at the plan's prices: first what was
            expected, once settled what it was. Never below zero.
        floor_units: the least output the plan allows.
        quoted_units, minimum_units: the firm quote's output and its signed minimum.
        deposit_address: the venue's handle of this swap.
        output_units, refunded_units: what really came.
        due_at: when the engine looks at it next; None when terminal.
        problem: the last refusal or fault in our own words, for people.
    """

    swap_id: str
    owner_id: str
    index_id: str
    rebalance_id: str
    position: int
    purpose: Purpose
    recipient: str | None
    recipient_memo: str | None
    state: SwapState
    sell: str
    buy: str
    input_units: int
    value_pico: int
    cost_pico: int
    floor_units: int
    quoted_units: int | None
    minimum_units: int | None
    deposit_address: str | None
    deposit_memo: str | None
    quote_deadline: datetime | None
    quote: Mapping[str, object] | None
    output_units: int | None
    refunded_units: int | None
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    ended_at: datetime | None
    due_at: datetime | None
    attempts: int
    problem: str


@dataclass(frozen=True, slots=True)
class Intent:
    """The signed thing itself. Its bytes are committed before anything is sent.

    Attributes:
        intent_hash: base58 of the digest that was signed; unique per payload text.
        payload: the exact text that was signed.
        signature: `secp256k1:<base58 of r, s, v>`.
        nonce: base64 of 32 bytes.
        deadline: after it the intent can no longer execute.
    """

    intent_id: str
    owner_id: str
    index_id: str
    swap_id: str
    purpose: str
    state: IntentState
    intent_hash: str
    payload: str
    signature: str
    nonce: str
    receiver_id: str
    asset_id: str
    units: int
    deadline: datetime
    created_at: datetime
    updated_at: datetime
    attempts: int
