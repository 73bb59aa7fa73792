"""Random interleavings of what may happen to holds, against a model of a few lines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select

from gateway.spending.ledger import Entry, Hold, Ledger, OverBudgetError, new_id
from gateway.storage.database import Database
from gateway.storage.schema import requests, reservations, users

START = datetime(2030, 1, 1, tzinfo=UTC)
CAP = Decimal(10)
PLENTY = 8

amounts = st.integers(0, 40).map(lambda tenths: Decimal(tenths) / 10)
holds = st.integers(0, PLENTY - 1)
# What each of them does is written at the class below; a crash forgets all holds.
steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), amounts),
        st.tuples(st.just("settle"), holds, amounts),
        st.tuples(st.just("release"), holds),
        st.tuples(st.just("wait"), st.integers(1, 20)),
        st.tuples(st.just("sweep")),
        st.tuples(st.just("crash")),
    ),
    max_size=40,
)


@dataclass
class ModelHold:
    amount: Decimal
    expires_at: datetime
    status: str = "active"
    has_ended: bool = False


@dataclass
class Model:
    """What the ledger should say: plain arithmetic, one step after the other."""

    at: datetime = START
    spend: Decimal = Decimal(0)
    holds: dict[str, ModelHold] = field(default_factory=dict)

    @property
    def reserved(self) -> Decimal:
        active = (one.amount for one in self.holds.values() if one.status == "active")
        return sum(active, Decimal(0))

    def allows(self, amount: Decimal) -> bool:
        used = self.spend + self.reserved
        return used < CAP and used + amount <= CAP

    def end(self, name: str, status: str, cost: Decimal) -> bool:
        hold = self.holds[name]
        if hold.has_ended:
            return False
        hold.has_ended = True
        self.spend += cost
        if hold.status == "active":
            hold.status = status
        return True

    def sweep(self) -> int:
        due = [
            one
            for one in self.holds.values()
            if one.status == "active" and one.expires_at <= self.at
        ]
        for one in due:
            one.status = "expired"
        return len(due)


class Run:
    """Does each step to the ledger and to the model, and compares what they answer."""

    def __init__(self, database: Database, user: str) -> None:
        self.model = Model()
        self.user = user
        self.ledger = Ledger(database, lambda: self.model.at)
        self.known: list[Hold] = []

    async def step(self, name: str, *values: Any) -> None:
        await getattr(self, name)(*values)

    async def reserve(self, amount: Decimal) -> None:
        is_allowed = self.model.allows(amount)
        try:
            hold = await self.ledger.reserve(self.user, amount)
        except OverBudgetError:
            assert not is_allowed
            return
        assert is_allowed
        expires_at = self.model.at + timedelta(minutes=15)
        self.model.holds[hold.id] = ModelHold(amount=amount, expires_at=expires_at)
        self.known = [*self.known, hold][-PLENTY:]

    async def settle(self, index: int, cost: Decimal) -> None:
        if index < len(self.known):
            hold = self.known[index]
            expected = self.model.end(hold.id, "settled", cost)
            assert await self.ledger.settle(hold, cost, Entry(status=200)) is expected

    async def release(self, index: int) -> None:
        if index < len(self.known):
            hold = self.known[index]
            expected = self.model.end(hold.id, "released", Decimal(0))
            assert await self.ledger.release(hold, Entry(status=500)) is expected

    async def wait(self, minutes: int) -> None:
        self.model.at += timedelta(minutes=minutes)

    async def sweep(self) -> None:
        assert await self.ledger.sweep() == self.model.sweep()

    async def crash(self) -> None:
        self.known = []


async def only_user(database: Database) -> str:
    """Return a user beside whom there is nobody, of earlier examples neither."""
    row = {"id": new_id(), "cap": CAP, "created_at": START}

    def begin(connection: Connection) -> None:
        for table in (requests, reservations, users):
            connection.execute(delete(table))
        connection.execute(insert(users), row)

    await database.write(begin)
    return str(row["id"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """All that the database says of one user."""

    spend: Decimal
    reserved: Decimal
    holds: dict[str, Any]
    logged: int


async def books(database: Database, user: str) -> Books:
    def read(connection: Connection) -> Books:
        person = connection.execute(select(users).where(users.c.id == user)).one()
        kept = connection.execute(select(reservations).where(reservations.c.user_id == user))
        entries = connection.execute(select(requests.c.id).where(requests.c.user_id == user))
        return Books(
            spend=person.spend,
            reserved=person.reserved,
            holds={row.id: row for row in kept},
            logged=len(entries.all()),
        )

    return await database.read(read)


def assert_sound(found: Books) -> None:
    costs = [row.cost for row in found.holds.values() if row.cost is not None]
    active = [row.amount for row in found.holds.values() if row.status == "active"]
    assert found.spend == sum(costs)
    assert found.reserved == sum(active)


def with_database(url: str, test: Callable[[Database], Awaitable[None]]) -> None:
    async def run() -> None:
        database = Database(url)
        try:
            await test(database)
        finally:
            await database.close()

    asyncio.run(run())


RELAXED = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@RELAXED
@given(steps=steps)
def test_whatever_happens_in_turn_the_ledger_says_what_the_model_says(
    database_url: str, steps: list[tuple[Any, ...]]
) -> None:
    async def play(database: Database) -> None:
        run = Run(database, await only_user(database))
        for step in steps:
            await run.step(*step)
        found = await books(database, run.user)

        assert_sound(found)
        assert found.logged == sum(hold.has_ended for hold in run.model.holds.values())
        assert (found.spend, found.reserved) == (run.model.spend, run.model.reserved)
        statuses = {name: row.status for name, row in found.holds.items()}
        assert statuses == {name: hold.status for name, hold in run.model.holds.items()}

    with_database(database_url, play)


# How often a request's hold is settled and released.
ENDINGS = {"settle": (1, 0), "release": (0, 1), "settle twice": (2, 0), "both": (1, 1)}
# What one request does: its estimate, and then how it goes on.
lives = st.lists(
    st.tuples(
        amounts,
        st.sampled_from([*ENDINGS, "crash", "cancel"]),
        st.integers(0, 12),
    ),
    min_size=1,
    max_size=25,
)


async def live(ledger: Ledger, user: str, amount: Decimal, ending: str, pause: int) -> int:
    """Lead one request, and return how many entries it should have left in the log."""
    if ending == "cancel":
        await cancelled(ledger.reserve(user, amount), pause)
        return 0
    try:
        hold = await ledger.reserve(user, amount)
    except OverBudgetError:
        return 0
    for _ in range(pause):
        await asyncio.sleep(0)
    if ending == "crash":
        return 0
    settles, releases = ENDINGS[ending]
    ends = [ledger.settle(hold, amount / 2, Entry(status=200)) for _ in range(settles)]
    ends += [ledger.release(hold, Entry(status=500)) for _ in range(releases)]
    assert (await asyncio.gather(*ends)).count(True) == 1
    return 1


async def cancelled(reserving: Awaitable[Hold], pause: int) -> None:
    task = asyncio.ensure_future(reserving)
    for _ in range(pause):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})


@RELAXED
@given(lives=lives, sweeps=st.integers(0, 3))
def test_whatever_happens_at_once_no_amount_is_lost_and_nobody_is_over_the_cap(
    database_url: str, lives: list[tuple[Decimal, str, int]], sweeps: int
) -> None:
    async def play(database: Database) -> None:
        user = await only_user(database)
        other = Database(database_url)
        ledgers = [Ledger(one, lambda: START) for one in (database, other)]
        late = Ledger(other, lambda: START + timedelta(minutes=20))

        sweeping = asyncio.gather(*(late.sweep() for _ in range(sweeps)))
        logged = await asyncio.gather(
            *(live(ledgers[number % 2], user, *one) for number, one in enumerate(lives))
        )
        await sweeping
        for ledger in ledgers:
            await ledger.close()
        assert_sound(await books(database, user))
        # Every cost is half of its estimate, so that the estimates' cap holds for costs.
        assert (await books(database, user)).spend <= CAP

        await late.sweep()
        found = await books(database, user)
        assert_sound(found)
        assert found.reserved == 0
        assert found.logged == sum(logged)
        await other.close()

    with_database(database_url, play)
