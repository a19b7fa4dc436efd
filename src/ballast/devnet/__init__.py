"""A local NEAR Intents: the 1Click service, the verifier contract and the market around them.

It is written from the protocol alone and shares no code with the rest of Ballast, so that it can
be the outside world, and the referee, wherever no real network is wanted.
"""

from ballast.devnet.clock import DomainClock
from ballast.devnet.errors import DevnetError
from ballast.devnet.opening import Devnet, DevnetOptions, has_accounts, open_devnet

__all__ = [
    "Devnet",
    "DevnetError",
    "DevnetOptions",
    "DomainClock",
    "has_accounts",
    "open_devnet",
]
