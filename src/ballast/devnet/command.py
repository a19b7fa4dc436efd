"""`ballast devnet`: serve the devnet, pay from outside, look at the clock and the books."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Console
from rich.table import Table

from ballast.devnet.admin import SendBody, books_view, send_from_outside
from ballast.devnet.errors import DevnetError, Refusal
from ballast.devnet.fault_command import make_fault_command
from ballast.devnet.opening import Devnet, DevnetOptions, open_devnet
from ballast.devnet.serve import DEFAULT_PORT
from ballast.devnet.serve import serve as serve_http
from ballast.devnet.settlement import settle_due
from ballast.devnet.swaps import load_swap, swap_number
from ballast.devnet.wire import formatted

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class MarketName(StrEnum):
    """Where prices come from."""

    SIMULATED = "simulated"
    REPLAY = "replay"


_File = Annotated[Path | None, typer.Option("--file", help="The devnet's file.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def make_command(default_path: Callable[[], Path]) -> typer.Typer:
    """The `devnet` command with its subcommands.

    Args:
        default_path: the file to use when none is named; asked for when a subcommand runs.
    """
    command = typer.Typer(
        help="A local NEAR Intents network: serve it, pay from outside, look at its books.",
        invoke_without_command=True,
        no_args_is_help=False,
    )

    @command.callback()
    def devnet(context: typer.Context, file: _File = None) -> None:
        """A local NEAR Intents network. Without a subcommand: serve it."""
        context.obj = lambda: file or default_path()
        if context.invoked_subcommand is None:
            _serve(context)

    for name, run in (("serve", _serve), ("send", _send), ("clock", _clock), ("books", _books)):
        command.command(name)(run)
    command.add_typer(make_fault_command(_opened, _print), name="fault")
    return command


def _serve(
    context: typer.Context,
    file: _File = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Loopback port; 0 takes a free one.")
    ] = DEFAULT_PORT,
    seed: Annotated[int | None, typer.Option(help="Seed of a new devnet.")] = None,
    market: Annotated[MarketName | None, typer.Option(help="Market of a new devnet.")] = None,
    replay: Annotated[
        Path | None, typer.Option(help="CSV with time, asset, price for the replay market.")
    ] = None,
    speed: Annotated[
        str | None, typer.Option(help="Domain seconds per real second; 0 freezes the clock.")
    ] = None,
) -> None:
    """Serve 1Click, NEAR JSON-RPC (/rpc) and the outside world (/devnet) on the loopback."""
    with _opened(
        context, lambda path: _open_for_serving(path, seed, market, replay, speed), file
    ) as devnet:
        if speed is not None:
            devnet.clock.set_speed(_decimal(speed, "--speed"))
        serve_http(devnet, port=port, announce=_announce)


def _send(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="Deposit address on a chain.")],
    amount: Annotated[str, typer.Argument(help="Amount in whole units, such as 250.5.")],
    base_units: Annotated[
        bool, typer.Option("--base-units", help="The amount is in base units.")
    ] = False,
    asset: Annotated[str | None, typer.Option(help="Asset id; the quote's by default.")] = None,
    memo: Annotated[str, typer.Option(help="Memo, where the chain needs one.")] = "",
    file: _File = None,
    as_json: _Json = False,
) -> None:
    """Pay a deposit address from the outside wallet."""
    with _opened(context, file=file) as devnet:
        asset_id = asset or _asset_of(devnet, address, memo)
        units = amount if base_units else _whole_units(devnet, amount, asset_id)
        body = SendBody(address=address, memo=memo, asset_id=asset_id, amount=units)
        _show_payment(devnet, send_from_outside(devnet.network, body), as_json)


def _clock(
    context: typer.Context,
    speed: Annotated[str | None, typer.Option(help="Domain seconds per real second.")] = None,
    advance: Annotated[
        str | None, typer.Option(help="Jump forward: 45s, 90m, 6h, 30d or 2w.")
    ] = None,
    file: _File = None,
    as_json: _Json = False,
) -> None:
    """Show the domain clock, set its speed, or jump forward."""
    with _opened(context, file=file) as devnet:
        if advance is not None:
            devnet.clock.advance(_span(advance))
        if speed is not None:
            devnet.clock.set_speed(_decimal(speed, "--speed"))
        _show_clock(devnet, as_json)


def _books(
    context: typer.Context,
    account: Annotated[str | None, typer.Option(help="Only this account.")] = None,
    file: _File = None,
    as_json: _Json = False,
) -> None:
    """Show who holds what. Exit code 1 if the books are not whole."""
    with _opened(context, file=file) as devnet:
        settle_due(devnet.network)
        with devnet.network.store.read():
            view = books_view(devnet.network, account)
            faults = devnet.network.books.faults()
        _show_books(devnet, view, faults, as_json)
        if faults:
            raise typer.Exit(1)


def _open_present(path: Path) -> Devnet:
    return open_devnet(path, None)


@contextmanager
def _opened(
    context: typer.Context,
    opener: Callable[[Path], Devnet] = _open_present,
    file: Path | None = None,
) -> Iterator[Devnet]:
    """The devnet of this call; what it refuses is one line on stderr and exit code 2.

    Args:
        file: where it is, if that was said after the subcommand's name.
    """
    try:
        devnet = opener(file or context.obj())
        try:
            settle_due(devnet.network)
            yield devnet
        finally:
            devnet.close()
    except (DevnetError, Refusal) as error:
        _errors().print(f"Error: {error}", style="red")
        own = error.next_step if isinstance(error, DevnetError) else ""
        usage = f"Correct it and call again: {context.command_path} --help shows what it takes."
        _errors().print(f"Next: {own or usage}")
        raise typer.Exit(2) from error


def _errors() -> Console:
    return Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def _output() -> Console:
    return Console(markup=False, highlight=False, soft_wrap=True)


def _print(what: str | Table) -> None:
    _output().print(what)


def _announce(url: str) -> None:
    _errors().print(f"devnet ready at {url}")


def _open_for_serving(
    path: Path,
    seed: int | None,
    market: MarketName | None,
    replay: Path | None,
    speed: str | None,
) -> Devnet:
    """Open what is there as it is, unless something is asked of it; create what is not."""
    if path.exists() and (seed, market, replay) == (None, None, None):
        return open_devnet(path, None)
    if not path.parent.is_dir():
        raise DevnetError(
            f"There is no folder {path.parent}.",
            next_step="Make the folder, or let --file name a file in one that is there.",
        )
    chosen = MarketName.REPLAY if replay is not None and market is None else market
    name: Literal["simulated", "replay"] = "replay" if chosen is MarketName.REPLAY else "simulated"
    options = DevnetOptions(
        market=name,
        seed=1 if seed is None else seed,
        replay_path=replay,
        speed=_decimal(speed or "1", "--speed"),
    )
    return open_devnet(path, options)


def _decimal(text: str, what: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise DevnetError(f"{what} must be a number, not {text!r}.") from error


def _span(text: str) -> Decimal:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if found is None:
        raise DevnetError("--advance must be a number with s, m, h, d or w, such as 6h or 30d.")
    return Decimal(found[1]) * _UNITS[found[2]]


def _asset_of(devnet: Devnet, address: str, memo: str) -> str:
    number = swap_number(devnet.network, address, memo)
    if number is None:
        raise DevnetError(
            f"No open quote has the address {address}. A deposit quote gives one; "
            "on chains such as XRP it comes with a memo, to be named by --memo."
        )
    return load_swap(devnet.network, number).terms.origin


def _whole_units(devnet: Devnet, text: str, asset_id: str) -> str:
    """Base units, as text, of an amount in whole units."""
    token = devnet.network.listing.known(asset_id)
    if token is None:
        raise DevnetError(f"No asset has the id {asset_id}; see GET /v0/tokens.")
    if not re.fullmatch(r"[0-9]{1,30}(\.[0-9]{1,24})?", text, re.ASCII):
        raise DevnetError(f"The amount must be a plain decimal number such as 250.5, not {text!r}.")
    whole, _, fraction = text.partition(".")
    if len(fraction) > token.decimals:
        raise DevnetError(f"{token.symbol} has {token.decimals} decimals; {text} has more.")
    return str(int(whole + fraction.ljust(token.decimals, "0")))


def _show_payment(devnet: Devnet, paid: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _output().print(json.dumps(paid))
        return
    symbol = devnet.network.known_token(paid["asset_id"]).symbol
    _output().print(
        f"Sent {paid['amount_formatted']} {symbol} on {paid['chain']}, transaction "
        f"{paid['tx_hash']}.\nIt counts from {paid['visible_at']} of the devnet's time."
    )


def _show_clock(devnet: Devnet, as_json: bool) -> None:
    now, speed = devnet.clock.now().isoformat(), str(devnet.clock.speed())
    if as_json:
        _output().print(json.dumps({"now": now, "speed": speed}))
        return
    state = "frozen" if Decimal(speed) == 0 else f"{speed} domain seconds per real second"
    _output().print(f"{now} ({state})")


def _show_books(devnet: Devnet, view: dict[str, Any], faults: list[str], as_json: bool) -> None:
    if as_json:
        _output().print(json.dumps(view | {"whole": not faults, "faults": faults}))
        return
    table = Table(title=f"Books of {view['network_id']}")
    for name in ("Account", "Asset", "Chain"):
        table.add_column(name, overflow="fold")
    table.add_column("Amount", justify="right")
    for account, held in view["accounts"].items():
        for asset_id, units in held.items():
            table.add_row(account, *_asset_cells(devnet, asset_id, int(units)))
    _output().print(table)
    _output().print(
        "\n".join(faults) or "Every entry balances, and all holdings are what was minted."
    )


def _asset_cells(devnet: Devnet, asset_id: str, units: int) -> tuple[str, str, str]:
    token = devnet.network.listing.known(asset_id)
    if token is None:
        return asset_id, "", str(units)
    sign = "-" if units < 0 else ""
    return token.symbol, token.blockchain, sign + formatted(abs(units), token.decimals)
