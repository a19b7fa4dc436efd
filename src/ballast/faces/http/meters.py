"""The figures of a process, for Prometheus: how they are kept. Which there are: `figures.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest

from ballast.app.observing import DONE, Activity, Doing
from ballast.app.switch import halt_level
from ballast.core.halting import HaltLevel
from ballast.core.ids import LOCAL_OWNER
from ballast.core.ledger import microseconds
from ballast.faces.http.figures import FIGURES, MOST_DUE, Figure

if TYPE_CHECKING:
    from ballast.app.app import App
    from ballast.app.ports import StoreFigures

# Of one service: its endpoints are few, unless a path holds what is asked about.
_MOST_PATHS: Final = 32
# The rows are read again after so many real seconds, or after so many times as long as reading them
# took: a scraper in a hurry costs a fiftieth of one processor at most.
_KEPT_SECONDS: Final = 5.0
_KEPT_TIMES: Final = 50

_BREAKER_STATES: Final = ("closed", "half-opened", "opened")
_METHODS: Final = frozenset({"GET", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD"})


def _error(activity: Activity) -> str:
    return "" if activity.outcome == DONE else activity.outcome


def _method(activity: Activity) -> str:
    """The method, out of a closed set: anybody can make up others."""
    method = activity.labels["method"]
    return method if method in _METHODS else "_OTHER"


_LabelsOf = Callable[[Activity], tuple[str, ...]]
_TIMED: Final[Mapping[Doing, tuple[str, _LabelsOf]]] = {
    Doing.SERVING: (
        "http_server_request_duration_seconds",
        lambda one: (_method(one), one.labels["route"], one.labels["status"]),
    ),
    Doing.MESSAGE: (
        "mcp_server_operation_duration_seconds",
        lambda one: (one.labels["method"], one.labels["tool"], _error(one)),
    ),
    Doing.REQUEST: (
        "http_client_request_duration_seconds",
        lambda one: (one.labels["service"], _method(one), one.labels["path"], _error(one)),
    ),
    Doing.CALL: (
        "ballast_operation_duration_seconds",
        lambda one: (one.labels["effect"], one.labels["face"]),
    ),
    Doing.STEP: (
        "ballast_engine_step_duration_seconds",
        lambda one: (one.labels["kind"], one.outcome),
    ),
    Doing.PRICES: ("ballast_price_read_duration_seconds", lambda one: (one.outcome,)),
    Doing.LOOK_OVER: ("ballast_monitor_pass_duration_seconds", lambda one: (one.outcome,)),
}
_COUNTED: Final[Mapping[Doing, tuple[str, _LabelsOf]]] = {
    Doing.CALL: (
        "ballast_operations_total",
        lambda one: (one.labels["operation"], one.labels["face"], one.outcome),
    ),
    Doing.SIGNATURE: ("ballast_signatures_total", lambda one: (one.labels["purpose"],)),
    Doing.LOOK_OVER: ("ballast_monitor_indexes_screened_total", lambda _: ()),
    Doing.DELIVERY: ("ballast_webhook_attempts_total", lambda one: (one.outcome,)),
}


class Meters:
    """Keeps the figures of one process. Fulfils `app.observing.Observer`."""

    def __init__(self, version: str, mode: str) -> None:
        # A series for when each began would double them, and no rule asks.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._of: dict[str, Any] = {one.name: _made(one, self._registry) for one in FIGURES}
        self._of["ballast_build_info"].labels(version, mode).set(1)
        self._children: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._paths: dict[str, set[str]] = {}
        self._newest: dict[str, datetime] = {}
        self._reading = asyncio.Lock()
        self._read_again_at = 0.0

    async def exposition(self, app: App) -> bytes:
        """All figures, in the text form of Prometheus."""
        async with self._reading:
            clock = asyncio.get_running_loop().time
            began = clock()
            if began >= self._read_again_at:
                await self._read(app)
                took = clock() - began
                self._read_again_at = clock() + max(_KEPT_SECONDS, _KEPT_TIMES * took)
        self._look(app)
        return self.text()

    def text(self) -> bytes:
        """The figures as they were last."""
        return generate_latest(self._registry)

    # --- as an observer ---------------------------------------------------------------------------

    def begin(self, activity: Activity) -> None:
        """It begins."""
        if activity.doing is Doing.SERVING:
            self._of["http_server_active_requests"].inc()

    def end(self, activity: Activity, begun: None, seconds: float) -> None:
        """It has ended, after so many seconds."""
        if activity.doing is Doing.SERVING:
            self._of["http_server_active_requests"].dec()
        self._count(activity, seconds)

    def trace(self) -> str:
        """Figures know no traces."""
        return ""

    def breaker_moved(self, service: str, endpoint: str, state: str) -> None:
        """The state of a breaker, as one of three series."""
        method, _, path = endpoint.partition(" ")
        known = f"{method} {self._template(service, path)}"
        for one in _BREAKER_STATES:
            self._of["ballast_breaker_state"].labels(service, known, one).set(one == state)

    def price_seen(self, source: str, observed_at: datetime) -> None:
        """The newest one of a source counts."""
        self._newest[source] = max(observed_at, self._newest.get(source, observed_at))

    def refused(self, rule: str) -> None:
        """Count it."""
        self._of["ballast_refusals_total"].labels(rule).inc()

    def reconciled(self, at: datetime) -> None:
        """The time of the last one."""
        name = "ballast_reconciliation_last_success_timestamp_seconds"
        self._of[name].set(at.timestamp())

    def _count(self, activity: Activity, seconds: float) -> None:
        if activity.doing is Doing.REQUEST:
            labels = activity.labels
            labels["path"] = self._template(labels["service"], labels["path"])
        if activity.doing in _TIMED:
            name, label_values = _TIMED[activity.doing]
            self._child(name, label_values(activity)).observe(seconds)
        if activity.doing in _COUNTED:
            name, label_values = _COUNTED[activity.doing]
            amount = activity.amount if activity.doing is Doing.LOOK_OVER else 1
            self._child(name, label_values(activity)).inc(amount)
        if activity.ended_at is not None:
            ended = activity.ended_at.timestamp()
            self._of["ballast_monitor_last_pass_timestamp_seconds"].set(ended)

    def _child(self, name: str, labels: tuple[str, ...]) -> Any:
        """A series of a figure; the library takes long to find one by its labels."""
        known = self._children.get((name, labels))
        if known is None:
            figure = self._of[name]
            known = self._children[name, labels] = figure.labels(*labels) if labels else figure
        return known

    def _template(self, service: str, path: str) -> str:
        """A path of a service, while there are few."""
        known = self._paths.setdefault(service, set())
        if path not in known and len(known) >= _MOST_PATHS:
            return "_OTHER"
        known.add(path)
        return path

    # --- what is read when it is asked for --------------------------------------------------------

    def _look(self, app: App) -> None:
        """What this process knows without asking anybody."""
        now = app.clock.now()
        self._of["ballast_engine_leading"].set(app.engine.state == "leading")
        self._of["ballast_clock_timestamp_seconds"].set(now.timestamp())
        self._of["ballast_clock_error_seconds"].set(app.timekeeper.error().total_seconds())
        for source, newest in self._newest.items():
            self._of["ballast_price_age_seconds"].labels(source).set(_seconds(newest, now))

    async def _read(self, app: App) -> None:
        """What the rows say."""
        now = app.clock.now()
        async with app.store.read() as reader:
            figures = await reader.figures()
            due = await reader.due_rows(now, MOST_DUE)
            level = await halt_level(app.halt_orders, reader, None)
            head = await reader.audit_head(LOCAL_OWNER)
        oldest_due = min((row.due_at for row in due), default=now)
        for state, count in figures.intents.items():
            self._of["ballast_intents"].labels(state.value).set(count)
        for name, value in {
            "ballast_due_rows": len(due),
            "ballast_oldest_due_seconds": _seconds(oldest_due, now),
            "ballast_oldest_open_intent_seconds": _seconds(figures.oldest_open_intent or now, now),
            "ballast_reconciliation_overdue_seconds": _seconds(figures.reconcile_at or now, now),
            "ballast_trading_halted": level is HaltLevel.NOTHING,
            "ballast_halt_level": level,
            "ballast_audit_head_sequence": head.sequence,
            "ballast_owners_halted": figures.owners_halted,
            "ballast_untold_events": figures.untold_events,
            "ballast_webhook_pending": figures.pending_deliveries,
            "ballast_webhook_dead_letters": figures.dead_deliveries,
            "ballast_webhooks_failing": figures.webhooks_failing,
            "ballast_in_flight_usd": _worth(figures),
            "ballast_in_flight_unpriced_assets": len(figures.in_flight.keys() - figures.usd.keys()),
        }.items():
            self._of[name].set(value)
        self._by_asset("ballast_in_flight_units", figures.in_flight)
        self._by_asset("ballast_unexplained_units", figures.unexplained)

    def _by_asset(self, name: str, units: Mapping[str, int]) -> None:
        self._of[name].clear()
        for asset_id, amount in units.items():
            self._of[name].labels(asset_id).set(amount)


def _made(figure: Figure, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    if figure.kind == "counter":
        return Counter(figure.name, figure.text, figure.labels, registry=registry)
    if figure.kind == "gauge":
        return Gauge(figure.name, figure.text, figure.labels, registry=registry)
    return Histogram(
        figure.name, figure.text, figure.labels, registry=registry, buckets=figure.buckets
    )


def _seconds(since: datetime, now: datetime) -> float:
    """How long ago; 0 for what is still to come."""
    return max(microseconds(now) - microseconds(since), 0) / 1e6


def _worth(figures: StoreFigures) -> float:
    """What is in flight, in dollars; to look at, not to trade on."""
    return float(
        sum(
            figures.usd[one] * units / 10 ** figures.decimals[one]
            for one, units in figures.in_flight.items()
            if one in figures.usd and one in figures.decimals
        )
    )
