"""Why an index was left alone, for every reason there is: each reads as the rest of a sentence."""

from __future__ import annotations

from ballast.app.explain import why_not
from ballast.app.monitor.checking import LASTING, PASSING
from ballast.core.policy import ReasonCode

STARTS_SOMETHING = {
    ReasonCode.BAND_BREACHED,
    ReasonCode.CALENDAR_DUE,
    ReasonCode.PURCHASE_DUE,
}

# "The monitor last looked on … and did not trade, because" …
SENTENCES = {
    "method_none": "its policy never trades by itself",
    "nothing_held": "it holds nothing",
    "not_due": "its next date had not come",
    "within_bands": "every asset was within its band",
    "cooldown": "it was resting after the last rebalance",
    "cost_above_limit": "it would have cost more than the policy allows",
    "below_minimum": "the difference was too little for a swap",
    "auto_off": "its policy does nothing by itself",
    "alerted": "its policy is to tell you, and to leave the trading to a person",
    "quiet_hours": "these were its quiet hours",
    "only_cash": "it holds only cash, and a first purchase is a deposit's or a person's to start",
    "index_paused": "it was paused",
    "rebalance_running": "a rebalance was running",
    "trading_halted": "trading was halted",
    "no_spare_cash": "the recurring purchase found no cash to spend",
    "plan_stale": "the index changed meanwhile",
    "price_unavailable": "a price was frozen",
    "venue_unavailable": "the venue did not answer",
    "venue_refused": "the venue refused",
    "quote_refused": "the venue's offer failed our checks",
    "limit_exceeded": "it would have gone above a spending limit",
    "keys_unavailable": "the key of the index does not open",
    "insufficient_holdings": "there was less to spend than planned",
}


def test_every_reason_for_not_trading_has_words():
    reasons = (set(ReasonCode) - STARTS_SOMETHING) | PASSING | LASTING

    assert {one.value: why_not(one.value) for one in reasons} == SENTENCES
