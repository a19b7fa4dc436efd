"""/livez, /readyz and /healthz: for load balancers and service managers. They tell no secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ballast.app.health import Readiness

if TYPE_CHECKING:
    from ballast.app.app import App


def add_health(application: FastAPI, app: App, *, of_engine: bool = True) -> None:
    """Add the routes: /livez answers 200 as long as the process answers at all; /readyz, and
    /healthz with it, only while it should be sent requests, and else 503 with the reasons."""

    readiness = Readiness(app, of_engine=of_engine)

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> Response:
        problems = await readiness.problems()
        if problems:
            return JSONResponse({"status": "not ready", "problems": problems}, status_code=503)
        return JSONResponse({"status": "ready", "engine": app.engine.state})

    application.add_route("/livez", alive, include_in_schema=False)
    application.add_route("/readyz", ready, include_in_schema=False)
    application.add_route("/healthz", ready, include_in_schema=False)
