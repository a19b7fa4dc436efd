"""Which faults of the devnet are drawn, and what each of them may excuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from ballast.devnet.fates import FateKind
from ballast.devnet.fault_kinds import ANY, KINDS
from ballast.devnet.faults import add_fault, clear_faults
from ballast.errors import BallastError, ErrorCode
from ballast.simulation.dice import Dice
from ballast.simulation.world import World

# Where faults strike, and how often: most where money moves and where its fate is told.
_DOORS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "submit-intent": 10,
        "status": 8,
        "quote": 5,
        "devnet-send": 2,
        "tokens": 2,
        "rpc:is_nonce_used": 3,
        "rpc:mt_batch_balance_of": 3,
        "rpc:simulate_intents": 1,
        "rpc:block": 1,
        "rpc": 2,
        "any": 2,
    }
)
# Faults that only exist over a socket, or at doors that nobody uses here.
_NOT_HERE: Final = frozenset({"slow", "drip", "payload"})
# Settings that mean something; the defaults of the others do.
_SETTINGS: Final[Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]]] = MappingProxyType(
    {
        "field": (
            ("status", {"path": "status", "value": "LOST"}),
            ("status", {"path": "swapDetails.amountOut", "value": None}),
            ("status", {"path": "swapDetails.amountOut", "value": "1"}),
            ("status", {"path": "swapDetails.refundedAmount", "value": "1000000"}),
            ("rpc:is_nonce_used", {"path": "view", "value": False}),
            ("quote", {"path": "quote.withdrawFee", "value": "1000", "signed": 1}),
        ),
        "missing-field": (
            ("status", {"path": "swapDetails"}),
            ("status", {"path": "swapDetails.refundedAmount"}),
            ("quote", {"path": "quote.amountOut", "signed": 1}),
        ),
        "huge-answer": (("status", {"megabytes": 2}), ("quote", {"megabytes": 2})),
        "stuck": (
            ("submit-intent", {"state": "PROCESSING", "seconds": 2400}),
            ("submit-intent", {"state": "PENDING_DEPOSIT", "seconds": 600}),
            ("submit-intent", {"state": "PROCESSING", "seconds": None}),
        ),
        "status-word": tuple(
            ("status", {"word": word})
            for word in ("PROCESSING", "PENDING_DEPOSIT", "SUCCESS", "REFUNDED", "FAILED", "LOST")
        ),
    }
)
# A fate belongs to a payment, and strikes where one is made.
_FATES: Final = frozenset(FateKind)
_PAID_AT: Final = ("submit-intent", "devnet-send")
# The machine's clock is set, forward or back.
CLOCK: Final = "clock"


def kinds_named(text: str) -> tuple[str, ...]:
    """The kinds of fault that a word or a list with commas names.

    Raises:
        BallastError: `invalid_input` for a kind that there is not.
    """
    usable = (*(name for name in KINDS if name not in _NOT_HERE), CLOCK)
    if text in ("all", "none"):
        return usable if text == "all" else ()
    chosen = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [name for name in chosen if name not in usable]
    if unknown:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"There is no fault {unknown[0]!r} to simulate.",
            problems=[{"field": "faults", "problem": f"are: all, none, {', '.join(usable)}"}],
        )
    return chosen


class Trouble:
    """Switches faults on and off. Which kinds there are is drawn as well: a simulation with only a
    few of them comes to where one with all never gets, and one with none excuses nothing."""

    def __init__(self, world: World, dice: Dice, kinds: tuple[str, ...]) -> None:
        self._world = world
        self._network = world.devnet.network
        self._dice = dice
        self._story = world.story
        percent = dice.weighted({0: 15, 20: 35, 50: 25, 100: 25}) if len(kinds) > 1 else 100
        self._kinds = tuple(kind for kind in kinds if dice.chance(percent))

    def add(self) -> None:
        """One more fault, for some requests."""
        if not self._kinds:
            return
        if CLOCK in self._kinds and self._dice.below(len(self._kinds)) == 0:
            self._set_clock()
            return
        route = self._dice.weighted(_DOORS)
        fitting = [kind for kind in self._kinds if kind != CLOCK and _settings_at(kind, route)]
        if not fitting:
            return
        name = self._dice.one_of(fitting)
        settings = {
            setting: self._dice.one_of(choices) for setting, choices in KINDS[name].choices.items()
        }
        settings |= self._dice.one_of(_settings_at(name, route))
        count = self._dice.weighted({1: 6, 2: 4, 5: 3, 20: 1})
        skip = self._dice.weighted({0: 8, 1: 2, 3: 1})
        probability = self._dice.one_of(("1", "1", "0.5"))
        seed = self._dice.below(1000)
        add_fault(
            self._network, route, name, settings,
            count=count, probability=probability, seed=seed, skip=skip,
        )  # fmt: skip
        self._story.tell(
            f"    fault {name} at {route} {settings}: {count} times after {skip}, {probability}"
        )

    def _set_clock(self) -> None:
        """Right again, wrong by a little, or by hours."""
        seconds = self._dice.one_of((0, 0, 2, 30, 3600))
        span = timedelta(seconds=seconds * self._dice.between(1, 6))
        self._world.ahead.set(-span if self._dice.chance(50) else span)
        self._story.tell(f"    the machine's clock is ahead by {self._world.ahead.span}")

    def clear(self) -> None:
        """All is well again, but for what has been done already."""
        self._story.tell(f"    {clear_faults(self._network)} fault(s) cleared")

    def mend(self) -> None:
        """As `clear`; the clock is right, and what was dropped from the list is on it again.
        What has moved to another id stays there: swaps name it by that."""
        self.clear()
        self._world.ahead.set(timedelta())
        listing = self._network.listing
        with self._network.store.write():
            for asset_id, moved_to in listing.left().items():
                if moved_to is None:
                    listing.restore(asset_id)


def _settings_at(name: str, route: str) -> Sequence[Mapping[str, Any]]:
    """The settings with which a kind of fault means something at a door; none where it does not."""
    door = route.partition(":")[0]
    if name in _FATES and door not in _PAID_AT:
        return ()
    if name in _SETTINGS:
        return [settings for place, settings in _SETTINGS[name] if place in (route, door)]
    routes = KINDS[name].routes
    return ({},) if routes is ANY or door in routes else ()
