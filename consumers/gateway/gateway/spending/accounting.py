"""Where the end of a request is written: against a hold, or in the log alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

import structlog

from gateway.spending.charging import Tariff
from gateway.spending.ledger import Entry, Hold, Ledger
from gateway.spending.outcomes import Closing, Ending, Outcome
from gateway.spending.prices import Price, cost
from gateway.storage.money import clamped

_LOG = structlog.get_logger(__name__)
Payer = Literal["platform", "tenant"]
_USAGE_MISSING = "usage_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """Nobody's budget pays for this: a tenant's own key does, or the platform for no user.

    With a price the log says what a request cost the platform.
    """

    ledger: Ledger
    entry: Entry
    payer: Payer
    price: Price | None = None

    async def close(self, outcome: Outcome) -> Closing:
        """Log the end; raises DatabaseUnavailableError."""
        spent = self._cost(outcome)
        await self.ledger.record(_told(self.entry, outcome), spent)
        return Closing(result="logged", cost=spent)

    def _cost(self, outcome: Outcome) -> Decimal | None:
        if self.price is None or outcome.usage is None or outcome.ending is Ending.FAILURE:
            return None
        return clamped(cost(self.price, outcome.usage))


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgeted:
    """A hold on a user's budget, which ends as a charge or is given back."""

    ledger: Ledger
    hold: Hold
    tariff: Tariff
    entry: Entry
    payer: Payer = "platform"

    async def close(self, outcome: Outcome) -> Closing:
        """Charge or give back, with the log; raises DatabaseUnavailableError."""
        amount = self.tariff.charge(outcome)
        if self.tariff.is_error(outcome):
            _LOG.error(_USAGE_MISSING, provider=self.entry.provider, request=self.entry.id)
            outcome = replace(outcome, error=outcome.error or _USAGE_MISSING)
        entry = _told(self.entry, outcome)
        if amount is None:
            return _closed(await self.ledger.release(self.hold, entry), Closing(result="released"))
        ended = await self.ledger.settle(self.hold, amount, entry)
        return _closed(ended, Closing(result="charged", cost=clamped(amount)))


def _closed(is_ours: bool, closing: Closing) -> Closing:
    return closing if is_ours else Closing(result="ended_before")


def _told(entry: Entry, outcome: Outcome) -> Entry:
    """Return the log's entry with what is known; output that is not final is not told."""
    done = replace(entry, status=outcome.status, error=outcome.error)
    usage = outcome.usage or outcome.so_far
    if usage is None:
        return done
    return replace(
        done,
        input_tokens=usage.input_tokens,
        output_tokens=None if outcome.usage is None else usage.output_tokens,
        cached_tokens=usage.cached_tokens,
    )
