"""The command `ballast`. Serving MCP is decided before anything else is imported: clients wait."""

import contextlib
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

if TYPE_CHECKING:
    import typer
    from mcp.server import MCPServer

    from ballast.settings import Settings


def main() -> None:
    """Run what the command line says, and exit with the code of the outcome."""
    try:
        if sys.argv[1:] == ["mcp"]:
            serve_mcp()
        else:
            run_command()
    except KeyboardInterrupt:
        # Also while modules are still being read: nothing has been started then.
        raise SystemExit(130) from None
    except Exception as mistake:  # noqa: BLE001  # nobody is above us but Python, which shows all
        raise SystemExit(_tell_fault(mistake)) from None


def _tell_fault(mistake: Exception) -> int:
    """Say that something failed which nobody had foreseen; where and how, only the log tells, at
    debug. Returns the exit code."""
    from ballast.errors import BallastError, ErrorCode

    with contextlib.suppress(Exception):
        # Whatever is broken may be what the log needs, too.
        _log_fault(mistake)
    refusal = BallastError(ErrorCode.INTERNAL, "This failed because of a fault in Ballast.")
    refusal.advising(
        "Look at what it has done (ballast get_status) before you repeat it. "
        "BALLAST_LOG_LEVEL=debug makes it tell on stderr where it failed: report that."
    )
    if sys.argv[1:] == ["mcp"]:
        sys.stderr.write(f"ballast mcp: {refusal.message}\n{refusal.next_step}\n")
        return refusal.spec.exit_code
    from ballast.faces.cli.command_line import show_refusal

    return show_refusal(refusal, as_json="--json" in sys.argv)


def _log_fault(mistake: Exception) -> None:
    import structlog

    from ballast.bootstrap import configure_logging
    from ballast.settings import read_settings

    if not structlog.is_configured():
        configure_logging(read_settings())
    structlog.get_logger(__name__).debug("command_failed", exc_info=mistake)


def serve_mcp() -> None:
    """Serve one MCP client on stdin and stdout."""
    from ballast.errors import ERRORS, BallastError, ErrorCode

    closed = next((name for name in ("stdin", "stdout") if getattr(sys, name) is None), None)
    if closed is not None:
        sys.stderr.write(
            f"ballast mcp: {closed} is closed; let an MCP client start it, or leave it open.\n"
        )
        raise SystemExit(ERRORS[ErrorCode.SETTINGS_INVALID].exit_code)
    try:
        _serve_mcp()
    except BallastError as refusal:
        # stdout belongs to MCP, also for what keeps it from starting.
        sys.stderr.write(f"ballast mcp: {refusal.message}\n{refusal.next_step}\n")
        raise SystemExit(refusal.spec.exit_code) from None


def _serve_mcp() -> None:
    # What is imported stays. Looking for garbage in it takes a tenth of a second and finds none;
    # frozen, it is not looked through later either.
    gc.disable()
    from ballast.faces.mcp.server import run_stdio

    server = _mcp_server()
    gc.freeze()
    gc.enable()
    run_stdio(server)


def _mcp_server() -> "MCPServer[None]":
    from ballast import __version__
    from ballast.app.catalog import OPERATIONS
    from ballast.bootstrap import configure_logging, running_app
    from ballast.faces.mcp.server import DEFAULT_TOOLSETS, build_server
    from ballast.settings import read_settings

    settings = read_settings()
    configure_logging(settings)
    return build_server(
        OPERATIONS,
        lambda: running_app(settings),
        version=__version__,
        mode=settings.mode,
        toolsets=DEFAULT_TOOLSETS | set(settings.toolsets),
    )


def run_command() -> None:
    """Run one of the other commands."""
    from ballast.errors import BallastError
    from ballast.faces.cli.command_line import show_refusal

    try:
        cli = _command_line()
    except BallastError as refusal:
        raise SystemExit(show_refusal(refusal, as_json="--json" in sys.argv)) from None
    cli()


def _command_line() -> "typer.Typer":
    from ballast.app.catalog import OPERATIONS
    from ballast.bootstrap import (
        Places,
        command_app,
        configure_logging,
        copy_database,
        make_home,
        migrate_database,
        running_app,
    )
    from ballast.bootstrap.backups import back_up, put_back
    from ballast.devnet.command import make_command
    from ballast.faces.cli.backups import add_backup_commands
    from ballast.faces.cli.command_line import make_cli
    from ballast.faces.cli.database import add_database_commands
    from ballast.faces.cli.owner import add_owner_commands
    from ballast.settings import read_settings

    settings = read_settings()
    configure_logging(settings)
    cli = make_cli(
        OPERATIONS,
        opened_app=lambda: command_app(settings),
        running_app=lambda: running_app(settings, serves=False),
    )
    add_owner_commands(
        cli,
        lambda: command_app(settings),
        lambda: command_app(settings, ready=False),
        lambda: running_app(settings, serves=False),
    )
    add_database_commands(cli, lambda: migrate_database(settings), lambda: copy_database(settings))

    def devnet_file() -> Path:
        make_home(settings)
        return Places(settings.home).devnet

    cli.add_typer(make_command(devnet_file), name="devnet")
    add_backup_commands(
        cli,
        settings.mode,
        lambda file: back_up(settings, file),
        lambda file, key, locked: put_back(settings, file, key, locked=locked),
    )
    cli.command("demo")(_demo_command())
    cli.command("simulate")(_simulate_command())
    cli.command("mcp")(serve_mcp)
    cli.command("serve")(_serve_command(settings))
    cli.command("worker")(_worker_command(settings))
    return cli


def _demo_command() -> Callable[..., None]:
    import typer

    def demo(
        seed: Annotated[
            int | None, typer.Option(min=0, help="Seed of the simulated market; 7 by default.")
        ] = None,
        keep: Annotated[
            Path | None, typer.Option(help="Keep all worlds in this new folder, to look around.")
        ] = None,
        quick: Annotated[
            bool, typer.Option("--quick", help="End each story after its first rebalance.")
        ] = False,
    ) -> None:
        """Watch whole index lives on paper, and a day of eight on their own: a client, the server,
        prices, a webhook, and the books."""
        from ballast.demo import run_demo

        raise SystemExit(run_demo(seed=seed, keep=keep, quick=quick))

    return demo


def _serve_command(settings: "Settings") -> Callable[..., None]:
    import typer

    def serve(
        host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
        port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8790,
    ) -> None:
        """Serve MCP at /mcp and REST under /api over HTTP, with the engine, until interrupted."""
        from ballast.bootstrap import serve_http

        def announce(here: str, url: str) -> None:
            at = "" if here == url else f" at {here}"
            typer.echo(f"Ballast ({settings.mode}){at} serves {url}", err=True)

        serve_http(settings, host, port, announce)

    return serve


def _worker_command(settings: "Settings") -> Callable[..., None]:
    import typer

    def worker(
        concurrency: Annotated[
            int, typer.Option(min=1, max=64, help="How many indexes at the same time.")
        ] = 8,
        metrics_port: Annotated[
            int | None,
            typer.Option(min=0, max=65535, help="Figures and health on 127.0.0.1; 0: any free."),
        ] = None,
    ) -> None:
        """Do the work of a ledger in Postgres, with other workers, until interrupted."""
        from ballast.bootstrap import run_worker

        def announce(url: str) -> None:
            typer.echo(f"Ballast ({settings.mode}) shows its figures at {url}/metrics", err=True)

        run_worker(settings, concurrency, metrics_port, announce)

    return worker


def _simulate_command() -> Callable[..., None]:
    import typer

    def simulate(  # one for each option
        seed: Annotated[int, typer.Option(min=0, help="Everything is drawn from it.")] = 1,
        seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from that one on.")] = 1,
        steps: Annotated[int, typer.Option(min=1, help="Steps of each simulation.")] = 200,
        faults: Annotated[
            str, typer.Option(help="all, none, or kinds of fault of the devnet, with commas.")
        ] = "all",
        indexes: Annotated[int, typer.Option(min=1, help="Indexes at most.")] = 2,
        jobs: Annotated[int, typer.Option(min=1, help="Processes at the same time.")] = 1,
        log: Annotated[
            Path | None,
            typer.Option(help="File for a line per seed; seeds that it has already are left out."),
        ] = None,
    ) -> None:
        """Run all of Ballast under a seed: faults, crashes, and checks after every step."""
        from ballast.errors import BallastError
        from ballast.faces.cli.command_line import show_refusal
        from ballast.simulation import run_simulations

        try:
            code = run_simulations(
                seed=seed,
                seeds=seeds,
                steps=steps,
                faults=faults,
                indexes=indexes,
                jobs=jobs,
                log=log,
            )
        except BallastError as refusal:
            code = show_refusal(refusal, as_json=False)
        raise SystemExit(code)

    return simulate


if __name__ == "__main__":
    main()
