"""A scripted model for LlamaIndex."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, TextBlock, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM
from story import last_word, next_call


def _respond(messages: Sequence[ChatMessage], tools: Sequence[Any] = (), **_: Any) -> ChatMessage:
    answers = [one.content for one in messages if one.role == "tool"]
    call = next_call(answers)
    if call is None:
        return ChatMessage(role="assistant", blocks=[TextBlock(text=last_word(answers))])
    name, arguments = call
    assert name in [tool.metadata.name for tool in tools]
    wanted = ToolCallBlock(
        tool_call_id=f"call_{len(answers)}", tool_name=name, tool_kwargs=arguments
    )
    return ChatMessage(role="assistant", blocks=[wanted])


model = MockFunctionCallingLLM(response_generator=_respond)
