"""All that real processes say, for tests that look for secrets in it; and the ways in which secrets
come in: shown once, typed, sent, or sent to where they do not belong.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from tests.e2e.machine import PATIENCE, Machine, Said, until
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

    def run(self, machine: Machine, *words: str) -> Said:
        """A command and all that it says."""
        said = machine.run(*words)
        self.said.append((str(words), said.out))
        self.logs.append((f"stderr of {words}", said.err))
        return said

    def ask(self, machine: Machine, *words: str) -> Any:
        """The answer of a command as JSON."""
        return self.run(machine, *words, "--json").json

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

    def ask(
        self,
        method: str,
        path: str,
        credential: str,
        *shown: str,
        headers: Mapping[str, str] = MappingProxyType({}),
        **more: Any,
    ) -> Any:
        """The answer as JSON; without the fields that are to be shown, it is looked through."""
        own = {"Authorization": f"Bearer {credential}"} if credential else {}
        answer = httpx.request(
            method, f"{self.url}{path}", headers={**headers, **own}, timeout=PATIENCE, **more
        )
        body = answer.json()
        assert not shown or answer.status_code in (200, 201), body
        rest = {name: one for name, one in body.items() if name not in shown}
        self.heard.said.append((f"{method} {path}", json.dumps([rest, dict(answer.headers)])))
        return body

    def message(self, method: str, credential: str, /, **params: Any) -> Any:
        """What the tool server answers to a message, as JSON; it is looked through."""
        return self.ask("POST", "/mcp", credential, **_message(method, params))

    def tool(self, name: str, credential: str, /, *shown: str, **arguments: Any) -> Any:
        """What a tool answers; without the fields that are to be shown, it is looked through."""
        message = _message("tools/call", {"name": name, "arguments": arguments})
        if not shown:
            return self.ask("POST", "/mcp", credential, **message)["result"]["structuredContent"]
        # The text beside the structured answer is a copy of it, secret and all.
        body = self.ask("POST", "/mcp", credential, "result", **message)
        answer = body["result"]["structuredContent"]
        rest = {name: one for name, one in answer.items() if name not in shown}
        self.heard.said.append((f"tool {name}", json.dumps(rest)))
        return answer

    def follow(self, credential: str, handle: str) -> Any:
        """Progress, once something and what follows from it are done."""

        def done() -> Any:
            progress = self.tool("get_progress", credential, id=handle)
            return progress if progress["done"] else None

        progress = until(done, f"{handle} is done")
        following = progress["follow_up_id"]
        return self.follow(credential, following) if following else progress


def _message(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """A message by hand, as a client of 2025 sends it."""
    return {
        "json": {"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
        "headers": {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-06-18",
        },
    }


def commands(machine: Machine, index_id: str, heard: Heard) -> str:
    """Keys are made, exchanged and taken out at the command line. Returns an API key."""
    key = _api_keys(machine, heard)
    typed(machine, index_id, heard)
    return key


def _api_keys(machine: Machine, heard: Heard) -> str:

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
    return heard.secret("API key", key)


def key_made_on_a_terminal(machine: Machine, heard: Heard) -> str:
    """An API key as live mode makes it; all else that was shown is looked through."""
    words = ("apikey", "create", "live", "--scopes", "read,write,spend")
    said = on_a_terminal(machine, *words, answers={})
    found = re.search(r"\bbal_\w+", said.out)
    assert found is not None, said
    heard.said.append((str(words), said.out.replace(found[0], "", 1)))
    return heard.secret("API key", found[0])


def typed(machine: Machine, index_id: str, heard: Heard) -> None:
    """On a terminal a key is taken out, and an account is made."""
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


def without(answer: Any, shown: str) -> Any:
    return {k: v for k, v in answer.items() if k != shown} if isinstance(answer, dict) else answer


def private_key(file: Path) -> str:
    from eth_account import Account

    return bytes(Account.decrypt(json.loads(file.read_text()), EXPORTED_UNDER)).hex()


def calls(browser: Browser, key: str, receiver: str) -> None:
    """Somebody signs in, with mistakes; makes a webhook; and shows credentials that are none."""
    ask, secret = browser.ask, browser.heard.secret
    given = signing_in(browser)
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


def signing_in(browser: Browser) -> Any:
    """The tokens that are good in the end."""
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
    return given


def tool_calls(browser: Browser, key: str) -> None:
    """A client of the tool server, with mistakes; with credentials that are none, and in places
    where none belongs."""
    message, tool = browser.message, browser.tool
    for wrong in (MADE_UP, MADE_UP_TOKEN, key[:-1], PASSWORD, ""):
        message("tools/list", wrong)
    for method in ("tools/list", "resources/list", "prompts/list"):
        message(method, key)
    for about in tool("list_indexes", key)["indexes"]:
        tool("get_index", key, index_id=about["index_id"])
        tool("explain", key, index_id=about["index_id"])
        message("resources/read", key, uri=f"ballast://indexes/{about['index_id']}")
    tool("get_status", key)
    tool("get_status", key, api_key=key, password=PASSWORD)
    tool("create_index", key, name={"is": PASSWORD}, targets=BASKET)
    message("tools/call", key, name=MADE_UP, arguments={})
    message("tools/call", key, name="get_status", arguments=[PASSWORD])
    message("no/such/method", key, credential=PASSWORD, token=MADE_UP)
    as_json = {"Content-Type": "application/json"}
    half = f'{{"password": "{PASSWORD}"'
    browser.ask("POST", "/mcp", key, headers=as_json, content=half)
    browser.ask("POST", f"/mcp?api_key={key}&token={MADE_UP}", "", headers=as_json, content="{}")


def webhook_by_tool(browser: Browser, key: str, receiver: str) -> None:
    """A webhook is made, looked at, and given another secret, all by tools."""
    tool, secret = browser.tool, browser.heard.secret
    made = tool("create_webhook", key, "secret", url=receiver)
    secret("webhook secret by tool", made["secret"])
    one = made["webhook_id"]
    again = tool("rotate_webhook_secret", key, "secret", webhook_id=one, request_id="r-2")
    secret("webhook's next secret by tool", again["secret"])
    tool("rotate_webhook_secret", key, webhook_id=one, request_id="r-2")
    tool("test_webhook", key, webhook_id=one)
    for name in ("get_webhook", "list_webhook_deliveries"):
        tool(name, key, webhook_id=one)
    tool("list_webhooks", key)
