"""The dashboard for Grafana, and the table of figures in docs/observability.md."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ballast.faces.http.figures import FIGURES
from tools.readme import with_part

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = "docs/observability.md"
_OF: Final = {"process": "process", "ledger": "the whole ledger"}
_WIDTH: Final = 24
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_RATE: Final = "[$__rate_interval]"


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: what it is called, and each line with its words."""

    title: str
    lines: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: Literal["stat", "timeseries"] = "timeseries"
    width: int = 8
    red_from: float | None = None
    note: str = ""


def _slowest(figure: str, by: str) -> str:
    """The time that 95 of 100 stay below."""
    return f"histogram_quantile(0.95, sum by (le, {by}) (rate({figure}_bucket{_RATE})))"


def _often(figure: str, by: str) -> str:
    return f"sum by ({by}) (rate({figure}{_RATE}))"


ROWS: Final[tuple[tuple[str, tuple[Panel, ...]], ...]] = (
    (
        "Is money well?",
        (
            Panel(
                "Unexplained",
                (("max by (asset) (ballast_unexplained_units) or vector(0)", "{{asset}}"),),
                kind="stat",
                width=4,
                red_from=1,
                note="Base units that nobody can account for. Anything but 0 is an alarm.",
            ),
            Panel(
                "Oldest open message",
                (("max(ballast_oldest_open_intent_seconds)", ""),),
                "s",
                "stat",
                4,
                red_from=600,
            ),
            Panel("In flight", (("max(ballast_in_flight_usd)", ""),), "currencyUSD", "stat", 4),
            Panel(
                "Kill switch",
                (("max(ballast_halt_level)", ""),),
                kind="stat",
                width=2,
                red_from=1,
                note="1: nothing is bought. 2: nothing is signed.",
            ),
            Panel(
                "Engines",
                (("sum(ballast_engine_leading)", ""),),
                kind="stat",
                width=2,
                note="Processes that lead: 1.",
            ),
            Panel(
                "Rows of the audit",
                (("max(ballast_audit_head_sequence)", ""),),
                kind="stat",
                width=4,
                note="It only grows.",
            ),
            Panel(
                "Clock",
                (("max(abs(ballast_clock_error_seconds))", ""),),
                "s",
                "stat",
                4,
                red_from=2,
            ),
        ),
    ),
    (
        "Trading",
        (
            Panel(
                "Signed messages by state",
                (
                    (
                        'max by (state) (ballast_intents{state!~"executed|expired"})',
                        "{{state}}",
                    ),
                ),
            ),
            Panel("Signatures", ((_often("ballast_signatures_total", "purpose"), "{{purpose}}"),)),
            Panel("Refused, by rule", ((_often("ballast_refusals_total", "rule"), "{{rule}}"),)),
            Panel(
                "In flight",
                (
                    ("max(ballast_in_flight_usd)", "dollars"),
                    ("max(ballast_in_flight_unpriced_assets)", "assets without a price"),
                ),
                "currencyUSD",
            ),
            Panel(
                "Base units in flight",
                (("max by (asset) (ballast_in_flight_units)", "{{asset}}"),),
            ),
            Panel(
                "Compared with the venue",
                (
                    ("max(ballast_reconciliation_overdue_seconds)", "overdue"),
                    (
                        "max(ballast_clock_timestamp_seconds) - "
                        "max(ballast_reconciliation_last_success_timestamp_seconds)",
                        "since the last one",
                    ),
                ),
                "s",
            ),
        ),
    ),
    (
        "Engine and monitor",
        (
            Panel(
                "Work that is due",
                (
                    ("max(ballast_due_rows)", "rows"),
                    ("max(ballast_oldest_due_seconds)", "oldest, seconds"),
                ),
            ),
            Panel(
                "Steps",
                (
                    (
                        _often("ballast_engine_step_duration_seconds_count", "kind, outcome"),
                        "{{kind}} {{outcome}}",
                    ),
                ),
                "ops",
            ),
            Panel(
                "Time of a step (95 %)",
                ((_slowest("ballast_engine_step_duration_seconds", "kind"), "{{kind}}"),),
                "s",
            ),
            Panel(
                "Pass of the monitor (95 %)",
                ((_slowest("ballast_monitor_pass_duration_seconds", "outcome"), "{{outcome}}"),),
                "s",
            ),
            Panel(
                "Indexes looked over",
                ((f"sum(rate(ballast_monitor_indexes_screened_total{_RATE}))", "a second"),),
            ),
            Panel(
                "Since the last pass",
                (
                    (
                        "max(ballast_clock_timestamp_seconds) - "
                        "max(ballast_monitor_last_pass_timestamp_seconds)",
                        "",
                    ),
                ),
                "s",
            ),
        ),
    ),
    (
        "Outside",
        (
            Panel(
                "Requests to others (95 %)",
                (
                    (
                        _slowest("http_client_request_duration_seconds", "service, url_template"),
                        "{{service}} {{url_template}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Requests that failed",
                (
                    (
                        "sum by (service, error_type) (rate(http_client_request_duration_seconds"
                        f'_count{{error_type!=""}}{_RATE}))',
                        "{{service}} {{error_type}}",
                    ),
                ),
                "ops",
            ),
            Panel(
                "Breakers that are open",
                (
                    (
                        'max by (service, endpoint) (ballast_breaker_state{state="opened"})',
                        "{{service}} {{endpoint}}",
                    ),
                ),
            ),
            Panel(
                "Age of prices",
                (("min by (source) (ballast_price_age_seconds)", "{{source}}"),),
                "s",
            ),
            Panel(
                "Reads of prices",
                ((_often("ballast_price_read_duration_seconds_count", "outcome"), "{{outcome}}"),),
                "ops",
            ),
            Panel(
                "Webhooks",
                (
                    (_often("ballast_webhook_attempts_total", "outcome"), "{{outcome}}, a second"),
                    ("max(ballast_webhook_pending)", "waiting"),
                    ("max(ballast_webhook_dead_letters)", "given up"),
                    ("max(ballast_webhooks_failing)", "webhooks failing"),
                    ("max(ballast_untold_events)", "not handed on"),
                ),
            ),
        ),
    ),
    (
        "Calls",
        (
            Panel(
                "Calls",
                ((_often("ballast_operations_total", "face, outcome"), "{{face}} {{outcome}}"),),
                "ops",
            ),
            Panel(
                "Time of a call (95 %)",
                (
                    (
                        _slowest("ballast_operation_duration_seconds", "effect, face"),
                        "{{face}} {{effect}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Messages of MCP (95 %)",
                (
                    (
                        _slowest("mcp_server_operation_duration_seconds", "gen_ai_tool_name"),
                        "{{gen_ai_tool_name}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Requests over HTTP",
                (
                    (
                        _often(
                            "http_server_request_duration_seconds_count",
                            "http_response_status_code",
                        ),
                        "{{http_response_status_code}}",
                    ),
                ),
                "ops",
            ),
            Panel(
                "Processor",
                ((_often("process_cpu_seconds_total", "instance"), "{{instance}}"),),
                "percentunit",
            ),
            Panel(
                "Memory",
                (("process_resident_memory_bytes", "{{instance}}"),),
                "bytes",
            ),
        ),
    ),
)


def dashboard() -> str:
    """docs/observability/grafana.json: to be imported into Grafana."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS:
        panels.append(
            {
                "type": "row",
                "title": title,
                "id": len(panels) + 1,
                "gridPos": {"h": 1, "w": _WIDTH, "x": 0, "y": top},
                "panels": [],
            }
        )
        top, left = top + 1, 0
        height = 4 if row[0].kind == "stat" else 8
        for one in row:
            if left + one.width > _WIDTH:
                top, left = top + height, 0
            place = {"h": height, "w": one.width, "x": left, "y": top}
            panels.append(_panel(one, len(panels) + 1, place))
            left += one.width
        top += height
    whole = {
        "title": "Ballast",
        "uid": "ballast",
        "description": "Whether money is well, and what keeps it from being so.",
        "tags": ["ballast"],
        "schemaVersion": 39,
        "version": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                }
            ]
        },
        "panels": panels,
    }
    return json.dumps(whole, indent=1) + "\n"


def _panel(one: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if one.red_from is not None:
        steps.append({"color": "red", "value": one.red_from})
    return {
        "type": one.kind,
        "title": one.title,
        "description": one.note,
        "id": number,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": one.unit, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": [
            {
                "refId": chr(ord("A") + position),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": words or one.title,
            }
            for position, (expression, words) in enumerate(one.lines)
        ],
    }


def figures_table() -> str:
    """Every figure with its labels, and what it tells of."""
    rows = (
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} "
        f"| {_OF[one.of]} | {one.text} |\n"
        for one in FIGURES
    )
    return "| figure | kind | labels | of | tells |\n|---|---|---|---|---|\n" + "".join(rows)


def observability_page() -> str:
    """docs/observability.md with its table as it should be."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    return with_part(text, "figures", figures_table())
