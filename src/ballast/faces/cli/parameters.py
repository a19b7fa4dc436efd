"""Fields of an input model as arguments and options, and what was typed as the operation's input.

Everything is taken as text: whether it fits is for `invoke` to say, in the same words as elsewhere.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ballast.errors import BallastError, ErrorCode

# These read well without a name; everything else is an option.
POSITIONAL: Final = frozenset({"index_id", "plan_id", "deposit_id", "webhook_id", "id", "search"})
POSITIONAL_IF_REQUIRED: Final = frozenset({"name", "asset"})

_BY_NAME: Final = "_by_name"
_NAMED: Final = re.compile(r"(?P<key>[A-Za-z_]+)\s*[=:]\s*(?P<value>.*)")


def parameters_of(model: type[BaseModel]) -> list[inspect.Parameter]:
    """The model's fields as parameters of a typer command: arguments first, request_id last."""
    found = [_parameter(name, field) for name, field in model.model_fields.items()]
    ordered = sorted(found, key=lambda one: (not _is_argument(one), one.name == "request_id"))
    return [*ordered, *(_named_too(one.name) for one in ordered if _is_argument(one))]


def arguments_of(model: type[BaseModel], typed: Mapping[str, Any]) -> dict[str, Any]:
    """The operation's input from what was typed; what was left out is left out.

    Raises:
        BallastError: `invalid_input` when something was given by its name and by its place.
    """
    places = [one.name for one in parameters_of(model) if _is_argument(one)]
    given = _by_name_or_place(places, typed)
    return {
        name: _value(model.model_fields[name], value)
        for name, value in given.items()
        if name in model.model_fields and value is not None
    }


def _by_name_or_place(places: list[str], typed: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in a place is meant for the first argument that was not given by its name."""
    found = {name: typed.get(name + _BY_NAME) for name in places}
    named = {name: value for name, value in found.items() if value is not None}
    standing = [typed[name] for name in places if typed.get(name) is not None]
    still_open = [name for name in places if name not in named]
    if len(standing) > len(still_open):
        too_many = str(standing[len(still_open)])[:60]
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "The command line cannot be read.",
            problems=[{"field": too_many, "problem": "is more than the command takes"}],
        )
    others = {name: value for name, value in typed.items() if name not in places}
    return {**dict(zip(still_open, standing, strict=False)), **named, **others}


def _named_too(name: str) -> inspect.Parameter:
    """What has a place may be given by its name as well: docs and other faces call it so."""
    option = typer.Option(f"--{_dashed(name)}", hidden=True)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    annotation = Annotated[str | None, option]
    return inspect.Parameter(name + _BY_NAME, kind, default=None, annotation=annotation)


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    required = field.is_required()
    positional = name in POSITIONAL or (required and name in POSITIONAL_IF_REQUIRED)
    help_text = _help(name, field)
    annotation: Any
    if positional:
        annotation = Annotated[str | None, typer.Argument(help=help_text, show_default=False)]
    elif field.annotation is bool:
        annotation = Annotated[
            bool | None, typer.Option(f"--{_dashed(name)}", help=help_text, show_default=False)
        ]
    else:
        annotation = Annotated[
            str | None,
            typer.Option(f"--{_dashed(name)}", help=help_text, metavar="TEXT", show_default=False),
        ]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(name, kind, default=None, annotation=annotation)


def _is_argument(parameter: inspect.Parameter) -> bool:
    return isinstance(get_args(parameter.annotation)[1], type(typer.Argument()))


def _help(name: str, field: FieldInfo) -> str:
    words = [field.description or name.replace("_", " ").capitalize() + "."]
    inner = model_within(field.annotation)
    if inner is not None and _is_list(field.annotation):
        words.append('Written as "BTC 40, ETH 30, USDC 30", or as JSON.')
    elif _is_mapping(field.annotation):
        words.append('Written as "name=value, name=value", or as JSON.')
    elif inner is not None:
        words.append(f'Written as "{_example(inner)}", or as JSON.')
    if field.is_required():
        words.append("(required)")
    elif field.default is not None and field.default is not False:
        words.append(f"Default {field.default}.")
    return " ".join(words)


def _example(model: type[BaseModel]) -> str:
    return ", ".join(f"{name}=…" for name in list(model.model_fields)[:2])


def _value(field: FieldInfo, typed: Any) -> Any:
    model = model_within(field.annotation)
    # What begins like JSON is JSON: the operation reads it itself, as it does for every face.
    # So is a basket in words.
    named = (model is not None and not _is_list(field.annotation)) or _is_mapping(field.annotation)
    if not named or not isinstance(typed, str) or typed.lstrip()[:1] in ("[", "{"):
        return typed
    separator = ";" if ";" in typed else ","
    pieces = [piece.strip() for piece in typed.split(separator) if piece.strip()]
    return dict(_named(pieces))


def _named(pieces: list[str]) -> Iterator[tuple[str, str]]:
    for piece in pieces:
        found = _NAMED.fullmatch(piece)
        # A piece without a value becomes a field that does not exist, and is named in the refusal.
        yield (found["key"], found["value"]) if found else (piece, "")


def model_within(annotation: Any) -> type[BaseModel] | None:
    """The model in `Model`, `list[Model]`, `Model | None`, with or without annotations."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(model_within, get_args(annotation))), None)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(map(_is_list, get_args(annotation)))


def _is_mapping(annotation: Any) -> bool:
    return get_origin(annotation) is dict or any(map(_is_mapping, get_args(annotation)))


def _dashed(name: str) -> str:
    return name.replace("_", "-")
