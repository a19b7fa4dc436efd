"""A scripted model for LangChain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from story import last_word, next_call


class Scripted(BaseChatModel):
    tools: Sequence[Any] = ()

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Scripted:
        return Scripted(tools=tools)

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        answers = [one.content for one in messages if isinstance(one, ToolMessage)]
        call = next_call(answers)
        if call is None:
            return _result(AIMessage(last_word(answers)))
        name, arguments = call
        assert name in [tool.name for tool in self.tools]
        wanted = {"name": name, "args": arguments, "id": f"call_{len(answers)}"}
        return _result(AIMessage("", tool_calls=[wanted]))


def _result(message: AIMessage) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=message)])


model = Scripted()
