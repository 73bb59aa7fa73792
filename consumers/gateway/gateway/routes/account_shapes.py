"""What the bodies of the routes about users and money hold: amounts are texts, never floats."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StringConstraints

from gateway.routes.shapes import Shape
from gateway.storage.money import parse_amount


def _in_range(text: str) -> str:
    parse_amount(text)
    return text


Amount = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,10})?$"),
    AfterValidator(_in_range),
    Field(description="Dollars, as a text like 12.50", examples=["12.50"]),
]
# It stands in paths, so it begins with a letter or a digit and holds no slash.
UserName = Annotated[
    str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@:+=|-]*$")
]
ModelName = Annotated[
    str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")
]
ProviderName = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
PerMinute = Annotated[StrictInt, Field(gt=0, le=1_000_000)]


class UserWanted(Shape):
    """A user to create; what is left out is the deployment's default, null is no limit."""

    id: UserName
    cap: Amount | None = None
    requests_per_minute: PerMinute | None = None


class UserChanged(Shape):
    """What to change of a user; what is left out stays, null takes a limit away."""

    cap: Amount | None = None
    requests_per_minute: PerMinute | None = None
    is_blocked: StrictBool = False


class UserShown(Shape):
    """A user: the cap, what is spent, and what is held for requests under way."""

    id: str
    cap: str | None
    spend: str
    reserved: str
    is_blocked: bool
    requests_per_minute: int | None
    created_at: datetime


class KeyWanted(Shape):
    """A key to mint."""

    expires_in: Annotated[StrictInt, Field(gt=0, le=31_536_000)] | None = None


class KeyShown(Shape):
    """What is known of a key: never the key."""

    fingerprint: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyMinted(KeyShown):
    """A key that was just made, shown this once."""

    key: str


class PriceSet(Shape):
    """Dollars for a million tokens of a model, with one provider or (empty) with any.

    Without a price of their own, cached tokens and those written to a cache cost what input
    costs.
    """

    model: ModelName
    provider: ProviderName = ""
    input: Amount
    output: Amount
    cached: Amount | None = None
    cache_write: Amount | None = None


class RequestShown(Shape):
    """One request of the log."""

    id: str
    at: datetime
    user: str | None
    session: str | None
    wire: str | None
    model: str | None
    provider: str | None
    status: int
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cost: str | None
    payer: str | None
    error: str | None


class RequestPage(Shape):
    """A part of the log; `next` is what `before` takes for the part that follows."""

    requests: list[RequestShown]
    next: str | None
