"""Faults: what goes wrong on purpose, at which door, how often. Kept in the devnet's file.

A fault counts the requests at its route. It lets the first `skip` pass, and then strikes with its
probability, `count` times at most. The faults of a route are asked in the order in which they were
added, and the first that strikes is the only one: so several in a row make a sequence. Chance
comes from the devnet's seed and the fault's own, so that a run can be repeated.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ballast.devnet.errors import Refusal
from ballast.devnet.fault_kinds import ANY, KINDS, ROUTES, Kind
from ballast.devnet.network import Network


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and how often it has struck.

    Attributes:
        route: a door's name, `any`, or `rpc:<view>` and `relay:<method>` for one of many.
        count: strikes at most; None until it is removed.
        probability: of each strike, above 0 and up to 1.
        seen, hits: requests it was asked about, and strikes.
    """

    n: int
    route: str
    kind: str
    settings: Mapping[str, Any]
    count: int | None
    probability: Decimal
    seed: int
    skip: int
    seen: int
    hits: int

    @property
    def spent(self) -> bool:
        """Whether it has struck as often as it was to."""
        return self.count is not None and self.hits >= self.count

    def view(self) -> dict[str, Any]:
        """As the admin interface shows it."""
        return {
            "n": self.n,
            "route": self.route,
            "kind": self.kind,
            "settings": dict(self.settings),
            "count": self.count,
            "probability": str(self.probability),
            "seed": self.seed,
            "skip": self.skip,
            "seen": self.seen,
            "hits": self.hits,
            "spent": self.spent,
        }


def add_fault(
    network: Network,
    route: str,
    kind: str,
    settings: Mapping[str, Any],
    *,
    count: int | None,
    probability: str = "1",
    seed: int = 0,
    skip: int = 0,
) -> Fault:
    """Switch a fault on.

    Raises:
        Refusal: 400, if there is no such route, kind or setting, or a number is senseless.
    """
    found = _kind_for(route, kind)
    chosen = _settings(found, settings)
    chance = _probability(probability)
    if (count is not None and count < 1) or skip < 0:
        raise Refusal(400, "count must be at least 1, and skip at least 0")
    with network.store.write():
        number = network.store.take_number("fault")
        network.store.run(
            "INSERT INTO faults (n, route, kind, settings, count, probability, seed, skip)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            number, route, kind, json.dumps(chosen), count, str(chance), seed, skip,
        )  # fmt: skip
    return Fault(number, route, kind, chosen, count, chance, seed, skip, 0, 0)


def faults(network: Network) -> list[Fault]:
    """Every fault, oldest first, those that are spent included."""
    return [_fault(row) for row in network.store.all("SELECT * FROM faults ORDER BY n")]


def remove_fault(network: Network, number: int) -> None:
    """Switch one off.

    Raises:
        Refusal: 404, if there is none of this number.
    """
    with network.store.write():
        if network.store.one("SELECT 1 FROM faults WHERE n = ?", number) is None:
            raise Refusal(404, f"There is no fault {number}")
        network.store.run("DELETE FROM faults WHERE n = ?", number)


def clear_faults(network: Network) -> int:
    """Switch all off; returns how many there were."""
    with network.store.write():
        there = int(network.store.one("SELECT count(*) FROM faults")[0])
        network.store.run("DELETE FROM faults")
    return there


def strike(network: Network, names: Sequence[str]) -> Fault | None:
    """The fault that strikes a request at a door of these names, if one does. It is counted."""
    if network.store.one("SELECT 1 FROM faults LIMIT 1") is None:
        return None
    with network.store.write():
        for fault in faults(network):
            if fault.route in names and not fault.spent and _strikes(network, fault):
                return fault
    return None


def _strikes(network: Network, fault: Fault) -> bool:
    seen = fault.seen + 1
    draw = network.draws.fraction("fault", f"{fault.seed}|{fault.n}|{seen}")
    hit = seen > fault.skip and draw < fault.probability
    network.store.run(
        "UPDATE faults SET seen = ?, hits = ? WHERE n = ?", seen, fault.hits + hit, fault.n
    )
    return hit


def _fault(row: sqlite3.Row) -> Fault:
    fields = dict(row)
    fields["settings"] = json.loads(fields["settings"])
    fields["probability"] = Decimal(fields["probability"])
    return Fault(**fields)


def _kind_for(route: str, kind: str) -> Kind:
    door = route.partition(":")[0]
    if door not in ROUTES or (":" in route and door not in {"rpc", "relay"}):
        raise Refusal(400, f"There is no route {route}; there are: {', '.join(ROUTES)}")
    found = KINDS.get(kind)
    if found is None:
        raise Refusal(400, f"There is no fault {kind}; there are: {', '.join(KINDS)}")
    if found.routes is not ANY and door not in found.routes:
        raise Refusal(400, f"{kind} can strike at: {', '.join(found.routes)}; not at {route}")
    return found


def _settings(kind: Kind, given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - set(kind.settings))
    if unknown:
        known = ", ".join(kind.settings) or "none"
        raise Refusal(400, f"{kind.name} has no setting {unknown[0]}; it has: {known}")
    chosen = dict(kind.settings) | dict(given)
    for name, default in kind.settings.items():
        _check_setting(kind, name, default, chosen[name])
    return chosen


def _check_setting(kind: Kind, name: str, default: Any, value: Any) -> None:
    choices = kind.choices.get(name)
    if choices is not None and value not in choices:
        raise Refusal(400, f"{name} must be one of: {', '.join(map(str, choices))}")
    wanted = (int, float) if isinstance(default, int | float) else type(default)
    if default is not None and (isinstance(value, bool) or not isinstance(value, wanted)):
        raise Refusal(400, f"{name} must be of the same type as {default!r}")
    if name == "seconds" and value is not None and not isinstance(value, int | float):
        raise Refusal(400, "seconds must be a number")
    if isinstance(value, int | float) and not 0 <= value <= 10**9 and name != "value":
        raise Refusal(400, f"{name} must lie between 0 and a billion")


def _probability(text: str) -> Decimal:
    try:
        chance = Decimal(text)
    except InvalidOperation:
        chance = Decimal(0)
    if not 0 < chance <= 1:
        raise Refusal(400, "probability must be above 0 and at most 1")
    return chance
