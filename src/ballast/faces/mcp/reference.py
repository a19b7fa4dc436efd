"""docs/tools.md: every operation as tool, command and route, made from the records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from ballast.app.catalog import OPERATIONS
from ballast.app.operation import Operation
from ballast.errors import ErrorCode
from ballast.faces.mcp.bridge import annotations_of
from ballast.faces.mcp.schemas import InputSchemas, Schema, output_schema

_HEAD: Final = """\
# Tools

Each operation is a tool of the MCP server, a command of `ballast` and a route, by the same name and
with the same answers and errors. Made from the operations by `make generate`.

Any call may also answer `invalid_input`, `scope_missing`, `store_busy`, `store_unavailable`,
`store_damaged`, `request_id_reused` (where there is a request_id) and `internal`; what else it may
answer stands with it. docs/errors.md says what each code means.
"""


def tools_reference() -> str:
    """The page: one section per operation, in the order of the tool list."""
    return _HEAD + "".join(line for one in OPERATIONS for line in _section(one))


def _section(operation: Operation) -> Iterator[str]:
    takes = InputSchemas().of(operation.input)
    yield f"\n## {operation.name}\n\n**{operation.title}.** {operation.description}\n\n"
    yield f"{_nature(operation)} `{operation.method} {operation.path}`\n\n"
    rows = list(_rows(takes, ""))
    if rows:
        yield "| argument | type | meaning |\n|---|---|---|\n"
        yield from rows
        yield "\n"
    answer = ", ".join(f"`{name}`" for name in output_schema(operation.output)["properties"])
    yield f"Answer: {answer}.\n"
    codes = ", ".join(f"`{code}`" for code in ErrorCode if code in operation.errors)
    if codes:
        yield f"\nErrors: {codes}.\n"


def _rows(schema: Schema, within: str) -> Iterator[str]:
    """A row per argument, and one for each field inside it."""
    for name, field in schema["properties"].items():
        needed = " (required)" if name in schema.get("required", ()) else ""
        meaning = field.get("description", "").replace("|", "\\|")
        yield f"| `{within}{name}`{needed} | {_type(field)} | {meaning} |\n"
        if "properties" in field:
            yield from _rows(field, f"{within}{name}.")
        elif "properties" in field.get("items", {}):
            yield from _rows(field["items"], f"{within}{name}[].")


def _nature(operation: Operation) -> str:
    hints = annotations_of(operation)
    words = [
        operation.effect.value.upper(),
        "safe to repeat" if hints.idempotent_hint else "each call adds one more",
        "speaks to the venue" if hints.open_world_hint else "",
        "paper mode only" if operation.paper_only else "",
        "" if operation.toolset == "default" else f"toolset {operation.toolset}",
    ]
    return f"{', '.join(word for word in words if word)}."


def _type(field: Schema) -> str:
    if "enum" in field:
        return " or ".join(f"`{one}`" for one in field["enum"])
    words = " or ".join(str(one["type"]) for one in field.get("anyOf", [field]))
    default = field.get("default")
    return words if default is None else f"{words}, default `{json.dumps(default)}`"
