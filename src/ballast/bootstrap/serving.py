"""`ballast serve`: everything opened, the engine in it, and the application over a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ballast.bootstrap.engine import running_app
from ballast.errors import BallastError, ErrorCode
from ballast.settings import Settings, sign_in_problem

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ballast.app.app import App
    from ballast.faces.http.edges import Edges
    from ballast.faces.http.serving import Listening


Announce = Callable[[str, str], None]
"""Told where it listens and the address at which others reach it, once requests are answered."""


def serve_http(settings: Settings, host: str, port: int, announce: Announce) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        port: 0 takes any free one.

    Raises:
        BallastError: whatever keeps it from opening; `settings_invalid` when the address is taken,
            or others reach it without TLS and would send what nobody else may see.
    """
    from ballast.faces.http.serving import Listening, listening

    at = Listening(
        host, port, settings.http_tls_certificate, settings.http_tls_key, settings.http_proxies
    )
    with listening(at) as listener:
        asyncio.run(_serve(settings, at, listener, announce))


async def _serve(
    settings: Settings, at: Listening, listener: socket.socket, announce: Announce
) -> None:
    from ballast.faces.http.serving import serve

    here = at.url_at(listener.getsockname()[1])
    url = settings.http_url or here
    if problem := sign_in_problem(settings, url):
        raise BallastError(ErrorCode.SETTINGS_INVALID, problem)
    # Tokens and sign-in messages are bound to the address, so the app has to know it.
    reached = settings.model_copy(update={"http_url": url})
    ending = asyncio.Event()
    async with running_app(reached) as app:
        application = make_http(reached, app, edges_of(reached, at, url), ending)
        await serve(application, at, listener, lambda: announce(here, url), ending)


def make_http(settings: Settings, app: App, edges: Edges, ending: asyncio.Event) -> FastAPI:
    """The application over an opened app, as the settings want it.

    Args:
        ending: set when the process is asked to end.
    """
    from ballast import __version__
    from ballast.app.catalog import OPERATIONS
    from ballast.faces.http.application import make_application
    from ballast.faces.http.doorkeeper import BearerDoor
    from ballast.faces.mcp.server import DEFAULT_TOOLSETS, offered_operations

    everything = frozenset(one.toolset for one in OPERATIONS)
    listed = DEFAULT_TOOLSETS | set(settings.toolsets)
    return make_application(
        app,
        BearerDoor(app),
        over_rest=offered_operations(OPERATIONS, settings.mode, everything),
        over_mcp=offered_operations(OPERATIONS, settings.mode, listed),
        version=__version__,
        edges=edges,
        ending=ending,
    )


def edges_of(settings: Settings, at: Listening, url: str) -> Edges:
    """What the application lets through, by the settings and by where it listens."""
    from ballast.faces.http.edges import LOOPBACK, Edges

    rates = dict(one.split("=", 1) for one in settings.http_rates)
    return Edges(
        url=url,
        hosts=LOOPBACK | {at.host.lower()},
        origins=frozenset(one.lower().rstrip("/") for one in settings.http_origins),
        rates=cast(Any, rates),
    )


async def serve_figures(
    settings: Settings, app: App, port: int, announce: Callable[[str], None]
) -> None:
    """Serve health and figures of this process on the loopback, until cancelled.

    Args:
        port: 0 takes any free one.
        announce: told the address once requests are answered.

    Raises:
        BallastError: `settings_invalid` when the port is taken.
    """
    from ballast import __version__
    from ballast.faces.http.application import make_figures
    from ballast.faces.http.doorkeeper import BearerDoor
    from ballast.faces.http.serving import Listening, listening, serve

    at, ending = Listening("127.0.0.1", port), asyncio.Event()
    with listening(at) as listener:
        url = at.url_at(listener.getsockname()[1])
        edges = edges_of(settings, at, url)
        application = make_figures(app, BearerDoor(app), version=__version__, edges=edges)
        await serve(application, at, listener, lambda: announce(url), ending, heeds_signals=False)
