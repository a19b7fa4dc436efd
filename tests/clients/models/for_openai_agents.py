"""A scripted model for the OpenAI Agents SDK."""

from __future__ import annotations

import json
from typing import Any

from agents import Model, ModelResponse, Usage
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)
from story import last_word, next_call


class Scripted(Model):
    async def get_response(
        self,
        system_instructions: Any,
        input: Any,
        model_settings: Any,
        tools: Any,
        *_: Any,
        **__: Any,
    ) -> ModelResponse:
        items = [] if isinstance(input, str) else input
        answers = [one["output"] for one in items if one.get("type") == "function_call_output"]
        call = next_call(answers)
        if call is None:
            return _response(_message(last_word(answers)))
        name, arguments = call
        assert name in [tool.name for tool in tools]
        return _response(
            ResponseFunctionToolCall(
                type="function_call",
                call_id=f"call_{len(answers)}",
                name=name,
                arguments=json.dumps(arguments),
            )
        )

    def stream_response(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


def _message(text: str) -> ResponseOutputMessage:
    part = ResponseOutputText(type="output_text", text=text, annotations=[])
    return ResponseOutputMessage(
        id="msg", type="message", role="assistant", status="completed", content=[part]
    )


def _response(item: Any) -> ModelResponse:
    return ModelResponse(output=[item], usage=Usage(), response_id=None)


model = Scripted()
