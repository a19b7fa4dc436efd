"""JSON schemas as short as they can be while every word of them stays true.

Models read the whole tool list at the start of each conversation, so its size is a cost that
everybody pays. Titles go, definitions are written where they are used, lengths and patterns that
only a machine checks are left to the check itself, what an earlier tool has explained is not
explained again, and an answer says what it holds but not what its parts hold: the answer shows
that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from ballast.core.money import DECIMAL_PATTERN

Schema = dict[str, Any]

# What nobody reads: a model is told the form by type and description, and a wrong value is answered
# with a sentence.
_LEFT_OUT: Final = frozenset(
    {
        "title",
        "$defs",
        "additionalProperties",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
    }
)
_PATTERN_STARTS: Final = (
    DECIMAL_PATTERN,
    "^idx_",
    "^pln_",
    "^reb_",
    "^dep_",
    "^swp_",
    "^[A-Za-z0-9._:-]",
)
# Ten tools have it, so it is said shortly.
_REQUEST_ID: Final[Schema] = {
    "type": "string",
    "description": "Optional; repeats do nothing twice.",
}


class InputSchemas:
    """What tools take, one after another in the order of the list."""

    def __init__(self) -> None:
        self._explained: set[str] = set()

    def of(self, model: type[BaseModel]) -> Schema:
        """What a tool takes. A field that may be left out is described by its type alone: leaving
        it out and sending null mean the same."""
        raw = model.model_json_schema(mode="validation")
        short = _short(raw, raw.get("$defs", {}))
        fields = {name: self._once(field) for name, field in short.get("properties", {}).items()}
        if "request_id" in fields:
            # Last: it is the field that matters least.
            del fields["request_id"]
            fields["request_id"] = _REQUEST_ID
        required = {"required": short["required"]} if short.get("required") else {}
        return {"type": "object", "properties": fields, **required}

    def _once(self, field: Schema) -> Schema:
        """The field; without the descriptions inside it if an earlier tool had the same inside."""
        field = _without_null(field)
        inside = {key: field[key] for key in ("properties", "items") if key in field}
        text = json.dumps(inside, sort_keys=True)
        if inside and text in self._explained:
            return field | {key: _undescribed(value) for key, value in inside.items()}
        self._explained.add(text)
        return field


def output_schema(model: type[BaseModel]) -> Schema:
    """What a tool returns: each field of the answer with its type. No field is required, so that
    the error object fits as well (the two share no name but `next_step`, which is text in both).
    A field that may be null is not named: it may be there, as any other, and to say both of its
    types takes more than all the rest of it.

    Clients check structured content against this schema, some of them even when the result is
    marked as an error; a schema of the answer alone would turn every refusal into a crash there.
    """
    raw = model.model_json_schema(mode="serialization")
    short = _short(raw, raw.get("$defs", {}))
    fields = {
        name: _shallow(field) for name, field in short["properties"].items() if "type" in field
    }
    return {"type": "object", "properties": fields}


def _undescribed(node: Any) -> Any:
    if isinstance(node, list):
        return [_undescribed(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _undescribed(field) for name, field in value.items()}
        if key == "properties"
        else _undescribed(value)
        for key, value in node.items()
        if key != "description"
    }


def _short(node: Any, definitions: Mapping[str, Schema]) -> Any:
    """The same schema with definitions in place, and without what is left out."""
    if isinstance(node, list):
        return [_short(one, definitions) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        # The sentence of a class is for readers of the code; that of the field stays.
        target = definitions[node["$ref"].rpartition("/")[2]]
        inlined = {key: value for key, value in target.items() if key != "description"}
        return _short(inlined | {k: v for k, v in node.items() if k != "$ref"}, definitions)
    return {
        key: {name: _short(field, definitions) for name, field in value.items()}
        if key == "properties"
        else _short(value, definitions)
        for key, value in node.items()
        if key not in _LEFT_OUT and not _is_told_otherwise(key, value)
    }


def _is_told_otherwise(key: str, value: Any) -> bool:
    return key == "pattern" and str(value).startswith(_PATTERN_STARTS)


def _without_null(node: Any) -> Any:
    """A schema that no longer offers null, nor says that null is the default."""
    if isinstance(node, list):
        return [_without_null(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: {name: _without_null(field) for name, field in value.items()}
        if key == "properties"
        else _without_null(value)
        for key, value in node.items()
        if not (key == "default" and value is None)
    }
    if isinstance(kept.get("anyOf"), list):
        kept["anyOf"] = [one for one in kept["anyOf"] if one != {"type": "null"}]
        if len(kept["anyOf"]) == 1:
            return kept.pop("anyOf")[0] | kept
    return kept


def _shallow(node: Schema) -> Schema:
    """A field of an answer: its type, and for a list the type of what it lists."""
    kept: Schema = {key: node[key] for key in ("type", "enum") if key in node}
    if "items" in node:
        kept["items"] = _shallow(node["items"])
    return kept
