"""Everything that knows the MCP SDK from the inside: tools, prompts and resources made of ours.

The SDK's own tools validate arguments with pydantic's texts and tell a model no more of an error
than that there was one. These give the arguments to `invoke` as they came, and return every
refusal as a result that is marked as an error and holds the error object.
"""

from __future__ import annotations

import difflib
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import cached_property
from io import BytesIO
from typing import Any, Final, Protocol, cast

from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolResult,
    ContentBlock,
    GetPromptResult,
    ImageContent,
    InputRequiredResult,
    TextContent,
    ToolAnnotations,
)
from pydantic import AnyUrl, PrivateAttr

from ballast.app.operation import Effect, Operation, Output
from ballast.errors import BallastError, ErrorCode
from ballast.faces.answers import (
    RESOURCE_BYTES,
    Answer,
    answer_of,
    fitted,
    in_both_forms,
    json_text,
    refusal_of,
)
from ballast.faces.mcp.consent import People, can_ask
from ballast.faces.mcp.guides import Guide
from ballast.faces.mcp.schemas import Schema, output_schema
from ballast.faces.opening import Opening

# The engine should start soon after a client has come, but opening the store takes a good part of
# a second of work: not while the client waits for its list of tools.
_OPEN_AFTER: Final = {"initialize": 1.0, "server/discover": 1.0, "tools/list": 0.2}


CarryOut = Callable[[Operation, dict[str, Any]], Awaitable[Output]]
"""Carries out an operation with the arguments as they came, for whoever is asking."""


class OperationTool(Tool):
    """An operation as a tool."""

    _run: Callable[[dict[str, Any]], Any] = PrivateAttr()
    _output_schema: dict[str, Any] = PrivateAttr()
    _people: People | None = PrivateAttr()

    @classmethod
    def of(
        cls,
        operation: Operation,
        takes: Schema,
        carry_out: CarryOut,
        people: People | None = None,
    ) -> OperationTool:
        """The tool of an operation.

        Args:
            takes: the schema of its arguments.
            carry_out: what a call of it does.
            people: how a person is asked where the operation needs one; None: not through here.
        """

        async def call(arguments: dict[str, Any]) -> Answer:
            return answer_of(await carry_out(operation, arguments))

        tool = cls(
            fn=call,
            name=operation.name,
            title=operation.title,
            description=operation.description,
            parameters=takes,
            fn_metadata=FuncMetadata(arg_model=ArgModelBase),
            is_async=True,
            context_kwarg=None,
            annotations=annotations_of(operation),
        )
        tool._run = call
        tool._people = people
        tool._output_schema = output_schema(operation.output)
        return tool

    @cached_property
    def output_schema(self) -> dict[str, Any] | None:
        """What the tool returns: its answer, or the error object."""
        return self._output_schema

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> CallToolResult | InputRequiredResult:
        """Carry out the operation; a refusal is a result like any other, marked as an error."""
        try:
            return _answer(await self._run(arguments))
        except BallastError as refusal:
            if refusal.code is ErrorCode.CONFIRMATION_NEEDED and self._people and can_ask(context):
                return await self._ask(self._people, arguments, context, refusal)
            return _refusal(refusal)

    async def _ask(
        self,
        people: People,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        refusal: BallastError,
    ) -> CallToolResult | InputRequiredResult:
        try:
            word = await people.asked(refusal, context)
            if isinstance(word, InputRequiredResult):
                return word
            return _answer(await self._run(arguments)) if word else _refusal(refusal)
        except BallastError as later:
            return _refusal(later)


class BallastServer(MCPServer[None]):
    """The SDK's server, with names it does not know answered in our words."""

    def __init__(
        self, tools: list[OperationTool], guides: Iterable[Guide], **settings: Any
    ) -> None:
        super().__init__(tools=cast(list[Tool], tools), **settings)
        self._guides = {guide.name: guide for guide in guides}
        for guide in self._guides.values():
            self.add_prompt(_prompt(guide))

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[None, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool; a name that is no tool gets the error object with the nearest right one."""
        known = [tool.name for tool in self._tool_manager.list_tools()]
        if name not in known:
            return _refusal(_no_such_tool(name, known))
        return await super().call_tool(name, arguments, context)

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[None, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """A resource's text.

        Raises:
            MCPError: with the error object as its data.
        """
        try:
            return await super().read_resource(uri, context)
        except ResourceNotFoundError:
            nothing = BallastError(
                ErrorCode.NOT_FOUND, "There is no resource at this address."
            ).advising("resources/list and resources/templates/list show the addresses there are.")
            # That its data says which is MCP's wish (SEP-2164).
            raise _as_protocol_error(nothing, uri=str(uri)) from None

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[None, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """A prompt's text.

        Raises:
            MCPError: invalid parameters, when there is no such prompt or argument.
        """
        guide = self._guides.get(name)
        if guide is None:
            raise MCPError(
                INVALID_PARAMS, f"There is no such prompt. Known: {_list(self._guides)}."
            )
        if set(arguments or {}) - {guide.argument.name}:
            raise MCPError(INVALID_PARAMS, f"{name} takes one argument: {guide.argument.name}.")
        return await super().get_prompt(name, arguments, context)


class OpenInBackground:
    """Begins to open the app a moment after a client has come, so that the engine starts."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Pass the message on, and set the timer by what it was."""
        answer = await call_next(ctx)
        if ctx.method in _OPEN_AFTER:
            self._opening.start_in(_OPEN_AFTER[ctx.method])
        return answer


class Closes(Protocol):
    """What is to be closed."""

    async def close(self) -> None:
        """Close it."""
        ...


def closing(*opened: Closes) -> Callable[[MCPServer[None]], Any]:
    """The server's lifespan: what was opened is closed, in this order, when the connection ends."""

    @asynccontextmanager
    async def lifespan(_: MCPServer[None]) -> AsyncIterator[None]:
        try:
            yield None
        finally:
            for one in opened:
                await one.close()

    return lifespan


async def resource_text(answering: Awaitable[Output]) -> str:
    """An operation's answer as the text of a resource.

    Raises:
        MCPError: a refusal, with the error object as its data.
    """
    try:
        return json_text(fitted(answer_of(await answering), RESOURCE_BYTES))
    except BallastError as refusal:
        raise _as_protocol_error(refusal) from None


def _as_protocol_error(refusal: BallastError, **beside: str) -> MCPError:
    asked_wrongly = refusal.code in (ErrorCode.NOT_FOUND, ErrorCode.INVALID_INPUT)
    code = INVALID_PARAMS if asked_wrongly else INTERNAL_ERROR
    sentence = f"{refusal.message} {refusal.next_step}"
    return MCPError(code, sentence, refusal_of(refusal) | beside)


def annotations_of(operation: Operation) -> ToolAnnotations:
    """All four hints, because the protocol's defaults are the pessimistic ones."""
    return ToolAnnotations(
        read_only_hint=operation.effect is Effect.READ,
        destructive_hint=operation.destructive,
        idempotent_hint=operation.idempotent,
        open_world_hint=operation.open_world,
    )


def _answer(answer: Answer) -> CallToolResult:
    structured, copy = in_both_forms(answer)
    content: list[ContentBlock] = [TextContent(type="text", text=copy)]
    if structured.get("payment_uri"):
        content.append(_qr_code(str(structured["payment_uri"])))
    return CallToolResult(content=content, structured_content=structured)


def _qr_code(text: str) -> ImageContent:
    """A link as a picture that a wallet's camera reads."""
    import segno

    picture = BytesIO()
    segno.make_qr(text).save(picture, kind="png", scale=5, border=4)
    encoded = b64encode(picture.getvalue()).decode("ascii")
    return ImageContent(type="image", data=encoded, mime_type="image/png")


def _refusal(refusal: BallastError) -> CallToolResult:
    structured = refusal_of(refusal)
    text = TextContent(type="text", text=json_text(structured))
    return CallToolResult(content=[text], structured_content=structured, is_error=True)


def _no_such_tool(name: str, known: list[str]) -> BallastError:
    from ballast.app.catalog import OPERATIONS

    switched_off = next((one.toolset for one in OPERATIONS if one.name == name), None)
    if switched_off is not None:
        how = f"is listed with BALLAST_TOOLSETS={switched_off} alone; it is a command as well"
        return BallastError(
            ErrorCode.INVALID_INPUT,
            f"{name} needs BALLAST_TOOLSETS={switched_off} where the server is started.",
            problems=[{"field": "name", "problem": how}],
        )
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; the tools are {_list(known)}"
    return BallastError(
        ErrorCode.INVALID_INPUT,
        "There is no tool of this name.",
        problems=[{"field": "name", "problem": f"is no tool of this server{hint}"}],
    )


def _prompt(guide: Guide) -> Prompt:
    def write(**given: str) -> str:
        return guide.write(_one_line(given.get(guide.argument.name, "")))

    argument = PromptArgument(
        name=guide.argument.name, description=guide.argument.description, required=False
    )
    return Prompt(
        name=guide.name,
        title=guide.title,
        description=guide.description,
        arguments=[argument],
        fn=write,
        context_kwarg=None,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())[:400]


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
