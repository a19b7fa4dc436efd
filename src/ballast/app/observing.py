"""What goes on, told to whoever watches the machine: figures, traces and logs are made of it.

Whatever takes time and can fail is an activity: it has labels with few values each, which figures
are kept by, and ids, which only traces and logs show. Nobody needs to watch; then it costs nothing.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Protocol

import structlog

from ballast.errors import BallastError

DONE: Final = "done"
FAULT: Final = "fault"
CUT_OFF: Final = "cut_off"
# Calls whose later steps still find out that it was they who started them.
MOST_CAUSES: Final = 4_096


class Doing(StrEnum):
    """What can be going on."""

    SERVING = "serving"  # a request over HTTP is answered
    MESSAGE = "message"  # a message of MCP is answered
    CALL = "call"  # an operation is carried out
    STEP = "step"  # the engine moves a row
    REQUEST = "request"  # somebody outside is asked
    SIGNATURE = "signature"
    PRICES = "prices"  # prices are read
    LOOK_OVER = "look_over"  # the monitor looks over all indexes
    DELIVERY = "delivery"  # an event is sent to a webhook


@dataclass(frozen=True, slots=True)
class Cause:
    """The call that something began with.

    Attributes:
        call_id: as its caller was told it.
        trace: its span in the form of the header `traceparent`; empty without traces.
    """

    call_id: str
    trace: str = ""


@dataclass(slots=True)
class Activity:
    """Something that goes on for a while.

    Attributes:
        name: in a trace; no ids in it.
        labels: for figures: each has few values, whoever calls with whatever.
        ids: of what it is about; for traces and logs.
        outcome: `done`, the code of what refused it, or another word out of few.
        amount: how much was done, where that is counted.
        ended_at: when it ended well, by the domain clock, where that is of interest.
        parent: where it came from outside, in the form of the header `traceparent`.
        cause: the call whose work it goes on with.
    """

    doing: Doing
    name: str
    labels: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    outcome: str = DONE
    amount: int = 0
    ended_at: datetime | None = None
    parent: str = ""
    cause: Cause | None = None


_PRESENT: ContextVar[Activity | None] = ContextVar("present", default=None)
# Also in every log line; structlog has no cheap way to ask for one of its words.
_CALL: ContextVar[str] = ContextVar("call", default="")


class Observer(Protocol):
    """Somebody who watches. Nothing it does may fail or wait."""

    def begin(self, activity: Activity) -> object:
        """It begins. What is given back comes again at its end."""
        ...

    def end(self, activity: Activity, begun: Any, seconds: float) -> None:
        """It has ended after so many real seconds, and its outcome is known.

        Args:
            begun: what `begin` gave back.
        """
        ...

    def trace(self) -> str:
        """What goes on now, in the form of `traceparent`; empty when it is not traced."""
        ...

    def breaker_moved(self, service: str, endpoint: str, state: str) -> None:
        """A circuit breaker is `closed`, `opened` or `half-opened` now."""
        ...

    def price_seen(self, source: str, observed_at: datetime) -> None:
        """A source gave a usable price of this time."""
        ...

    def refused(self, rule: str) -> None:
        """A rule refused something that would have changed something."""
        ...

    def reconciled(self, at: datetime) -> None:
        """The ledger of an index was compared with the venue."""
        ...


class _Going:
    """An activity from its beginning to its end; no generator, as every call passes several."""

    __slots__ = ("_activity", "_before", "_began", "_begun", "_watching")

    def __init__(self, activity: Activity, watching: Sequence[Observer]) -> None:
        self._activity = activity
        self._watching = watching

    def __enter__(self) -> Activity:
        activity = self._activity
        self._before = _PRESENT.set(activity)
        self._began = asyncio.get_running_loop().time()
        self._begun = [(one, one.begin(activity)) for one in self._watching]
        return activity

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._activity.outcome = _outcome_of(error)
        seconds = asyncio.get_running_loop().time() - self._began
        for one, begun in reversed(self._begun):
            one.end(self._activity, begun, seconds)
        _PRESENT.reset(self._before)


def _outcome_of(error: BaseException) -> str:
    if isinstance(error, BallastError):
        return error.code.value
    return CUT_OFF if isinstance(error, asyncio.CancelledError | TimeoutError) else FAULT


class Watchers:
    """All who watch; mostly nobody."""

    def __init__(self) -> None:
        self._watching: list[Observer] = []
        self._causes: OrderedDict[str, Cause] = OrderedDict()
        self._breakers: dict[tuple[str, str], str] = {}
        self._newest_prices: dict[str, datetime] = {}

    def add(self, observer: Observer) -> None:
        """From now on it is told, too; what state things are in, at once."""
        self._watching.append(observer)
        for (service, endpoint), state in self._breakers.items():
            observer.breaker_moved(service, endpoint, state)
        for source, observed_at in self._newest_prices.items():
            observer.price_seen(source, observed_at)

    def observe(self, activity: Activity) -> AbstractContextManager[Activity]:
        """While this lasts, the activity goes on; an exception that leaves it is its outcome."""
        return _Going(activity, self._watching)

    def about(self, **ids: str) -> None:
        """What goes on now turns out to be about these, and about the call that they began with."""
        present, cause = _PRESENT.get(), self.cause_of(*ids.values())
        if present is None:
            return
        present.ids |= ids
        if cause is not None and present.cause is None:
            present.cause = cause
            structlog.contextvars.bind_contextvars(call_id=cause.call_id)
            _CALL.set(cause.call_id)

    def caused(self, by: str, started: Iterable[str]) -> None:
        """Remember which call something began with, for as long as this process may need it."""
        trace = next((trace for one in self._watching if (trace := one.trace())), "")
        for one in started:
            self._causes[one] = Cause(by, trace)
            self._causes.move_to_end(one)
        while len(self._causes) > MOST_CAUSES:
            self._causes.popitem(last=False)

    def cause_of(self, *ids: str) -> Cause | None:
        """The call that the first of these began with, if this process carried it out."""
        return next((self._causes[one] for one in ids if one in self._causes), None)

    def breaker_moved(self, service: str, endpoint: str, state: str) -> None:
        """See `Observer`."""
        self._breakers[service, endpoint] = state
        for one in self._watching:
            one.breaker_moved(service, endpoint, state)

    def price_seen(self, source: str, observed_at: datetime) -> None:
        """See `Observer`."""
        newest = self._newest_prices.get(source, observed_at)
        self._newest_prices[source] = max(newest, observed_at)
        for one in self._watching:
            one.price_seen(source, observed_at)

    def refused(self, refusal: BallastError) -> None:
        """Tell of every rule that a refusal names: the limits it breaks, or else its code."""
        for one in self._watching:
            for rule in _rules_of(refusal):
                one.refused(rule)

    def reconciled(self, at: datetime) -> None:
        """See `Observer`."""
        for one in self._watching:
            one.reconciled(at)


def present_call() -> str:
    """The id of the call that is being carried out; empty outside of one."""
    return _CALL.get()


@contextmanager
def told(ids: Mapping[str, str]) -> Iterator[None]:
    """While this lasts, log lines carry these ids."""
    before = structlog.contextvars.bind_contextvars(**{k: v for k, v in ids.items() if v})
    call_before = _CALL.set(ids.get("call_id") or _CALL.get())
    try:
        yield
    finally:
        _CALL.reset(call_before)
        structlog.contextvars.reset_contextvars(**before)


def _rules_of(refusal: BallastError) -> set[str]:
    broken = refusal.details.get("limits")
    named = broken if isinstance(broken, list) else []
    rules = {str(one["limit"]) for one in named if isinstance(one, dict)}
    return rules or {refusal.code.value}
