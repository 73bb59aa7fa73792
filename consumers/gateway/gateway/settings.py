"""What a deployment decides, read once from variables that begin with GATEWAY_."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from provider_registry import PROVIDERS
from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.addresses import checked_base_url
from gateway.storage.vault import Vault

MEBIBYTE = 1024 * 1024

BaseUrl = Annotated[str, AfterValidator(checked_base_url)]


class Settings(BaseSettings):
    """One deployment. Every field is a variable: `GATEWAY_` and its name in capitals.

    Secrets are wrapped, so that neither a log nor a traceback shows them.
    """

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", extra="ignore", frozen=True)

    database_url: str = "sqlite:///gateway.db"
    admin_key: SecretStr
    secret_keys: SecretStr
    """Base64 keys of 32 bytes, separated by commas: the first encrypts, all decrypt."""

    mode: Literal["standalone", "platform"] = "standalone"
    control_plane_url: BaseUrl | None = Field(default=None, validate_default=True)
    control_plane_seconds: float = Field(default=5, gt=0)
    """How long the control plane may take to answer."""
    report_seconds: float = Field(default=30, gt=0)
    """How long a report to the control plane is tried again."""
    public_url: BaseUrl = "http://127.0.0.1:8787"

    default_billing_mode: Literal["platform_managed", "byok"] = "platform_managed"
    model_policy: Literal["reject", "warn"] = "reject"
    usage_policy: Literal["estimate", "fail", "allow_free"] = "estimate"
    are_prices_required: bool = False
    default_cap: Decimal | None = None
    requests_per_minute: int | None = Field(default=None, gt=0)

    credentials: dict[str, SecretStr] = {}
    """The least specific layer: names of variables and the keys they hold."""
    base_urls: dict[str, dict[Literal["openai", "anthropic"], BaseUrl]] = {}
    """Other base URLs than the registry's: by provider, then by protocol."""

    body_limit: int = Field(default=32 * MEBIBYTE, gt=0)
    answer_limit: int = Field(default=128 * MEBIBYTE, gt=0)
    connect_seconds: float = Field(default=10, gt=0)
    answer_seconds: float = Field(default=600, gt=0)
    """How long a vendor may take to begin its answer."""
    silence_seconds: float = Field(default=300, gt=0)
    """How long a vendor may be silent in the middle of an answer."""
    settle_seconds: float = Field(default=15, gt=0)
    """How long the end of an answer waits for a database that is away."""
    hold_seconds: float = Field(default=900, gt=0)
    """How long a hold stands that nobody ends, as after a crash."""
    sweep_seconds: float = Field(default=30, gt=0)
    """How often holds that are past their time are given back."""
    head_seconds: float = Field(default=15, gt=0)
    """How long a request's headers may take to arrive."""
    body_seconds: float = Field(default=30, gt=0)
    """How long its body may take, with a second more for each kilobyte."""
    taking_seconds: float = Field(default=300, gt=0)
    """How long a guest may take nothing of its answer."""
    stop_seconds: int = Field(default=20, ge=0)
    """How long answers under way may go on after SIGTERM."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("control_plane_url")
    @classmethod
    def _is_there(cls, url: str | None, others: ValidationInfo) -> str | None:
        if url is None and others.data.get("mode") == "platform":
            raise ValueError("the mode `platform` asks a control plane: give its URL")
        return url

    @field_validator("admin_key")
    @classmethod
    def _is_long(cls, key: SecretStr) -> SecretStr:
        text = key.get_secret_value()
        # Anything else would not come back from a header as it went in.
        is_plain = text.isascii() and text.isprintable() and " " not in text
        if len(text) < 16 or not is_plain:
            raise ValueError("use at least 16 characters, all of them ASCII")
        return key

    @field_validator("secret_keys")
    @classmethod
    def _opens(cls, keys: SecretStr) -> SecretStr:
        Vault(keys.get_secret_value())
        return keys

    @field_validator("base_urls")
    @classmethod
    def _are_providers(cls, urls: dict[str, object]) -> dict[str, object]:
        known = {provider.name for provider in PROVIDERS}
        for name in urls:
            if name not in known:
                raise ValueError(f"{name!r} is no provider of the registry")
        return urls
