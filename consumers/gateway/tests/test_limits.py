from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from gateway.spending.limits import RateLimiter
from gateway.storage.database import Database
from gateway.storage.schema import users

pytestmark = pytest.mark.anyio

START = datetime(2030, 1, 1, tzinfo=UTC)


class SteppedClock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
async def limiter(database: Database, clock: SteppedClock) -> RateLimiter:
    people = [{"id": name, "created_at": START} for name in ("ann", "bob")]
    await database.write(lambda connection: connection.execute(insert(users), people))
    return RateLimiter(database, clock)


# Seconds after the start, and what is answered to a user who may make two requests a minute.
@pytest.mark.parametrize(
    "answers",
    [
        [(0, 0), (0, 0), (0, 60), (1, 59), (59.5, 1), (60, 0), (60, 0), (60, 60)],
        [(0, 0), (59, 0), (59, 1), (60, 0), (61, 0), (61, 59)],
        [(0, 0), (0, 0), (200, 0), (200, 0), (200, 60)],
        # A clock that was set back a little, and one that was set back a lot.
        [(30, 0), (30, 0), (20, 60), (89, 1)],
        [(3600, 0), (3600, 0), (0, 0), (0, 0), (0, 60)],
    ],
)
async def test_requests_over_the_limit_wait_for_the_end_of_the_minute(
    limiter: RateLimiter, clock: SteppedClock, answers: list[tuple[float, int]]
) -> None:
    given = []
    for seconds, _ in answers:
        clock.at = START + timedelta(seconds=seconds)
        given.append((seconds, await limiter.admit("ann", 2)))

    assert given == answers


async def test_users_are_counted_apart(limiter: RateLimiter) -> None:
    assert await limiter.admit("ann", 1) == 0
    assert await limiter.admit("bob", 1) == 0
    assert await limiter.admit("ann", 1) == 60


async def test_a_limit_of_none_admits_all_and_one_of_zero_nobody(limiter: RateLimiter) -> None:
    assert [await limiter.admit("ann", None) for _ in range(5)] == [0] * 5
    assert await limiter.admit("ann", 0) == 60


async def test_a_limit_that_is_raised_holds_within_the_same_minute(limiter: RateLimiter) -> None:
    assert [await limiter.admit("ann", 1) for _ in range(2)] == [0, 60]
    assert await limiter.admit("ann", 3) == 0


async def test_processes_that_share_the_database_share_the_limit(
    limiter: RateLimiter, database_url: str, clock: SteppedClock
) -> None:
    other = Database(database_url)
    limiters = (limiter, RateLimiter(other, clock))

    waits = await asyncio.gather(*(limiters[n % 2].admit("ann", 30) for n in range(100)))
    await other.close()

    assert waits.count(0) == 30
    assert waits.count(60) == 70
