"""Where applications get leave to act for somebody: the routes of it, joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ballast.errors import BallastError
from ballast.faces.http.consent import add_consent
from ballast.faces.http.oauth import REGISTRATION_PATH, authorization_routes
from ballast.faces.http.problems import problem_response
from ballast.faces.http.rates import Rates

if TYPE_CHECKING:
    from ballast.app.app import App


def add_authorization(application: FastAPI, app: App, rates: Rates) -> None:
    """Add the authorization server's endpoints and the page on which a person allows.

    Args:
        rates: registrations count as `login` by address: anybody may register an application.
    """
    for route in authorization_routes(app):
        endpoint = Counted(route.app, rates) if route.path == REGISTRATION_PATH else route.app
        application.router.routes.append(
            Route(route.path, endpoint=endpoint, methods=sorted(route.methods or ()))
        )
    add_consent(application, app, rates)


class Counted:
    """ASGI application behind a count of requests by address."""

    def __init__(self, inner: ASGIApp, rates: Rates) -> None:
        self._inner = inner
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request, then pass it on, or answer it."""
        client = scope.get("client")
        try:
            await self._rates.take("login", str(client[0]) if client else "")
        except BallastError as refusal:
            await problem_response(refusal)(scope, receive, send)
            return
        await self._inner(scope, receive, send)
