"""`ballast serve` as its own process: real sockets, real clients, and what becomes of its work."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import signal
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.e2e.machine import PATIENCE, Machine, until
from tests.e2e.test_killed import SPEED, agrees, rebalance_of


@dataclass(frozen=True, slots=True)
class Served:
    """A running server, and a key for it."""

    process: subprocess.Popen[str]
    url: str
    key: str

    @property
    def headers(self) -> Mapping[str, str]:
        """What opens its door."""
        return {"Authorization": f"Bearer {self.key}"}

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send one request."""
        return httpx.request(
            method, f"{self.url}{path}", headers=self.headers, timeout=PATIENCE, **more
        )

    def end(self) -> int:
        """Ask it to end, as a service manager does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def served(machine: Machine, *words: str) -> Iterator[Served]:
    """`ballast serve` on a free port, with a new key for everything."""
    name = f"{len(words)} words"
    key = machine.ask("apikey", "create", name, "--scopes", "read,write,spend")["api_key"]
    with machine.started("serve", "--port", "0", *words) as process:
        yield Served(process, announced(process), key)


def announced(process: subprocess.Popen[str]) -> str:
    """The address of a server that has just been started, once it answers."""
    assert process.stderr is not None
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    line = process.stderr.readline()
    timer.cancel()
    assert "serves http" in line, line
    return line.split()[-1]


async def test_one_server_answers_rest_and_clients_of_every_revision(machine):
    targets = [{"asset": "BTC", "percent": 60}, {"asset": "ETH", "percent": 40}]
    with served(machine) as server:
        made = server.ask("POST", "/api/indexes", json={"name": "Main", "targets": targets})
        answers = [
            await over_mcp(server, mode, "get_index", {"index_id": made.json()["index_id"]})
            for mode in ("legacy", "auto", "2026-07-28")
        ]
        read = server.ask("GET", f"/api/indexes/{made.json()['index_id']}")
        unknown = replace(server, key="bal_unknown").ask("GET", "/api/indexes")
        told = await told_of(server, made.json()["index_id"])
        code = server.end()

    assert told == f"ballast://indexes/{made.json()['index_id']}"
    assert made.status_code == 200, made.text
    assert [one["name"] for one in answers] == ["Main"] * 3
    assert answers == [read.json()] * 3
    assert unknown.status_code == 401
    assert code == 0


async def over_mcp(server: Served, mode: Any, tool: str, arguments: dict[str, Any]) -> Any:
    """The structured answer that the official client gets over the socket."""
    async with httpx2.AsyncClient(headers=server.headers, timeout=PATIENCE) as http:
        transport = streamable_http_client(f"{server.url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.structured_content


async def told_of(server: Served, index_id: str) -> str:
    """The resource that the official client, which follows an index, hears of when it changes."""
    async with httpx2.AsyncClient(headers=server.headers, timeout=PATIENCE) as http:
        transport = streamable_http_client(f"{server.url}/mcp", http_client=http)
        async with (
            Client(transport, mode="2026-07-28") as client,
            client.listen(resource_subscriptions=[f"ballast://indexes/{index_id}"]) as changes,
        ):
            await client.call_tool("update_index", {"index_id": index_id, "name": "Renamed"})
            changed = await asyncio.wait_for(anext(changes), PATIENCE)
    return changed.uri


async def test_a_server_that_is_ended_in_the_middle_of_a_rebalance_goes_on_when_it_is_back(stocked):
    machine, index_id = stocked.machine, stocked.index_id
    plan_id = await stocked.preview()
    before = machine.executed(index_id)
    with served(machine) as first:
        machine.set_speed(SPEED)
        path = f"/api/indexes/{index_id}/rebalance"
        started = first.ask("POST", path, json={"plan_id": plan_id})
        rebalance_id = rebalance_of(machine, plan_id)
        sql = "SELECT 1 FROM swaps WHERE state = 'published' AND rebalance_id = ?"
        until(lambda: machine.rows(sql, rebalance_id), "a swap is out")
        assert first.end() == 0
    machine.set_speed(0)
    [[state]] = machine.rows("SELECT state FROM rebalances WHERE rebalance_id = ?", rebalance_id)

    with served(machine, "--host", "127.0.0.1") as second:
        machine.set_speed(SPEED)

        def done() -> bool:
            progress = second.ask("GET", f"/api/progress/{rebalance_id}").json()
            return bool(progress["done"])

        until(done, "the rebalance is done")
        assert second.end() == 0

    assert started.json()["rebalance_id"] == rebalance_id
    assert state == "executing"
    agrees(stocked, rebalance_id, before)


def test_what_keeps_it_from_serving_is_said_in_a_sentence(machine):
    with served(machine) as server:
        port = server.url.rpartition(":")[2]
        taken = machine.run("serve", "--port", port)
    reached = machine.run("serve", "--host", "0.0.0.0")
    nonsense = replace(machine, settings={"BALLAST_HTTP_RATES": "read=often"}).run("serve")

    for said, word in ((taken, port), (reached, "BALLAST_HTTP_PROXIES"), (nonsense, "HTTP_RATES")):
        assert said.code == 8, said
        assert word in said.err
        assert "Traceback" not in said.err


def test_with_a_certificate_it_is_https_and_without_its_key_it_says_so(machine, tmp_path):
    certificate, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    write_pair(certificate, key)
    settings = {
        "BALLAST_HTTP_TLS_CERTIFICATE": str(certificate),
        "BALLAST_HTTP_TLS_KEY": str(key),
    }
    with served(replace(machine, settings=settings), "--host", "127.0.0.1") as server:
        trusted = ssl.create_default_context(cafile=str(certificate))
        answer = httpx.get(f"{server.url}/livez", verify=trusted)
    key.write_text("no key")
    broken = replace(machine, settings=settings).run("serve", "--port", "0")

    assert server.url.startswith("https://")
    assert answer.status_code == 200
    assert "strict-transport-security" in answer.headers
    assert (broken.code, "BALLAST_HTTP_TLS_KEY" in broken.err) == (8, True), broken
    assert "Traceback" not in broken.err


def write_pair(certificate: Any, key_file: Any) -> None:
    """A certificate for this machine, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
