"""Structured logs on stderr: our own and those of libraries, in one form, without secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

import structlog
from pydantic import SecretStr

from ballast.app.redaction import redacted

if TYPE_CHECKING:
    from structlog.typing import Processor

    from ballast.settings import Settings

# Shorter ones would be found inside of words.
_SHORTEST_SECRET: Final = 6


def configure_logging(settings: Settings) -> None:
    """Structured logs to stderr; stdout belongs to MCP and to the command line's answers."""
    number = logging.getLevelNamesMapping()[settings.log_level.upper()]
    known = tuple(_secrets_of(settings))
    ending: list[Processor] = [_without_secrets(known), _renderer(settings.log_format)]
    beginning: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*beginning, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=cast("TextIO", _Stderr())),
    )
    handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *beginning],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    # Of libraries only their troubles: in more detail the database driver would tell our rows.
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING))


class _Stderr:
    """Standard error, as far as it is still there.

    Who started us may have closed it, and a line that cannot be written is lost. What the line is
    about must go on: an error out of a log call would undo the handling of the error it tells.
    """

    def write(self, text: str) -> int:
        """Write it, or lose it."""
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def _renderer(form: str) -> Processor:
    if form == "text":
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.processors.JSONRenderer()


def _without_secrets(known: tuple[str, ...]) -> Processor:
    def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        shown: MutableMapping[str, Any] = redacted(event, known)
        return shown

    return redact


def _secrets_of(settings: Settings) -> Iterator[str]:
    """What the settings keep secret, to be found wherever it turns up."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr) and len(value.get_secret_value()) >= _SHORTEST_SECRET:
            yield value.get_secret_value()
