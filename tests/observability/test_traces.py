"""Traces: which spans there are, how they hang together, and that a collector gets them."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from ballast.adapters.tracing import Traces
from ballast.bootstrap.observing import wants_traces
from tests.app.world import open_world
from tests.http.serving import MINE, serving

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
async def traced(tmp_path):
    """A world, and the spans that have ended in it."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with open_world(tmp_path) as world:
        world.app.observer.add(Traces(provider))
        yield world, exporter, provider
    provider.shutdown()


def named(exporter, name):
    return [one for one in exporter.get_finished_spans() if one.name == name]


async def test_a_rebalance_is_told_from_the_call_to_the_signature(traced):
    world, exporter, _ = traced
    index = await world.funded_index()
    world.pass_time(timedelta(days=40))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    exporter.clear()
    started = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    await world.follow(started.rebalance_id)

    [call] = named(exporter, "rebalance_index")
    assert call.attributes["ballast.call.id"].startswith("cal_")
    assert call.attributes["ballast.plan.id"] == plan.plan_id
    assert call.attributes["ballast.operation"] == "rebalance_index"
    steps = [
        one for one in named(exporter, "step swap") if "ballast.rebalance.id" in one.attributes
    ]
    assert len(steps) > 3
    assert {one.attributes["ballast.rebalance.id"] for one in steps} == {started.rebalance_id}
    links = {link.context.span_id for one in steps for link in one.links}
    assert links == {call.context.span_id}
    [*signatures] = named(exporter, "sign intent")
    assert {one.attributes["ballast.rebalance.id"] for one in signatures} == {started.rebalance_id}
    assert {one.parent.span_id for one in signatures} <= {one.context.span_id for one in steps}
    assert all(one.attributes["ballast.swap.id"].startswith("swp_") for one in signatures)
    assert named(exporter, "step rebalance")
    reads = named(exporter, "read prices")
    assert {one.kind for one in reads} <= {SpanKind.INTERNAL}


async def test_a_request_has_the_names_of_the_conventions_and_no_address_with_a_key(traced):
    world, exporter, _ = traced
    await world.call("list_assets")

    request = named(exporter, "GET")[0]
    assert request.kind is SpanKind.CLIENT
    assert request.attributes["http.request.method"] == "GET"
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["url.template"] == "/v0/tokens"
    assert request.attributes["server.address"] == "devnet.invalid"
    assert "url.full" not in request.attributes


async def test_a_request_over_http_goes_on_with_the_trace_it_came_with(traced, monkeypatch):
    world, exporter, provider = traced
    # As it is where traces are sent: what libraries would tell comes to the same place.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    async with serving(world.app) as client:
        nowhere = "idx_01ARZ3NDEKTSV4RRFFQ69G5FAV"
        answer = await client.get(
            f"/api/indexes/{nowhere}", headers={**MINE, "traceparent": f"00-{TRACE}-{PARENT}-01"}
        )

    [server] = named(exporter, "GET /api/indexes/{index_id}")
    [call] = named(exporter, "get_index")
    assert {one.instrumentation_scope.name for one in exporter.get_finished_spans()} == {"ballast"}
    assert server.kind is SpanKind.SERVER
    assert f"{server.context.trace_id:032x}" == TRACE
    assert f"{server.parent.span_id:016x}" == PARENT
    assert call.parent.span_id == server.context.span_id
    assert call.attributes["ballast.call.id"] == answer.headers["Ballast-Call-Id"]
    assert call.attributes["error.type"] == "not_found"
    assert call.status.status_code is StatusCode.UNSET


async def test_a_venue_that_does_not_answer_is_an_error_in_its_span(traced):
    world, exporter, _ = traced
    world.way.lose_requests += ["/v0/tokens"] * 2
    await world.refused("list_assets")

    request = named(exporter, "GET")[0]
    assert request.attributes["error.type"] == "venue_unavailable"
    assert request.status.status_code is StatusCode.ERROR
    assert request.events == ()


# --- a collector --------------------------------------------------------------------------------


@contextmanager
def collector():
    """A receiver of OTLP over HTTP; what it gets, and its address."""
    got = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            got.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield got, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


PROGRAM = """
import sys
from ballast.__main__ import main
sys.argv = ["ballast", "list_assets", "--json"]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
heavy = ("opentelemetry", "prometheus_client", "google.protobuf")
print(sorted({one for one in heavy if one in sys.modules}), file=sys.stderr)
"""


def run_command(directory, **more):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "BALLAST_"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        env={**environment, "BALLAST_DATA_DIR": str(directory), **more},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_a_collector_gets_the_spans_of_a_command_before_it_ends(tmp_path):
    with collector() as (got, address):
        run_command(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=address)

    assert {path for path, _ in got} == {"/v1/traces"}
    resources = [one for _, request in got for one in request.resource_spans]
    about = {one.key: one.value.string_value for one in resources[0].resource.attributes}
    assert about["service.name"] == "ballast"
    assert about["ballast.mode"] == "paper"
    spans = {
        span.name: span for one in resources for scope in one.scope_spans for span in scope.spans
    }
    call, request = spans["list_assets"], spans["GET"]
    assert request.trace_id == call.trace_id
    assert {one.key for one in request.attributes} >= {"http.request.method", "url.template"}


def test_without_an_address_nothing_of_it_is_read(tmp_path):
    assert run_command(tmp_path).stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a.example"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a.example"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a.example", "OTEL_SDK_DISABLED": "True"}, False),
    ],
)
def test_the_standard_variables_say_whether_traces_are_sent(monkeypatch, variables, wanted):
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert wants_traces() is wanted
