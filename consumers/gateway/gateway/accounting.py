"""Where the end of a request is written: against a hold, or in the log alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

import structlog

from gateway.ledger import Entry, Hold, Ledger
from gateway.prices import Price, cost, estimate
from gateway.settlement import Ending, Outcome

_LOG = structlog.get_logger(__name__)
UsagePolicy = Literal["estimate", "fail", "allow_free"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """Nobody is charged here: the tenant pays its vendor itself."""

    ledger: Ledger
    entry: Entry

    async def close(self, outcome: Outcome) -> None:
        """Log the end; raises DatabaseUnavailableError."""
        await self.ledger.record(_told(self.entry, outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgeted:
    """A hold on a user's budget, which ends as a charge or is given back."""

    ledger: Ledger
    hold: Hold
    price: Price | None
    characters: int
    policy: UsagePolicy
    entry: Entry

    async def close(self, outcome: Outcome) -> None:
        """Charge or give back, with the log; raises DatabaseUnavailableError."""
        entry = _told(self.entry, outcome)
        amount = self._amount(outcome)
        if amount is None:
            await self.ledger.release(self.hold, entry)
        else:
            await self.ledger.settle(self.hold, amount, entry)

    def _amount(self, outcome: Outcome) -> Decimal | None:
        """Return what is charged, or None where the hold is given back."""
        if outcome.ending is Ending.FAILURE:
            return None
        if self.price is not None and outcome.usage is not None:
            return cost(self.price, outcome.usage)
        if outcome.ending is Ending.ABANDONED:
            return self._streamed(outcome)
        return self._without_usage()

    def _streamed(self, outcome: Outcome) -> Decimal | None:
        if self.policy == "allow_free" or self.price is None or not outcome.characters:
            return None
        return estimate(self.price, self.characters, outcome.characters // 4)

    def _without_usage(self) -> Decimal | None:
        if self.policy == "allow_free":
            return None
        if self.policy == "fail":
            _LOG.error("usage_missing", provider=self.entry.provider, model=self.entry.model)
        return self.hold.amount


def _told(entry: Entry, outcome: Outcome) -> Entry:
    done = replace(entry, status=outcome.status, error=outcome.error)
    usage = outcome.usage
    if usage is None:
        return done
    return replace(
        done,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
    )
