"""What the application says of itself: /openapi.json, /openapi.yaml and /docs."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ballast.app.operation import Operation
from ballast.faces.rest.openapi import YAML_TYPE, as_yaml, document, mirror

_SWAGGER: Final = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5.35.0"
# Of that version as npm has it: whatever else the address gives is not run (W3C, SRI).
_SCRIPT_HASH: Final = "sha384-gjRm0bEPMeTmMh5jT2cHccIwCUZSTd8YC+j0d0sXw0MdGEfScduGpSyF3ZSSLkX9"
_STYLE_HASH: Final = "sha384-WlYgdmXYOOBWL5apwjDEZwN+U3HmXSSu5R6V5aGxEcf7z+KuRNwBhoxKVN1i3D5I"


def add_documents(application: FastAPI, over_rest: Iterable[Operation], server: str) -> None:
    """Add the three routes; what they show is made when it is first asked for.

    Args:
        server: the address at which the application is reached.
    """
    operations = tuple(over_rest)

    @cache
    def whole() -> Response:
        return JSONResponse(document(application, operations, server=server))

    @cache
    def for_gpt() -> Response:
        text = as_yaml(mirror(application, operations, server=server))
        return Response(text, media_type=YAML_TYPE)

    for path, make in (("/openapi.json", whole), ("/openapi.yaml", for_gpt), ("/docs", _page)):
        application.add_route(path, _giving(make), include_in_schema=False)


def _giving(make: Callable[[], Response]) -> Callable[[Request], Awaitable[Response]]:
    async def give(_: Request) -> Response:
        return make()

    return give


@cache
def _page() -> Response:
    """Swagger UI, whose only script and style come from one place, in one version, by hash."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Ballast",
        swagger_js_url=f"{_SWAGGER}/swagger-ui-bundle.js",
        swagger_css_url=f"{_SWAGGER}/swagger-ui.css",
        swagger_favicon_url="data:,",
    )
    html = bytes(page.body).decode()
    for file, known in (("swagger-ui-bundle.js", _SCRIPT_HASH), ("swagger-ui.css", _STYLE_HASH)):
        address = f'{_SWAGGER}/{file}"'
        html = html.replace(address, f'{address} integrity="{known}" crossorigin="anonymous"')
    inline = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert inline is not None, "the page starts Swagger UI by a script of its own"
    own = base64.b64encode(hashlib.sha256(inline[1].encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src {_SWAGGER}/ 'sha256-{own}'; connect-src 'self'; "
        f"style-src {_SWAGGER}/ 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return Response(html, media_type="text/html", headers={"Content-Security-Policy": policy})
