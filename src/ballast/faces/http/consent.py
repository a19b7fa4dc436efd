"""The page on which a person allows an application something: who asks, what for, and a login.

No cookie and no session stand behind it: whoever allows types name and password each time, so no
other page can make a browser do it. Everything that comes from outside is escaped by markupsafe.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from fastapi import FastAPI
from markupsafe import Markup
from mcp.server.auth.provider import construct_redirect_uri
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ballast.app.access import oauth
from ballast.app.access.secrets import hash_of
from ballast.core.access import Scope, scopes_of
from ballast.core.index import name_key
from ballast.core.oauth import Authorization
from ballast.errors import BallastError, ErrorCode
from ballast.faces.http.oauth import CONSENT_PATH, client_name
from ballast.faces.http.rates import Rates

if TYPE_CHECKING:
    from ballast.app.app import App

_MEANS: Final[Mapping[Scope, str]] = MappingProxyType(
    {
        Scope.READ: "look at your indexes, trades and prices",
        Scope.WRITE: "make and change indexes, plan rebalances, stop trading",
        Scope.SPEND: "carry out rebalances and withdrawals: this moves money",
    }
)
# Moving money is ticked by hand.
_TICKED: Final = frozenset({Scope.READ, Scope.WRITE})

_STYLE: Final = Markup(
    "body{font:16px/1.5 system-ui,sans-serif;max-width:30rem;margin:3rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}label{display:block;margin:.5rem 0}"
    "input[type=text],input[type=password]{width:100%;padding:.4rem;box-sizing:border-box}"
    "button{padding:.5rem 1rem;margin:1rem .5rem 0 0}.problem{color:#a00000}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    # No form-action: browsers hold it against where the answer leads, which is the application.
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}

_PAGE: Final = Markup(
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width">'
    "<title>Ballast</title><style>{style}</style></head><body>{body}</body></html>"
)
_ASK: Final = Markup(
    "<h1>Ballast</h1><p><strong>{client}</strong> asks to act for you. The answer goes to "
    "<strong>{place}</strong>. Allow it only if you have just started this yourself.</p>"
    "{problem}"
    '<form method="post" action="{action}">'
    '<input type="hidden" name="request" value="{request}">'
    "<p>It may:</p>{scopes}"
    '<label>Name <input type="text" name="name" autocomplete="username" required></label>'
    '<label>Password <input type="password" name="password" autocomplete="current-password">'
    "</label>"
    '<button name="answer" value="allow">Allow</button>'
    '<button name="answer" value="deny" formnovalidate>Deny</button></form>'
)
_CHOICE: Final = Markup(
    '<label><input type="checkbox" name="scope" value="{scope}"{ticked}> {means}</label>'
)
_PROBLEM: Final = Markup('<p class="problem" role="alert">{text}</p>')
_END: Final = Markup("<h1>Ballast</h1><p>{text}</p>")


@dataclass(frozen=True, slots=True)
class _Decision:
    """What was typed and pressed."""

    request: str
    allows: bool
    name: str
    password: str
    scopes: tuple[str, ...]

    @classmethod
    def of(cls, form: FormData) -> _Decision:
        return cls(
            request=_text(form, "request"),
            allows=_text(form, "answer") == "allow",
            name=_text(form, "name"),
            password=_text(form, "password"),
            scopes=tuple(one for one in form.getlist("scope") if isinstance(one, str)),
        )


def add_consent(application: FastAPI, app: App, rates: Rates) -> None:
    """Add the page. Every try counts as `login`, by address and by name."""

    async def show(request: Request) -> Response:
        name = request.query_params.get("request", "")
        try:
            return _ask(name, *await _asked(app, name))
        except BallastError as refusal:
            return _end(refusal)

    async def decide(request: Request) -> Response:
        typed = _Decision.of(await request.form())
        address = request.client.host if request.client else ""
        try:
            asked, client = await _asked(app, typed.request)
        except BallastError as refusal:
            return _end(refusal)
        if not typed.allows:
            await oauth.deny(app, typed.request)
            return _back(asked, error="access_denied")
        try:
            for who in (address, f"name {hash_of(name_key(typed.name))}"):
                await rates.take("login", who)
            given = await oauth.allow(
                app, typed.request, typed.name, typed.password, scopes_of(typed.scopes)
            )
        except BallastError as refusal:
            return _ask(typed.request, asked, client, refusal)
        return _back(given.authorization, code=given.code)

    application.add_route(CONSENT_PATH, show, methods=["GET"], include_in_schema=False)
    application.add_route(CONSENT_PATH, decide, methods=["POST"], include_in_schema=False)


async def _asked(app: App, name: str) -> tuple[Authorization, str]:
    """What is to be decided, and what the client calls itself."""
    asked = await oauth.asked_for(app, name)
    client = await oauth.find_client(app, asked.client_id)
    assert client is not None, "a foreign key holds it"
    return asked, client_name(client.information)


def _ask(
    name: str, asked: Authorization, client: str, refusal: BallastError | None = None
) -> Response:
    problem = _PROBLEM.format(text=refusal.message) if refusal else Markup()
    body = _ASK.format(
        client=client[:100],
        place=_place(asked.redirect_uri),
        problem=problem,
        action=CONSENT_PATH,
        request=name,
        scopes=_choices(asked.scopes),
    )
    return _page(body, refusal.spec.http_status if refusal else 200)


def _choices(scopes: Iterable[Scope]) -> Markup:
    return Markup().join(
        _CHOICE.format(
            scope=one.value,
            ticked=Markup(" checked") if one in _TICKED else Markup(),
            means=_MEANS[one],
        )
        for one in scopes
    )


def _place(redirect_uri: str) -> str:
    """Where the answer goes, as a person knows it: a host, or an application of this machine."""
    parts = urlsplit(redirect_uri)
    return parts.netloc if parts.scheme in ("http", "https") else f"{parts.scheme}: on your machine"


def _back(asked: Authorization, **answer: str) -> Response:
    address = construct_redirect_uri(asked.redirect_uri, **answer, state=asked.state)
    # See Other: what was typed is not sent on.
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})


def _end(refusal: BallastError) -> Response:
    known = refusal.code is ErrorCode.NOT_FOUND
    text = refusal.message if known else "This did not work. Start again in your application."
    return _page(_END.format(text=text), refusal.spec.http_status)


def _page(body: Markup, status: int) -> Response:
    html = _PAGE.format(style=_STYLE, body=body)
    return Response(str(html), status_code=status, media_type="text/html", headers=_HEADERS)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""
