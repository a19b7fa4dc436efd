"""An app: settings, store, outside and keys, opened and joined; without the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from ballast.bootstrap.database import open_database
from ballast.bootstrap.leader import leader_in
from ballast.bootstrap.live import WIDENING_DELAY, default_limits, live_problems
from ballast.bootstrap.machine import Machine, Wire, straight
from ballast.bootstrap.observing import watchers_of
from ballast.bootstrap.outside import embedded_outside, network_outside, second_prices
from ballast.bootstrap.places import Places, make_home
from ballast.bootstrap.sign_in import opened_sign_in
from ballast.bootstrap.world import note_world_elsewhere, open_world
from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.adapters.http import HttpLimits
    from ballast.app.app import App
    from ballast.app.engine.leader import Leader
    from ballast.app.ports import Clock, Ids, Store, Vault

_LOOPBACK: Final = (
    "set BALLAST_WEBHOOK_LOOPBACK=true (paper mode only) for every process of Ballast, start them "
    "again, then call again."
)


@asynccontextmanager
async def opened_app(
    settings: Settings,
    *,
    way: Callable[[Wire], Wire] = straight,
    limits: HttpLimits | None = None,
    machine: Machine | None = None,
    ready: bool = True,
) -> AsyncIterator[App]:
    """Open everything, without starting the engine; closes in the reverse order.

    Args:
        way: what requests to the embedded devnet pass through; tests and simulations lose answers
            there.
        limits: how long and how often the venue and its nodes are asked; in real seconds, which a
            simulation has none to spare of.
        machine: what a simulation puts in the place of this machine.
        ready: whether live mode must be ready; only what makes it ready may say no.

    Raises:
        BallastError: whatever keeps it from opening, by its code.
    """
    async with AsyncExitStack() as stack:
        app = await _open(settings, stack, way, limits, machine or Machine())
        if settings.mode == "live" and ready:
            from ballast.app.readiness import require_live_ready

            await require_live_ready(app.store, app.vault, live_problems(settings))
        yield app


async def _open(
    settings: Settings,
    stack: AsyncExitStack,
    way: Callable[[Wire], Wire],
    limits: HttpLimits | None,
    machine: Machine,
) -> App:
    from ballast.adapters.halting import FileHaltOrders
    from ballast.adapters.http import ReceiverPoster
    from ballast.adapters.local import SystemClock, SystemIds
    from ballast.adapters.notify import AppriseNotifier
    from ballast.adapters.prices import VenuePrices
    from ballast.adapters.webhooks import HttpReceivers
    from ballast.app.app import App
    from ballast.app.auditing import open_seal
    from ballast.app.engine import EngineStatus

    places, wall, observer = make_home(settings), SystemClock(), watchers_of(settings, stack)
    store = await open_database(settings, places, machine)
    stack.push_async_callback(store.close)
    if settings.uses_embedded_devnet:
        devnet = await open_world(settings, places, store, await _has_indexes(store), stack)
        outside = embedded_outside(
            settings, devnet, stack, way, limits, store, machine.clock, observer
        )
    else:
        outside = network_outside(settings, stack, limits, store, observer)
        await note_world_elsewhere(store)
    second = second_prices(settings, observer)
    prices = VenuePrices(
        outside.venue, outside.clock, second=second, log=store.price_log(), observer=observer
    )
    # Pushed last, so closed first: what is being kept still finds the store open.
    stack.push_async_callback(prices.close)
    receivers = HttpReceivers(
        ReceiverPoster(
            loopback=settings.webhook_loopback,
            loopback_is_allowed_by="" if settings.mode == "live" else _LOOPBACK,
        )
    )
    stack.push_async_callback(receivers.close)
    notifier = AppriseNotifier()
    stack.callback(notifier.close)
    source = {"source": machine.random_bytes} if machine.random_bytes else {}
    ids = SystemIds(outside.clock, **source)
    vault = await _opened_vault(settings, places, store, ids)
    return outside.around.joined(
        App(
            mode=settings.mode,
            clock=outside.clock,
            wall=wall,
            widening_delay=WIDENING_DELAY[settings.mode],
            ids=ids,
            store=store,
            venue=outside.venue,
            prices=prices,
            vault=vault,
            receivers=receivers,
            notifier=notifier,
            outside_wallet=outside.wallet,
            default_limits=default_limits(settings),
            timezone=settings.timezone,
            monitor_schedule=settings.monitor_schedule,
            halt_orders=FileHaltOrders(settings.root, settings.home),
            audit_seal=await open_seal(store, vault, ids, outside.clock),
            engine=EngineStatus(leader=_leader(settings, places, wall)),
            sign_in=opened_sign_in(settings, vault, wall, stack),
            history=second,
            call_ids=_call_ids(machine, wall),
            timekeeper=outside.timekeeper,
            observer=observer,
        )
    )


async def _opened_vault(settings: Settings, places: Places, store: Store, ids: Ids) -> Vault:
    from ballast.adapters.vault import open_vault

    return open_vault(
        places.home,
        settings.master_key.get_secret_value() if settings.master_key else None,
        sealed_under=await _master_keys(store),
        random_bytes=ids.random_bytes,
    )


def _call_ids(machine: Machine, wall: Clock) -> Ids:
    """A source of its own: a simulation draws the same from its dice whoever looks on."""
    from ballast.adapters.local import SystemIds

    return SystemIds(wall, bytes) if machine.random_bytes else SystemIds(wall)


def _leader(settings: Settings, places: Places, wall: Clock) -> Callable[[], Leader | None]:
    from ballast.app.engine.leader import out_of_sight

    if settings.database_url is not None:
        return out_of_sight
    return lambda: leader_in(places.engine_process, wall)


async def _has_indexes(store: Store) -> bool:
    async with store.read() as reader:
        return bool(await reader.owners())


async def _master_keys(store: Store) -> set[str]:
    from ballast.app.master_key import master_keys_in_use

    async with store.read() as reader:
        return await master_keys_in_use(reader)
