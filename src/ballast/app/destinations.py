"""Where money may be sent. The list is the owner's: only the command line can add to it.

A new destination waits before it can be used, by the wall clock and by the chain's clock alike,
so that setting the machine's clock forward does not shorten the wait.
"""

from __future__ import annotations

from collections.abc import Set

from ballast.app.app import App
from ballast.app.assets import chain_of
from ballast.app.auditing import audit
from ballast.app.operation import Caller
from ballast.app.problems import Wrong
from ballast.core.ids import IdKind
from ballast.core.index import check_name
from ballast.core.withdrawals import Destination
from ballast.errors import BallastError, ErrorCode


async def add_destination(
    app: App, owner_id: str, label: str, chain: str, address: str, memo: str | None
) -> Destination:
    """Allow an address.

    Raises:
        BallastError: `invalid_input` for the label or an unknown chain, `address_invalid`,
            `name_taken`, `venue_unavailable`.
    """
    chains = {one.asset.chain for one in (await app.venue.list_assets()).values()}
    wanted, wrong = chain_of(chain), Wrong("destinations add")
    with wrong.about("label"):
        label = check_name(label, "label")
    with wrong.about("chain"):
        _require_chain(wanted, chains)
        # On no chain that there is, no address can be judged.
        with wrong.about("address"):
            app.venue.check_address(wanted, address, memo)
    wrong.refuse()
    chain_now, wall_now = await app.venue.final_time(), app.wall.now()
    destination = Destination(
        destination_id=app.ids.new(IdKind.DESTINATION),
        owner_id=owner_id,
        label=label,
        chain=wanted,
        address=address,
        memo=memo,
        added_at=app.clock.now(),
        usable_at=chain_now + app.widening_delay,
        wall_usable_at=wall_now + app.widening_delay,
        removed_at=None,
    )
    async with app.store.transaction() as tx:
        await tx.add_destination(destination)
        await audit(
            app,
            tx,
            Caller(owner_id, "cli"),
            "add_destination",
            destination.destination_id,
            chain=wanted,
            address=address,
            memo=memo,
            usable_at=max(destination.usable_at, destination.wall_usable_at),
        )
    return destination


def _require_chain(chain: str, chains: Set[str]) -> None:
    if chain not in chains:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "The venue delivers on no chain of this name.",
            problems=[{"field": "chain", "problem": f"must be one of {', '.join(sorted(chains))}"}],
        )


async def list_destinations(app: App, owner_id: str) -> list[Destination]:
    """Where money may be sent, by label."""
    async with app.store.read() as reader:
        return await reader.list_destinations(owner_id)


async def remove_destination(app: App, owner_id: str, label: str) -> Destination:
    """Take an address off the list.

    Raises:
        BallastError: `not_found`.
    """
    async with app.store.transaction() as tx:
        for one in await tx.list_destinations(owner_id):
            if one.label == label:
                await tx.remove_destination(owner_id, one.destination_id, app.clock.now())
                caller = Caller(owner_id, "cli")
                await audit(app, tx, caller, "remove_destination", one.destination_id)
                return one
    raise BallastError(
        ErrorCode.NOT_FOUND,
        "There is no destination of this label.",
        label=label,
    ).advising("ballast destinations list shows them; ballast destinations add allows one more.")


async def require_destination(app: App, owner_id: str, word: str) -> Destination:
    """The allowed destination that is meant: by its label, or by its whole address.

    Raises:
        BallastError: `destination_not_allowed` when it is not on the list, or may not be used yet;
            a look-alike on the list is pointed out.
    """
    allowed = await list_destinations(app, owner_id)
    found = [one for one in allowed if word.strip() in (one.label, one.address)]
    if not found:
        raise _not_allowed(word.strip(), allowed)
    await require_usable(app, found[0])
    return found[0]


async def require_usable(app: App, destination: Destination) -> None:
    """Check that the wait is over by both clocks.

    Raises:
        BallastError: `destination_not_allowed`, saying from when on.
    """
    chain_now, wall_now = await app.venue.final_time(), app.wall.now()
    if chain_now < destination.usable_at or wall_now < destination.wall_usable_at:
        raise BallastError(
            ErrorCode.DESTINATION_NOT_ALLOWED,
            f"{destination.label} was added lately and may be used from "
            f"{max(destination.usable_at, destination.wall_usable_at):%Y-%m-%d %H:%M} UTC on.",
            label=destination.label,
            usable_at=destination.usable_at.isoformat(),
        )


def _not_allowed(word: str, allowed: list[Destination]) -> BallastError:
    alike = [one.label for one in allowed if _looks_like(word, one.address)]
    if alike:
        return BallastError(
            ErrorCode.DESTINATION_NOT_ALLOWED,
            f"This address begins and ends like {alike[0]}, but it is another one. Do not send.",
            looks_like=alike[0],
        )
    return BallastError(
        ErrorCode.DESTINATION_NOT_ALLOWED,
        "This is not among the destinations the owner has allowed.",
        allowed=[{"label": one.label, "chain": one.chain} for one in allowed],
    )


def _looks_like(word: str, address: str) -> bool:
    """Same beginning and end: how people compare addresses, and how thieves make them."""
    one, other = word.casefold(), address.casefold()
    return len(one) > 12 and one != other and one[:6] == other[:6] and one[-4:] == other[-4:]
