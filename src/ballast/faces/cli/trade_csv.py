"""Trades as CSV: every field of the data, one line a swap."""

from __future__ import annotations

import csv
import io

from ballast.app.views import SwapView
from ballast.faces.answers import Answer


def trades_csv(answer: Answer) -> str:
    """A page of trade_history as CSV (RFC 4180) with a line of headings. Amounts are exact text;
    a cell that a spreadsheet would take for a formula is led by an apostrophe."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(SwapView.model_fields))
    writer.writeheader()
    for swap in answer["swaps"]:
        writer.writerow({name: cell(value) for name, value in swap.items()})
    return text.getvalue()


def cell(value: object) -> str:
    """A value as one cell."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
