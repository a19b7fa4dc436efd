"""Signing in and out over REST. No operations: no conversation needs them, and none is a tool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import FastAPI
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from ballast.app.access.accounts import register
from ballast.app.access.ethereum import MAINNET, issue_challenge, prove
from ballast.app.access.secrets import hash_of
from ballast.app.access.sessions import Tokens, log_in, log_out, refresh
from ballast.app.inputs import Input, parsed
from ballast.app.operation import Caller
from ballast.core.access import scopes_of
from ballast.core.ids import IdKind, kind_of
from ballast.core.index import NAME_LENGTH, name_key
from ballast.core.sign_in import MAX_PASSWORD, MIN_PASSWORD
from ballast.errors import ERRORS, BallastError, ErrorCode
from ballast.faces.http.rates import Rates
from ballast.faces.rest.openapi import PROBLEM_TYPE
from ballast.faces.rest.reading import body_of

if TYPE_CHECKING:
    from ballast.app.app import App

FACE: Final = "rest"

_Name = Annotated[
    str, Field(min_length=1, max_length=NAME_LENGTH, description="Name or e-mail address.")
]
# Long enough for whatever anybody has typed; what is too long is only a wrong password.
_Password = Annotated[str, Field(max_length=1_000, description="The account's password.")]
_Scopes = Annotated[
    # Not the enumeration: its schema would stand elsewhere.
    tuple[Literal["read", "write", "spend"], ...],
    Field(min_length=1, max_length=3, description="What the tokens are to allow; all by default."),
]


class Registration(Input):
    """A stranger's new account."""

    name: _Name
    password: Annotated[
        str, Field(description=f"{MIN_PASSWORD} to {MAX_PASSWORD} characters of any kind.")
    ]


class Login(Input):
    """Name and password."""

    name: _Name
    password: _Password
    scopes: _Scopes = ("read", "write", "spend")


class Refreshing(Input):
    """A refresh token, which is used up."""

    refresh_token: Annotated[str, Field(max_length=200, description="The newest one (brt_…).")]


class Logout(Input):
    """Nothing: the session is that of the access token."""


class ChallengeAsked(Input):
    """Whose wallet is to sign."""

    address: Annotated[str, Field(max_length=42, description="0x and 40 hex digits.")]
    chain_id: Annotated[
        int, Field(ge=1, lt=2**53, description="Chain the wallet is on (EIP-155).")
    ] = MAINNET


class Proof(Input):
    """A message that was issued here, and its signature."""

    message: Annotated[str, Field(max_length=2_000, description="As it was issued, to the byte.")]
    signature: Annotated[
        str, Field(max_length=200, description="personal_sign (EIP-191): 0x and 130 hex digits.")
    ]
    scopes: _Scopes = ("read", "write", "spend")


class AccountView(BaseModel):
    """An account that was made."""

    account_id: str
    name: str


class TokensView(BaseModel):
    """What whoever has signed in sends, and keeps, from then on."""

    access_token: Annotated[str, Field(description="Sent as Authorization: Bearer.")]
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 (no password)
    expires_in: Annotated[int, Field(description="Seconds until the access token ends.")]
    refresh_token: Annotated[str, Field(description="Good once, for the next pair of tokens.")]
    scope: Annotated[str, Field(description="What the session allows, with spaces.")]


class ChallengeView(BaseModel):
    """What a wallet is to sign."""

    message: str
    expires_at: datetime


class EndedView(BaseModel):
    """A session that has ended."""

    session_id: str


@dataclass(frozen=True, slots=True)
class SignInRoute:
    """One thing to be done about signing in.

    Attributes:
        run: takes the app, the input, and the caller where one is needed.
        of_caller: whether it needs an access token; all others are open to everybody.
        errors: what it may answer besides bad input and too many tries.
    """

    name: str
    title: str
    path: str
    input: type[Input]
    output: type[BaseModel]
    run: Callable[[App, Any, Caller | None], Awaitable[BaseModel]]
    errors: tuple[ErrorCode, ...]
    of_caller: bool = False


async def _register(app: App, given: Registration, _: Caller | None) -> AccountView:
    account = await register(app, given.name, given.password, FACE)
    return AccountView(account_id=account.account_id, name=account.name)


async def _log_in(app: App, given: Login, _: Caller | None) -> TokensView:
    return _view(app, await log_in(app, given.name, given.password, FACE, scopes_of(given.scopes)))


async def _refresh(app: App, given: Refreshing, _: Caller | None) -> TokensView:
    return _view(app, await refresh(app, given.refresh_token))


async def _challenge(app: App, given: ChallengeAsked, _: Caller | None) -> ChallengeView:
    issued = await issue_challenge(app, given.address, given.chain_id)
    return ChallengeView(message=issued.message, expires_at=issued.expires_at)


async def _prove(app: App, given: Proof, _: Caller | None) -> TokensView:
    return _view(
        app, await prove(app, given.message, given.signature, FACE, scopes_of(given.scopes))
    )


async def _log_out(app: App, _: Logout, caller: Caller | None) -> EndedView:
    assert caller is not None, "the door lets nobody through to here without a credential"
    session_id = caller.credential_id or ""
    if kind_of(session_id) is not IdKind.SESSION:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "This credential belongs to no session.",
            problems=[{"field": "Authorization", "problem": "must be an access token"}],
        )
    await log_out(app, session_id)
    return EndedView(session_id=session_id)


_NO = ErrorCode.UNAUTHENTICATED
ROUTES: Final = (
    SignInRoute(
        "register",
        "Make an account of one's own",
        "/api/auth/register",
        Registration,
        AccountView,
        _register,
        (ErrorCode.NAME_TAKEN, ErrorCode.REGISTRATION_CLOSED),
    ),
    SignInRoute(
        "login", "Sign in by password", "/api/auth/login", Login, TokensView, _log_in, (_NO,)
    ),
    SignInRoute(
        "refresh", "Get fresh tokens", "/api/auth/refresh", Refreshing, TokensView, _refresh, (_NO,)
    ),
    SignInRoute(
        "logout",
        "End the session",
        "/api/auth/logout",
        Logout,
        EndedView,
        _log_out,
        (_NO,),
        of_caller=True,
    ),
    SignInRoute(
        "ethereum_challenge",
        "Get a message for a wallet to sign",
        "/api/auth/ethereum/challenge",
        ChallengeAsked,
        ChallengeView,
        _challenge,
        (),
    ),
    SignInRoute(
        "ethereum_proof",
        "Sign in by a wallet's signature",
        "/api/auth/ethereum/proof",
        Proof,
        TokensView,
        _prove,
        (_NO,),
    ),
)
OPEN_PATHS: Final = frozenset(route.path for route in ROUTES if not route.of_caller)
"""What needs no credential, because it gives one."""


def add_sign_in(application: FastAPI, app: App, rates: Rates) -> None:
    """Add the routes.

    Args:
        rates: every try counts as `login` against its address and against the name it is for, so
            that neither one address nor many of them try many passwords.
    """
    for route in ROUTES:
        application.add_api_route(
            route.path,
            _endpoint(route, app, rates),
            methods=["POST"],
            operation_id=route.name,
            summary=route.title,
            response_model=None,
            responses=_responses(route),
            openapi_extra=_request(route),
        )


def _endpoint(
    route: SignInRoute, app: App, rates: Rates
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        given = parsed(route.name, route.input, await body_of(request))
        address = request.client.host if request.client else ""
        for who in _counted(given, address):
            await rates.take("login", who)
        caller = request.state.caller if route.of_caller else None
        answer = await route.run(app, given, caller)
        return Response(
            answer.model_dump_json(),
            media_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    return endpoint


def _counted(given: Input, address: str) -> Iterator[str]:
    yield address
    name = getattr(given, "name", None)
    if name is not None:
        yield f"name {hash_of(name_key(name))}"


def _view(app: App, tokens: Tokens) -> TokensView:
    left = tokens.access_expires_at - app.wall.now()
    return TokensView(
        access_token=tokens.access_token,
        expires_in=max(0, int(left.total_seconds())),
        refresh_token=tokens.refresh_token,
        scope=" ".join(tokens.session.scopes),
    )


def _request(route: SignInRoute) -> dict[str, Any]:
    schema = route.input.model_json_schema()
    security: list[dict[str, list[str]]] = [{"key": []}] if route.of_caller else []
    body = {"required": bool(schema.get("required")), "content": _json(schema)}
    return {"requestBody": body, "security": security}


def _responses(route: SignInRoute) -> dict[int | str, dict[str, Any]]:
    schema = route.output.model_json_schema(mode="serialization")
    found: dict[int | str, dict[str, Any]] = {
        200: {"description": "Done.", "content": _json(schema)}
    }
    problem = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for code in (*route.errors, ErrorCode.INVALID_INPUT, ErrorCode.RATE_LIMITED):
        found[ERRORS[code].http_status] = {"description": f"{code.value}.", "content": problem}
    return found


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
