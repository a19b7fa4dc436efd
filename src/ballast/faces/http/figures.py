"""Which figures a process has, for Prometheus; `meters.py` keeps them.

Requests and messages go by the names of OpenTelemetry's conventions for HTTP and for MCP, with
underscores and units as Prometheus writes them. No label has a value that a caller or the outside
can make up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

# Those that the conventions advise: of requests over HTTP, and of messages of MCP.
_HTTP_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_MCP_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
MOST_DUE: Final = 1_000

Kind = Literal["counter", "gauge", "histogram"]
Of = Literal["process", "ledger"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        of: what it tells of: this `process`, or the whole `ledger`, so that every process that uses
            it says the same.
    """

    name: str
    kind: Kind
    of: Of
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


FIGURES: Final = (
    Figure(
        "http_server_request_duration_seconds",
        "histogram",
        "process",
        "Requests that were answered, by how long it took.",
        ("http_request_method", "http_route", "http_response_status_code"),
        _HTTP_SECONDS,
    ),
    Figure("http_server_active_requests", "gauge", "process", "Requests being answered."),
    Figure(
        "mcp_server_operation_duration_seconds",
        "histogram",
        "process",
        "Messages of MCP answered, by how long it took; of refusals the type `tool_error`.",
        ("mcp_method_name", "gen_ai_tool_name", "error_type"),
        _MCP_SECONDS,
    ),
    Figure(
        "http_client_request_duration_seconds",
        "histogram",
        "process",
        "Requests to the venue and others, each with its retries, by how long it took.",
        ("service", "http_request_method", "url_template", "error_type"),
        _HTTP_SECONDS,
    ),
    Figure(
        "ballast_breaker_state",
        "gauge",
        "process",
        "1 for the state a circuit breaker is in: `closed`, `opened` or `half-opened`.",
        ("service", "endpoint", "state"),
    ),
    Figure(
        "ballast_operations_total",
        "counter",
        "process",
        "Calls, by what they came by and their outcome: `done`, or the code of the refusal.",
        ("operation", "face", "outcome"),
    ),
    Figure(
        "ballast_operation_duration_seconds",
        "histogram",
        "process",
        "Calls, by how long they took.",
        ("effect", "face"),
        _SECONDS,
    ),
    Figure(
        "ballast_refusals_total",
        "counter",
        "process",
        "What would have changed something and was refused, by the limit or the code.",
        ("rule",),
    ),
    Figure(
        "ballast_engine_step_duration_seconds",
        "histogram",
        "process",
        "Steps of the engine, by how long they took; what is not `done` is tried again.",
        ("kind", "outcome"),
        _SECONDS,
    ),
    Figure("ballast_engine_leading", "gauge", "process", "1 while this process is the engine."),
    Figure(
        "ballast_signatures_total",
        "counter",
        "process",
        "Signatures made, by what for; `near_transaction` is what a NEAR account signs around one.",
        ("purpose",),
    ),
    Figure(
        "ballast_price_age_seconds",
        "gauge",
        "process",
        "Age of the newest usable price of a source, where this process has read one.",
        ("source",),
    ),
    Figure(
        "ballast_price_read_duration_seconds",
        "histogram",
        "process",
        "Reads of prices, by how long they took; `price_unavailable` is one that a gate held back.",
        ("outcome",),
        _SECONDS,
    ),
    Figure(
        "ballast_monitor_pass_duration_seconds",
        "histogram",
        "process",
        "Looks of the monitor over all indexes, by how long they took.",
        ("outcome",),
        _SECONDS,
    ),
    Figure(
        "ballast_monitor_indexes_screened_total", "counter", "process", "Indexes it looked over."
    ),
    Figure(
        "ballast_monitor_last_pass_timestamp_seconds",
        "gauge",
        "process",
        "When its last pass ended well; 0 before the first.",
    ),
    Figure(
        "ballast_webhook_attempts_total",
        "counter",
        "process",
        "Attempts to deliver an event: `done`, `failed` without an answer, `status_4xx` …",
        ("outcome",),
    ),
    Figure(
        "ballast_reconciliation_last_success_timestamp_seconds",
        "gauge",
        "process",
        "When this process has last compared an index with the venue; 0 before the first.",
    ),
    Figure(
        "ballast_clock_timestamp_seconds",
        "gauge",
        "process",
        "What the clock says; in paper mode it is that of the paper world.",
    ),
    Figure(
        "ballast_clock_error_seconds",
        "gauge",
        "process",
        "By how much it is surely ahead of the venue's, or behind where it is below 0.",
    ),
    Figure(
        "ballast_build_info",
        "gauge",
        "process",
        "Always 1.",
        ("version", "mode"),
    ),
    Figure("ballast_intents", "gauge", "ledger", "Signed messages, by state.", ("state",)),
    Figure(
        "ballast_oldest_open_intent_seconds",
        "gauge",
        "ledger",
        "Age of the oldest one whose outcome is not known; 0 without one.",
    ),
    Figure(
        "ballast_in_flight_usd",
        "gauge",
        "ledger",
        "What has been sent and not come back, by the price seen last.",
    ),
    Figure(
        "ballast_in_flight_unpriced_assets",
        "gauge",
        "ledger",
        "Assets of which something is in flight and no price was ever seen: not in that sum.",
    ),
    Figure(
        "ballast_in_flight_units",
        "gauge",
        "ledger",
        "The same in base units.",
        ("asset",),
    ),
    Figure(
        "ballast_unexplained_units",
        "gauge",
        "ledger",
        "Base units that nobody can account for; amounts, whatever the sign.",
        ("asset",),
    ),
    Figure(
        "ballast_reconciliation_overdue_seconds",
        "gauge",
        "ledger",
        "How long the index that waits longest has been due to be compared with the venue.",
    ),
    Figure("ballast_due_rows", "gauge", "ledger", f"Rows that are due; {MOST_DUE} at most."),
    Figure("ballast_oldest_due_seconds", "gauge", "ledger", "How long one of them waits already."),
    Figure("ballast_trading_halted", "gauge", "ledger", "1 while nothing is signed."),
    Figure(
        "ballast_halt_level",
        "gauge",
        "ledger",
        "What the kill switch stops: 0 nothing; 1 nothing is bought; 2 nothing is signed.",
    ),
    Figure(
        "ballast_audit_head_sequence",
        "gauge",
        "ledger",
        "Rows in the audit's chain of this machine's owner; fewer than before: it was cut.",
    ),
    Figure(
        "ballast_owners_halted", "gauge", "ledger", "Owners who have a kill switch of theirs on."
    ),
    Figure("ballast_untold_events", "gauge", "ledger", "Events not handed on yet."),
    Figure("ballast_webhook_pending", "gauge", "ledger", "Events that wait for a webhook."),
    Figure("ballast_webhook_dead_letters", "gauge", "ledger", "Events that webhooks never took."),
    Figure("ballast_webhooks_failing", "gauge", "ledger", "Webhooks that do not answer well now."),
)
