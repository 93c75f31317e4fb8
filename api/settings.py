"""Every setting of the service, read once from the environment (`ONEGRID_…`)."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic.functional_validators import BeforeValidator

from api.foundation.sealed import Keyring


class SettingsError(RuntimeError):
    """The service cannot start with these settings; the message says which and why."""


def _split(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip())
        if isinstance(value, str)
        else value
    )


class Settings(BaseSettings):
    """What an operator decides. Secrets have no default: a missing one stops the start."""

    model_config = SettingsConfigDict(env_prefix="ONEGRID_", frozen=True, hide_input_in_errors=True)

    database_url: SecretStr | None = Field(
        None, description="Service role's address, postgresql://…; without it the embedded server"
    )
    owner_database_url: SecretStr | None = Field(
        None, description="Owner role's address, used by migrations and cell creation only"
    )
    data_folder: Path = Field(Path(".onegrid"), description="Embedded PostgreSQL and demo secrets")
    sealing_keys: SecretStr = Field(description="key-id:base64[,older-id:base64…], current first")
    lookup_key: SecretStr = Field(description="base64, 32 bytes: keyed hashes for exact look-up")
    public_url: str = Field("http://127.0.0.1:8000", description="Issuer of tokens")
    audience: str = "onegrid"
    access_token_minutes: int = Field(15, ge=1, le=60)
    session_days: int = Field(30, ge=1, le=365)
    signing_key_overlap_minutes: int = Field(10, ge=0, le=1440)
    pool_size: int = Field(10, ge=1, le=200, description="Connections per process and door")
    statement_timeout_seconds: int = Field(30, ge=1, le=600)
    body_limit_bytes: int = Field(4 * 1024 * 1024, ge=1024)
    clock_skew_seconds: int = Field(300, ge=0, description="How far a phone's clock may run ahead")
    grid_code_pattern: str = Field(r"^\d{12}(\d{3})?$", description="Division code plus sequence")
    allowed_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = ()
    forwarded_allow_ips: str = Field(
        "127.0.0.1", description="Proxies whose X-Forwarded-For is believed"
    )
    log_level: str = "INFO"

    @model_validator(mode="after")
    def _keys_are_whole(self) -> Self:
        self.keyring()
        return self

    def keyring(self) -> Keyring:
        return Keyring.parse(
            self.sealing_keys.get_secret_value(), self.lookup_key.get_secret_value()
        )


def load_settings() -> Settings:
    """Read the environment; raises `SettingsError` with one clear sentence per missing setting."""
    try:
        return Settings()  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        lines = [_sentence(each["loc"], each["type"], each["msg"]) for each in error.errors()]
        raise SettingsError("\n".join(lines)) from None


def _sentence(location: tuple[int | str, ...], kind: str, message: str) -> str:
    name = "ONEGRID_" + "_".join(str(part) for part in location).upper()
    if kind == "missing":
        return f"{name} is not set. Make one with `onegrid keys --secrets` and set it."
    return message if not location else f"{name}: {message}"
