"""An opened Ballast: the ports joined, handed to every use case."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from ballast.app.observing import Watchers
from ballast.app.ports import (
    AccessTokens,
    Clock,
    HaltOrders,
    Ids,
    Notifier,
    OutsideWallet,
    Passwords,
    PriceHistory,
    Prices,
    ProviderTokens,
    Receivers,
    Store,
    Vault,
    Venue,
    WalletSignatures,
)
from ballast.app.timekeeping import Timekeeper

if TYPE_CHECKING:
    from ballast.app.engine import EngineStatus
    from ballast.core.audit import Seal
    from ballast.core.limits import Limits


@dataclass(frozen=True, slots=True)
class SignIn:
    """What signing in takes.

    Attributes:
        public_url: where people and clients reach this server; no slash at its end.
        open_to_all: whether strangers may make accounts for themselves.
        grants: whether applications get tokens here, by a page on which a person allows it.
        provider: who else makes tokens for this server; None for nobody.
    """

    passwords: Passwords
    tokens: AccessTokens
    wallets: WalletSignatures
    public_url: str
    open_to_all: bool
    grants: bool
    provider: ProviderTokens | None


@dataclass(slots=True)
class App:
    """Everything a use case may touch.

    Attributes:
        mode: `paper` or `live`; one for the whole process.
        default_limits: what a new index starts with.
        timezone: the owner's, by its IANA name: schedules and quiet hours are read in it.
        monitor_schedule: when all indexes are looked at; a cron expression.
        wall: the machine's own clock, which the paper world's clock does not move.
        widening_delay: how long a new destination waits before it may be used.
        notifier: sends messages to people.
        receivers: those whom owners want to be told of events.
        outside_wallet: in paper mode somebody who can pay a deposit; None in live mode.
        work_waiting: set when a row became due, so that the engine looks at once.
        news: set once something came up in this process that others may want to be told of.
        halt_orders: what was ordered by a file or a signal.
        audit_seal: makes the keyed hash of each row of the audit.
        engine: what the engine of this process is doing.
        history: where prices of the past can be asked for; None when no such source is set up.
        observer: is told what goes on.
        timekeeper: knows whether our clock agrees with that of those whom we ask.
        call_ids: names calls, also those that leave no row behind; apart from `ids`, so that
            looking at something does not change what is made next.
    """

    mode: str
    clock: Clock
    wall: Clock
    widening_delay: timedelta
    ids: Ids
    store: Store
    venue: Venue
    prices: Prices
    vault: Vault
    receivers: Receivers
    notifier: Notifier
    outside_wallet: OutsideWallet | None
    default_limits: Limits
    timezone: str
    monitor_schedule: str
    halt_orders: HaltOrders
    audit_seal: Seal
    engine: EngineStatus
    sign_in: SignIn
    call_ids: Ids
    timekeeper: Timekeeper
    history: PriceHistory | None = None
    observer: Watchers = field(default_factory=Watchers)
    work_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
