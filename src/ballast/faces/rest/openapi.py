"""The routes described as OpenAPI 3.1: for people at /docs, for programs, and for GPT actions.

FastAPI writes the document; what stands here tells it what a route takes and gives, which it
cannot know by itself, because a route hands everything to `invoke` as it came.

Limits of GPT actions that the mirror of the default toolset keeps (OpenAI, "Actions in GPTs",
production notes): at most 30 operations, summaries and descriptions of at most 300 characters,
those of parameters of at most 700, one server, one kind of credential, no headers of one's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from ballast.app.inputs import RepeatableInput
from ballast.app.operation import Effect, Operation
from ballast.errors import ERRORS, ErrorCode
from ballast.faces.rest.reading import has_body

Schema = dict[str, Any]
Document = dict[str, Any]

YAML_TYPE: Final = "application/yaml"
PROBLEM_TYPE: Final = "application/problem+json"
_REFERENCE: Final = "#/components/schemas/{model}"
_ANY_CALL: Final = frozenset(
    {
        ErrorCode.INVALID_INPUT,
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.SCOPE_MISSING,
        ErrorCode.STORE_BUSY,
        ErrorCode.STORE_UNAVAILABLE,
        ErrorCode.STORE_DAMAGED,
        ErrorCode.RATE_LIMITED,
        ErrorCode.TOOK_TOO_LONG,
        ErrorCode.INTERNAL,
    }
)
_PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "A refusal, as problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "next_step", "retryable", "details"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, in a sentence."},
        "code": {"type": "string", "description": "One of a closed set."},
        "next_step": {"type": "string", "description": "What to do now."},
        "retryable": {"type": "boolean", "description": "Whether the same call may work later."},
        "details": {
            "type": "object",
            "description": "Facts; problems lists every field that is wrong.",
            "additionalProperties": True,
        },
    },
}


def described(operation: Operation) -> dict[str, Any]:
    """What FastAPI is told about the route of an operation."""
    return {
        "operation_id": operation.name,
        "summary": operation.title,
        "description": operation.description,
        "response_model": None,
        "responses": _responses(operation),
        "openapi_extra": _request(operation) | {"x-openai-isConsequential": _matters(operation)},
    }


def document(application: FastAPI, operations: Iterable[Operation], *, server: str) -> Document:
    """The description of everything an application has a route for.

    Args:
        operations: those among the routes.
        server: the address at which it is reached.
    """
    return _document(application, application.routes, tuple(operations), server)


def mirror(application: FastAPI, operations: Iterable[Operation], *, server: str) -> Document:
    """The description of the default toolset as a GPT imports it: nothing but operations, and
    what they refuse in one line, because every character of it is read by a model."""
    default = tuple(one for one in operations if one.toolset == "default")
    names = {one.name for one in default}
    routes = [one for one in application.routes if getattr(one, "operation_id", None) in names]
    made = _document(application, routes, default, server)
    for operation in (one for path in made["paths"].values() for one in path.values()):
        operation["responses"] = {
            "200": operation["responses"]["200"],
            "default": {"$ref": "#/components/responses/Problem"},
        }
    content = {PROBLEM_TYPE: {"schema": {"$ref": _REFERENCE.format(model="Problem")}}}
    refusal = {"description": "Refused: detail and next_step say why.", "content": content}
    made["components"]["responses"] = {"Problem": refusal}
    importable: Document = _importable(made)
    return importable


def _importable(node: Any) -> Any:
    """What a GPT's editor takes: it turns objects away that name no properties, even if they have
    none of their own."""
    if isinstance(node, list):
        return [_importable(one) for one in node]
    if not isinstance(node, dict):
        return node
    taken = {name: _importable(one) for name, one in node.items()}
    lacks = node.get("type") == "object" and "properties" not in node
    return taken | ({"properties": {}} if lacks else {})


def _document(
    application: FastAPI, routes: list[BaseRoute], operations: tuple[Operation, ...], server: str
) -> Document:
    made = get_openapi(
        title="Ballast",
        version=application.version,
        summary="Keeps crypto indexes in balance.",
        routes=routes,
        servers=[{"url": server}],
    )
    components = made.setdefault("components", {})
    components["schemas"] = components.get("schemas", {}) | _schemas(operations)
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"key": []}]
    return made


def as_yaml(made: Document) -> str:
    """A document as YAML, its parts in their order."""
    import yaml

    text: str = yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=100)
    return text


def _matters(operation: Operation) -> bool:
    """Whether a person is asked each time before a GPT calls it."""
    return operation.effect is Effect.SPEND or operation.destructive or operation.trades_later


# --- what a route takes -------------------------------------------------------------------------


def _request(operation: Operation) -> Schema:
    fields = _input(operation.input)["properties"]
    in_path = [name for name in fields if f"{{{name}}}" in operation.path]
    parameters = [_parameter(operation, name, "path") for name in in_path]
    if not has_body(operation):
        rest = [name for name in fields if name not in in_path]
        parameters += [_parameter(operation, name, "query") for name in rest]
        return {"parameters": parameters}
    return {"parameters": parameters, "requestBody": _body(operation, in_path)}


def _parameter(operation: Operation, name: str, place: str) -> Schema:
    schema = _input(operation.input)
    field = _without_null(schema["properties"][name])
    description = field.pop("description", "")
    return {
        "name": name,
        "in": place,
        "required": place == "path" or name in schema.get("required", ()),
        "description": description,
        "schema": field,
    }


def _body(operation: Operation, in_path: list[str]) -> Schema:
    """The fields that are not in the path, as an object that allows no other."""
    schema = _input(operation.input)
    body = {name: one for name, one in schema["properties"].items() if name not in in_path}
    required = [name for name in schema.get("required", ()) if name not in in_path]
    inside: Schema = {"type": "object", "additionalProperties": False, "properties": body}
    if required:
        inside["required"] = required
    return {"required": bool(required), "content": {"application/json": {"schema": inside}}}


def _input(model: type[BaseModel]) -> Schema:
    schema: Schema = _untitled(model.model_json_schema(mode="validation", ref_template=_REFERENCE))
    fields = schema["properties"]
    if issubclass(model, RepeatableInput):
        # Last: it is the field that matters least.
        fields["request_id"] = fields.pop("request_id")
    return schema


def _without_null(field: Schema) -> Schema:
    """A parameter's schema: what is not given is left out, so null is no value."""
    kept = {key: one for key, one in field.items() if not (key == "default" and one is None)}
    branches = [one for one in kept.get("anyOf", ()) if one != {"type": "null"}]
    if len(branches) == 1:
        only: Schema = branches[0]
        return only | {key: one for key, one in kept.items() if key != "anyOf"}
    return kept | ({"anyOf": branches} if branches else {})


# --- what it gives ------------------------------------------------------------------------------


def _responses(operation: Operation) -> dict[int | str, dict[str, Any]]:
    reference = {"$ref": _REFERENCE.format(model=operation.output.__name__)}
    found: dict[int | str, dict[str, Any]] = {
        200: {"description": "Done.", "content": {"application/json": {"schema": reference}}}
    }
    if operation.effect is Effect.READ:
        found[304] = {"description": "As it was when the client asked before."}
    for status, codes in sorted(_codes(operation).items()):
        found[status] = {
            "description": f"{', '.join(codes)}.",
            "content": {PROBLEM_TYPE: {"schema": {"$ref": _REFERENCE.format(model="Problem")}}},
        }
    return found


def _codes(operation: Operation) -> Mapping[int, list[str]]:
    """Every code the operation may answer, by status, in the order of the closed set."""
    may = operation.errors | _ANY_CALL
    if issubclass(operation.input, RepeatableInput):
        may |= {ErrorCode.REQUEST_ID_REUSED}
    if has_body(operation):
        may |= {
            ErrorCode.MEDIA_TYPE_REFUSED,
            ErrorCode.REQUEST_TOO_LARGE,
            ErrorCode.REQUEST_TOO_SLOW,
        }
    found: dict[int, list[str]] = {}
    for code in ErrorCode:
        if code in may:
            found.setdefault(ERRORS[code].http_status, []).append(code.value)
    return found


def _schemas(operations: tuple[Operation, ...]) -> dict[str, Schema]:
    """Every model that a route refers to, by name."""
    takes = [(one.input, "validation") for one in operations]
    gives = [(one.output, "serialization") for one in operations]
    wanted = list(dict.fromkeys([*takes, *gives]))
    _, made = models_json_schema(wanted, ref_template=_REFERENCE)  # type: ignore[arg-type]
    whole = {one.input.__name__ for one in operations}
    schemas = {name: _untitled(one) for name, one in made["$defs"].items() if name not in whole}
    return schemas | {"Problem": _PROBLEM}


def _untitled(node: Any) -> Any:
    """A schema without pydantic's titles, which repeat the names, and without definitions of its
    own: those stand among the components."""
    if isinstance(node, list):
        return [_untitled(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _untitled(one) for name, one in value.items()}
        if key == "properties"
        else _untitled(value)
        for key, value in node.items()
        if key not in ("title", "$defs")
    }
