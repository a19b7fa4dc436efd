"""Settings: environment variables whose names begin with BALLAST_."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ballast.core.schedule import schedule_problem, zone_named
from ballast.settings.shapes import SHAPES

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
DOLLARS: Final = r"^[1-9][0-9]{0,11}$"


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
        Field(pattern=DOLLARS, description="Most dollars of one swap; in live mode set it."),
    ] = None
    limit_day_usd: Annotated[
        str | None,
        Field(pattern=DOLLARS, description="Most dollars in 24 hours; in live mode set it."),
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
        Field(description="Addresses or networks of proxies whose X-Forwarded headers are true."),
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

    @field_validator(*SHAPES)
    @classmethod
    def _of_its_shape(cls, value: object, info: ValidationInfo) -> object:
        fits, needed = SHAPES[str(info.field_name)]
        for one in value if isinstance(value, tuple) else (value,):
            text = one.get_secret_value() if isinstance(one, SecretStr) else str(one)
            if one is not None and not fits(text):
                raise ValueError(needed)
        return value

    @field_validator("data_dir")
    @classmethod
    def _somebodys_home(cls, value: Path | None) -> Path | None:
        try:
            return value and value.expanduser()
        except RuntimeError:
            raise ValueError("nobody of the name after ~ has a home here") from None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            zone_named(value)
        except ValueError:
            raise ValueError("a zone of the IANA database is needed") from None
        return value

    @field_validator("monitor_schedule")
    @classmethod
    def _sound_schedule(cls, value: str) -> str:
        problem = schedule_problem(value)
        if problem:
            raise ValueError(f"it {problem}")
        return value

    @property
    def home(self) -> Path:
        """The folder of this mode: paper and live never share a file."""
        return self.root / self.mode

    @property
    def root(self) -> Path:
        """The data directory."""
        if self.data_dir is not None:
            return self.data_dir
        from platformdirs import user_data_path

        return user_data_path("ballast", appauthor=False)

    @property
    def uses_embedded_devnet(self) -> bool:
        """Whether the outside world is the devnet inside this process."""
        return self.mode == "paper" and self.oneclick_url is None
