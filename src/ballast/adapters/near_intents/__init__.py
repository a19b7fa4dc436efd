"""NEAR Intents: swaps through 1Click; balances and nonces from the verifier contract."""

from ballast.adapters.near_intents.client import OneClick
from ballast.adapters.near_intents.contract import VerifierViews
from ballast.adapters.near_intents.given_payload import sign_given
from ballast.adapters.near_intents.near_account import NearAccountPublisher
from ballast.adapters.near_intents.outside_wallet import DevnetWallet
from ballast.adapters.near_intents.publishing import OneClickPublisher, Publisher
from ballast.adapters.near_intents.quote_costs import CostRules
from ballast.adapters.near_intents.quotes import QuoteRules
from ballast.adapters.near_intents.relay import RelayPublisher, SolverRelay
from ballast.adapters.near_intents.venue import NearIntentsVenue, VenueSettings

__all__ = [
    "CostRules",
    "DevnetWallet",
    "NearAccountPublisher",
    "NearIntentsVenue",
    "OneClick",
    "OneClickPublisher",
    "Publisher",
    "QuoteRules",
    "RelayPublisher",
    "SolverRelay",
    "VenueSettings",
    "VerifierViews",
    "sign_given",
]
