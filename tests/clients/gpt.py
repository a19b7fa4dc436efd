"""A custom GPT's side of its actions: it knows the file it imported and the key it was given.

Like ChatGPT it finds an operation by its `operationId`, holds what the model wants to send against
the file, puts each argument where the file says, and sends no header of its own but the key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx
import yaml
from jsonschema import Draft202012Validator

from tests.e2e.machine import PATIENCE

MOST_CHARACTERS: Final = 100_000
"""Of a request and of an answer: longer ones ChatGPT gives up."""


@dataclass(frozen=True, slots=True)
class Gpt:
    """A GPT with one action."""

    outside: httpx.Client
    document: dict[str, Any]
    key: str

    @classmethod
    def importing(cls, address: str, outside: httpx.Client, key: str) -> Gpt:
        """What *Import from URL* does, and the key under *Authentication*."""
        answer = outside.get(address)
        assert answer.status_code == 200, answer.text
        return cls(outside, yaml.safe_load(answer.text), key)

    def call(self, name: str, /, **arguments: Any) -> httpx.Response:
        """Call an action with what the model has chosen."""
        path, method, operation = self._operation(name)
        query = {}
        for one in operation["parameters"]:
            if one["name"] in arguments:
                value = arguments.pop(one["name"])
                self._check(one["schema"], value)
                place = f"{{{one['name']}}}"
                if one["in"] == "path":
                    path = path.replace(place, quote(str(value), safe=""))
                else:
                    query[one["name"]] = value
        assert "{" not in path, f"{path} lacks a value"
        body = self._body(operation, arguments)
        [server] = self.document["servers"]
        answer = self.outside.request(
            method.upper(),
            f"{server['url']}{path}",
            params=query,
            content=body,
            headers={"Authorization": f"Bearer {self.key}"}
            | ({"Content-Type": "application/json"} if body is not None else {}),
            timeout=PATIENCE,
        )
        assert len(answer.text) < MOST_CHARACTERS
        self._check(self._answer(operation, answer), answer.json())
        return answer

    def _operation(self, name: str) -> tuple[str, str, dict[str, Any]]:
        return next(
            (path, method, one)
            for path, methods in self.document["paths"].items()
            for method, one in methods.items()
            if one["operationId"] == name
        )

    def _body(self, operation: dict[str, Any], arguments: dict[str, Any]) -> str | None:
        if "requestBody" not in operation:
            assert arguments == {}
            return None
        self._check(operation["requestBody"]["content"]["application/json"]["schema"], arguments)
        body = json.dumps(arguments)
        assert len(body) < MOST_CHARACTERS
        return body

    def _answer(self, operation: dict[str, Any], answer: httpx.Response) -> dict[str, Any]:
        """The schema that the file gives for an answer of this status and type."""
        told = (
            operation["responses"].get(str(answer.status_code)) or operation["responses"]["default"]
        )
        if "$ref" in told:
            told = self.document["components"]["responses"][told["$ref"].rpartition("/")[2]]
        return dict(told["content"][answer.headers["content-type"].partition(";")[0]]["schema"])

    def _check(self, schema: dict[str, Any], value: Any) -> None:
        whole = schema | {"components": self.document["components"]}
        Draft202012Validator(whole).validate(value)
