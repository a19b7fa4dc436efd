"""Stands for a public address: ends TLS there, and passes on what comes to a local one."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import httpx2

FROM: Final = "192.0.2.7"
"""Where requests come from, as a tunnel tells it."""


class _Ends:
    """Both ends of a tunnel."""

    def __init__(self, public: str, local: str) -> None:
        super().__init__()
        self._public = urlsplit(public)
        self._local = urlsplit(local)

    def _through(self, request: Any) -> Any:
        """The request as it comes out; its Host stays as the outside has named it."""
        assert (request.url.scheme, request.url.host) == ("https", self._public.hostname)
        assert request.headers["host"] == self._public.netloc
        url = request.url.copy_with(scheme="http", host=self._local.hostname, port=self._local.port)
        headers = request.headers.copy()
        headers.update({"X-Forwarded-For": FROM, "X-Forwarded-Proto": "https"})
        return type(request)(
            request.method,
            url,
            headers=headers,
            stream=request.stream,
            extensions=request.extensions,
        )


class Tunnel(_Ends, httpx.HTTPTransport):
    """For a client of REST."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request on."""
        return super().handle_request(self._through(request))


class TunnelForMcp(_Ends, httpx2.AsyncHTTPTransport):
    """For the official MCP client."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request on."""
        return await super().handle_async_request(self._through(request))
