"""Traces by OpenTelemetry, sent over OTLP: a span for each thing that goes on.

Nothing here is imported unless somebody has said where traces go. The standard variables `OTEL_…`
say all the rest: headers, sampling, the service's name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime
from types import MappingProxyType
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ballast import __version__
from ballast.app.observing import CUT_OFF, DONE, FAULT, Activity, Doing, told
from ballast.errors import ErrorCode

_W3C: Final = TraceContextTextMapPropagator()
_KINDS: Final = MappingProxyType(
    {
        Doing.SERVING: SpanKind.SERVER,
        Doing.REQUEST: SpanKind.CLIENT,
        Doing.DELIVERY: SpanKind.CLIENT,
    }
)
# By OpenTelemetry's conventions where they have a name; else of ours.
_NAMES: Final = MappingProxyType(
    {
        "method": "http.request.method",
        "route": "http.route",
        "status": "http.response.status_code",
        "service": "service.peer.name",
        "server": "server.address",
        "port": "server.port",
        "path": "url.template",
        "url": "url.path",
    }
)
_NUMBERS: Final = frozenset({"status", "port"})
# A refusal is an answer: what is an error is what somebody has to look at.
_ERRORS: Final = frozenset({FAULT, CUT_OFF, ErrorCode.INTERNAL.value})
_LONGEST_SEND: Final = 5


class Traces:
    """Fulfils `app.observing.Observer`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("ballast", __version__)

    def begin(self, activity: Activity) -> ExitStack:
        """A span begins."""
        # The SDK of MCP makes the spans of its messages itself.
        span = nullcontext() if activity.doing is Doing.MESSAGE else self._span(activity)
        begun = ExitStack()
        begun.enter_context(span)
        return begun

    def end(self, activity: Activity, begun: ExitStack, seconds: float) -> None:
        """The span ends."""
        begun.close()

    @contextmanager
    def _span(self, activity: Activity) -> Iterator[None]:
        with self._tracer.start_as_current_span(
            activity.name,
            context=_W3C.extract({"traceparent": activity.parent}) if activity.parent else None,
            kind=_KINDS.get(activity.doing, SpanKind.INTERNAL),
            links=_links_of(activity),
            # What it says could be anybody's words.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            known = activity.cause
            trace_id = f"{span.get_span_context().trace_id:032x}"
            try:
                with told({"trace_id": trace_id}):
                    yield
            finally:
                if activity.cause is not known:
                    for link in _links_of(activity):
                        span.add_link(link.context)
                _finish(span, activity)

    def trace(self) -> str:
        """The present span."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier.get("traceparent", "")

    def breaker_moved(self, service: str, endpoint: str, state: str) -> None:
        """The requests that made it move have spans."""

    def price_seen(self, source: str, observed_at: datetime) -> None:
        """Reading it has a span."""

    def refused(self, rule: str) -> None:
        """The call has a span."""

    def reconciled(self, at: datetime) -> None:
        """The step has a span."""

    def close(self) -> None:
        """Send what is left. Blocks for some seconds where nobody takes it."""
        self._provider.shutdown()


def _finish(span: trace.Span, activity: Activity) -> None:
    if activity.doing is Doing.SERVING and activity.labels["route"]:
        span.update_name(f"{activity.labels['method']} {activity.labels['route']}")
    for name, value in activity.labels.items():
        known = _NAMES.get(name, f"ballast.{name}")
        if value:
            span.set_attribute(known, int(value) if name in _NUMBERS else value)
    for name, value in activity.ids.items():
        if value:
            known = _NAMES.get(name, f"ballast.{name}.id")
            span.set_attribute(known, int(value) if name in _NUMBERS else value)
    if activity.outcome != DONE:
        span.set_attribute("error.type", activity.outcome)
    outside = activity.doing in (Doing.REQUEST, Doing.DELIVERY) and activity.outcome != DONE
    if outside or activity.outcome in _ERRORS:
        span.set_status(StatusCode.ERROR)


def _links_of(activity: Activity) -> list[Link]:
    """To the call that it goes on with."""
    if activity.cause is None or not activity.cause.trace:
        return []
    there = trace.get_current_span(_W3C.extract({"traceparent": activity.cause.trace}))
    return [Link(there.get_span_context())]


def open_traces(mode: str) -> Traces:
    """Traces that go where the standard variables say; also those of the MCP SDK."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "ballast"}
    about = Resource.create({**named, SERVICE_VERSION: __version__, "ballast.mode": mode})
    provider = TracerProvider(resource=about, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_LONGEST_SEND)))
    trace.set_tracer_provider(provider)
    return Traces(provider)
