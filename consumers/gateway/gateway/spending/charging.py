"""What a request's end costs the user who pays: a pure function of price, policy and outcome."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from gateway.formats.usage import Usage
from gateway.spending.outcomes import Ending, Outcome
from gateway.spending.prices import CHARACTERS_A_TOKEN, Price, cost, estimate

UsagePolicy = Literal["estimate", "fail", "allow_free"]
_FREE = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The price of one request, what is held for it, and what holds where no usage is told.

    `characters` are those of its input. Without a price a request is free.
    """

    price: Price | None
    held: Decimal
    characters: int
    policy: UsagePolicy

    def charge(self, outcome: Outcome) -> Decimal | None:
        """Return what is charged, or None where the hold is given back.

        A failure costs nothing, and neither does an answer of which nothing came before its
        guest went away. Usage that the vendor has told as final is charged. Without it the
        policy decides: a guest that went away pays for what was streamed; one that got its
        answer pays the estimate, and never less than what was streamed is worth, since the
        estimate of a request without a limit holds no output at all.
        """
        if outcome.ending is Ending.FAILURE:
            return None
        if outcome.usage is not None:
            return self._cost(outcome.usage)
        is_abandoned = outcome.ending is Ending.ABANDONED
        if self.policy == "allow_free" or (is_abandoned and not outcome.characters):
            return None
        streamed = self._streamed(outcome)
        return streamed if is_abandoned else max(self.held, streamed)

    def is_error(self, outcome: Outcome) -> bool:
        """Return whether the policy wants an error in the log: usage that nobody told."""
        return (
            self.policy == "fail"
            and outcome.ending is not Ending.FAILURE
            and outcome.usage is None
            and self.charge(outcome) is not None
        )

    def _cost(self, usage: Usage) -> Decimal:
        return _FREE if self.price is None else cost(self.price, usage)

    def _streamed(self, outcome: Outcome) -> Decimal:
        """Return what the request and that much of its answer are worth.

        The input counts as the vendor told it, where it told it at the beginning already.
        """
        if self.price is None:
            return _FREE
        output = -(-outcome.characters // CHARACTERS_A_TOKEN)
        told = outcome.so_far
        if told is None:
            return estimate(self.price, self.characters, output)
        usage = Usage(
            input_tokens=told.input_tokens,
            output_tokens=max(told.output_tokens, output),
            cached_tokens=told.cached_tokens,
            cache_write_tokens=told.cache_write_tokens,
        )
        return cost(self.price, usage)
