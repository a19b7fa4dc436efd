"""Posting to addresses that somebody else has named: where it goes, and where it never does."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ballast.adapters.http import ReceiverLimits, ReceiverPoster
from ballast.core.public_address import is_loopback, is_public
from ballast.errors import BallastError, ErrorCode

NAME = "hooks.example"
QUICK = ReceiverLimits(total_seconds=5.0, connect_seconds=2.0)

FOUND = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
TOO_LONG_A_HEAD = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000

PUBLIC = ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::8.8.8.8", "2002:808:808::1"]
# One of each special-purpose range, and every way to write an IPv4 address inside an IPv6 one.
SPECIAL = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "3fff::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_of_the_public_internet_may_be_posted_to(text):
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", SPECIAL)
def test_a_private_or_special_address_is_never_posted_to(text):
    assert not is_public(ip_address(text))


def test_only_this_machine_is_loopback():
    here = [one for one in [*PUBLIC, *SPECIAL] if is_loopback(ip_address(one))]

    assert here == ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"]


REFUSED_URLS = [
    ("http://hooks.example/", "https://"),
    ("ftp://hooks.example/", "https://"),
    ("file:///etc/passwd", "no URL"),
    ("hooks.example", "no URL"),
    ("https://", "no URL"),
    ("https://user:secret@hooks.example/", "password"),
    ("https://hooks.example@127.0.0.1/", "password"),
    ("https://hooks.example:22/", "port"),
    ("https://hooks.example:0/", "port"),
    ("https://localhost/", "public internet"),
    ("https://intranet/", "public internet"),
    ("https://127.0.0.1/", "public internet"),
    ("https://10.1.2.3:8443/", "public internet"),
    ("https://[::1]/", "public internet"),
    ("https://[::ffff:127.0.0.1]/", "public internet"),
    ("https://[fe80::1%25eth0]/", "public internet"),
    ("https://2130706433/", "public internet"),
    ("https://0x7f000001/", "public internet"),
    ("https://0177.0.0.1/", "no URL"),
    ("https://127.1/", "public internet"),
    ("https://127.0.0.1./", "public internet"),
    (f"https://hooks.example/{'a' * 2_100}", "no URL"),
]


@pytest.mark.parametrize(("url", "words"), REFUSED_URLS)
async def test_a_url_that_leads_elsewhere_is_refused_before_anything_is_asked(url, words):
    poster = ReceiverPoster(resolve=_never, limits=QUICK)

    with pytest.raises(BallastError) as refused:
        poster.check_url(url)
    posted = await poster.post(url, {}, b"{}")

    assert refused.value.code is ErrorCode.URL_NOT_ALLOWED
    assert words in refused.value.message
    assert "secret" not in refused.value.message
    assert (posted.status, posted.allowed) == (None, False)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example",
        "https://hooks.example:8443/path?token=1",
        "https://1.1.1.1/",
        "https://bücher.example/",
    ],
)
def test_a_url_of_the_public_internet_is_taken(url):
    ReceiverPoster().check_url(url)


@pytest.mark.parametrize("address", SPECIAL)
async def test_a_name_that_leads_to_a_special_address_is_not_connected_to(address):
    poster = ReceiverPoster(resolve=_as(address), limits=QUICK)

    posted = await poster.post(f"https://{NAME}/", {}, b"{}")

    assert (posted.status, posted.allowed) == (None, False)


async def test_one_special_address_among_public_ones_is_enough_to_refuse():
    poster = ReceiverPoster(resolve=_as("93.184.215.14", "10.0.0.1"), limits=QUICK)

    assert not (await poster.post(f"https://{NAME}/", {}, b"{}")).allowed


async def test_the_address_that_was_checked_is_the_one_that_is_connected_to(monkeypatch):
    """A name server that says something else to the second question is not asked a second one."""
    asked, reached = [], []

    async def rebinding(host, port):
        asked.append(host)
        return ["93.184.215.14"] if len(asked) == 1 else ["127.0.0.1"]

    async def connect(remote_host, **more):
        reached.append(remote_host)
        raise OSError("nobody is there")

    monkeypatch.setattr("anyio.connect_tcp", connect)
    poster = ReceiverPoster(resolve=rebinding, limits=QUICK)

    posted = await poster.post(f"https://{NAME}/", {}, b"{}")

    assert asked == [NAME]
    assert reached == ["93.184.215.14"]
    assert posted.problem == "it cannot be reached"


async def test_a_name_that_means_nothing_or_hangs_is_a_problem_and_no_error():
    async def nothing(host, port):
        raise OSError("no such name")

    async def hangs(host, port):
        await asyncio.Event().wait()

    quick = ReceiverLimits(total_seconds=0.05)
    unknown = await ReceiverPoster(resolve=nothing).post(f"https://{NAME}/", {}, b"{}")
    silent = await ReceiverPoster(resolve=hangs, limits=quick).post(f"https://{NAME}/", {}, b"{}")

    assert unknown.problem == "its name cannot be resolved"
    assert silent.problem == "it took too long"


# --- over a real socket -------------------------------------------------------------------------


async def test_the_certificate_must_be_that_of_the_name_though_the_address_is_dialled(tmp_path):
    async with serving(certificate(tmp_path, NAME)) as (port, trust, heads):
        poster = ReceiverPoster(loopback=True, resolve=_as("127.0.0.1"), trust=trust, limits=QUICK)
        right = await poster.post(f"https://{NAME}:{port}/in?a=b", {"X-One": "1"}, b'{"a":1}')
        wrong = await poster.post(f"https://other.example:{port}/", {}, b"{}")
        await poster.close()

    assert right.status == 200
    assert heads[0].startswith("POST /in?a=b HTTP/1.1\r\n")
    assert f"\r\nHost: {NAME}:{port}\r\n" in heads[0]
    assert "\r\nX-One: 1\r\n" in heads[0]
    assert wrong.status is None
    assert wrong.problem == "its certificate is not valid for its name"
    assert len(heads) == 1


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with serving(certificate(tmp_path, NAME)) as (port, trust, _):
        poster = ReceiverPoster(loopback=True, resolve=_as("127.0.0.1"), trust=trust, limits=QUICK)
        posted = await poster.post(f"https://{NAME}:{port}/", {}, b"{}")
        await poster.close()

    assert posted.status == 200


async def test_a_redirect_is_a_status_and_is_not_followed():
    async with serving(None, FOUND) as (port, _, heads):
        poster = ReceiverPoster(loopback=True, limits=QUICK)
        posted = await poster.post(f"http://127.0.0.1:{port}/", {}, b"{}")
        await poster.close()

    assert posted.status == 302
    assert len(heads) == 1


async def test_an_answer_without_end_costs_no_more_than_its_status():
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n" + b"x" * 100_000
    async with serving(None, endless) as (port, _, _heads):
        poster = ReceiverPoster(loopback=True, limits=QUICK)
        posted = await poster.post(f"http://127.0.0.1:{port}/", {}, b"{}")
        await poster.close()

    assert posted.status == 200


@pytest.mark.parametrize("answer", [b"", b"no HTTP\r\n\r\n", TOO_LONG_A_HEAD])
async def test_what_is_no_answer_is_a_problem_in_our_own_words(answer):
    async with serving(None, answer) as (port, _, _heads):
        poster = ReceiverPoster(loopback=True, limits=QUICK)
        posted = await poster.post(f"http://127.0.0.1:{port}/", {}, b"{}")
        await poster.close()

    assert posted.status is None
    assert posted.problem in ("the connection broke before it answered", "it took too long")


async def test_this_machine_is_no_receiver_unless_that_is_allowed():
    async with serving(None) as (port, _, heads):
        poster = ReceiverPoster(limits=QUICK)
        for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433"):
            assert not (await poster.post(f"http://{host}:{port}/", {}, b"{}")).allowed
            assert not (await poster.post(f"https://{host}:{port}/", {}, b"{}")).allowed
        await poster.close()

    assert heads == []


# --- parts --------------------------------------------------------------------------------------


async def _never(host, port):
    raise AssertionError("a name was resolved")


def _as(*addresses):
    async def resolve(host, port):
        return addresses

    return resolve


@contextlib.asynccontextmanager
async def serving(files, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"):
    """A server on loopback: its port, what trusts its certificate, and the heads it was sent."""
    heads = []

    async def handle(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(answer)
            await writer.drain()
        writer.close()

    inside = trust = None
    if files is not None:
        inside = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        inside.load_cert_chain(*files)
        trust = ssl.create_default_context(cafile=str(files[0]))
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=inside)
    try:
        yield server.sockets[0].getsockname()[1], trust, heads
    finally:
        server.close()


def certificate(directory, name):
    """A certificate for a name that signs itself, and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    shown, hidden = directory / "certificate.pem", directory / "key.pem"
    shown.write_bytes(made.public_bytes(pem))
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    hidden.write_bytes(key.private_bytes(pem, form, none))
    return shown, hidden
