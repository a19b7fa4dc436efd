"""Alerts and dashboard ask for nothing that the server does not show; each alert has its page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ballast.core.states import IntentState
from ballast.errors import ErrorCode
from ballast.faces.http.figures import FIGURES
from ballast.faces.http.meters import Meters
from tests.app.world import open_world
from tests.http.serving import MINE, serving

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/observability.md").read_text(encoding="utf-8")
RULES = yaml.safe_load((ROOT / "docs/observability/alerts.yaml").read_text(encoding="utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "docs/observability/grafana.json").read_text(encoding="utf-8"))
LABELS = {one.name: set(one.labels) for one in FIGURES}
# What Prometheus adds, and what a histogram has of its own.
ADDED = {"job", "instance"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
KNOWN: dict[str, set[str]] = {
    f"{one.name}{suffix}": set(one.labels) | ADDED | ({"le"} if suffix == "_bucket" else set())
    for one in FIGURES
    for suffix in SUFFIXES[one.kind]
} | {
    "up": set(ADDED),
    "process_cpu_seconds_total": set(ADDED),
    "process_resident_memory_bytes": set(ADDED),
}


def walk(node: Any) -> Iterator[Any]:
    """Every piece of an expression."""
    yield node
    for name in ("lhs", "rhs", "expr", "vector_selector", "param"):
        below = getattr(node, name, None)
        if below is not None and not isinstance(below, str | int | float):
            yield from walk(below)
    for below in getattr(node, "args", None) or ():
        yield from walk(below)


def faults(expression: str) -> list[str]:
    """What an expression asks for that is not there."""
    parsed = promql_parser.parse(expression)
    selected = [one for one in walk(parsed) if isinstance(one, promql_parser.VectorSelector)]
    assert selected, f"{expression} looks at nothing"
    wrong = [f"no figure {one.name}" for one in selected if one.name not in KNOWN]
    wrong += [
        f"{one.name} has no label {label.name}"
        for one in selected
        for label in one.matchers.matchers
        if label.name not in KNOWN.get(one.name, ())
    ]
    grouped = [one for one in walk(parsed) if isinstance(one, promql_parser.AggregateExpr)]
    wrong += [
        f"{one.name} has no label {label} to add up by"
        for group in grouped
        for label in (group.modifier.labels if group.modifier else ())
        for one in walk(group.expr)
        if isinstance(one, promql_parser.VectorSelector) and label not in KNOWN.get(one.name, ())
    ]
    return wrong


def queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "5m")


@pytest.mark.parametrize("rule", ALERTS, ids=[one["alert"] for one in ALERTS])
def test_an_alert_asks_for_what_is_shown_and_says_what_to_do(rule):
    assert faults(rule["expr"]) == []
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert f"\n### {rule['alert']}\n" in PAGE
    labels = re.findall(r"\$labels\.([a-z_]+)", rule["annotations"]["description"])
    assert [one for one in labels if one not in rule["expr"] and one not in ADDED] == []


def test_every_query_of_the_dashboard_asks_for_what_is_shown():
    assert len(list(queries())) > 30
    assert {query: found for query in queries() if (found := faults(query))} == {}


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("max(ballast_nothing) > 0", "no figure ballast_nothing"),
        ('ballast_intents{colour="red"} > 0', "ballast_intents has no label colour"),
        ("sum by (le) (ballast_intents)", "ballast_intents has no label le to add up by"),
        ("rate(ballast_engine_step_duration_seconds[5m])", "no figure ballast_engine_step_d"),
    ],
)
def test_what_is_not_there_would_be_found(expression, fault):
    assert faults(expression)[0].startswith(fault)


def test_the_values_that_rules_name_can_occur():
    """Of labels whose values are known beforehand."""
    named = "\n".join([*queries(), *(one["expr"] for one in ALERTS)])
    values = {
        "state": {"opened", *IntentState},
        "outcome": {"done", "fault", "cut_off", "moved_by_another", *ErrorCode},
        "rule": {
            *("per_swap", "per_day", "per_month", "per_run", "cost_per_month", "allowed_assets"),
            *ErrorCode,
        },
    }
    for label, known in values.items():
        given = re.findall(rf'[{{,]{label}[!=]?[=~]"([^"]+)"', named)
        assert {word for text in given for word in text.split("|")} <= known, label


async def test_the_server_shows_each_figure_and_no_other(tmp_path):
    async with open_world(tmp_path) as world, serving(world.app) as client:
        await client.get("/api/status", headers=MINE)
        text = (await client.get("/metrics", headers=MINE)).text
    families = {one.name: one for one in text_string_to_metric_families(text)}
    ours = {name for name in families if not name.startswith(("process_", "python_"))}

    # The parser takes `_total` off a counter's name.
    assert ours == {one.name.removesuffix("_total") for one in FIGURES}
    for one in FIGURES:
        family = families[one.name.removesuffix("_total")]
        assert family.type == one.kind
        assert family.documentation == one.text
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == LABELS[one.name]


def test_each_figure_is_on_the_page_and_named_by_the_rules_of_prometheus():
    for one in FIGURES:
        assert f"| `{one.name}` |" in PAGE
        assert re.fullmatch(r"[a-z][a-z0-9_]+", one.name)
        assert one.name.endswith("_total") == (one.kind == "counter")
        assert one.kind != "histogram" or one.name.endswith("_seconds")
        assert one.name.startswith(("ballast_", "http_server_", "http_client_", "mcp_server_"))


async def test_paths_that_hold_what_is_asked_about_become_one():
    meters = Meters("1", "paper")
    for number in range(100):
        meters.breaker_moved("somebody", f"GET /things/{number}", "closed")

    families = {
        one.name: one
        for one in text_string_to_metric_families(meters.text().decode())
        if one.name == "ballast_breaker_state"
    }
    endpoints = {one.labels["endpoint"] for one in families["ballast_breaker_state"].samples}
    assert len(endpoints) == 33
    assert "GET _OTHER" in endpoints


async def test_a_scraper_in_a_hurry_does_not_make_the_database_work(tmp_path):
    async with open_world(tmp_path) as world, serving(world.app) as client:
        client.headers.update(MINE)
        first = (await client.get("/metrics")).text
        await world.new_index()
        await client.post("/api/halt", json={})
        at_once = (await client.get("/metrics")).text

    assert "ballast_trading_halted 0.0" in first
    assert "ballast_trading_halted 0.0" in at_once
    assert 'operation="halt_trading"' in at_once
