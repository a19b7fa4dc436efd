"""A client that closes its end behind its last request still gets every answer."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.shared.message import SessionMessage
from mcp_types import CONNECTION_CLOSED, jsonrpc_message_adapter
from pydantic import BaseModel

from ballast.faces.mcp import goodbye
from ballast.faces.mcp.goodbye import serve

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
HELLO = {
    "protocolVersion": "2025-11-25",
    "clientInfo": {"name": "test", "version": "1"},
    "capabilities": {"elicitation": {"form": {}}},
}
PATIENCE = 60


class Word(BaseModel):
    word: str


class Slow:
    """A server whose one tool begins, and ends when it may."""

    def __init__(self) -> None:
        self.begun, self.may_end = anyio.Event(), anyio.Event()
        self.server: MCPServer[None] = MCPServer("slow")
        self.server.add_tool(self.wait, structured_output=False)
        self.server.add_tool(self.ask, structured_output=False)

    async def wait(self) -> str:
        self.begun.set()
        await self.may_end.wait()
        return "done"

    async def ask(self, ctx: Context) -> str:
        self.begun.set()
        await self.may_end.wait()
        answer = await ctx.elicit("Which word?", Word)
        return str(answer.action)


def call(number: int, name: str, **meta: Any) -> dict[str, Any]:
    params = {"name": name, "arguments": {}, **({"_meta": meta} if meta else {})}
    return {"id": number, "method": "tools/call", "params": params}


async def said_to(slow: Slow, messages: list[dict[str, Any]], *, may_end: bool) -> dict[Any, Any]:
    """What is said by the server to a client that has gone behind its last message, by id."""
    client, heard = anyio.create_memory_object_stream[SessionMessage | Exception](9)
    said, answers = anyio.create_memory_object_stream[SessionMessage](99)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, slow.server, heard, said)
            for message in messages:
                one = jsonrpc_message_adapter.validate_python({"jsonrpc": "2.0", **message})
                await client.send(SessionMessage(one))
            await slow.begun.wait()
            client.close()
            # The server finds the end of what it hears before anything else happens.
            await anyio.wait_all_tasks_blocked()
            if may_end:
                slow.may_end.set()
    with answers:
        count = answers.statistics().current_buffer_used
        found = [answers.receive_nowait().message for _ in range(count)]
    return {one.id: one for one in found if not hasattr(one, "method")}


@pytest.mark.parametrize("meta", [ENVELOPE, {}], ids=["2026-07-28", "2025-11-25"])
async def test_a_call_that_runs_when_the_client_closes_its_end_is_answered(meta):
    opening = [] if meta else [{"id": 1, "method": "initialize", "params": HELLO}]

    answers = await said_to(Slow(), [*opening, call(2, "wait", **meta)], may_end=True)

    assert answers[2].result["content"][0]["text"] == "done"


async def test_a_call_that_asks_a_client_who_has_gone_is_refused_and_holds_nobody_up():
    hello = {"id": 1, "method": "initialize", "params": HELLO}

    answers = await said_to(Slow(), [hello, call(2, "ask")], may_end=True)

    assert answers[2].error.code == CONNECTION_CLOSED


async def test_what_the_client_called_off_is_not_waited_for():
    off = {"method": "notifications/cancelled", "params": {"requestId": 2}}

    answers = await said_to(Slow(), [call(2, "wait", **ENVELOPE), off], may_end=False)

    assert 2 not in answers


async def test_a_call_that_does_not_end_is_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(goodbye, "LONGEST_GOODBYE", 0.05)

    answers = await said_to(Slow(), [call(2, "wait", **ENVELOPE)], may_end=False)

    assert not hasattr(answers.get(2), "result")
