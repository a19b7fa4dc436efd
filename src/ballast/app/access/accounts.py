"""Accounts: by which people sign in. The owner of the machine makes them, or everybody may."""

from __future__ import annotations

from dataclasses import replace

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.operation import Caller
from ballast.app.ports import AccessReader, Transaction
from ballast.core.ethereum_sign_in import ETHEREUM, Identity
from ballast.core.ids import LOCAL_OWNER, IdKind
from ballast.core.index import check_name
from ballast.core.sign_in import LoginAccount, check_password
from ballast.errors import BallastError, ErrorCode


async def create_account(
    app: App, caller: Caller, name: str, password: str | None, *, mine: bool = False
) -> LoginAccount:
    """Make an account.

    Args:
        password: None for one that is signed in to by something else, which `link` adds.
        mine: whether it opens what belongs to the owner of this machine; otherwise its owner is
            a new one, with nothing yet.

    Raises:
        BallastError: `invalid_input` for name or password, `name_taken`.
    """
    named = check_name(name)
    normal = None if password is None else check_password(password)
    kept = None if normal is None else await app.sign_in.passwords.hash(normal)
    account = new_account(app, named, kept, mine=mine)
    async with app.store.transaction() as tx:
        await tx.add_account(account)
        await _note(app, tx, caller, "create_account", account)
    return account


def new_account(
    app: App, name: str, password_hash: str | None, *, mine: bool = False
) -> LoginAccount:
    """A fresh account, not kept yet."""
    return LoginAccount(
        account_id=app.ids.new(IdKind.ACCOUNT),
        owner_id=LOCAL_OWNER if mine else app.ids.new(IdKind.OWNER),
        name=name,
        password_hash=password_hash,
        created_at=app.wall.now(),
        disabled_at=None,
    )


async def link(app: App, caller: Caller, name: str, provider: str, subject: str) -> LoginAccount:
    """Let an account be signed in to by something else than its password.

    Args:
        provider, subject: as `core.ethereum_sign_in.Identity` has them.

    Raises:
        BallastError: `not_found`; `name_taken` when it opens another account already;
            `invalid_input` for what is no address.
    """
    if provider == ETHEREUM:
        subject = app.sign_in.wallets.checksummed(subject)
    async with app.store.transaction() as tx:
        account = await _account(tx, name)
        identity = Identity(provider, subject, account.account_id, account.owner_id, app.wall.now())
        await tx.add_identity(identity)
        await _note(app, tx, caller, "link_account", account)
    return account


async def register(app: App, name: str, password: str, face: str) -> LoginAccount:
    """A stranger makes an account of their own.

    Raises:
        BallastError: `registration_closed` unless it was opened; else as `create_account`.
    """
    if not app.sign_in.open_to_all:
        raise BallastError(
            ErrorCode.REGISTRATION_CLOSED, "This server makes no accounts for strangers."
        )
    return await create_account(app, Caller(face=face), name, password)


async def list_accounts(app: App) -> list[LoginAccount]:
    """All of them, in order of making."""
    async with app.store.read() as reader:
        return await reader.list_accounts()


async def set_password(app: App, caller: Caller, name: str, password: str) -> LoginAccount:
    """Give an account another password, and end its sessions: whoever has one may be a thief.

    Raises:
        BallastError: `not_found`, `invalid_input`.
    """
    kept = await app.sign_in.passwords.hash(check_password(password))
    async with app.store.transaction() as tx:
        account = await _account(tx, name)
        await tx.set_password_hash(account.account_id, kept)
        await tx.end_sessions_of(account.account_id, app.wall.now(), "password_changed")
        await _note(app, tx, caller, "set_password", account)
    return account


async def disable_account(app: App, caller: Caller, name: str) -> LoginAccount:
    """Let nobody sign in by an account any more, and end its sessions. What belongs to its owner
    stays, and so do API keys.

    Raises:
        BallastError: `not_found`.
    """
    now = app.wall.now()
    async with app.store.transaction() as tx:
        account = await _account(tx, name)
        await tx.disable_account(account.account_id, now)
        await tx.end_sessions_of(account.account_id, now, "account_disabled")
        await _note(app, tx, caller, "disable_account", account)
    return replace(account, disabled_at=now)


async def owner_of(app: App, name: str | None) -> str:
    """The owner that an account signs in as; the owner of this machine for no name.

    Raises:
        BallastError: `not_found`.
    """
    if name is None:
        return LOCAL_OWNER
    async with app.store.read() as reader:
        return (await _account(reader, name)).owner_id


async def _account(reader: AccessReader, name: str) -> LoginAccount:
    found = await reader.find_account(name)
    if found is None:
        raise BallastError(
            ErrorCode.NOT_FOUND, "There is no account of this name.", given=name[:80]
        ).advising("ballast account list shows the accounts; ballast account create makes one.")
    return found


async def _note(
    app: App, tx: Transaction, caller: Caller, what: str, account: LoginAccount
) -> None:
    """The audit row, with the account's owner: it is about them."""
    await audit(app, tx, replace(caller, owner_id=account.owner_id), what, account.account_id)
