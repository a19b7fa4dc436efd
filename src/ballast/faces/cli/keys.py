"""Commands for keys, for the owner at a terminal only: copies of them, and another master key."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ballast.core.ids import LOCAL_OWNER
from ballast.core.wording import counted
from ballast.errors import BallastError, ErrorCode
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import ask_hidden, need_terminal, print_json

if TYPE_CHECKING:
    from ballast.app.app import App

_IN_A_FILE: Final = (
    "It is in master.key: copy it to a safe place, then run ballast keys verify-backup with that "
    "copy. The old one is kept as master.key.{}, for backups of the database that were made "
    "before; delete it when you have none."
)
_GIVEN: Final = (
    "Set BALLAST_MASTER_KEY to it wherever Ballast runs, and start that again. Keep the old one as "
    "long as you have backups of the database that were made before."
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
_Index = Annotated[str, typer.Argument(help="Index, by id or name.", metavar="INDEX")]


def keys_command(run: Callable[[Any], Any], run_unready: Callable[[Any], Any]) -> typer.Typer:
    """The command `keys` with its subcommands.

    Args:
        run: opens the app for one use of it.
        run_unready: the same, also while live mode is not ready.
    """
    keys = typer.Typer(
        help="Copies of keys, and another master key. On a terminal only.", no_args_is_help=True
    )

    @keys.command("export")
    def export_one(
        index: _Index,
        to: Annotated[Path, typer.Option("--to", help="New file for the v3 keystore.")],
    ) -> None:
        """Write an index's key to a new file, as a v3 keystore with a password of yours."""
        need_terminal("keys export")
        index_id = run(lambda app: _id_of(app, index))
        password = ask_hidden("Password for the file", twice=True)
        from ballast.app.keys import export_key

        keystore = run(lambda app: export_key(app, LOCAL_OWNER, index_id, password))
        _write_private(to, json.dumps(keystore))
        make_console().print(f"The key of {index_id} is in {to}. Whoever has both can spend.")

    @keys.command("import")
    def import_one(
        index: _Index,
        keystore: Annotated[Path, typer.Option("--from", help="File with the v3 keystore.")],
    ) -> None:
        """Put an index's key back from a v3 keystore, under the present master key."""
        need_terminal("keys import")
        index_id = run(lambda app: _id_of(app, index))
        content = _read_keystore(keystore)
        password = ask_hidden("Password of the file")
        from ballast.app.keys import import_key

        account = run(lambda app: import_key(app, LOCAL_OWNER, index_id, content, password))
        make_console().print(f"The key of {account} is in place.")

    _add_rotate(keys, run)
    _add_verify_backup(keys, run_unready)
    return keys


async def _id_of(app: App, index: str) -> str:
    from ballast.app.naming import id_of_index

    return await id_of_index(app, LOCAL_OWNER, index)


def _add_rotate(keys: typer.Typer, run: Callable[[Any], Any]) -> None:
    @keys.command("rotate")
    def rotate(as_json: _Json = False) -> None:
        """Encrypt every key under a new master key. It may be stopped anywhere and run again."""
        need_terminal("keys rotate")
        text = None
        if run(_is_given):
            text = ask_hidden("New master key (32 random bytes as hex or base64)", twice=True)
        changed, told = run(lambda app: _rotate(app, text))
        if as_json:
            print_json({"keys": changed, "next_step": told})
            return
        said = f"Encrypted under the new master key: {counted(changed, 'key')}. {told}"
        make_console().print(said)


async def _is_given(app: App) -> bool:
    return app.vault.is_given


async def _rotate(app: App, text: str | None) -> tuple[int, str]:
    from ballast.app.master_key import rotate_master_key

    before = app.vault.master_key_id
    told = _IN_A_FILE.format(before) if text is None else _GIVEN
    return await rotate_master_key(app, text), told


def _add_verify_backup(keys: typer.Typer, run: Callable[[Any], Any]) -> None:
    @keys.command("verify-backup")
    def verify_one(
        backup: Annotated[Path, typer.Argument(help="File with your copy of the master key.")],
        as_json: _Json = False,
    ) -> None:
        """Check that a copy of the master key is one. Live mode asks for this once."""
        from ballast.app.readiness import verify_backup

        if not backup.exists():
            raise _file_problem(
                "backup", f"{backup} is not there: copy master.key from the data directory first"
            )
        try:
            text = backup.read_text(encoding="ascii")
        except (OSError, ValueError):
            raise _file_problem("backup", "cannot be read as text") from None
        run(lambda app: verify_backup(app.store, app.vault, backup, text))
        if as_json:
            print_json({"verified": True})
            return
        make_console().print("This is a copy of the master key in use. Keep it safe and apart.")


def _write_private(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _file_problem("--to", f"cannot be written ({error.strerror})") from None


def _read_keystore(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _file_problem("--from", f"cannot be read ({error.strerror})") from None
    except ValueError:
        raise _file_problem("--from", "is no JSON") from None
    if not isinstance(content, dict):
        raise _file_problem("--from", "is no keystore")
    return content


def _file_problem(field: str, problem: str) -> BallastError:
    return BallastError(
        ErrorCode.INVALID_INPUT,
        f"The file {problem}.",
        problems=[{"field": field, "problem": problem}],
    )
