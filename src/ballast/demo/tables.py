"""The demo's tables: answers of the server, as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from rich import box
from rich.table import Table

from ballast.demo.chart import date_words
from ballast.demo.outcome import BookLine, Outcome, Rebalanced

Answer = dict[str, Any]

# Whole units are shown with this many decimals, cut and not rounded: never more than there is.
_SHOWN_DECIMALS: Final = 6


def short(amount: str | None) -> str:
    """An amount of whole units, cut to six decimals; "-" for none."""
    if amount is None:
        return "-"
    whole, _, decimals = amount.partition(".")
    kept = decimals[:_SHOWN_DECIMALS].rstrip("0")
    return f"{int(whole):,}" + (f".{kept}" if kept else "")


def money(text: str | None) -> str:
    """Dollars with their sign and thousands separated; "-" for none."""
    if text is None:
        return "-"
    whole, _, cents = text.partition(".")
    return f"${int(whole):,}.{cents}" if cents else f"${int(whole):,}"


def price(text: str | None) -> str:
    """A price in dollars: cents from ten dollars on, below that hundredths of a cent."""
    if text is None:
        return "-"
    usd = Decimal(text)
    return f"${usd:,.2f}" if usd >= 10 else f"${usd:.4f}"


def _table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="dim", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for heading in left:
        table.add_column(heading, no_wrap=True)
    for heading in right:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def holdings_table(index: Answer) -> Table:
    """What an index holds."""
    table = _table("Holdings", ["Asset", "Chain"], ["Amount", "Value", "Weight", "Target"])
    for one in index["holdings"]:
        table.add_row(
            one["symbol"],
            one["chain"],
            short(one["amount"]),
            money(one["value_usd"]),
            f"{one['weight_percent'] or '0.00'} %",
            f"{one['target_percent']} %",
        )
    return table


def drift_table(drift: Answer) -> Table:
    """How far each asset is from its target."""
    table = _table("Drift", ["Asset"], ["Price", "Weight", "Target", "Drift", "Band", "Outside"])
    for one in sorted(drift["assets"], key=lambda asset: not asset["breached"]):
        table.add_row(
            one["symbol"],
            price(one["price_usd"]),
            f"{one['weight_percent']} %",
            f"{one['target_percent']} %",
            one["drift_percent"],
            f"±{one['band_percent']}",
            "yes" if one["breached"] else "",
            style="bold red" if one["breached"] else "",
        )
    return table


def plan_table(plan: Answer) -> Table:
    """The swaps of a plan with their costs."""
    table = _table("Plan", ["Sell", "Buy"], ["You give", "You get about", "Value", "Fee, spread"])
    for one in plan["swaps"]:
        table.add_row(
            one["sell"],
            one["buy"],
            short(one["sell_amount"]),
            short(one["expected_amount"]),
            money(one["value_usd"]),
            money(one["fee_usd"]),
        )
    return table


def fills_table(progress: Answer) -> Table:
    """What the swaps of a rebalance gave."""
    table = _table("Swaps", ["Sold", "Bought", "State"], ["Gave", "Quoted", "Got"])
    for one in progress["swaps"]:
        table.add_row(
            one["sell"],
            one["buy"],
            one["state"],
            short(one["sell_amount"]),
            short(one["expected_amount"]),
            short(one["buy_amount"]),
        )
    return table


def policies_table(indexes: Iterable[Answer]) -> Table:
    """What each of some indexes does by itself, in the server's own words."""
    table = _table("By itself", ["Index"], [])
    table.add_column("What it does")
    for one in indexes:
        table.add_row(one["name"], one["by_itself"])
    return table


def rebalances_table(rebalances: Iterable[Rebalanced]) -> Table:
    """Every rebalance of a story, beside the same change made through USDC."""
    table = _table(
        "Rebalances", ["Date", "Outside"], ["Value", "Swaps", "via USDC", "Cost", "via USDC"]
    )
    for one in rebalances:
        comparison = one.plan["comparison"]
        table.add_row(
            date_words(one.at),
            ", ".join(one.outside),
            money(one.plan["value_usd"]),
            str(comparison["swaps"]),
            str(comparison["swaps_through_base"]),
            money(comparison["fee_usd"]),
            money(comparison["fee_usd_through_base"]),
        )
    return table


def books_table(outcomes: Iterable[Outcome]) -> Table:
    """The ledger beside the venue's books, in base units."""
    table = _table(
        "Ledger against the devnet's books, in base units",
        ["Story", "Asset"],
        ["Ledger", "Devnet", "Difference"],
    )
    for outcome in outcomes:
        for number, line in enumerate(outcome.books):
            table.add_row(
                outcome.name if number == 0 else "",
                line.symbol,
                f"{line.ledger_units}",
                f"{line.venue_units}",
                _difference(line),
                style="" if line.agrees else "bold red",
            )
        table.add_section()
    return table


def _difference(line: BookLine) -> str:
    return "equal" if line.agrees else f"{line.venue_units - line.ledger_units:+d}"


def savings_table(outcomes: Iterable[Outcome]) -> Table:
    """Swaps and costs of all rebalances, beside the same changes made through USDC."""
    table = _table(
        "Rebalances against the same plans through USDC",
        ["Story"],
        ["Rebalances", "Swaps", "via USDC", "Cost", "via USDC", "Saved"],
    )
    for outcome in outcomes:
        table.add_row(
            outcome.name,
            str(len(outcome.rebalances)),
            str(outcome.total("swaps")),
            str(outcome.total("swaps_through_base")),
            f"${outcome.total('fee_usd')}",
            f"${outcome.total('fee_usd_through_base')}",
            f"{outcome.saved_percent()} %",
        )
    return table
