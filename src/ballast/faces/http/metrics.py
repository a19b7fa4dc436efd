"""/metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import FastAPI
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from ballast.app.operation import Caller
from ballast.core.access import Scope as AccessScope
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError, ErrorCode
from ballast.faces.http.meters import Meters

if TYPE_CHECKING:
    from ballast.app.app import App

PATH: Final = "/metrics"


def add_metrics(application: FastAPI, app: App, meters: Meters) -> None:
    """Add the route. It tells of everybody's money, so only the owner of the machine may look."""

    async def show(request: Request) -> Response:
        caller: Caller = request.state.caller
        if caller.owner_id != LOCAL_OWNER or AccessScope.READ not in caller.scopes:
            raise BallastError(
                ErrorCode.SCOPE_MISSING,
                "Only a key of this machine's owner, with the scope read, shows the metrics.",
                scope=AccessScope.READ.value,
            )
        return Response(await meters.exposition(app), media_type=CONTENT_TYPE_LATEST)

    application.add_route(PATH, show, include_in_schema=False)
