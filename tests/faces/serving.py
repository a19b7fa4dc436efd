"""Operations without a store, and the ways in which tests call a face."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import SimpleNamespace
from typing import Annotated, Any, cast

import pytest
from pydantic import Field

from ballast.adapters.local import SystemClock, SystemIds
from ballast.app.app import App
from ballast.app.inputs import Input
from ballast.app.observing import Watchers
from ballast.app.operation import Call, Effect, Operation, Output
from ballast.errors import BallastError, ErrorCode
from ballast.faces.cli.command_line import make_cli
from ballast.faces.cli.owner import add_owner_commands


class Echo(Input):
    word: Annotated[str, Field(description="Any word.")]


class Echoed(Output):
    word: str
    rows: list[dict[str, Any]] = Field(default_factory=list)
    next_step: str = ""


async def echo(app: App, call: Call, given: Echo) -> Echoed:
    """Say a word."""
    match given.word:
        case "refuse":
            raise BallastError(ErrorCode.LIMIT_EXCEEDED, "Too much.", spent_usd="10.00")
        case "fault":
            raise RuntimeError("password=hunter2")
        case "much":
            rows = [{"number": number, "text": "x" * 50} for number in range(3_000)]
            return Echoed(mode="paper", word="much", rows=rows)
        case word:
            return Echoed(mode="paper", word=word, next_step="Say more.")


ECHO = Operation(
    name="echo",
    title="Echo",
    run=echo,
    input=Echo,
    output=Echoed,
    effect=Effect.READ,
    method="GET",
    path="/api/echo",
    idempotent=True,
)

OpenApp = Callable[[], AbstractAsyncContextManager[App]]


@asynccontextmanager
async def no_app() -> AsyncIterator[App]:
    """An app that nothing asks for anything but the id of its call."""
    yield cast(App, SimpleNamespace(call_ids=SystemIds(SystemClock()), observer=Watchers()))


def as_given(app: App) -> OpenApp:
    """Opens what is open already, and leaves it open."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[App]:
        yield app

    return opened


class CommandLine:
    """Runs commands in this process; each opens what it needs for itself."""

    def __init__(
        self,
        capsys: pytest.CaptureFixture[str],
        operations: tuple[Operation, ...],
        opened_app: OpenApp,
        running_app: OpenApp | None = None,
        unready_app: OpenApp | None = None,
    ) -> None:
        self._capsys = capsys
        self._cli = make_cli(
            operations, opened_app=opened_app, running_app=running_app or opened_app
        )
        add_owner_commands(
            self._cli, opened_app, unready_app or opened_app, running_app or opened_app
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        with pytest.raises(SystemExit) as ended:
            self._cli(list(words), prog_name="ballast")
        out, err = self._capsys.readouterr()
        return int(ended.value.code or 0), out, err

    def json(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Exit code and the object printed with --json."""
        code, out, err = self.run(*words, "--json")
        assert out, err
        return code, json.loads(out)
