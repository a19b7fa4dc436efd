"""`ballast audit`: whether the audit holds, what it says, and where it ends."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ballast.core.audit import Head
from ballast.core.wording import counted
from ballast.errors import BallastError, ErrorCode
from ballast.faces.cli.callers import Account, caller_for
from ballast.faces.cli.rendering import make_console
from ballast.faces.cli.terminal import print_json
from ballast.faces.cli.trade_csv import cell

if TYPE_CHECKING:
    from ballast.app.app import App
    from ballast.app.audit_trail import AuditReport

BROKEN: Final = 1
_TIMES: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
_Time = Annotated[datetime | None, typer.Option(formats=_TIMES, help="In UTC.")]


def audit_command(run: Callable[[Any], Any]) -> typer.Typer:
    """The command `audit` with its subcommands.

    Args:
        run: opens the app for one use of it.
    """
    audit = typer.Typer(
        help="What was done, refused and signed: check it, print it.", no_args_is_help=True
    )
    _add_verify(audit, run)
    _add_export(audit, run)

    @audit.command("head")
    def head(account: Account = None, as_json: _Json = False) -> None:
        """Print where the audit ends now. Keep it elsewhere: verify --head finds it again."""
        found = run(lambda app: _head(app, account))
        if as_json:
            print_json({"head": str(found)})
            return
        make_console().print(str(found))

    return audit


async def _head(app: App, account: str | None) -> Head:
    from ballast.app.audit_trail import note_heads

    await note_heads(app)
    owner_id = (await caller_for(app, account)).owner_id
    async with app.store.read_once() as reader:
        return await reader.audit_head(owner_id)


def _add_verify(audit: typer.Typer, run: Callable[[Any], Any]) -> None:
    @audit.command("verify")
    def verify_all(
        head: Annotated[
            str | None, typer.Option(help="One that was kept, as SEQUENCE:HASH: it must be there.")
        ] = None,
        account: Account = None,
        as_json: _Json = False,
    ) -> None:
        """Check that no row was changed, taken out, put in or cut off."""
        report = run(lambda app: _verify(app, _head_of(head), account))
        if as_json:
            print_json(
                {
                    "good": not report.problems,
                    "rows": report.rows,
                    "streams": report.streams,
                    "earlier_rows": report.earlier,
                    "head": str(report.head),
                    "problems": report.problems,
                }
            )
        else:
            console = make_console()
            for problem in report.problems:
                console.print(f"- {problem}")
            wrong = len(report.problems)
            word = counted(wrong, "problem") if wrong else "The audit holds"
            rows, chains = counted(report.rows, "row"), counted(report.streams, "chain")
            console.print(f"{word}: {rows} in {chains}.")
            console.print(f"Head: {report.head}")
        if report.problems:
            raise typer.Exit(BROKEN)


async def _verify(app: App, known: Head | None, account: str | None) -> AuditReport:
    from ballast.app.audit_trail import verify_audit

    return await verify_audit(app, known, (await caller_for(app, account)).owner_id)


def _head_of(text: str | None) -> Head | None:
    if text is None:
        return None
    try:
        return Head.of_text(text)
    except ValueError:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "A head is written as SEQUENCE:HASH, as ballast audit head prints it.",
            problems=[{"field": "--head", "problem": "must be SEQUENCE:HASH"}],
        ) from None


def _add_export(audit: typer.Typer, run: Callable[[Any], Any]) -> None:
    @audit.command("export")
    def export(
        since: _Time = None,
        until: _Time = None,
        kind: Annotated[
            str | None, typer.Option(help="Only this, such as sign_intent or log_in.")
        ] = None,
        everybody: Annotated[bool, typer.Option(help="Rows of all owners.")] = False,
        account: Account = None,
        as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV in place of JSON.")] = False,
        as_json: _Json = False,
    ) -> None:
        """Print the rows, the oldest first, as JSON or CSV: no secrets are in them."""
        del as_json  # It is the default; the option says so to whoever reads a script.
        wanted = {"since": _utc(since), "until": _utc(until), "operation": kind}
        rows = run(lambda app: _rows(app, wanted, account, everybody=everybody))
        if not rows and kind is not None:
            there = run(lambda app: _kinds(app, account, everybody=everybody))
            make_console(errors=True).print(
                f"Nothing of this kind is there in that time. Kinds there are: {', '.join(there)}."
            )
        if as_csv:
            typer.echo(_csv(rows), nl=False)
            return
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))


async def _rows(
    app: App, wanted: dict[str, Any], account: str | None, *, everybody: bool
) -> list[dict[str, object]]:
    from ballast.app.audit_trail import exported
    from ballast.app.ports import AuditFilter

    owner_id = None if everybody else (await caller_for(app, account)).owner_id
    return [one async for one in exported(app, AuditFilter(owner_id=owner_id, **wanted))]


async def _kinds(app: App, account: str | None, *, everybody: bool) -> list[str]:
    """What the audit has rows of, whenever."""
    rows = await _rows(app, {}, account, everybody=everybody)
    return sorted({str(one["operation"]) for one in rows})


def _utc(given: datetime | None) -> datetime | None:
    return None if given is None else given.replace(tzinfo=UTC)


def _csv(rows: list[dict[str, object]]) -> str:
    """RFC 4180, with a line of headings."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if rows:
        writer.writerow(rows[0])
    for row in rows:
        facts = json.dumps(row["facts"], ensure_ascii=False, sort_keys=True)
        writer.writerow(cell(facts if name == "facts" else one) for name, one in row.items())
    return text.getvalue()
