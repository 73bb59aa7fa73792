"""What the bodies of our own routes hold."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StrictInt,
    StringConstraints,
)

from gateway.addresses import checked_base_url

# PostgreSQL has no NUL in a text, and a lone surrogate is no character.
_PLAIN = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_PLAIN)
]
# Runtimes are compared exactly: not even a space is taken off.
RuntimeName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PLAIN)]
# It stands in a path, so it holds no slash and is no dot segment.
RunName = Annotated[
    str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@:+=|-]*$")
]
Text = Annotated[str, StringConstraints(max_length=1000, pattern=_PLAIN)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,127}$")]
BaseUrl = Annotated[str, StringConstraints(max_length=2000), AfterValidator(checked_base_url)]


def _checked_value(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.strip() or len(text) > 65536:
        raise ValueError("a secret holds 1 to 65,536 characters, not all of them blank")
    if not text.isprintable():
        raise ValueError("a secret holds no control characters")
    return value


SecretValue = Annotated[SecretStr, AfterValidator(_checked_value)]
Variables = Annotated[dict[VariableName, SecretValue], Field(max_length=100)]
Protocol = Literal["openai", "anthropic"]
Lifetime = Annotated[StrictInt, Field(gt=0, le=31_536_000)]
Mode = Literal["platform_managed", "byok", "disabled"]


class Shape(BaseModel):
    """A body: unknown members are refused, so that a misspelt one is not lost."""

    model_config = ConfigDict(extra="forbid")


class WorkspaceWanted(Shape):
    """A workspace to create."""

    name: Name
    runtime: RuntimeName
    model: str | None = None
    user: Name | None = None
    secrets: Variables = {}


class BillingShown(Shape):
    """Who pays for a workspace, what that was taken from, and the provider behind it."""

    mode: Mode
    source: str
    override: str | None
    provider: str | None


class WorkspaceShown(Shape):
    """A workspace."""

    id: str
    name: str
    runtime: str
    model: str
    user: str | None
    created_at: datetime
    billing: BillingShown


class OverrideWanted(Shape):
    """An override of who pays; null clears it."""

    override: Text | None


class SecretWanted(Shape):
    """The value of a global secret; it is never returned."""

    value: SecretValue


class ModelShown(Shape):
    """One id of a runtime's menu: its provider, who pays, and the names that open it."""

    id: str
    provider: str
    is_platform: bool
    auth_env: list[str]


class TokenWanted(Shape):
    """What a new token opens: one protocol or both, for so many seconds or until it ends."""

    wire: Protocol | None = None
    expires_in: Lifetime | None = None


class SessionResumed(TokenWanted):
    """What a resumed session brings anew."""

    env: Variables = {}


class SessionWanted(SessionResumed):
    """A session to start; `env` are variables that it brings of its own."""

    workspace: Name
    base_urls: dict[Protocol, BaseUrl] = {}


class SessionShown(Shape):
    """A session, and the environment for its guest; the token in it is shown this once."""

    id: str
    workspace: str
    runtime: str
    model: str
    provider: str
    is_active: bool
    environment: dict[str, str] = {}


class RunWanted(TokenWanted):
    """A run of a session."""

    run: RunName


class RunShown(Shape):
    """A run's own token, shown this once; null where nobody pays for models."""

    run: str
    token: str | None
