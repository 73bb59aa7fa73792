"""Holds on budgets, why one is refused, and what the log keeps of a request."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from decimal import Decimal


class RefusedHoldError(Exception):
    """A hold was not given; the subclass says why. `user` is who asked."""

    def __init__(self, user: str) -> None:
        super().__init__("the hold was refused")
        self.user = user


class UnknownUserError(RefusedHoldError):
    """There is no user of that name."""


class BlockedUserError(RefusedHoldError):
    """The user is blocked."""


class OverBudgetError(RefusedHoldError):
    """What the user has spent and holds leaves no room for the estimate."""


def new_id() -> str:
    """Return a name that nobody else has."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Part of a user's budget that is set aside until a request has ended."""

    id: str
    user: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the log keeps of one request. It never holds a secret."""

    status: int
    id: str = field(default_factory=new_id)
    user: str | None = None
    session: str | None = None
    wire: str | None = None
    model: str | None = None
    provider: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    payer: str | None = None
    error: str | None = None
