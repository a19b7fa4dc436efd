"""What is shown once, typed, or sent: no log line, error, or other answer of real processes has it.

Commands and a server run, and their logs have everything that there is to write. The one place
where a secret was to be shown is left out; all else that was said is looked through.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.machine import PATIENCE, Machine, until
from tests.e2e.test_owner import on_a_terminal

PASSWORD = "a password of the owner 4711"
WRONG_PASSWORD = "a password that is wrong 0815"
EXPORTED_UNDER = "what the exported key is under 2342"
PARTNER_KEY = "partner-key-1b2c3d4e5f60"
MADE_UP = "bal_madeup00_" + "Zq9" * 14
MADE_UP_TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJlIG1hZGUgdXA"
BASKET = [{"asset": "BTC", "percent": 60}, {"asset": "ETH", "percent": 40}]


class Taking(BaseHTTPRequestHandler):
    """Somebody who is told of events, and takes everything."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format, *given):
        pass


@contextmanager
def receiving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/events"
        server.shutdown()


@dataclass
class Heard:
    """All that was said, and what must not be in it.

    Attributes:
        secrets: what each is, by itself.
        said: where something was said, and what.
        logs: what was written to stderr, by whom.
    """

    secrets: dict[str, str] = field(default_factory=dict)
    said: list[tuple[str, str]] = field(default_factory=list)
    logs: list[tuple[str, str]] = field(default_factory=list)

    def secret(self, name: str, value: str) -> str:
        """Remember a secret, without the part of it that only names it."""
        named = {"whsec": 1, "brt": 1, "bal": 2}.get(value.partition("_")[0], 0)
        self.secrets[name] = value.split("_", named)[named]
        return value

    def leaks(self) -> list[tuple[str, str]]:
        """Which secret was found where."""
        return [
            (name, where)
            for where, text in [*self.said, *self.logs]
            for name, value in self.secrets.items()
            if value in text
        ]


@dataclass
class Browser:
    """Whoever asks a server over HTTP, and keeps what it said."""

    url: str
    heard: Heard

    def ask(self, method: str, path: str, credential: str, *shown: str, **more: Any) -> Any:
        """The answer as JSON; without the fields that are to be shown, it is looked through."""
        answer = httpx.request(
            method,
            f"{self.url}{path}",
            headers={"Authorization": f"Bearer {credential}"} if credential else {},
            timeout=PATIENCE,
            **more,
        )
        body = answer.json()
        assert not shown or answer.status_code in (200, 201), body
        rest = {name: one for name, one in body.items() if name not in shown}
        self.heard.said.append((f"{method} {path}", json.dumps([rest, dict(answer.headers)])))
        return body


@pytest.fixture
def machine(stocked) -> Machine:
    stocked.machine.settings = {
        "BALLAST_LOG_LEVEL": "debug",
        "BALLAST_LOG_FORMAT": "json",
        "BALLAST_WEBHOOK_LOOPBACK": "true",
        "BALLAST_ONECLICK_API_KEY": PARTNER_KEY,
    }
    return stocked.machine


def commands(machine: Machine, index_id: str, heard: Heard) -> str:
    """Keys are made, exchanged and taken out at the command line. Returns an API key."""

    def run(*words: str, shown: str = "") -> Any:
        said = machine.run(*words, "--json")
        heard.logs.append((f"stderr of {words}", said.err))
        answer = json.loads(said.out)
        heard.said.append((str(words), json.dumps(without(answer, shown))))
        return answer

    scopes = ("--scopes", "read,write,spend")
    first = run("apikey", "create", "first", *scopes, shown="api_key")
    heard.secret("first API key", first["api_key"])
    key = run("apikey", "rotate", "first", shown="api_key")["api_key"]
    printed = machine.run("apikey", "create", "second", "--scopes", "read,write")
    heard.secret("API key that is printed alone", printed.out.strip())
    heard.logs.append(("apikey create", printed.err))
    run("apikey", "list")
    run("apikey", "rotate", "nothing of this name")
    run("create_index", "Main", "--targets", "BTC 100 and nonsense")

    file = machine.directory.parent / "key.json"
    asked = ("Password for the file:", "Repeat for confirmation:")
    words = ("keys", "export", index_id, "--to", str(file))
    exported = on_a_terminal(machine, *words, answers=dict.fromkeys(asked, EXPORTED_UNDER))
    assert exported.code == 0, exported
    heard.said.append(("keys export", exported.out))
    heard.secret("private key", private_key(file))

    asked = ("Password:", "Repeat for confirmation:")
    words = ("account", "create", "me", "--mine")
    account = on_a_terminal(machine, *words, answers=dict.fromkeys(asked, PASSWORD))
    assert account.code == 0, account
    heard.said.append(("account create", account.out))
    return heard.secret("API key", key)


def without(answer: Any, shown: str) -> Any:
    return {k: v for k, v in answer.items() if k != shown} if isinstance(answer, dict) else answer


def private_key(file: Path) -> str:
    from eth_account import Account

    return bytes(Account.decrypt(json.loads(file.read_text()), EXPORTED_UNDER)).hex()


def calls(browser: Browser, key: str, receiver: str) -> None:
    """Somebody signs in, with mistakes; makes a webhook; and shows credentials that are none."""
    ask, secret = browser.ask, browser.heard.secret
    login = "/api/auth/login"
    ask("POST", login, "", json={"name": "me", "password": WRONG_PASSWORD})
    ask("POST", login, "", json={"name": "me", "password": {"is": PASSWORD}})
    ask("POST", login, "", json={"name": "me", "password": PASSWORD, "also": PASSWORD})
    ask("POST", login, "", content=f'{{"name": "me", "password": "{PASSWORD}"')
    tokens = ("access_token", "refresh_token")
    for round_ in ("first", "second"):
        given = ask("POST", login, "", *tokens, json={"name": "me", "password": PASSWORD})
        access = secret(f"{round_} access token", given["access_token"])
        used = secret(f"{round_} refresh token", given["refresh_token"])
    given = ask("POST", "/api/auth/refresh", "", *tokens, json={"refresh_token": used})
    for name in tokens:
        secret(f"fresh {name}", given[name])
    ask("POST", "/api/auth/refresh", "", json={"refresh_token": used})
    ask("GET", "/api/indexes", access)

    for wrong in (MADE_UP, MADE_UP_TOKEN, key[:-1], PASSWORD):
        ask("GET", "/api/indexes", wrong)
    ask("GET", f"/api/status?api_key={key}&token={MADE_UP}", "")
    ask("POST", "/api/indexes", key, json={"name": "Other", "targets": BASKET})

    made = ask("POST", "/api/webhooks", key, "secret", json={"url": receiver})
    secret("webhook secret", made["secret"])
    one = f"/api/webhooks/{made['webhook_id']}"
    again = ask("POST", f"{one}/rotate-secret", key, "secret", json={"request_id": "r-1"})
    secret("webhook's next secret", again["secret"])
    ask("POST", f"{one}/rotate-secret", key, json={"request_id": "r-1"})
    ask("POST", f"{one}/test", key, json={})
    for path in ("/api/webhooks", one, f"{one}/deliveries", "/api/status", "/api/indexes"):
        ask("GET", path, key)
    ask("POST", "/api/auth/logout", given["access_token"], json={})


def test_no_secret_is_in_any_log_line_error_or_other_answer(machine, stocked, tmp_path):
    heard = Heard({"partner key": PARTNER_KEY, "password": PASSWORD, "wrong": WRONG_PASSWORD})
    heard.secrets |= {"password of the file": EXPORTED_UNDER, "made up token": MADE_UP_TOKEN}
    heard.secret("made up key", MADE_UP)
    heard.secrets["master key"] = (machine.places.home / "master.key").read_text().strip()
    key = commands(machine, stocked.index_id, heard)
    log = tmp_path / "server.log"

    with (
        receiving() as receiver,
        log.open("w") as stderr,
        machine.started("serve", "--port", "0", stderr=stderr) as server,
    ):
        announced = until(lambda: serves(log), "the server says where it is")
        calls(Browser(announced.split()[-1], heard), key, receiver)
        server.terminate()
        assert server.wait(PATIENCE) == 0
    heard.logs.append(("server", log.read_text()))
    for words in (("export",), ("audit", "export"), ("verify",), ("get_status",)):
        said = machine.run(*words)
        heard.said.append((str(words), said.out))
        heard.logs.append((f"stderr of {words}", said.err))

    lines = [line for _, text in heard.logs for line in text.splitlines() if line.startswith("{")]
    events = {json.loads(line)["event"] for line in lines}
    assert {"call", "request", "serving"} <= events, "it was all written down"
    assert all(len(value) >= len(PARTNER_KEY) for value in heard.secrets.values())
    assert heard.leaks() == []


def serves(log: Path) -> str:
    return next((one for one in log.read_text().splitlines() if "serves http" in one), "")
