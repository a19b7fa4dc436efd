"""Posting to an address that somebody else has named, without being led anywhere else by it.

A name is resolved here, every address it has is checked, and the connection goes to a checked one:
what the name means a moment later is of no account. Redirects are not followed, no proxy is used,
nothing of the answer but its status is read.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import httpx

from ballast import __version__
from ballast.core.public_address import is_loopback, is_public, read_address
from ballast.errors import BallastError, ErrorCode

_LONGEST_URL: Final = 2_048
_STANDARD_PORT: Final = 443
# Below it live services of other kinds, which would take an HTTP request for something else.
_LEAST_PORT: Final = 1_024

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class ReceiverLimits:
    """How long a receiver may take, in real seconds.

    Attributes:
        total_seconds: from resolving its name to the status of its answer.
        connect_seconds: for each address that is tried.
        addresses: how many of a name's addresses are tried.
    """

    total_seconds: float = 10.0
    connect_seconds: float = 4.0
    addresses: int = 2


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a post.

    Attributes:
        status: of the answer; None when none came.
        problem: why none came, in our own words; empty when one did.
        allowed: False when the receiver's address is one that is never posted to.
    """

    status: int | None
    problem: str = ""
    allowed: bool = True


class ReceiverPoster:
    """Posts to receivers.

    Args:
        loopback: whether a receiver may be on this machine, and then without TLS.
        loopback_is_allowed_by: what would allow that, said to whoever names this machine; empty
            where nothing may.
        resolve: name and port to addresses; the operating system's way if not given.
        trust: the certificates that are trusted; the usual ones if not given.
    """

    def __init__(
        self,
        *,
        loopback: bool = False,
        loopback_is_allowed_by: str = "",
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
        limits: ReceiverLimits | None = None,
    ) -> None:
        self._loopback = loopback
        self._loopback_is_allowed_by = loopback_is_allowed_by
        self._resolve = resolve or self._ask_the_system
        self._trust = trust
        self._limits = limits or ReceiverLimits()
        self._client: httpx.AsyncClient | None = None
        # Of its own: a name server that hangs must not take the threads of everybody else.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="resolve")

    def check_url(self, text: str) -> None:
        """Refuse a URL that would not be posted to, whatever its name means.

        Raises:
            BallastError: `url_not_allowed` with every reason.
        """
        parsed = _parsed(text)
        problems = self._problems(parsed, text)
        if not problems:
            return
        refusal = BallastError(
            ErrorCode.URL_NOT_ALLOWED,
            f"Events cannot be sent to this URL: it {', and it '.join(problems)}.",
            problems=[{"field": "url", "problem": one} for one in problems],
        )
        if self._loopback_is_allowed_by and not self._loopback and _is_here(parsed):
            allow = f"For a receiver on this machine, {self._loopback_is_allowed_by}"
            refusal.advising(f"{refusal.next_step} {allow}")
        raise refusal

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """Send a body once. Whatever goes wrong is in the result; nothing is raised."""
        parsed = _parsed(url)
        if self._problems(parsed, url):
            return Posted(None, "its URL is not allowed", allowed=False)
        assert parsed is not None, "a URL that is none has a problem"
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                return await self._post(parsed, headers, body)
        except TimeoutError:
            return Posted(None, "it took too long")

    async def close(self) -> None:
        """Close the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _problems(self, url: httpx.URL | None, text: str) -> list[str]:
        if url is None or not url.host or len(text) > _LONGEST_URL:
            return ["is no URL of at most 2,048 characters"]
        address = read_address(url.host)
        here = self._loopback and _is_here(url)
        rules = {
            "must begin with https://": url.scheme == "https" or (url.scheme == "http" and here),
            "may not hold a user name or password": not url.userinfo,
            f"may name port {_STANDARD_PORT} or one from {_LEAST_PORT} on": _port_fits(url),
            "must name a host on the public internet": here
            or (address is None and "." in url.host.strip(".") and not _is_number(url.host))
            or (address is not None and is_public(address)),
        }
        return [words for words, kept in rules.items() if not kept]

    async def _post(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> Posted:
        port = url.port or (_STANDARD_PORT if url.scheme == "https" else 80)
        try:
            addresses = await self._resolve(url.host, port)
        except OSError:
            return Posted(None, "its name cannot be resolved")
        if not addresses:
            return Posted(None, "its name cannot be resolved")
        if not all(self._may_connect(one) for one in addresses):
            return Posted(None, "its name leads to an address that is not public", allowed=False)
        posted = Posted(None, "it cannot be reached")
        for address in list(dict.fromkeys(addresses))[: self._limits.addresses]:
            try:
                return Posted(await self._exchange(url, address, headers, body))
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                posted = Posted(None, _unconnected(error))
            except httpx.HTTPError:
                return Posted(None, "the connection broke before it answered")
        return posted

    def _may_connect(self, text: str) -> bool:
        address = read_address(text)
        if address is None:
            return False
        return is_public(address) or (self._loopback and is_loopback(address))

    async def _exchange(
        self, url: httpx.URL, address: str, headers: Mapping[str, str], body: bytes
    ) -> int:
        """The status of the answer. The certificate must be that of the name, not the address."""
        client = self._opened()
        request = client.build_request(
            "POST",
            url.copy_with(host=address),
            headers={**headers, "Host": url.netloc.decode("ascii")},
            content=body,
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        response = await client.send(request, stream=True)
        # Not a byte of its body is read, so that nothing in it can reach anybody.
        await response.aclose()
        return response.status_code

    def _opened(self) -> httpx.AsyncClient:
        """The client itself, made when first needed. It keeps no connection: two names with one
        address would share it, and the second one's certificate would never be seen."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=self._trust or True,
                headers={"User-Agent": f"ballast/{__version__}", "Accept-Encoding": "identity"},
                timeout=httpx.Timeout(
                    self._limits.total_seconds, connect=self._limits.connect_seconds
                ),
                limits=httpx.Limits(max_keepalive_connections=0),
                follow_redirects=False,
                trust_env=False,
            )
        return self._client

    async def _ask_the_system(self, host: str, port: int) -> Sequence[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [str(one[4][0]) for one in found]


def _is_here(url: httpx.URL | None) -> bool:
    """Whether a URL names this machine."""
    address = read_address(url.host) if url else None
    return url is not None and (
        url.host == "localhost" or (address is not None and is_loopback(address))
    )


def _parsed(text: str) -> httpx.URL | None:
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError):
        return None


def _port_fits(url: httpx.URL) -> bool:
    return url.port is None or url.port == _STANDARD_PORT or url.port >= _LEAST_PORT


def _is_number(host: str) -> bool:
    """Whether resolvers may read a host as an address, though it is written unlike one: 2130706433,
    0x7f.1, 0177.0.0.1."""
    last = host.rstrip(".").rpartition(".")[2].lower()
    return last.isdigit() or last.startswith("0x")


def _unconnected(error: httpx.HTTPError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its certificate is not valid for its name"
        cause = cause.__cause__ or cause.__context__
    return "it cannot be reached"
