"""A scripted model for Pydantic AI."""

from __future__ import annotations

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from story import last_word, next_call


def _respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    answers = [
        part.content
        for message in messages
        for part in message.parts
        if isinstance(part, ToolReturnPart)
    ]
    call = next_call(answers)
    if call is None:
        return ModelResponse(parts=[TextPart(last_word(answers))])
    assert call[0] in [tool.name for tool in info.function_tools]
    return ModelResponse(parts=[ToolCallPart(*call)])


model = FunctionModel(_respond)
