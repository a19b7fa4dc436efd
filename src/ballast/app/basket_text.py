"""A basket as people write it: "BTC 40, ETH 30, USDC 30"."""

from __future__ import annotations

import re
from typing import Any, Final

_WEIGHTED: Final = re.compile(r"(?P<first>.+?)\s*[\s=:]\s*(?P<last>[^\s=:]+)")
_NUMBER: Final = re.compile(r"[0-9]+([.][0-9]+)?%?")
_SPACE_BEFORE_PERCENT: Final = re.compile(r"\s+%")


def basket_of_text(value: Any) -> Any:
    """Text as the list of targets it stands for, commas or semicolons between them; anything else
    as it is.

    Raises:
        ValueError: for a number alone, as a decimal comma leaves one behind.
    """
    if not isinstance(value, str) or value.lstrip()[:1] in ("[", "{"):
        return value
    pieces = value.split(";" if ";" in value else ",")
    return [_target(piece.strip()) for piece in pieces if piece.strip()]


def _target(piece: str) -> dict[str, str]:
    """`USDC on Base 10%` and `10 % USDC`: the asset and its weight, in either order."""
    piece = _SPACE_BEFORE_PERCENT.sub("%", piece)
    if _NUMBER.fullmatch(piece):
        raise ValueError(
            f"has {piece[:20]} standing alone: a comma separates entries, so decimals need a "
            "point, such as 33.5"
        )
    found = _WEIGHTED.fullmatch(piece)
    if found is None:
        return {"asset": piece}
    if _NUMBER.fullmatch(found["first"]) and not _NUMBER.fullmatch(found["last"]):
        return {"asset": found["last"], "percent": found["first"]}
    return {"asset": found["first"], "percent": found["last"]}
