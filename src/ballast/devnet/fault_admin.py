"""`/devnet/faults`: switch faults on and off over HTTP."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ballast.devnet.errors import Refusal
from ballast.devnet.fault_kinds import ROUTES, kinds_view
from ballast.devnet.faults import add_fault, clear_faults, faults, remove_fault
from ballast.devnet.network import Network
from ballast.devnet.wire import Call, Reply


class FaultBody(BaseModel):
    """One fault to switch on.

    Without a count it strikes once; with a probability and no count, until it is removed.
    `always` also means until it is removed.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    route: str
    kind: str
    settings: dict[str, Any] = {}
    count: int | None = None
    always: bool = False
    probability: str | float | None = None
    seed: int = 0
    skip: int = 0

    def strikes(self) -> int | None:
        """How often at most; None for without end.

        Raises:
            Refusal: 400, if a count and `always` are given.
        """
        if self.always and self.count is not None:
            raise Refusal(400, "A fault strikes always, or count times; not both")
        endless = self.always or (self.probability is not None and self.count is None)
        return None if endless else self.count or (1 if self.count is None else 0)


def show_faults(network: Network, call: Call) -> Reply:
    """Every fault that is on or spent."""
    return Reply(200, {"faults": [fault.view() for fault in faults(network)]})


def show_kinds(network: Network, call: Call) -> Reply:
    """What can go wrong, and where."""
    return Reply(200, {"routes": list(ROUTES), "kinds": kinds_view()})


def switch_on(network: Network, call: Call) -> Reply:
    """Add one fault."""
    try:
        body = FaultBody.model_validate(call.json())
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(map(str, found["loc"])) or "body"
        raise Refusal(400, f"{where}: {found['msg']}") from error
    return Reply(201, switch_on_fault(network, body))


def switch_on_fault(network: Network, body: FaultBody) -> dict[str, Any]:
    """As `switch_on`, for a caller in this process.

    Raises:
        Refusal: 400, saying what there is instead.
    """
    added = add_fault(
        network,
        body.route,
        body.kind,
        body.settings,
        count=body.strikes(),
        probability="1" if body.probability is None else str(body.probability),
        seed=body.seed,
        skip=body.skip,
    )
    return added.view()


def switch_off(network: Network, call: Call) -> Reply:
    """Remove the fault `?n=`, or all of them."""
    number = call.query.get("n")
    if number is None:
        return Reply(200, {"removed": clear_faults(network)})
    if not (number.isascii() and number.isdecimal()):
        raise Refusal(400, "n must be the number of a fault")
    remove_fault(network, int(number))
    return Reply(200, {"removed": 1})
