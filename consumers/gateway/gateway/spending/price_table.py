"""The prices that the operator set, which come before those of any list."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.storage import moments
from gateway.storage.database import Database
from gateway.storage.money import AmountError, rounded
from gateway.storage.schema import prices

# So long another process may go on with a price that was changed.
STALE_SECONDS = 5.0
# The provider of a price that holds whoever serves the model.
ANY_PROVIDER = ""

_COLUMNS = ("input", "output", "cached", "cache_write")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPrice:
    """The price of a model in dollars for a million tokens, with one provider or with any.

    Without a price of their own, cached tokens and those written to a cache cost what input
    costs.
    """

    model: str
    input: Decimal
    output: Decimal
    provider: str = ANY_PROVIDER
    cached: Decimal | None = None
    cache_write: Decimal | None = None

    def amounts(self) -> tuple[Decimal | None, ...]:
        """Return what the kinds of tokens cost, in the order of the table's columns."""
        return self.input, self.output, self.cached, self.cache_write


_Key = tuple[str, str]
_ALL = select(prices.c.provider, prices.c.model, *(prices.c[name] for name in _COLUMNS))
_REMOVE = delete(prices).where(
    prices.c.provider == bindparam("provider_name"), prices.c.model == bindparam("model_name")
)


def _put(connection: Connection, row: Mapping[str, object]) -> None:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    changes = {name: row[name] for name in (*_COLUMNS, "updated_at")}
    connection.execute(
        insert(prices)
        .values(**row)
        .on_conflict_do_update(index_elements=["provider", "model"], set_=changes)
    )


def _load(connection: Connection) -> dict[_Key, SetPrice]:
    rows = [SetPrice(**row._mapping) for row in connection.execute(_ALL)]
    return {(price.provider, price.model): price for price in rows}


class PriceTable:
    """Sets and finds prices; finding asks the database once in `STALE_SECONDS`.

    What is set through this object holds at once, what another process sets after that time.
    """

    def __init__(
        self,
        database: Database,
        clock: moments.Clock = moments.now,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ticks = ticks
        self._known: dict[_Key, SetPrice] = {}
        self._fresh_until = 0.0
        self._version = 0
        self._loading = asyncio.Lock()

    async def put(self, price: SetPrice) -> None:
        """Set a price, in the place of an earlier one; raises AmountError."""
        row: dict[str, object] = dict(zip(_COLUMNS, price.amounts(), strict=True))
        if any(amount is not None and rounded(amount) < 0 for amount in price.amounts()):
            raise AmountError("a price is not negative")
        row |= {"provider": price.provider, "model": price.model, "updated_at": self._clock()}
        await self._database.write(lambda connection: _put(connection, row))
        self._forget()

    async def remove(self, model: str, provider: str = ANY_PROVIDER) -> bool:
        """Take a price away; return whether there was one."""
        values = {"provider_name": provider, "model_name": model}
        removed = await self._database.write(
            lambda connection: connection.execute(_REMOVE, values).rowcount
        )
        self._forget()
        return removed > 0

    async def all(self) -> tuple[SetPrice, ...]:
        """Return all prices that were set, in the order of their models."""
        loaded = await self._database.read(_load)
        return tuple(sorted(loaded.values(), key=lambda price: (price.model, price.provider)))

    async def find(self, provider: str, model: str) -> SetPrice | None:
        """Return the price with that provider, else with any, else None."""
        if self._ticks() >= self._fresh_until:
            await self._refresh()
        with_any = self._known.get((ANY_PROVIDER, model))
        return self._known.get((provider, model), with_any)

    async def _refresh(self) -> None:
        async with self._loading:
            if self._ticks() < self._fresh_until:
                return
            # Counted from before the question: what changes meanwhile is seen next time.
            until, version = self._ticks() + STALE_SECONDS, self._version
            self._known = await self._database.read(_load)
            self._fresh_until = until if version == self._version else 0.0

    def _forget(self) -> None:
        self._version += 1
        self._fresh_until = 0.0
