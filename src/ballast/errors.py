"""The closed set of errors: what went wrong, how each face reports it, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ErrorCode(StrEnum):
    """Every way a call can be refused. The same word on MCP, REST and the command line."""

    INVALID_INPUT = "invalid_input"
    INVALID_AMOUNT = "invalid_amount"
    WEIGHTS_INVALID = "weights_invalid"
    UNKNOWN_ASSET = "unknown_asset"
    AMBIGUOUS_ASSET = "ambiguous_asset"
    DUPLICATE_ASSET = "duplicate_asset"
    NOT_FOUND = "not_found"
    NAME_TAKEN = "name_taken"
    REQUEST_ID_REUSED = "request_id_reused"
    INDEX_PENDING = "index_pending"
    INDEX_PAUSED = "index_paused"
    INDEX_ARCHIVED = "index_archived"
    INDEX_NOT_EMPTY = "index_not_empty"
    PLAN_EXPIRED = "plan_expired"
    PLAN_USED = "plan_used"
    PLAN_MISMATCH = "plan_mismatch"
    PLAN_STALE = "plan_stale"
    NOTHING_TO_DO = "nothing_to_do"
    REBALANCE_RUNNING = "rebalance_running"
    INSUFFICIENT_HOLDINGS = "insufficient_holdings"
    LIMIT_EXCEEDED = "limit_exceeded"
    CONFIRMATION_NEEDED = "confirmation_needed"
    TRADING_HALTED = "trading_halted"
    PRICE_UNAVAILABLE = "price_unavailable"
    QUOTE_REFUSED = "quote_refused"
    VENUE_UNAVAILABLE = "venue_unavailable"
    VENUE_REFUSED = "venue_refused"
    NOT_IN_THIS_MODE = "not_in_this_mode"
    DEPOSIT_CLOSED = "deposit_closed"
    AMOUNT_TOO_LOW = "amount_too_low"
    ADDRESS_INVALID = "address_invalid"
    DESTINATION_NOT_ALLOWED = "destination_not_allowed"
    UNAUTHENTICATED = "unauthenticated"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    REGISTRATION_CLOSED = "registration_closed"
    URL_NOT_ALLOWED = "url_not_allowed"
    RECEIVER_FAILED = "receiver_failed"
    SCOPE_MISSING = "scope_missing"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    MEDIA_TYPE_REFUSED = "media_type_refused"
    HOST_REFUSED = "host_refused"
    ORIGIN_REFUSED = "origin_refused"
    REQUEST_TOO_LARGE = "request_too_large"
    REQUEST_TOO_SLOW = "request_too_slow"
    RATE_LIMITED = "rate_limited"
    TOOK_TOO_LONG = "took_too_long"
    KEYS_UNAVAILABLE = "keys_unavailable"
    STORE_NEWER = "store_newer"
    STORE_DAMAGED = "store_damaged"
    STORE_BUSY = "store_busy"
    STORE_UNAVAILABLE = "store_unavailable"
    SETTINGS_INVALID = "settings_invalid"
    WORLD_CHANGED = "world_changed"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """How one code is reported.

    Attributes:
        http_status: status of the REST answer.
        exit_code: exit code of the command line: 2 bad input, 3 not found, 4 state, 5 plan,
            6 limit, 7 outside, 8 set-up, 70 our own mistake.
        retryable: whether the same call may succeed later without being changed.
        next_step: one or two sentences that say what to do now; a refusal may have its own.
    """

    http_status: int
    exit_code: int
    retryable: bool
    next_step: str


ERRORS: Final[Mapping[ErrorCode, ErrorSpec]] = MappingProxyType(
    {
        ErrorCode.INVALID_INPUT: ErrorSpec(
            400, 2, False, "Correct the fields listed in details.problems and call again."
        ),
        ErrorCode.INVALID_AMOUNT: ErrorSpec(
            400,
            2,
            False,
            'Give the amount as a plain decimal string of whole units, such as "250" or "0.05".',
        ),
        ErrorCode.WEIGHTS_INVALID: ErrorSpec(
            400,
            2,
            False,
            "Give weights in percent with at most two decimals that together make 100.",
        ),
        ErrorCode.UNKNOWN_ASSET: ErrorSpec(
            404,
            3,
            False,
            "Call list_assets with a search word and use a symbol or asset id it lists.",
        ),
        ErrorCode.AMBIGUOUS_ASSET: ErrorSpec(
            409,
            2,
            False,
            'Choose one of details.candidates and name it by its id, or as "SYMBOL on chain".',
        ),
        ErrorCode.DUPLICATE_ASSET: ErrorSpec(
            400, 2, False, "Name each asset once and add its weights together."
        ),
        ErrorCode.NOT_FOUND: ErrorSpec(
            404, 3, False, "Check the id. list_indexes shows what there is."
        ),
        ErrorCode.NAME_TAKEN: ErrorSpec(
            409,
            4,
            False,
            "Choose another name, or use the index that has it: list_indexes shows it.",
        ),
        ErrorCode.REQUEST_ID_REUSED: ErrorSpec(
            409,
            4,
            False,
            "Use a new request_id for a different request; repeat the old one only unchanged.",
        ),
        ErrorCode.INDEX_PENDING: ErrorSpec(
            409, 4, False, "Fund the index first: call deposit_address and send money to it."
        ),
        ErrorCode.INDEX_PAUSED: ErrorSpec(
            409, 4, False, "Call resume_index if the owner wants it to trade again."
        ),
        ErrorCode.INDEX_ARCHIVED: ErrorSpec(
            409, 4, False, "An archived index is read-only. Create a new index instead."
        ),
        ErrorCode.INDEX_NOT_EMPTY: ErrorSpec(
            409,
            4,
            False,
            "Withdraw what the index holds, and let an open deposit end; then delete it.",
        ),
        ErrorCode.PLAN_EXPIRED: ErrorSpec(
            409,
            5,
            False,
            "Call preview_rebalance for a fresh plan, show it, then execute that one.",
        ),
        ErrorCode.PLAN_USED: ErrorSpec(
            409,
            5,
            False,
            "A plan is used once. Follow its rebalance with get_progress, or preview a new plan.",
        ),
        ErrorCode.PLAN_MISMATCH: ErrorSpec(
            409,
            5,
            False,
            "Use the index_id the plan was made for, or preview a plan for this index.",
        ),
        ErrorCode.PLAN_STALE: ErrorSpec(
            409,
            5,
            False,
            "The index has changed since the plan was made. Call preview_rebalance again.",
        ),
        ErrorCode.NOTHING_TO_DO: ErrorSpec(
            409,
            4,
            False,
            "The plan holds no swap, so there is nothing to execute. get_drift shows why.",
        ),
        ErrorCode.REBALANCE_RUNNING: ErrorSpec(
            409,
            4,
            True,
            "Follow the running one with get_progress and call again when it has ended.",
        ),
        ErrorCode.INSUFFICIENT_HOLDINGS: ErrorSpec(
            409, 4, False, "Deposit more, or ask for less: details shows what is available."
        ),
        ErrorCode.LIMIT_EXCEEDED: ErrorSpec(
            403,
            6,
            False,
            "Only the owner can raise a limit, in a terminal: ballast limits set.",
        ),
        ErrorCode.CONFIRMATION_NEEDED: ErrorSpec(
            403,
            6,
            False,
            "Ask the owner to run the command in the message, on the machine itself; then make the "
            "same call again within the five minutes that a plan lasts.",
        ),
        ErrorCode.TRADING_HALTED: ErrorSpec(
            423, 6, False, "Trading is halted. Only the owner can resume it, on the machine itself."
        ),
        ErrorCode.PRICE_UNAVAILABLE: ErrorSpec(
            503, 7, True, "No usable price right now. Wait a minute and call again."
        ),
        ErrorCode.QUOTE_REFUSED: ErrorSpec(
            409,
            7,
            True,
            "The venue's offer failed our checks, so nothing was signed. Preview again later.",
        ),
        ErrorCode.VENUE_UNAVAILABLE: ErrorSpec(
            503, 7, True, "The venue does not answer. Nothing was changed; call again in a minute."
        ),
        ErrorCode.VENUE_REFUSED: ErrorSpec(
            422,
            7,
            False,
            "The venue refused this. Change the asset, chain or amount and call again.",
        ),
        ErrorCode.NOT_IN_THIS_MODE: ErrorSpec(
            409, 4, False, "This works in paper mode only. In live mode send real funds yourself."
        ),
        ErrorCode.DEPOSIT_CLOSED: ErrorSpec(
            409, 4, False, "Call deposit_address for a new address and pay to that one."
        ),
        ErrorCode.AMOUNT_TOO_LOW: ErrorSpec(
            422, 2, False, "Ask for at least the minimum in details, or choose another chain."
        ),
        ErrorCode.ADDRESS_INVALID: ErrorSpec(
            400, 2, False, "Check the address: its chain, its spelling, and whether a memo is due."
        ),
        ErrorCode.DESTINATION_NOT_ALLOWED: ErrorSpec(
            403,
            6,
            False,
            "Only the owner can add a destination: ballast destinations add, in a terminal.",
        ),
        ErrorCode.UNAUTHENTICATED: ErrorSpec(
            401,
            6,
            False,
            "Send Authorization: Bearer and a key; the owner makes one: ballast apikey create.",
        ),
        ErrorCode.PROVIDER_UNAVAILABLE: ErrorSpec(
            503, 7, True, "Call again in a minute, or use an API key: ballast apikey create."
        ),
        ErrorCode.REGISTRATION_CLOSED: ErrorSpec(
            403, 6, False, "Ask the owner for an account: ballast account create, in a terminal."
        ),
        ErrorCode.URL_NOT_ALLOWED: ErrorSpec(
            400, 2, False, "Give an https URL of a host on the public internet, without a password."
        ),
        ErrorCode.RECEIVER_FAILED: ErrorSpec(
            422,
            7,
            True,
            "Let the receiver answer a POST with a 2xx status within ten seconds, and call again.",
        ),
        ErrorCode.SCOPE_MISSING: ErrorSpec(
            403,
            6,
            False,
            "Use a credential with the scope in details; ballast apikey create makes one.",
        ),
        ErrorCode.METHOD_NOT_ALLOWED: ErrorSpec(
            405, 2, False, "Use a method that this path is there for: the header Allow lists them."
        ),
        ErrorCode.MEDIA_TYPE_REFUSED: ErrorSpec(
            415, 2, False, "Send the body as JSON, with Content-Type: application/json."
        ),
        ErrorCode.HOST_REFUSED: ErrorSpec(
            421, 6, False, "Use the server's own address; BALLAST_HTTP_URL tells it another one."
        ),
        ErrorCode.ORIGIN_REFUSED: ErrorSpec(
            403, 6, False, "The owner of the server can allow an origin: BALLAST_HTTP_ORIGINS."
        ),
        ErrorCode.REQUEST_TOO_LARGE: ErrorSpec(
            413, 2, False, "Send less: most_bytes in details says how much is taken."
        ),
        ErrorCode.REQUEST_TOO_SLOW: ErrorSpec(
            408, 7, True, "Send the whole request at once, on a new connection."
        ),
        ErrorCode.RATE_LIMITED: ErrorSpec(
            429, 6, True, "Wait retry_after_seconds of details, then call again."
        ),
        ErrorCode.TOOK_TOO_LONG: ErrorSpec(
            504,
            7,
            True,
            "Repeat it with the same request_id: nothing is done twice. Or look what came of it.",
        ),
        ErrorCode.KEYS_UNAVAILABLE: ErrorSpec(
            503,
            8,
            False,
            "Restore this data directory's master key: BALLAST_MASTER_KEY, or its key file.",
        ),
        ErrorCode.STORE_NEWER: ErrorSpec(
            503, 8, False, "Install the Ballast version that wrote this database, or a newer one."
        ),
        ErrorCode.STORE_DAMAGED: ErrorSpec(
            503,
            8,
            False,
            "Do not trade. Put the last good backup back: ballast restore, then ballast verify.",
        ),
        ErrorCode.STORE_BUSY: ErrorSpec(
            503, 7, True, "Another process is writing. Nothing was changed; call again."
        ),
        ErrorCode.STORE_UNAVAILABLE: ErrorSpec(
            503,
            8,
            True,
            "Check the disk and the permissions of the data directory, or the database server, "
            "then call again.",
        ),
        ErrorCode.SETTINGS_INVALID: ErrorSpec(
            500, 8, False, "Correct the settings named in the message and start again."
        ),
        ErrorCode.WORLD_CHANGED: ErrorSpec(
            503,
            8,
            False,
            "Put the missing file back, or start afresh in another data directory.",
        ),
        ErrorCode.INTERNAL: ErrorSpec(
            500,
            70,
            False,
            "This is a fault in Ballast. Nothing more was done; get_status and the log tell more.",
        ),
    }
)


class BallastError(Exception):
    """A refusal with a code, a sentence for people and details for machines.

    Args:
        code: one of the closed set.
        message: one or two full sentences in our own words; text from outside goes into details.
        details: JSON-ready facts (strings, integers, lists, mappings).
    """

    def __init__(self, code: ErrorCode, message: str, **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.next_step = ERRORS[code].next_step
        self.call_id = ""
        """Which call it refused, by the id its log lines carry; empty outside of one."""

    def advising(self, next_step: str) -> BallastError:
        """The same refusal with a next step of its own, where that of its code would not help."""
        self.next_step = next_step
        return self

    @property
    def spec(self) -> ErrorSpec:
        """How this code is reported."""
        return ERRORS[self.code]

    def as_dict(self) -> dict[str, object]:
        """The one error object of every face: code, message, next_step, retryable, details."""
        return {
            "code": self.code.value,
            "message": self.message,
            "next_step": self.next_step,
            "retryable": self.spec.retryable,
            "details": self.details | ({"call_id": self.call_id} if self.call_id else {}),
        }
