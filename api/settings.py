"""Every setting of the service, read once from the environment (`ONEGRID_…`)."""

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic import ValidationError as Invalid
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api.foundation.sealed import Keyring


class SettingsError(RuntimeError):
    """The service cannot start with these settings; the message says which and why."""


def _split(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip())
        if isinstance(value, str)
        else value
    )


NOT_AN_ADDRESS = (
    "the address reads postgresql://role:password@host:port/database; in a password / ? # [ ] @ : "
    "are written with % and two hexadecimal digits"
)


def _postgresql(url: SecretStr) -> SecretStr:
    scheme, separator, rest = url.get_secret_value().partition("://")
    if not separator or scheme not in {"postgresql", "postgres"}:
        raise ValueError("must begin with postgresql://")
    told = f"postgresql://{rest}"
    try:
        cut_short = "@" in urlsplit(told).path
    except ValueError:
        cut_short = True
    if cut_short:  # by a character of the password, which no message may quote
        raise ValueError(NOT_AN_ADDRESS)
    return SecretStr(told)


def _web_address(url: str) -> str:
    where = urlsplit(url)
    if where.scheme not in {"http", "https"} or not where.hostname or where.query or where.fragment:
        raise ValueError("must be an address such as https://onegrid.example")
    return url


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return text


PostgresUrl = Annotated[SecretStr, AfterValidator(_postgresql)]


class DatabaseSettings(BaseSettings):
    """Where the database is: all that migrating needs to know."""

    model_config = SettingsConfigDict(
        env_prefix="ONEGRID_", env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    database_url: PostgresUrl | None = Field(
        default=None,
        description="Service role's address, postgresql://…; without it the embedded server",
    )
    owner_database_url: PostgresUrl | None = Field(
        default=None, description="Owner role's address, for migrations and the making of cells"
    )
    data_folder: Path = Field(
        default=Path(".onegrid"), description="Embedded PostgreSQL and demo secrets"
    )

    @model_validator(mode="after")
    def _service_role_is_named(self) -> Self:
        if self.owner_database_url is not None and self.database_url is None:
            raise ValueError(
                "ONEGRID_OWNER_DATABASE_URL is set, but ONEGRID_DATABASE_URL, the address of the "
                "service role on the same database, is not."
            )
        return self


class Settings(DatabaseSettings):
    """What an operator decides. Secrets have no default: a missing one stops the start."""

    sealing_keys: SecretStr = Field(description="key-id:base64[,older-id:base64…], current first")
    lookup_key: SecretStr = Field(description="base64, 32 bytes: keyed hashes for exact look-up")
    public_url: Annotated[str, AfterValidator(_web_address)] = Field(
        default="http://127.0.0.1:8000", description="Issuer of tokens"
    )
    audience: str = "onegrid"
    access_token_minutes: int = Field(default=15, ge=1, le=60)
    session_days: int = Field(default=30, ge=1, le=365)
    signing_key_overlap_minutes: int = Field(default=10, ge=0, le=1440)
    pool_size: int = Field(default=10, ge=1, le=200, description="Connections per process and door")
    statement_timeout_seconds: int = Field(default=30, ge=1, le=600)
    with_worker: bool = Field(
        default=False, description="Do the background work inside the server, as a small one may"
    )
    body_limit_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    grid_code_pattern: Annotated[str, AfterValidator(_pattern)] = Field(
        default=r"^\d{12}(\d{3})?$", description="Division code plus sequence"
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(), description="Web pages of other origins that may call, separated by commas"
    )
    health_code_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(),
        description="Hosts of health-code systems that may be asked, separated by commas; without "
        "it any that a township's administrator enters, as they lie in private networks",
    )
    forwarded_allow_ips: str = Field(
        default="127.0.0.1", description="Proxies whose X-Forwarded-For is believed"
    )
    held_event_days: int = Field(
        default=30, ge=1, le=365, description="How long an event waits for a person unknown here"
    )
    stop_seconds: int = Field(
        default=20, ge=1, le=300, description="How long requests under way may take when stopping"
    )
    webhook_private_addresses: Annotated[
        tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_split)
    ] = Field(default=(), description="Networks (CIDR) that are not public and may be sent events")
    webhook_plain_http: bool = Field(
        default=False, description="Let events be sent to http:// addresses, without encryption"
    )
    log_level: Annotated[str, AfterValidator(str.upper)] = Field(
        default="INFO", pattern="(?i)^(debug|info|warning|error)$"
    )

    @model_validator(mode="after")
    def _keys_are_whole(self) -> Self:
        self.keyring()
        return self

    def keyring(self) -> Keyring:
        return Keyring.parse(
            self.sealing_keys.get_secret_value(), self.lookup_key.get_secret_value()
        )


S = TypeVar("S", bound=DatabaseSettings)


def load_settings(kind: type[S] = Settings) -> S:
    """Read the environment; raises `SettingsError` with one clear sentence per missing setting."""
    try:
        return kind()
    except Invalid as error:
        lines = [_sentence(each["loc"], each["type"], each["msg"]) for each in error.errors()]
        raise SettingsError("\n".join(lines)) from None


def _sentence(location: tuple[int | str, ...], kind: str, message: str) -> str:
    message = message.removeprefix("Value error, ")
    if not location:
        return message
    name = f"ONEGRID_{location[0]}".upper()
    if kind == "missing":
        return f"{name} is not set. Make one with `onegrid keys secrets` and set it."
    return f"{name} is not usable: {message}."
