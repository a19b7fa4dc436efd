"""The HTTP client against a server that misbehaves, over real sockets on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
from decimal import Decimal

import pytest
from pydantic import SecretStr

from ballast.adapters.http import HttpClient, HttpLimits, NoAnswerError
from ballast.adapters.strict_json import parse_json
from ballast.errors import BallastError, ErrorCode

QUICK = HttpLimits(
    total_seconds=5,
    attempt_seconds=2,
    max_bytes=10_000,
    attempts=3,
    first_wait_seconds=0.001,
    longest_wait_seconds=0.05,
    failures_to_open=3,
    open_seconds=60,
)


def reply(status: str, body: bytes | str = b"", **headers: str) -> bytes:
    body = body.encode() if isinstance(body, str) else body
    fields = {"Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


class Server:
    """Answers the n-th request with the n-th script; the last one goes on for ever.

    A script is the bytes to send, or a coroutine function that gets the writer.
    """

    def __init__(self, scripts):
        self.scripts = list(scripts)
        self.requests: list[bytes] = []

    async def handle(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = [int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Len")]
        self.requests.append(head + (await reader.readexactly(length[0]) if length else b""))
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        with contextlib.suppress(ConnectionError):
            if callable(script):
                await script(writer)
            else:
                writer.write(script)
                await writer.drain()
        writer.close()


@pytest.fixture
async def serve():
    async with contextlib.AsyncExitStack() as stack:

        async def start(*scripts, limits=QUICK, secrets=None):
            server = Server(scripts)
            listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
            stack.callback(listening.close)
            port = listening.sockets[0].getsockname()[1]
            url = f"http://127.0.0.1:{port}"
            client = HttpClient(url, name="the service", limits=limits, secrets=secrets)
            stack.push_async_callback(client.close)
            return server, client

        yield start


async def drip(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[")
    for _ in range(500):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def hang_up(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,")
    await writer.drain()


async def pour(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[1")
    for _ in range(10_000):
        writer.write(b",1" * 500)
        await writer.drain()


async def test_an_answer_is_its_status_and_json(serve):
    _, client = await serve(reply("201 Created", '{"a": 0.10, "b": [1, null, "x"]}'))

    answer = await client.get("/v0/thing")

    assert answer.status == 201
    assert answer.ok
    assert answer.json == {"a": Decimal("0.10"), "b": [1, None, "x"]}
    assert str(answer.json["a"]) == "0.10"


async def test_a_refusal_is_an_answer_even_without_json(serve):
    _, client = await serve(reply("400 Bad Request", '{"message":"no"}'), reply("404 Not Found"))

    said_no, silent = await client.get("/"), await client.get("/")

    assert (said_no.status, said_no.ok, said_no.json) == (400, False, {"message": "no"})
    assert (silent.status, silent.json) == (404, None)


async def test_a_read_is_repeated_until_it_is_answered(serve):
    server, client = await serve(reply("503 Service Unavailable"), hang_up, reply("200 OK", "[1]"))

    assert (await client.get("/")).json == [1]
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "fault",
    [
        reply("503 Service Unavailable"),
        reply("429 Too Many Requests", Retry_After="0"),
        reply("502 Bad Gateway", "<html>Bad gateway</html>"),
        hang_up,
    ],
    ids=["503", "429", "502 in HTML", "half an answer"],
)
async def test_a_post_is_sent_once_unless_it_may_be_repeated(serve, fault):
    server, client = await serve(fault)
    with pytest.raises(NoAnswerError) as once:
        await client.post("/", {"a": 1}, repeatable=False)
    assert len(server.requests) == 1

    with pytest.raises(NoAnswerError):
        await client.post("/", {"a": 1}, repeatable=True)

    assert len(server.requests) == 1 + QUICK.attempts
    assert once.value.code is ErrorCode.VENUE_UNAVAILABLE
    assert once.value.maybe_sent


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        (reply("200 OK", "<html>hello</html>"), "JSON"),
        (reply("200 OK", '{"price": NaN}'), "JSON"),
        (reply("200 OK", '{"price": -Infinity}'), "JSON"),
        (reply("200 OK", '{"amount": "1", "amount": "2"}'), "JSON"),
        (reply("200 OK", b'"\xff"'), "JSON"),
        (reply("200 OK", r'"\ud800"'), "JSON"),
        (reply("200 OK", "[" * 4000 + "]" * 4000), "JSON"),
        (reply("200 OK", "[1" + ",1" * 20_000 + "]"), "too long"),
        (pour, "too long"),
        (reply("200 OK", "[]", Content_Encoding="gzip"), "compressed"),
        (reply("302 Found", Location="/elsewhere"), "status 302"),
        (reply("502 Bad Gateway", "<html>Bad gateway</html>"), "status 502"),
    ],
    ids=[
        "HTML",
        "NaN",
        "Infinity",
        "a key twice",
        "no UTF-8",
        "half a character",
        "nested deeply",
        "oversized",
        "without end",
        "compressed",
        "redirect",
        "a gateway's page",
    ],
)
async def test_what_cannot_be_used_is_no_answer(serve, script, fault):
    server, client = await serve(script)

    with pytest.raises(NoAnswerError, match=fault):
        await client.get("/")

    assert b"/elsewhere" not in b"".join(server.requests)


async def test_an_answer_that_drips_is_cut_off_by_the_deadline(serve):
    limits = HttpLimits(total_seconds=0.4, attempt_seconds=0.25, attempts=9)
    _, client = await serve(drip, limits=limits)

    with pytest.raises(NoAnswerError, match="too long"):
        async with asyncio.timeout(60):
            await client.get("/")


async def test_it_waits_as_long_as_the_server_asks(serve):
    limits = HttpLimits(attempts=2, first_wait_seconds=0.001, longest_wait_seconds=2)
    _, client = await serve(
        reply("429 Too Many Requests", Retry_After="1"), reply("200 OK", "[]"), limits=limits
    )
    started = asyncio.get_running_loop().time()

    await client.get("/")

    assert asyncio.get_running_loop().time() - started >= 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry_After": "3600"},
        {
            "Retry_After": "Fri, 20 Nov 2026 11:00:00 GMT",
            "Date": "Fri, 20 Nov 2026 10:00:00 GMT",
        },
    ],
    ids=["seconds", "date"],
)
async def test_it_gives_up_when_the_server_asks_for_too_long(serve, headers):
    server, client = await serve(reply("429 Too Many Requests", **headers))

    with pytest.raises(NoAnswerError, match="429"):
        await client.get("/")

    assert len(server.requests) == 1


async def test_a_date_to_wait_for_is_measured_by_the_servers_own_clock(serve):
    now = {"Retry_After": "Fri, 20 Nov 2026 10:00:00 GMT", "Date": "Fri, 20 Nov 2026 10:00:00 GMT"}
    server, client = await serve(reply("429 Too Many Requests", **now), reply("200 OK", "[]"))

    await client.get("/")

    assert len(server.requests) == 2


async def test_without_a_connection_nothing_was_sent(unused_tcp_port):
    client = HttpClient(f"http://127.0.0.1:{unused_tcp_port}", name="the service", limits=QUICK)

    with pytest.raises(NoAnswerError, match="cannot be reached") as refused:
        await client.post("/", {}, repeatable=True)

    assert not refused.value.maybe_sent
    await client.close()


async def test_after_repeated_failures_it_is_left_alone(serve):
    server, client = await serve(reply("500 Internal Server Error"))
    for _ in range(QUICK.failures_to_open):
        with pytest.raises(NoAnswerError, match="500"):
            await client.post("/quote", {}, repeatable=False)

    with pytest.raises(NoAnswerError, match="left alone") as refused:
        await client.post("/quote", {}, repeatable=False)

    assert len(server.requests) == QUICK.failures_to_open
    assert not refused.value.maybe_sent


async def test_what_fails_at_one_endpoint_does_not_close_another(serve):
    broken = [reply("500 Internal Server Error")] * QUICK.failures_to_open
    _, client = await serve(*broken, reply("200 OK", "[]"))
    for _ in range(QUICK.failures_to_open):
        with pytest.raises(NoAnswerError, match="500"):
            await client.post("/quote", {}, repeatable=False)

    assert (await client.get("/status", {"depositAddress": "x"})).ok


@pytest.mark.parametrize("after", ["3600", "Fri, 20 Nov 2026 11:00:00 GMT"])
async def test_an_endpoint_that_asks_for_a_long_rest_gets_it(serve, after):
    headers = {"Retry_After": after, "Date": "Fri, 20 Nov 2026 10:00:00 GMT"}
    server, client = await serve(reply("429 Too Many Requests", **headers), reply("200 OK", "[]"))
    with pytest.raises(NoAnswerError, match="429"):
        await client.get("/quote")

    with pytest.raises(NoAnswerError, match="left alone") as refused:
        await client.get("/quote")

    assert len(server.requests) == 1
    assert not refused.value.maybe_sent
    assert (await client.get("/status")).ok


async def test_an_answer_says_whether_an_earlier_attempt_may_have_arrived(serve):
    _, client = await serve(hang_up, reply("400 Bad Request", "{}"), reply("400 Bad Request", "{}"))

    after_a_loss = await client.post("/", {}, repeatable=True)
    at_once = await client.post("/", {}, repeatable=True)

    assert (after_a_loss.repeated, at_once.repeated) == (True, False)


async def test_a_refusal_that_is_only_trouble_is_asked_again(serve):
    trouble = reply("400 Bad Request", '{"message":"Internal server error"}')
    server, client = await serve(trouble, reply("200 OK", "[1]"))

    answer = await client.get("/", is_trouble=lambda refused: refused.status == 400)

    assert answer.json == [1]
    assert len(server.requests) == 2


async def test_refusals_do_not_count_as_failures(serve):
    _, client = await serve(reply("400 Bad Request", "{}"))

    answers = [await client.get("/") for _ in range(QUICK.failures_to_open + 2)]

    assert {answer.status for answer in answers} == {400}


async def test_a_secret_is_sent_and_never_shown(serve):
    server, client = await serve(
        reply("200 OK", "[]"), reply("500 Oops"), secrets={"X-API-Key": SecretStr("hush-hush")}
    )
    await client.get("/")
    with pytest.raises(NoAnswerError) as failed:
        await client.get("/")

    assert b"x-api-key: hush-hush" in server.requests[0].lower()
    shown = repr(vars(client)) + repr(failed.value.as_dict()) + str(failed.value)
    assert "hush-hush" not in shown


async def test_a_body_is_sent_as_compact_json(serve):
    server, client = await serve(reply("200 OK", "{}"))

    await client.post("/v0/quote", {"memo": "ребаланс", "n": 1}, repeatable=False)

    head, body = server.requests[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST /v0/quote ")
    assert b"content-type: application/json" in head.lower()
    assert body == '{"memo":"ребаланс","n":1}'.encode()


async def test_an_application_in_this_process_answers_like_a_service():
    async def app(scope, receive, send):
        if scope["path"] == "/broken":
            raise RuntimeError("a fault of the application")
        body = json.dumps({"path": scope["path"]}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    client = HttpClient("http://devnet.invalid/rpc", name="the devnet", app=app, limits=QUICK)

    assert (await client.get("/x")).json == {"path": "/rpc/x"}
    await client.close()
    broken = HttpClient("http://devnet.invalid", name="the devnet", app=app, limits=QUICK)
    with pytest.raises(NoAnswerError, match="status 500"):
        await broken.get("/broken")
    await broken.close()


@pytest.mark.parametrize(
    "url", ["", "1click.example", "ftp://example.com", "http://", "http://host:port"]
)
def test_a_url_that_cannot_be_called_is_refused_by_name(url):
    with pytest.raises(BallastError) as refused:
        HttpClient(url, name="1Click")

    assert refused.value.code is ErrorCode.SETTINGS_INVALID
    assert "1Click" in refused.value.message


def test_brackets_inside_texts_are_no_nesting():
    text = json.dumps({"a": "[" * 1000 + '\\"' + "{" * 1000})

    assert parse_json(text.encode()) == json.loads(text)
