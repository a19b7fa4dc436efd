"""docs/clients.md, "Claude Desktop" from anywhere: the official client signs in by OAuth."""

from __future__ import annotations

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.access.oauth_steps import PASSWORD, Kept, way_in
from tests.clients.page import PUBLIC, commands
from tests.clients.tunnel import TunnelForMcp
from tests.e2e.machine import PATIENCE
from tests.e2e.test_owner import on_a_terminal

ASKED = {"Password:": PASSWORD, "Repeat for confirmation:": PASSWORD}
PLAN = "pln_01M7Y6ZA5SBNFCSJSYJWBXXQ66"


async def test_a_connector_signs_in_on_the_page_and_has_the_indexes_of_the_machine(server):
    making_an_account, serving = commands("connector")
    made = on_a_terminal(server.machine, *making_an_account, answers=ASKED)
    name, way, kept = making_an_account[2], TunnelForMcp(PUBLIC, server.url), Kept()

    async with (
        httpx2.AsyncClient(transport=way) as person,
        httpx2.AsyncClient(
            transport=TunnelForMcp(PUBLIC, server.url),
            auth=way_in(PUBLIC, person, kept, name),
            timeout=PATIENCE,
        ) as http,
        Client(streamable_http_client(f"{PUBLIC}/mcp", http_client=http)) as claude,
    ):
        targets = [{"asset": "BTC", "percent": 100}]
        index = await claude.call_tool("create_index", {"name": "Hers", "targets": targets})
        spent = await claude.call_tool("rebalance_index", {"index_id": "Hers", "plan_id": PLAN})

    assert (made.code, serving) == (0, ["serve"]), made
    assert set(kept.tokens.scope.split()) == {"read", "write"}
    assert spent.structured_content["code"] == "scope_missing"
    assert server.index_id("Hers") == index.structured_content["index_id"]
