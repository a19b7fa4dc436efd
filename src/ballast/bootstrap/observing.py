"""Who watches what goes on, by the settings and by OpenTelemetry's own variables."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import structlog

from ballast.core.wording import how_to_install
from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.app.observing import Watchers

log = structlog.get_logger(__name__)

# Where traces go, as every program with OpenTelemetry is told.
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def watchers_of(settings: Settings, stack: AsyncExitStack) -> Watchers:
    """Those whom the settings name; figures join where they are served."""
    from ballast.app.observing import Watchers

    watchers = Watchers()
    if settings.log_level in ("debug", "info"):
        from ballast.adapters.log_lines import LogLines

        watchers.add(LogLines())
    if wants_traces():
        _add_traces(settings, watchers, stack)
    return watchers


def wants_traces() -> bool:
    """Whether somebody has said where traces go."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not off and any(os.environ.get(name) for name in _ENDPOINTS)


def _add_traces(settings: Settings, watchers: Watchers, stack: AsyncExitStack) -> None:
    if find_spec("opentelemetry.sdk") is None or find_spec("opentelemetry.exporter") is None:
        # The variables may be meant for other programs; nothing stops for want of traces.
        log.warning("traces_not_sent", install=how_to_install("otel"))
        return
    from ballast.adapters.tracing import open_traces

    traces = open_traces(settings.mode)
    watchers.add(traces)
    stack.push_async_callback(asyncio.to_thread, traces.close)
