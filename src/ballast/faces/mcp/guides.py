"""What the server tells a model about itself, and the prompts a person can pick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

_WORKFLOW: Final = """\
Ballast keeps crypto indexes (baskets with target weights) in balance; swaps run on NEAR Intents.
Workflow: create_index, deposit_address, get_progress until it is invested; later get_drift,
preview_rebalance, show the plan to the owner, and only if they agree rebalance_index with its
plan_id, then get_progress until done is true. explain says why something was traded or not.
Start with list_indexes to find an index_id. Ids look like idx_…, pln_…, reb_…, dep_….
Percentages, dollars and whole tokens are text, exact as written; fields that end in _units are
base units. Each answer has a next_step; so does each error, whose details say what to change.
Repeating a call is safe. After an unclear failure look with get_progress before starting anew."""

_MODES: Final[Mapping[str, str]] = {
    "paper": "This server is in PAPER mode: money and trades are simulated, nothing real moves. "
    "send_paper_deposit plays the outside wallet. Always say that it is paper.",
    "live": "This server is in LIVE mode: trades move real money. Never start one that the owner "
    "has not seen priced and agreed to.",
}


def instructions(mode: str) -> str:
    """The server's instructions: workflow, units, and whether the money is real."""
    return f"{_WORKFLOW}\n{_MODES[mode]}"


@dataclass(frozen=True, slots=True)
class Argument:
    """Something a person may fill in; never required."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Guide:
    """A prompt: what a person wants, said so that a model uses the tools well.

    Attributes:
        write: the prompt's text from the arguments given; what is left out is "".
    """

    name: str
    title: str
    description: str
    argument: Argument
    write: Callable[[str], str]


def _create(wish: str) -> str:
    basket = f" What I have in mind: {wish}." if wish else ""
    return (
        f"Help me set up a crypto index with Ballast.{basket}\n"
        "1. Settle the assets and their weights with me, 100 % together, and the name. Check with "
        "list_assets that each asset exists, and tell me which chain a symbol stands for.\n"
        "2. Explain the default policy in a sentence (I am told when an asset leaves a band of "
        "20 % of its target, and nothing is sold) and ask whether Ballast may trade by itself "
        "then (auto=trade), or whether I want another policy.\n"
        "3. Call create_index, then ask how much I want to put in, and call deposit_address.\n"
        "4. Tell me whether this is paper or live. In paper mode offer send_paper_deposit.\n"
        "5. Follow with get_progress until it is invested, and show me what the index holds."
    )


def _review(index: str) -> str:
    which = f"the index {index}" if index else "my indexes (list_indexes)"
    return (
        f"Review {which} with Ballast. Use get_index and get_drift: what it is worth, how far each "
        "asset is from its target, and which bands are breached. Use explain for the last thing it "
        "did, and trade_history for the latest swaps. Sum it up in a small table and two or three "
        "sentences. Say whether it is paper or live. Do not start any trade."
    )


def _rebalance(index: str) -> str:
    which = f"the index {index}" if index else "the index I name (list_indexes shows them)"
    return (
        f"Rebalance {which} with Ballast.\n"
        "1. Show me its drift with get_drift.\n"
        "2. Call preview_rebalance and show me each swap, the cost in dollars and percent, the "
        "drift before and after, and how it compares to going through the base asset.\n"
        "3. Ask me. Only if I clearly agree, call rebalance_index with that plan_id. If the plan "
        "has expired meanwhile, preview again and show me the new one.\n"
        "4. Follow with get_progress until done is true, then report what was really swapped."
    )


_INDEX: Final = Argument("index", "Name or id of the index.")

GUIDES: Final[tuple[Guide, ...]] = (
    Guide(
        "create_index_guide",
        "Create an index",
        "Set up and fund an index step by step.",
        Argument("wish", "The basket in your words, such as: 40 % BTC, 30 % ETH, the rest USDC."),
        _create,
    ),
    Guide(
        "review_index_guide",
        "Review an index",
        "How an index stands, without trading.",
        _INDEX,
        _review,
    ),
    Guide(
        "rebalance_index_guide",
        "Rebalance an index",
        "Preview a rebalance, decide, carry it out.",
        _INDEX,
        _rebalance,
    ),
)
