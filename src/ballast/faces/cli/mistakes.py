"""Command lines that cannot be read: what is wrong with which word, and what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from types import NoneType
from typing import Any, Final, get_args

from typer import TyperException

from ballast.errors import BallastError, ErrorCode

# What typer calls its errors, in our words: theirs change with its version.
_MISTAKES: Final = {
    "BadOptionUsage": "needs a value",
    "MissingParameter": "is required",
    "BadParameter": "has a value that does not fit",
}
_EXTRA: Final = "is more than the command takes"
_NEGATIVE: Final = re.compile(r"-[0-9.,]+%?", re.ASCII)
_EXAMPLE: Final = datetime(2027, 1, 15, 12, 30, tzinfo=UTC)
Problem = dict[str, str]


def usage_refusal(mistake: TyperException, words: Sequence[str]) -> BallastError:
    """A command line that cannot be read, as the refusal that bad input gets everywhere.

    Args:
        words: what was typed after the program's name.
    """
    context, kind = getattr(mistake, "ctx", None), type(mistake).__name__
    extra = _left_over(context, words)
    if kind == "NoSuchOption":
        problems = [_no_such_option(mistake, context, words)]
    elif kind in _MISTAKES:
        # A value that was meant for an option is left over where its name is missing.
        problems = [_wrong_value(mistake, kind), *_too_many(extra)]
    elif hasattr(getattr(context, "command", None), "commands"):
        problems = [_no_such_command(context, extra)]
    else:
        problems = list(_too_many(extra)) or [{"field": "command line", "problem": _EXTRA}]
    return BallastError(
        ErrorCode.INVALID_INPUT, "The command line cannot be read.", problems=problems
    )


def no_such_command(name: str, known: Sequence[str], of: str = "ballast") -> BallastError:
    """The refusal of a word that is no command, with the nearest one that is.

    Args:
        of: the command that it would be a part of.
    """
    near = difflib.get_close_matches(name.replace("-", "_"), known, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; {of} --help lists them"
    return BallastError(
        ErrorCode.INVALID_INPUT,
        "There is no command of this name.",
        problems=[{"field": "command", "problem": f"is no command of {of}{hint}"}],
    )


def _wrong_value(mistake: TyperException, kind: str) -> Problem:
    parameter = getattr(mistake, "param", None)
    field = getattr(mistake, "option_name", None) or _as_typed(parameter)
    allowed = _allowed(parameter) if kind == "BadParameter" else None
    return {"field": field, "problem": allowed or _MISTAKES[kind]}


def _too_many(extra: Sequence[str]) -> Iterator[Problem]:
    return ({"field": word[:60], "problem": _EXTRA} for word in extra[:5])


def _no_such_option(mistake: TyperException, context: Any, words: Sequence[str]) -> Problem:
    option = str(getattr(mistake, "option_name", "option"))
    # A minus is read as the beginning of an option, also that of a number.
    numbers = [one for one in words if one.startswith(option) and _NEGATIVE.fullmatch(one)]
    if numbers:
        return {"field": numbers[0][:60], "problem": "is below zero, and no value here may be"}
    command = getattr(context, "command", None)
    for one in getattr(command, "params", ()):
        if _is_argument(one) and one.name == option.lstrip("-").replace("-", "_"):
            how = f"{context.command_path} {_as_typed(one)}"
            return {"field": option, "problem": f"is given without its name: {how}"}
    near = sorted(getattr(mistake, "possibilities", None) or ())
    hint = f"; did you mean {near[0]}?" if near else ""
    return {"field": option[:60], "problem": f"is not an option of this command{hint}"}


def _no_such_command(context: Any, extra: Sequence[str]) -> Problem:
    known = ", ".join(context.command.commands)
    what = context.command_path
    if extra:
        return {"field": extra[0][:60], "problem": f"is no command of {what}, which has {known}"}
    return {"field": "command", "problem": f"is missing: {what} has {known}"}


def _left_over(context: Any, words: Sequence[str]) -> list[str]:
    """The words that a command takes for nothing."""
    names: list[str] = []
    rest, outer = list(words), context
    while outer is not None and outer.parent is not None:
        names.insert(0, outer.info_name)
        outer = outer.parent
    if not names:
        return []
    for name in names:
        rest = rest[rest.index(name) + 1 :] if name in rest else rest
    try:
        _, extra, _ = context.command.make_parser(context).parse_args(args=rest)
    except TyperException:
        return []
    return [str(one) for one in extra]


def _allowed(parameter: Any) -> str | None:
    """What the values of an option or argument must be, as far as its type says it."""
    described = getattr(parameter, "type_descriptor", None)
    info = getattr(described, "parameter_info", None)
    annotation = _plain(getattr(described, "annotation", None))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return f"must be one of {', '.join(str(one.value) for one in annotation)}"
    if annotation is int:
        return f"must be a whole number{_between(info)}"
    if annotation is datetime:
        forms = [_EXAMPLE.strftime(one) for one in getattr(info, "formats", None) or ()]
        return f"must be written like {' or '.join(forms)}" if forms else None
    return None


def _plain(annotation: Any) -> Any:
    """The type in `int | None`."""
    inner = [one for one in get_args(annotation) if one is not NoneType]
    return inner[0] if inner else annotation


def _between(info: Any) -> str:
    least, most = getattr(info, "min", None), getattr(info, "max", None)
    if least is None:
        return "" if most is None else f" of at most {most}"
    return f" of at least {least}" if most is None else f" from {least} to {most}"


def _is_argument(parameter: Any) -> bool:
    return getattr(parameter, "param_type_name", "") == "argument"


def _as_typed(parameter: Any) -> str:
    """An option by its name on the command line, an argument as --help writes it."""
    if parameter is None:
        return "command line"
    if _is_argument(parameter):
        return str(parameter.metavar or parameter.name).upper()
    return str(max(parameter.opts, key=len))
