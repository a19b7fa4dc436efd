"""The one HTTP client: total deadline, byte cap, retries of what may be repeated, circuit breaker.

An answer is JSON or it is none. What may have reached the other side and what surely did not are
told apart, because a lost answer is not a refusal.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
import stamina
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState
from pydantic import SecretStr

from ballast import __version__
from ballast.adapters.http.inside import Inside
from ballast.adapters.strict_json import parse_json
from ballast.app.observing import Activity, Doing, Watchers
from ballast.app.timekeeping import Timekeeper
from ballast.errors import BallastError, ErrorCode

# A URL can carry the key of an RPC node, and httpx logs every URL.
logging.getLogger("httpx").setLevel(logging.WARNING)
# Unless somebody configures it, structlog writes to stdout, which belongs to MCP.
stamina.instrumentation.set_on_retry_hooks(())

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How long and how much. All times are real seconds.

    Attributes:
        total_seconds: for a whole call, all attempts and waits together.
        attempt_seconds: for one attempt, from connecting to the last byte.
        max_bytes: of an answer's body.
        attempts: at most, for a call that may be repeated.
        first_wait_seconds: before the second attempt; doubles from there, with jitter.
        longest_wait_seconds: a server that asks for a longer one is given up on...
        longest_rest_seconds: ...and left alone for as long as it asks, but not longer than this.
        failures_to_open: calls in a row that fail before the breaker opens.
        open_seconds: how long it then refuses without asking.
    """

    total_seconds: float = 30.0
    attempt_seconds: float = 12.0
    connect_seconds: float = 5.0
    max_bytes: int = 8 * 2**20
    attempts: int = 4
    first_wait_seconds: float = 0.25
    longest_wait_seconds: float = 8.0
    longest_rest_seconds: float = 120.0
    failures_to_open: int = 5
    open_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer that says yes (2xx) or no (4xx). `json` is None for a 4xx that is no JSON.

    JSON numbers with a fraction or exponent are Decimal.

    Attributes:
        repeated: an earlier attempt of the same call may have arrived as well, so that this
            answer may be about its effect.
    """

    status: int
    json: Any
    repeated: bool = False

    @property
    def ok(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300


class NoAnswerError(BallastError):
    """`venue_unavailable`: no usable answer came.

    Attributes:
        maybe_sent: False only if it is certain that nothing reached the other side.
    """

    def __init__(self, name: str, fault: str, *, maybe_sent: bool) -> None:
        super().__init__(
            ErrorCode.VENUE_UNAVAILABLE,
            f"There was no usable answer from {name}: {fault}.",
            service=name,
            fault=fault,
        )
        self.maybe_sent = maybe_sent


class _Fault(Exception):
    """One attempt that brought no answer. `passing`: another attempt may fare better."""

    def __init__(
        self, what: str, *, maybe_sent: bool = True, passing: bool = True, wait: float | None = None
    ) -> None:
        super().__init__(what)
        self.maybe_sent = maybe_sent
        self.passing = passing
        self.wait = wait


@dataclass(slots=True)
class _Exchange:
    """One call on its way: what to send, and whether any attempt may have arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes | None
    repeatable: bool
    is_trouble: Callable[[HttpAnswer], bool] | None = None
    maybe_sent: bool = False

    @property
    def endpoint(self) -> str:
        """What a breaker is kept for: the path, without what is asked of it."""
        return f"{self.method} {self.path}"


class HttpClient:
    """Speaks JSON with one service. Each endpoint has a circuit breaker of its own.

    Args:
        base_url: `http` or `https`, with or without a path.
        name: of the service in messages; the URL itself is never shown.
        secrets: headers whose values are secret.
        app: an ASGI application that answers in this process instead of the network.
        observer: is told of every call.
        timekeeper: is told the `Date` of every answer.

    Raises:
        BallastError: `settings_invalid` if the URL is none that can be called.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        secrets: Mapping[str, SecretStr] | None = None,
        app: Callable[..., Any] | None = None,
        limits: HttpLimits | None = None,
        observer: Watchers | None = None,
        timekeeper: Timekeeper | None = None,
    ) -> None:
        self.name = name
        self._url = _checked_url(base_url, name)
        at = httpx.URL(self._url)
        self._at = {
            "server": at.host,
            "port": str(at.port or (443 if at.scheme == "https" else 80)),
        }
        self._secrets = dict(secrets or {})
        self._limits = limits or HttpLimits()
        self._inside = Inside(app, self._url, self._headers()) if app is not None else None
        self._client: httpx.AsyncClient | None = None
        self._observer = observer or Watchers()
        self._timekeeper = timekeeper
        self._resting: dict[str, float] = {}
        self._breakers = AsyncCircuitBreakerFactory(
            self._limits.failures_to_open,
            self._limits.open_seconds,
            exclude=[asyncio.CancelledError],
        )
        self._breakers.add_listener(self._breaker_moved)

    async def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        is_trouble: Callable[[HttpAnswer], bool] | None = None,
    ) -> HttpAnswer:
        """Read; repeated when it fails.

        Args:
            is_trouble: tells a 4xx that is the service's own, passing trouble from a refusal.

        Raises:
            NoAnswerError: no connection, timeout, 3xx, 429, 5xx, or a body that is too long or is
                no JSON.
        """
        return await self._call(_Exchange("GET", path, query or {}, None, True, is_trouble))

    async def post(
        self,
        path: str,
        body: object,
        *,
        repeatable: bool,
        is_trouble: Callable[[HttpAnswer], bool] | None = None,
    ) -> HttpAnswer:
        """Send JSON. Only what is declared `repeatable` is sent again when it fails.

        Raises:
            NoAnswerError: as for `get`; look at `maybe_sent`.
        """
        content = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        exchange = _Exchange("POST", path, {}, content.encode(), repeatable, is_trouble)
        return await self._call(exchange)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _call(self, exchange: _Exchange) -> HttpAnswer:
        labels = {
            "service": self.name,
            "method": exchange.method,
            "path": exchange.path,
            "status": "",
        }
        request = Activity(Doing.REQUEST, exchange.method, labels, dict(self._at))
        with self._observer.observe(request):
            answer = await self._answer(exchange)
            labels["status"] = str(answer.status)
            if not answer.ok:
                request.outcome = labels["status"]
            return answer

    def _breaker_moved(self, endpoint: str, what: str, event: Any) -> None:
        if what == "circuit_breaker_created":
            self._observer.breaker_moved(self.name, endpoint, "closed")
        elif what == "state_changed":
            self._observer.breaker_moved(self.name, endpoint, event.state)

    async def _answer(self, exchange: _Exchange) -> HttpAnswer:
        if asyncio.get_running_loop().time() < self._resting.get(exchange.endpoint, 0):
            raise NoAnswerError(self.name, "it asked to be left alone (429)", maybe_sent=False)
        try:
            async with (
                await self._breakers.get_breaker(exchange.endpoint),
                asyncio.timeout(self._limits.total_seconds),
            ):
                return await self._attempts(exchange)
        except _Fault as fault:
            raise NoAnswerError(self.name, str(fault), maybe_sent=exchange.maybe_sent) from None
        except TimeoutError:
            raise NoAnswerError(self.name, "it took too long", maybe_sent=True) from None
        except OpenedState:
            fault_text = "it failed repeatedly and is left alone for a moment"
            raise NoAnswerError(self.name, fault_text, maybe_sent=False) from None

    async def _attempts(self, exchange: _Exchange) -> HttpAnswer:
        if not exchange.repeatable:
            return await self._attempt(exchange)
        limits = self._limits
        async for attempt in stamina.retry_context(
            on=self._before_retry,
            attempts=limits.attempts,
            timeout=None,  # the whole call has a deadline already
            wait_initial=limits.first_wait_seconds,
            wait_max=limits.longest_wait_seconds,
            wait_jitter=limits.first_wait_seconds,
        ):
            with attempt:
                repeated = exchange.maybe_sent
                return replace(await self._attempt(exchange), repeated=repeated)
        raise AssertionError("a retry loop ends with an answer or an exception")

    def _before_retry(self, error: Exception) -> bool | float:
        """Whether to try again, or the seconds that the server asked for."""
        if not isinstance(error, _Fault) or not error.passing:
            return False
        if error.wait is None:
            return True
        return error.wait if error.wait <= self._limits.longest_wait_seconds else False

    async def _attempt(self, exchange: _Exchange) -> HttpAnswer:
        try:
            async with asyncio.timeout(self._limits.attempt_seconds):
                status, headers, body = await self._exchange(exchange)
            self._heed(exchange, status, headers)
            return _judged(status, headers, body, exchange.is_trouble)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise _Fault("it cannot be reached", maybe_sent=False) from None
        except TimeoutError:
            exchange.maybe_sent = True
            raise _Fault("it took too long") from None
        except httpx.HTTPError:
            exchange.maybe_sent = True
            raise _Fault("the connection broke") from None
        except _Fault:
            exchange.maybe_sent = True
            raise

    def _heed(self, exchange: _Exchange, status: int, headers: httpx.Headers) -> None:
        """Ask nothing more of an endpoint until it wants to be asked again."""
        asked = _retry_after(headers) if status == 429 else None
        if asked is not None and asked > self._limits.longest_wait_seconds:
            rest = min(asked, self._limits.longest_rest_seconds)
            self._resting[exchange.endpoint] = asyncio.get_running_loop().time() + rest

    async def _exchange(self, exchange: _Exchange) -> tuple[int, httpx.Headers, bytes]:
        sent = self._timekeeper.now() if self._timekeeper else None
        if self._inside is not None:
            status, raw, body = await self._inside.exchange(
                exchange.method, exchange.path, exchange.query, exchange.body
            )
            headers = httpx.Headers(raw)
            self._hear(headers, sent)
            self._require_plain(headers)
            self._require_short(body)
            return status, headers, body
        content_type = {"Content-Type": "application/json"} if exchange.body is not None else {}
        async with self._opened().stream(
            exchange.method,
            self._url + exchange.path,
            params=exchange.query or None,
            content=exchange.body,
            headers=content_type,
        ) as response:
            self._hear(response.headers, sent)
            return response.status_code, response.headers, await self._body(response)

    def _hear(self, headers: httpx.Headers, sent: datetime | None) -> None:
        """Hold our clock against the other side's."""
        date = _http_date(headers.get("Date", ""))
        if self._timekeeper is not None and sent is not None and date is not None:
            self._timekeeper.heard(self.name, date, sent, self._timekeeper.now())

    async def _body(self, response: httpx.Response) -> bytes:
        self._require_plain(response.headers)
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            self._require_short(body)
        return bytes(body)

    def _require_plain(self, headers: httpx.Headers) -> None:
        if headers.get("Content-Encoding", "identity") != "identity":
            # Not asked for, and a few compressed bytes can unpack to gigabytes at once.
            raise _Fault("its answer is compressed", passing=False)

    def _require_short(self, body: Sized) -> None:
        if len(body) > self._limits.max_bytes:
            raise _Fault("its answer is too long", passing=False)

    def _headers(self) -> dict[str, str]:
        return {
            "User-Agent": f"ballast/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            **{name: value.get_secret_value() for name, value in self._secrets.items()},
        }

    def _opened(self) -> httpx.AsyncClient:
        """The client itself, made when first needed: its TLS context costs time and memory."""
        if self._client is None:
            local = httpx.URL(self._url).host in _LOOPBACK
            timeout = httpx.Timeout(
                self._limits.attempt_seconds, connect=self._limits.connect_seconds
            )
            self._client = httpx.AsyncClient(
                headers=self._headers(),
                timeout=timeout,
                follow_redirects=False,
                trust_env=not local,  # a proxy is no way to this machine
            )
        return self._client


def _checked_url(text: str, name: str) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise BallastError(
            ErrorCode.SETTINGS_INVALID, f"The URL of {name} must begin with http:// or https://."
        )
    return text.rstrip("/")


def _judged(
    status: int,
    headers: httpx.Headers,
    body: bytes,
    is_trouble: Callable[[HttpAnswer], bool] | None,
) -> HttpAnswer:
    """The answer in a response.

    Raises:
        _Fault: it is none.
    """
    if status == 429:
        raise _Fault("it asks to be left alone (429)", wait=_retry_after(headers))
    if status == 408 or status >= 500:
        raise _Fault(f"it answered with status {status}", wait=_retry_after(headers))
    if not 200 <= status < 300 and not 400 <= status < 500:
        raise _Fault(f"it answered with status {status}", passing=False)
    answer = HttpAnswer(status, _read_body(status, body))
    if status >= 400 and is_trouble is not None and is_trouble(answer):
        raise _Fault("it reports trouble of its own")
    return answer


def _read_body(status: int, body: bytes) -> Any:
    try:
        return parse_json(body)
    except ValueError:
        if status >= 400:
            return None
        raise _Fault("its answer cannot be read as JSON") from None


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds to wait, from `Retry-After` in seconds or as a date; None if it does not say.

    A date is measured against the server's own `Date`, so that no clock has to agree.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 9:
        return float(text)
    until, now = _http_date(text), _http_date(headers.get("Date", ""))
    if until is None or now is None:
        return None
    return max(0.0, (until - now).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
