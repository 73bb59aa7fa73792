"""How a request ended, and what became of that for the one who pays."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from gateway.formats.usage import Usage
from gateway.refusals import Refusal


class Ending(enum.StrEnum):
    """How a request ended for the one who pays."""

    SUCCESS = "success"
    FAILURE = "failure"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request ended, and what of it can be charged.

    `usage` is what the vendor has told as final; `so_far` the best that it had told by then.
    `characters` are those of the answer that came from the vendor; `status` is the one that
    the guest saw; `error` says in a few words what failed.
    """

    ending: Ending
    usage: Usage | None = None
    so_far: Usage | None = None
    characters: int = 0
    status: int = 200
    error: str | None = None


def failure(refusal: Refusal) -> Outcome:
    """Return the end of a request that was refused."""
    return Outcome(ending=Ending.FAILURE, status=refusal.status, error=refusal.code)


Result = Literal["charged", "released", "logged", "reported", "unreported", "ended_before"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What was written of an end. `cost` is known where somebody here has paid."""

    result: Result
    cost: Decimal | None = None
