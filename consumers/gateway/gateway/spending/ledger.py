"""Holds on budgets, and how each of them ends: once, with its entry in the log."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

from gateway.spending import bookkeeping
from gateway.spending.holds import (
    BlockedUserError,
    Entry,
    Hold,
    OverBudgetError,
    RefusedHoldError,
    UnknownUserError,
    new_id,
)
from gateway.storage import moments
from gateway.storage.database import Database, DatabaseUnavailableError
from gateway.storage.money import clamped
from gateway.storage.schema import HoldStatus

__all__ = [
    "BlockedUserError",
    "Entry",
    "Hold",
    "Ledger",
    "OverBudgetError",
    "RefusedHoldError",
    "UnknownUserError",
    "new_id",
]

LIFETIME = timedelta(minutes=15)


class Ledger:
    """The only code that changes what users have spent and hold.

    Every method raises DatabaseUnavailableError. A method that was begun goes on to its end
    when its caller is cancelled: a hold is never half given, and never half ended.
    """

    def __init__(
        self,
        database: Database,
        clock: moments.Clock = moments.now,
        lifetime: timedelta = LIFETIME,
    ) -> None:
        self._database = database
        self._clock = clock
        self._lifetime = lifetime
        self._orphans: set[asyncio.Task[None]] = set()

    async def reserve(self, user: str, estimate: Decimal) -> Hold:
        """Set an estimate aside, if it is negative nothing, and return the hold.

        The rule: what is spent and held lies under the cap, and with the estimate not over
        it. Raises UnknownUserError, BlockedUserError, OverBudgetError.
        """
        hold = Hold(id=new_id(), user=user, amount=clamped(estimate))
        at = self._clock()
        given = self._database.begin(
            lambda connection: bookkeeping.reserve(connection, hold, at, at + self._lifetime),
            is_one_statement=True,
        )
        try:
            await asyncio.shield(given)
        except asyncio.CancelledError:
            self._give_back_after(given, hold)
            raise
        return hold

    async def settle(self, hold: Hold, cost: Decimal, entry: Entry) -> bool:
        """End a hold with a charge, and log it; return whether this call ended it.

        A hold that has expired only adds to what is spent. One that has ended already stays
        as it is, and nothing is logged. A cost is rounded, and never less than 0.
        """
        return await self._end(hold, HoldStatus.SETTLED, clamped(cost), entry)

    async def release(self, hold: Hold, entry: Entry | None) -> bool:
        """End a hold without a charge, and log it; return whether this call ended it."""
        return await self._end(hold, HoldStatus.RELEASED, None, entry)

    async def record(self, entry: Entry, cost: Decimal | None = None) -> None:
        """Log a request that had no hold; what it cost changes nobody's budget.

        An entry that is in the log already stays as it is.
        """
        at, charge = self._clock(), None if cost is None else clamped(cost)
        await self._database.write(
            lambda connection: bookkeeping.record(connection, entry, at, charge),
            is_one_statement=True,
        )

    async def sweep(self) -> int:
        """Expire the holds that are past their time, and return how many there were.

        Safe to run in several processes at once: each hold is given back by one of them.
        """
        at = self._clock()
        total = 0
        while count := await self._database.write(
            lambda connection: bookkeeping.sweep(connection, at)
        ):
            total += count
        return total

    async def _end(
        self, hold: Hold, end: HoldStatus, charge: Decimal | None, entry: Entry | None
    ) -> bool:
        at = self._clock()
        return await self._database.write(
            lambda connection: bookkeeping.end(connection, hold, end, charge, entry, at),
            is_one_statement=True,
        )

    async def close(self) -> None:
        """Wait until the holds are back whose callers were cancelled."""
        await asyncio.gather(*self._orphans)

    def _give_back_after(self, given: asyncio.Task[None], hold: Hold) -> None:
        task = asyncio.ensure_future(self._give_back(given, hold))
        self._orphans.add(task)
        task.add_done_callback(self._orphans.discard)

    async def _give_back(self, given: asyncio.Task[None], hold: Hold) -> None:
        try:
            await given
            await self.release(hold, None)
        except (RefusedHoldError, DatabaseUnavailableError):
            return  # there is no hold, or the sweep finds it
