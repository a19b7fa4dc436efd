"""openapi.yaml: the default toolset of paper mode as a GPT imports it."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI

from ballast import __version__
from ballast.app.catalog import OPERATIONS
from ballast.app.operation import Output
from ballast.faces.rest.openapi import Document, as_yaml, mirror
from ballast.faces.rest.routes import add_routes

SERVER: Final = "https://ballast.example.com"
"""Stands for the address of one's own; a GPT takes https alone."""
_HEAD: Final = """\
# The operations of the default toolset, for GPT actions. Made by `make generate`.
# Put the address at which your Ballast is reached in the place of the one under `servers`.
"""


def gpt_document() -> Document:
    """The document, without an app behind it."""
    application = FastAPI(version=__version__)
    add_routes(application, OPERATIONS, _nothing_behind)
    return mirror(application, OPERATIONS, server=SERVER)


def gpt_page() -> str:
    """The file's text."""
    return _HEAD + as_yaml(gpt_document())


async def _nothing_behind(*_: Any) -> Output:
    raise AssertionError("describing routes calls none")
