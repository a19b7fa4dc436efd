"""For whom a command of the machine's owner is: for that owner, or for somebody with an account."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ballast.app.operation import Caller
from ballast.faces.cli.command_line import CALLER

if TYPE_CHECKING:
    from ballast.app.app import App

Account = Annotated[
    str | None,
    typer.Option("--account", help="Of whoever signs in so; of this machine's owner by default."),
]


async def caller_for(app: App, account: str | None) -> Caller:
    """The caller that acts for the owner of an account; for the machine's own without a name.

    Raises:
        BallastError: `not_found` when there is no account of this name.
    """
    from ballast.app.access.accounts import owner_of

    return replace(CALLER, owner_id=await owner_of(app, account))
