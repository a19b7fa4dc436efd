"""`ballast account`: who may sign in over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ballast.core.ethereum_sign_in import ETHEREUM
from ballast.core.ids import LOCAL_OWNER
from ballast.core.sign_in import LoginAccount, check_password
from ballast.errors import BallastError, ErrorCode
from ballast.faces.cli.command_line import CALLER
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import ask_hidden, need_terminal, print_json

if TYPE_CHECKING:
    from ballast.app.app import App

T = TypeVar("T")
Run = Callable[[Callable[["App"], Awaitable[T]]], T]

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
_Name = Annotated[str, typer.Argument(help="Name or e-mail address to sign in with.")]


def accounts_command(run: Run[Any]) -> typer.Typer:
    """The command `account` with create, password, link, list and disable."""
    command = typer.Typer(
        help="Who may sign in over HTTP. Passwords are typed on a terminal only.",
        no_args_is_help=True,
    )
    _add_create(command, run)
    _add_password(command, run)
    _add_link(command, run)
    _add_list(command, run)
    _add_disable(command, run)
    return command


def _add_create(command: typer.Typer, run: Run[Any]) -> None:
    @command.command("create")
    def create(
        name: _Name,
        mine: Annotated[
            bool, typer.Option("--mine", help="It opens the indexes of this machine's owner.")
        ] = False,
        without_password: Annotated[
            bool, typer.Option("--without-password", help="It is signed in to by what is linked.")
        ] = False,
        as_json: _Json = False,
    ) -> None:
        """Make an account, with a password; without --mine for somebody with nothing yet."""
        need_terminal("account create")
        password = None if without_password else _ask_password()

        async def make(app: App) -> LoginAccount:
            from ballast.app.access.accounts import create_account

            return await create_account(app, CALLER, name, password, mine=mine)

        _tell(run(make), "can sign in", as_json)


def _add_password(command: typer.Typer, run: Run[Any]) -> None:
    @command.command("password")
    def password(name: _Name, as_json: _Json = False) -> None:
        """Set another password, and sign the account out everywhere."""
        need_terminal("account password")
        typed = _ask_password()

        async def change(app: App) -> LoginAccount:
            from ballast.app.access.accounts import set_password

            return await set_password(app, CALLER, name, typed)

        _tell(run(change), "has another password", as_json)


def _add_link(command: typer.Typer, run: Run[Any]) -> None:
    @command.command("link")
    def link_one(
        name: _Name,
        ethereum: Annotated[
            str | None, typer.Option(help="Address whose wallet may sign in, as 0x….")
        ] = None,
        subject: Annotated[
            str | None, typer.Option(help="What the external provider calls the person.")
        ] = None,
        as_json: _Json = False,
    ) -> None:
        """Let a wallet, or an external provider's person, sign in to an account."""
        need_terminal("account link")

        async def add(app: App) -> LoginAccount:
            from ballast.app.access.accounts import link

            provider, meant = _provider_and_subject(app, ethereum, subject)
            return await link(app, CALLER, name, provider, meant)

        _tell(run(add), f"can sign in as {ethereum or subject}", as_json)


def _provider_and_subject(app: App, ethereum: str | None, subject: str | None) -> tuple[str, str]:
    if ethereum and not subject:
        return ETHEREUM, ethereum
    provider = app.sign_in.provider
    if subject and not ethereum and provider is not None:
        return provider.issuer, subject
    raise BallastError(
        ErrorCode.INVALID_INPUT,
        "An account is linked with a wallet, or with a person of the provider that "
        "BALLAST_OAUTH_ISSUER names.",
        problems=[{"field": "link", "problem": "give --ethereum, or --subject and that setting"}],
    )


def _add_list(command: typer.Typer, run: Run[Any]) -> None:
    @command.command("list")
    def show(as_json: _Json = False) -> None:
        """Show who may sign in."""

        async def find(app: App) -> list[LoginAccount]:
            from ballast.app.access.accounts import list_accounts

            return await list_accounts(app)

        found = [_plain(one) for one in run(find)]
        if as_json:
            print_json(found)
        else:
            make_console().print(_table(found))


def _add_disable(command: typer.Typer, run: Run[Any]) -> None:
    @command.command("disable")
    def disable(name: _Name, as_json: _Json = False) -> None:
        """Let nobody sign in by an account any more, and sign it out everywhere."""

        async def end(app: App) -> LoginAccount:
            from ballast.app.access.accounts import disable_account

            return await disable_account(app, CALLER, name)

        _tell(run(end), "cannot sign in any more", as_json)


def _ask_password() -> str:
    return check_password(ask_hidden("Password", twice=True))


def _tell(account: LoginAccount, what: str, as_json: bool) -> None:
    if as_json:
        print_json(_plain(account))
    else:
        make_console().print(f"{account.name} {what}.")


def _table(found: list[dict[str, Any]]) -> Table | str:
    if not found:
        return "Nobody can sign in."
    table = Table("Name", "Owner", "Since", "State", box=SIMPLE_HEAD)
    for one in found:
        owner = "this machine's owner" if one["owner_id"] == LOCAL_OWNER else one["owner_id"]
        table.add_row(one["name"], owner, one["created_at"][:10], one["state"])
    return table


def _plain(account: LoginAccount) -> dict[str, Any]:
    return {
        "account_id": account.account_id,
        "owner_id": account.owner_id,
        "name": account.name,
        "state": "active" if account.disabled_at is None else "disabled",
        "created_at": account.created_at.isoformat(),
    }
