"""Settings: environment variables whose names begin with BALLAST_."""

from __future__ import annotations

import difflib
import os
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ballast.core.schedule import schedule_problem, zone_named
from ballast.errors import BallastError, ErrorCode

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PREFIX: Final = "BALLAST_"
_RATE: Final = (
    r"^(address|login|read|preview|write|spend)=[1-9][0-9]{0,8}/(second|minute|hour|day)$"
)
_LISTS: Final = (
    "near_rpc_urls",
    "publish",
    "toolsets",
    "http_origins",
    "http_proxies",
    "http_rates",
)
_DOLLARS: Final = r"^[1-9][0-9]{0,11}$"
_FORMS: Final = MappingProxyType({_DOLLARS: "whole dollars are needed, such as 2500"})


class Settings(BaseSettings):
    """Everything that can be set from outside. Each field is BALLAST_ and its name in capitals."""

    # An empty value is no value: that is how many clients write "not set".
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    data_dir: Annotated[
        Path | None,
        Field(description="Where all files lie; the platform's data directory by default."),
    ] = None
    database_url: Annotated[
        SecretStr | None,
        Field(description="Postgres database, as postgresql://…; else a SQLite file is used."),
    ] = None
    engine: Annotated[
        Literal["embedded", "workers"],
        Field(description="Who works: the first process there is, or `ballast worker` ones."),
    ] = "embedded"
    stalled_after_seconds: Annotated[
        int,
        Field(ge=3, le=3_600, description="A worker silent for so long counts as dead."),
    ] = 30
    mode: Annotated[
        Literal["paper", "live"], Field(description="paper trades on the embedded devnet.")
    ] = "paper"
    market: Annotated[
        Literal["simulated", "replay"],
        Field(description="Where the devnet's prices come from; fixed when its file is made."),
    ] = "simulated"
    market_file: Annotated[
        Path | None,
        Field(description="CSV (time, asset, price) for replay; real 2023 prices by default."),
    ] = None
    market_seed: Annotated[
        int, Field(ge=0, lt=2**63, description="Seed of the devnet's market and delays.")
    ] = 1
    market_speed: Annotated[
        Decimal,
        Field(ge=0, le=1_000_000, description="Domain seconds per real second of a new devnet."),
    ] = Decimal(1)
    oneclick_url: Annotated[
        str | None, Field(description="1Click API to talk to instead of the embedded devnet.")
    ] = None
    oneclick_api_key: Annotated[
        SecretStr | None, Field(description="Partner key of the 1Click API.")
    ] = None
    oneclick_manager_key: Annotated[
        str | None, Field(description="ed25519 key that quotes must be signed with, as ed25519:….")
    ] = None
    near_rpc_urls: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="NEAR JSON-RPC nodes, separated by commas."),
    ] = ()
    publish: Annotated[
        tuple[Literal["oneclick", "relay", "near"], ...],
        NoDecode,
        Field(
            min_length=1,
            description="Ways to publish, tried in this order: oneclick, relay, near.",
        ),
    ] = ("oneclick",)
    relay_url: Annotated[
        str | None, Field(description="Solver relay, for publishing by relay.")
    ] = None
    near_account_id: Annotated[
        str | None, Field(description="NEAR account that pays gas, for publishing by near.")
    ] = None
    near_secret_key: Annotated[
        SecretStr | None, Field(description="Its key, as ed25519:…; holds gas money only.")
    ] = None
    second_prices: Annotated[
        Literal["off", "coingecko"],
        Field(description="A second source that prices are checked against."),
    ] = "off"
    coingecko_plan: Annotated[
        Literal["demo", "pro"], Field(description="Plan of the CoinGecko key.")
    ] = "demo"
    coingecko_api_key: Annotated[
        SecretStr | None, Field(description="CoinGecko key; the demo plan works without one.")
    ] = None
    limit_swap_usd: Annotated[
        str | None,
        Field(pattern=_DOLLARS, description="Most dollars of one swap; in live mode set it."),
    ] = None
    limit_day_usd: Annotated[
        str | None,
        Field(pattern=_DOLLARS, description="Most dollars in 24 hours; in live mode set it."),
    ] = None
    timezone: Annotated[
        str, Field(description="IANA zone of your days: schedules, quiet hours (Europe/Berlin).")
    ] = "UTC"
    monitor_schedule: Annotated[
        str, Field(description="When all indexes are looked at; a cron expression.")
    ] = "*/5 * * * *"
    master_key: Annotated[
        SecretStr | None,
        Field(description="32 bytes as hex or base64 that encrypt the keys; else a file is used."),
    ] = None
    toolsets: Annotated[
        tuple[Literal["default", "admin", "webhooks"], ...],
        NoDecode,
        Field(description="Toolsets to list over MCP beside the default one: admin, webhooks."),
    ] = ()
    oauth: Annotated[
        Literal["off", "embedded", "external"],
        Field(description="Who lets MCP clients sign in with a web page: embedded is Ballast."),
    ] = "off"
    oauth_issuer: Annotated[
        str | None,
        Field(
            pattern=r"^https://[A-Za-z0-9.:-]+(/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-])?$",
            description="Issuer of the external provider, such as https://login.example.",
        ),
    ] = None
    registration: Annotated[
        Literal["closed", "open"],
        Field(description="Whether strangers may make accounts of their own over HTTP."),
    ] = "closed"
    http_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[A-Za-z0-9.:\[\]-]+$",
            description="Address at which others reach `ballast serve`, such as https://a.example.",
        ),
    ] = None
    http_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="Web pages that may call it: https://b.example; commas between them."),
    ] = ()
    http_proxies: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="Addresses of reverse proxies whose X-Forwarded headers are true."),
    ] = ()
    http_tls_certificate: Annotated[
        Path | None, Field(description="Certificate chain (PEM) for https without a proxy.")
    ] = None
    http_tls_key: Annotated[Path | None, Field(description="Private key (PEM) of it.")] = None
    http_rates: Annotated[
        tuple[Annotated[str, Field(pattern=_RATE)], ...],
        NoDecode,
        Field(
            description="Calls a credential may make, such as read=600/minute,spend=30/minute; "
            "also preview, write; by address: address, login."
        ),
    ] = ()
    webhook_loopback: Annotated[
        bool,
        Field(description="Paper only: webhooks may go to this machine, also without TLS."),
    ] = False
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="What goes to stderr.")
    ] = "warning"
    log_format: Annotated[
        Literal["json", "text"], Field(description="One object a line, or text for people.")
    ] = "json"

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone_named(value)
        return value

    @field_validator("monitor_schedule")
    @classmethod
    def _sound_schedule(cls, value: str) -> str:
        problem = schedule_problem(value)
        if problem:
            raise ValueError(problem)
        return value

    @property
    def home(self) -> Path:
        """The folder of this mode: paper and live never share a file."""
        return self.root / self.mode

    @property
    def root(self) -> Path:
        """The data directory."""
        if self.data_dir is not None:
            return self.data_dir.expanduser()
        from platformdirs import user_data_path

        return user_data_path("ballast", appauthor=False)

    @property
    def uses_embedded_devnet(self) -> bool:
        """Whether the outside world is the devnet inside this process."""
        return self.mode == "paper" and self.oneclick_url is None


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
    try:
        problems += _together(Settings())
    except ValidationError as error:
        problems += [_misfit(str(item["loc"][0]), _rule(item)) for item in error.errors()]
    if problems:
        raise BallastError(
            ErrorCode.SETTINGS_INVALID, " ".join(dict.fromkeys(problems)), problems=problems
        )
    return Settings()


def _field(name: str) -> str:
    return name.removeprefix(PREFIX).lower()


def _unknown(name: str) -> str:
    known = [PREFIX + field.upper() for field in Settings.model_fields]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else f" Known are: {', '.join(known)}."
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
    if settings.database_url is not None and not _is_postgres(settings.database_url):
        problems.append(
            "BALLAST_DATABASE_URL must be postgresql://user:password@host:5432/database."
        )
    if settings.engine == "workers" and settings.database_url is None:
        problems.append("BALLAST_ENGINE=workers needs BALLAST_DATABASE_URL.")
    if "near" in settings.publish and None in (settings.near_account_id, settings.near_secret_key):
        problems.append(
            "Publishing by near needs BALLAST_NEAR_ACCOUNT_ID and BALLAST_NEAR_SECRET_KEY."
        )
    if settings.second_prices != "off" and settings.uses_embedded_devnet:
        problems.append(
            "BALLAST_SECOND_PRICES checks real prices; the embedded devnet makes its own."
        )
    return problems


def _is_postgres(url: SecretStr) -> bool:
    return url.get_secret_value().startswith(("postgresql://", "postgres://"))
