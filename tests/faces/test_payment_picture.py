"""A deposit address as a picture: what a camera reads is the link, and the data is not touched."""

from __future__ import annotations

import json
import struct
import zlib
from base64 import b64decode

import pytest
import segno
from mcp import Client

from ballast.app.catalog import OPERATIONS, operation_named
from ballast.app.operation import Caller, invoke
from ballast.faces.answers import answer_of
from ballast.faces.mcp.server import build_server
from tests.app.world import open_world
from tests.faces.serving import CommandLine, as_given

BORDER = 4
MAGIC = b"\x89PNG\r\n\x1a\n"


def pixels(png: bytes) -> list[list[int]]:
    """The picture in rows of 0 and 1: black and white, one bit each."""
    assert png.startswith(MAGIC)
    chunks, at = {}, len(MAGIC)
    while at < len(png):
        [size] = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert (
            zlib.crc32(kind + body) == struct.unpack(">I", png[at + 8 + size : at + 12 + size])[0]
        )
        chunks[kind] = chunks.get(kind, b"") + body
        at += 12 + size
    width, height, depth, colours = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colours) == (1, 0)
    data = zlib.decompress(chunks[b"IDAT"])
    line = 1 + (width + 7) // 8
    assert len(data) == line * height
    row, found = bytes(line - 1), []
    for y in range(height):
        row = _filtered(data[y * line], data[y * line + 1 : (y + 1) * line], row)
        found.append([row[x // 8] >> (7 - x % 8) & 1 for x in range(width)])
    return found


def _filtered(kind: int, row: bytes, above: bytes) -> bytes:
    """A row as it was before PNG's filter: none, or the difference to the row above."""
    assert kind in (0, 2)
    return row if kind == 0 else bytes((a + b) % 256 for a, b in zip(row, above, strict=True))


def modules(png: bytes, size: int) -> list[list[int]]:
    """The dark modules of the code, out of a picture with a quiet zone around it."""
    found = pixels(png)
    scale, rest = divmod(len(found), size + 2 * BORDER)
    assert rest == 0
    middle = [
        [
            1 - found[y * scale + scale // 2][x * scale + scale // 2]
            for x in range(size + 2 * BORDER)
        ]
        for y in range(size + 2 * BORDER)
    ]
    inside = [row[BORDER:-BORDER] for row in middle[BORDER:-BORDER]]
    assert sum(map(sum, middle)) == sum(map(sum, inside)), "the quiet zone is not quiet"
    return inside


async def answered(app, **arguments):
    """The tool's result, and the operation's own answer to the same call."""
    server = build_server(OPERATIONS, as_given(app), version="1", mode="paper")
    async with Client(server, mode="legacy") as client:
        result = await client.call_tool("deposit_address", arguments)
    direct = await invoke(app, operation_named("deposit_address"), arguments, Caller())
    return result, answer_of(direct)


@pytest.mark.parametrize(
    ("asset", "begins"),
    [
        ("USDC on Base", "ethereum:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913@8453/transfer?"),
        ("ETH", "ethereum:0x"),
        ("BTC", "bitcoin:3"),
        ("SOL", ""),
    ],
)
async def test_the_picture_is_the_link_and_the_data_is_unchanged(tmp_path, asset, begins):
    async with open_world(tmp_path) as world:
        index = await world.new_index()
        result, direct = await answered(
            world.app,
            index_id=index.index_id,
            asset=asset,
            amount="0.5" if asset == "BTC" else "25",
        )

    text, picture = result.content
    assert result.structured_content == direct
    assert json.loads(text.text) == direct
    assert (picture.type, picture.mime_type) == ("image", "image/png")
    link = direct["payment_uri"]
    assert link.startswith(begins)
    assert direct["address"] in link
    wanted = [list(map(int, row)) for row in segno.make_qr(link).matrix]
    assert modules(b64decode(picture.data), len(wanted)) == wanted


@pytest.mark.parametrize("asset", ["XRP", "XLM"])
async def test_where_a_memo_is_due_there_is_no_picture_to_lose_it_with(tmp_path, asset):
    async with open_world(tmp_path) as world:
        index = await world.new_index()
        result, direct = await answered(
            world.app, index_id=index.index_id, asset=asset, amount="100"
        )

    assert direct["memo"]
    assert direct["payment_uri"] is None
    assert [one.type for one in result.content] == ["text"]


def test_in_a_terminal_the_link_is_shown(capsys, tmp_path):
    from ballast.bootstrap import opened_app
    from tests.app.world import settings_for

    line = CommandLine(capsys, OPERATIONS, lambda: opened_app(settings_for(tmp_path)))
    _, index = line.json("create_index", "Main", "--targets", "BTC 100")
    words = ("deposit_address", index["index_id"], "--asset", "USDC on Base", "--amount", "25")

    _, out, _ = line.run(*words)
    _, answer = line.json(*words)

    assert answer["payment_uri"] in out.replace("\n", "").replace(" ", "")
    assert answer["address"] in out
