"""The settings read from the environment, and everything wrong with them at once."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from ballast.core import forms
from ballast.errors import BallastError, ErrorCode
from ballast.settings.variables import DOLLARS, PREFIX, Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_FORMS: Final = MappingProxyType({DOLLARS: "whole dollars are needed, such as 2500"})
_BOUNDS: Final = MappingProxyType(
    {
        "greater_than": "more than",
        "greater_than_equal": "at least",
        "less_than": "less than",
        "less_than_equal": "at most",
    }
)


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        BallastError: `settings_invalid` with everything wrong at once: unknown names with the
            nearest right one, and values that do not fit. Values are never repeated.
    """
    named = [name for name, value in os.environ.items() if name.startswith(PREFIX) and value]
    problems = [_unknown(name) for name in named if _field(name) not in Settings.model_fields]
    misfits: list[str] = []
    try:
        settings = Settings()
    except ValidationError as error:
        misfits = list(dict.fromkeys(str(item["loc"][0]) for item in error.errors()))
        problems += [_misfit(str(item["loc"][0]), _rule(item)) for item in error.errors()]
        # The rest is looked at as if those were not set.
        settings = Settings(**{name: Settings.model_fields[name].default for name in misfits})
    problems += _apart_from(misfits, _together(settings))
    if problems:
        raise BallastError(
            ErrorCode.SETTINGS_INVALID, " ".join(dict.fromkeys(problems)), problems=problems
        )
    return settings


def _apart_from(misfits: Collection[str], problems: list[str]) -> list[str]:
    """Without those about a setting whose value does not fit: nobody knows yet what it will be."""
    about = {f"{PREFIX}{name.upper()}" for name in misfits}
    return [one for one in problems if about.isdisjoint(re.findall(r"[A-Z_]+", one))]


def _field(name: str) -> str:
    return name.removeprefix(PREFIX).lower()


def _unknown(name: str) -> str:
    # The prefix, which all have, would make everything look alike.
    near = difflib.get_close_matches(_field(name), list(Settings.model_fields), n=1)
    known = [PREFIX + field.upper() for field in near or Settings.model_fields]
    hint = f" Did you mean {known[0]}?" if near else f" Known are: {', '.join(known)}."
    return f"{name[:60]} is not a setting of Ballast.{hint}"


def _rule(item: ErrorDetails) -> str:
    """Which rule a value has broken; the value itself is not repeated."""
    bounds = item.get("ctx", {})
    match item["type"]:
        case "int_parsing" | "int_type" | "int_from_float":
            return "a whole number is needed"
        case "decimal_parsing" | "decimal_type" | "finite_number":
            return "a number is needed"
        case "bool_parsing" | "bool_type":
            return "true or false is needed"
        case "string_pattern_mismatch":
            return _FORMS.get(str(bounds.get("pattern")), "it has another form")
        case "value_error":
            # Our own words, said by the checks above.
            return str(bounds.get("error", ""))
        case kind if kind in _BOUNDS:
            return f"it must be {_BOUNDS[kind]} {next(iter(bounds.values()))}"
        case _:
            return ""


def _misfit(field: str, rule: str) -> str:
    described = Settings.model_fields[field]
    choices = getattr(described.annotation, "__args__", ())
    words = [one for one in choices if isinstance(one, str)]
    allowed = f" It is one of {', '.join(words)}." if words else ""
    broken = f"{rule}. " if rule else ""
    return f"{PREFIX}{field.upper()} does not fit: {broken}{described.description}{allowed}"


def _together(settings: Settings) -> list[str]:
    problems = []
    if settings.webhook_loopback and settings.mode == "live":
        problems.append(
            "BALLAST_WEBHOOK_LOOPBACK is for paper mode: with real money receivers are elsewhere."
        )
    if settings.market_file is not None and settings.market != "replay":
        problems.append(
            "BALLAST_MARKET_FILE holds prices to replay: set BALLAST_MARKET=replay with it."
        )
    apart = (settings.oneclick_url is None) != (not settings.near_rpc_urls)
    if apart and settings.mode == "paper":
        problems.append(
            "BALLAST_ONECLICK_URL and BALLAST_NEAR_RPC_URLS belong together: set both or neither."
        )
    if (settings.oauth == "external") != (settings.oauth_issuer is not None):
        problems.append(
            "BALLAST_OAUTH=external and BALLAST_OAUTH_ISSUER belong together: set both or neither."
        )
    if (settings.http_tls_certificate is None) != (settings.http_tls_key is None):
        problems.append(
            "BALLAST_HTTP_TLS_CERTIFICATE and BALLAST_HTTP_TLS_KEY belong together: set both."
        )
    if settings.http_url is not None and (problem := sign_in_problem(settings, settings.http_url)):
        problems.append(problem)
    if settings.engine == "workers" and settings.database_url is None:
        problems.append("BALLAST_ENGINE=workers needs BALLAST_DATABASE_URL.")
    if "near" in settings.publish and None in (settings.near_account_id, settings.near_secret_key):
        problems.append(
            "Publishing by near needs BALLAST_NEAR_ACCOUNT_ID and BALLAST_NEAR_SECRET_KEY."
        )
    if settings.second_prices != "off" and settings.uses_embedded_devnet:
        problems.append(
            "BALLAST_SECOND_PRICES checks real prices; the embedded devnet, which stands in "
            "without BALLAST_ONECLICK_URL, makes its own."
        )
    return problems


def sign_in_problem(settings: Settings, url: str) -> str | None:
    """Why nobody may sign in at an address with a web page, if it is so: what is typed there, and
    the tokens that come of it, would cross the network in clear text."""
    if settings.oauth != "embedded" or forms.is_private_to_this_machine(url):
        return None
    return (
        "BALLAST_OAUTH=embedded needs TLS wherever others reach it: let BALLAST_HTTP_URL "
        "be the https:// address that your reverse proxy or your certificate answers to, or set "
        "BALLAST_OAUTH=off and use keys (ballast apikey create)."
    )
