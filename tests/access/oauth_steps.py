"""The steps by which an application gets leave to act, as a browser and a client take them."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlsplit

from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from ballast.app.operation import Caller
from tests.http.serving import HERE

OWNER = Caller(face="cli")
PASSWORD = "correct horse battery staple"
BACK = "https://claude.ai/api/mcp/auth_callback"
VERIFIER = "v" * 64
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
AS_CLIENT = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}


async def registered(client, **more):
    asked = {
        "client_name": "Claude",
        "redirect_uris": [BACK],
        "token_endpoint_auth_method": "none",
        **more,
    }
    answer = await client.post("/register", json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json()


def asking(application, **more):
    given = {
        "response_type": "code",
        "client_id": application["client_id"],
        "redirect_uri": BACK,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "state": "opaque state",
        "scope": "read write",
        "resource": f"{HERE}/mcp",
        **more,
    }
    return {name: value for name, value in given.items() if value is not None}


async def page_of(client, application, **more):
    """Where the person is sent, and what the page says."""
    sent = await client.get("/authorize", params=asking(application, **more))
    assert sent.status_code == 302, sent.text
    page = await client.get(sent.headers["location"])
    return parse_qs(urlsplit(sent.headers["location"]).query)["request"][0], page


async def decided(client, request, answer="allow", scopes=("read", "write"), **more):
    typed = {"request": request, "answer": answer, "name": "ann", "password": PASSWORD, **more}
    return await client.post("/oauth/consent", data={**typed, "scope": list(scopes)})


def answered(response):
    """What was sent back to the application."""
    assert response.status_code == 303, response.text
    place, _, query = response.headers["location"].partition("?")
    assert place == BACK
    return {name: values[0] for name, values in parse_qs(query).items()}


async def code_for(client, application, **more):
    request, _ = await page_of(client, application, **more)
    return answered(await decided(client, request))["code"]


async def exchanged(client, application, code, **more):
    given = {
        "grant_type": "authorization_code",
        "client_id": application["client_id"],
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
        **more,
    }
    return await client.post(
        "/token", data={name: value for name, value in given.items() if value is not None}
    )


async def opens(client, tokens):
    mine = {"Authorization": f"Bearer {tokens['access_token']}"}
    return (await client.get("/api/indexes", headers=mine)).status_code == 200


class Kept:
    """What the official client keeps."""

    def __init__(self):
        self.tokens = self.information = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.information

    async def set_client_info(self, client_info):
        self.information = client_info


def way_in(url, person, kept, name="ann"):
    """How the official client gets leave: it sends a person to the page, who types name and
    password there and allows looking and changing."""
    came_back = {}

    async def to_the_page(address):
        shown = await person.get(address, follow_redirects=True)
        request = re.search(r'name="request" value="([^"]+)"', shown.text)[1]
        typed = {"request": request, "answer": "allow", "name": name, "password": PASSWORD}
        sent = await person.post(f"{url}/oauth/consent", data={**typed, "scope": ["read", "write"]})
        came_back.update(parse_qs(urlsplit(sent.headers["location"]).query))

    async def back():
        return AuthorizationCodeResult(code=came_back["code"][0], state=came_back["state"][0])

    client = OAuthClientMetadata(client_name="Claude", redirect_uris=[BACK])
    return OAuthClientProvider(f"{url}/mcp", client, kept, to_the_page, back)
