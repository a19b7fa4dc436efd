"""The paper world in this process: opened beside the ledger that was kept against it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import structlog

from ballast.bootstrap.places import Places
from ballast.errors import BallastError, ErrorCode
from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.app.ports import Store
    from ballast.devnet import Devnet, DevnetError

log = structlog.get_logger(__name__)

NETWORK_KEY: Final = "network_id"
ELSEWHERE: Final = "elsewhere"


async def open_world(
    settings: Settings, places: Places, store: Store, in_use: bool, stack: AsyncExitStack
) -> Devnet:
    """Open the devnet beside the ledger; refuse one that is not the ledger's own.

    Raises:
        BallastError: `world_changed` when a ledger with indexes has lost its devnet or finds
            another one in its place; `settings_invalid` when the file was made otherwise.
    """
    from ballast.devnet import DevnetError, DevnetOptions, open_devnet

    known = await _meta(store, NETWORK_KEY)
    if in_use and known == ELSEWHERE:
        raise BallastError(
            ErrorCode.WORLD_CHANGED,
            "This ledger was kept against another 1Click, by BALLAST_ONECLICK_URL: set it again.",
        )
    if in_use and known is not None and not places.devnet.exists():
        raise BallastError(
            ErrorCode.WORLD_CHANGED,
            f"The ledger holds indexes, but its devnet file {places.devnet} is missing.",
        )
    options = DevnetOptions(
        market=settings.market,
        seed=settings.market_seed,
        replay_path=settings.market_file,
        speed=settings.market_speed,
    )
    try:
        devnet = open_devnet(places.devnet, options)
    except DevnetError as error:
        raise _refusal(error) from None
    stack.callback(devnet.close)
    _tell_speed(settings, devnet)
    await _same_world(store, places, devnet.network_id, known, in_use)
    return devnet


def has_accounts(places: Places) -> bool:
    """Whether the devnet of this data directory has been used.

    Raises:
        BallastError: `settings_invalid` for a file that is no devnet's, or cannot be read.
    """
    if not places.devnet.exists():
        return False
    from ballast import devnet

    try:
        return devnet.has_accounts(places.devnet)
    except devnet.DevnetError as error:
        raise _refusal(error) from None


def _refusal(error: DevnetError) -> BallastError:
    refusal = BallastError(ErrorCode.SETTINGS_INVALID, str(error))
    return refusal.advising(error.next_step or refusal.next_step)


def _tell_speed(settings: Settings, devnet: Devnet) -> None:
    """The speed counts when the world is made; afterwards its own clock rules."""
    if (
        "market_speed" in settings.model_fields_set
        and devnet.clock.speed() != settings.market_speed
    ):
        log.warning(
            "market_speed_not_taken",
            setting="BALLAST_MARKET_SPEED",
            speed_of_this_world=str(devnet.clock.speed()),
            change_it="ballast devnet clock --speed",
        )


async def _same_world(
    store: Store, places: Places, network_id: str, known: str | None, in_use: bool
) -> None:
    if known == network_id:
        return
    if known is not None and in_use:
        raise BallastError(
            ErrorCode.WORLD_CHANGED,
            f"The devnet file {places.devnet} is not the one this ledger was kept against.",
        )
    async with store.transaction() as tx:
        await tx.put_meta(NETWORK_KEY, network_id)


async def note_world_elsewhere(store: Store) -> None:
    """Remember that this ledger's world is elsewhere, unless it began on the embedded devnet."""
    if await _meta(store, NETWORK_KEY) is None:
        async with store.transaction() as tx:
            await tx.put_meta(NETWORK_KEY, ELSEWHERE)


async def _meta(store: Store, key: str) -> str | None:
    async with store.read() as reader:
        return await reader.get_meta(key)
