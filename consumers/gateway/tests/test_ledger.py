from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from gateway.spending.ledger import (
    BlockedUserError,
    Entry,
    Hold,
    Ledger,
    OverBudgetError,
    UnknownUserError,
    new_id,
)
from gateway.storage.database import Database
from gateway.storage.money import MAX_AMOUNT
from gateway.storage.schema import requests, reservations, users

pytestmark = pytest.mark.anyio

START = datetime(2030, 1, 1, tzinfo=UTC)
D = Decimal
NOTHING = D(0)


class SteppedClock:
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, step: timedelta) -> None:
        self.at += step


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def ledger(database: Database, clock: SteppedClock) -> Ledger:
    return Ledger(database, clock)


async def add_user(
    database: Database,
    cap: Decimal | None = None,
    spend: Decimal = NOTHING,
    *,
    is_blocked: bool = False,
) -> str:
    row = {
        "id": f"user-{new_id()}",
        "cap": cap,
        "spend": spend,
        "is_blocked": is_blocked,
        "created_at": START,
    }
    await database.write(lambda connection: connection.execute(insert(users), row))
    return str(row["id"])


async def balance(database: Database, user: str) -> tuple[Decimal, Decimal]:
    statement = select(users.c.spend, users.c.reserved).where(users.c.id == user)
    row = await database.read(lambda connection: connection.execute(statement).one())
    return row.spend, row.reserved


async def rows(database: Database, statement: Any) -> list[Any]:
    found = await database.read(lambda connection: connection.execute(statement).all())
    return list(found)


async def statuses(database: Database) -> list[str]:
    return sorted(row.status for row in await rows(database, select(reservations)))


def served(**fields: Any) -> Entry:
    return Entry(status=200, **fields)


# What is given, and what is refused.


@pytest.mark.parametrize(
    ("cap", "spend", "estimate", "reserved"),
    [
        ("10", "9", "0.8", "0.8"),
        ("10", "9", "1", "1"),
        ("10", "9.9999999999", "0", "0"),
        ("10", "9.9999999999", "0.0000000001", "0.0000000001"),
        ("10", "9", "-3", "0"),
        (None, "0", "250000000", "250000000"),
        (None, "299999999", "250000000", "250000000"),
        ("300000000", "0", "300000000", "300000000"),
    ],
)
async def test_a_hold_that_fits_is_given(
    database: Database,
    ledger: Ledger,
    cap: str | None,
    spend: str,
    estimate: str,
    reserved: str,
) -> None:
    user = await add_user(database, None if cap is None else D(cap), D(spend))

    hold = await ledger.reserve(user, D(estimate))

    assert (hold.user, hold.amount) == (user, D(reserved))
    assert await balance(database, user) == (D(spend), D(reserved))


@pytest.mark.parametrize(
    ("cap", "spend", "estimate"),
    [
        ("10", "10", "0"),
        ("10", "10", "-1"),
        ("10", "12", "0"),
        ("10", "9", "1.0000000001"),
        ("10", "9", "1e40"),
        ("0", "0", "0"),
        ("10", "0", "299999999.9999999999"),
    ],
)
async def test_a_hold_that_does_not_fit_is_refused_and_changes_nothing(
    database: Database, ledger: Ledger, cap: str, spend: str, estimate: str
) -> None:
    user = await add_user(database, D(cap), D(spend))

    with pytest.raises(OverBudgetError):
        await ledger.reserve(user, D(estimate))

    assert await balance(database, user) == (D(spend), D(0))
    assert await statuses(database) == []


async def test_of_two_holds_that_fit_alone_the_second_is_refused(
    database: Database, ledger: Ledger
) -> None:
    user = await add_user(database, D(10), D(9))
    await ledger.reserve(user, D("0.8"))

    with pytest.raises(OverBudgetError):
        await ledger.reserve(user, D("0.8"))

    assert await balance(database, user) == (D(9), D("0.8"))


async def test_holds_count_against_the_cap_even_when_an_estimate_is_nothing(
    database: Database, ledger: Ledger
) -> None:
    user = await add_user(database, D(1))
    await ledger.reserve(user, D(1))

    with pytest.raises(OverBudgetError):
        await ledger.reserve(user, D(0))


async def test_estimates_without_measure_are_held_to_what_the_database_can_count(
    database: Database, ledger: Ledger
) -> None:
    user = await add_user(database)

    hold = await ledger.reserve(user, D("1e30"))

    assert hold.amount == MAX_AMOUNT
    with pytest.raises(OverBudgetError):
        await ledger.reserve(user, D(1))
    assert await balance(database, user) == (D(0), MAX_AMOUNT)


async def test_a_user_that_nobody_made_is_unknown(ledger: Ledger) -> None:
    for name in ("nobody", "", "nul\0byte", "\ud800", "'; DROP TABLE users; --"):
        with pytest.raises(UnknownUserError):
            await ledger.reserve(name, D(0))


@pytest.mark.parametrize("cap", [None, D(10), D(0)])
async def test_a_blocked_user_is_refused_as_blocked_whatever_the_budget(
    database: Database, ledger: Ledger, cap: Decimal | None
) -> None:
    user = await add_user(database, cap, is_blocked=True)

    with pytest.raises(BlockedUserError):
        await ledger.reserve(user, D(0))


# How a hold ends.


async def test_a_settled_hold_is_charged_and_logged(database: Database, ledger: Ledger) -> None:
    user = await add_user(database, D(100))
    cost = 1_000_000 * D("0.0000025") + 500_000 * D("0.00001")
    hold = await ledger.reserve(user, D(9))
    entry = served(
        session="s",
        wire="responses",
        model="m",
        provider="p",
        input_tokens=1_000_000,
        output_tokens=500_000,
        cached_tokens=0,
        payer="standalone",
    )

    assert await ledger.settle(hold, cost, entry)

    assert await balance(database, user) == (D("7.5"), D(0))
    [logged] = await rows(database, select(requests))
    assert logged._mapping == {
        "id": entry.id,
        "at": START,
        "user_id": user,
        "session_id": "s",
        "wire": "responses",
        "model": "m",
        "provider": "p",
        "status": 200,
        "input_tokens": 1_000_000,
        "output_tokens": 500_000,
        "cached_tokens": 0,
        "cost": D("7.5"),
        "payer": "standalone",
        "error": None,
    }
    [kept] = await rows(database, select(reservations))
    assert (kept.status, kept.cost, kept.settled_at) == ("settled", D("7.5"), START)


async def test_a_released_hold_leaves_the_balance_as_it_was(
    database: Database, ledger: Ledger
) -> None:
    user = await add_user(database, D(10), D(3))
    hold = await ledger.reserve(user, D(2))

    assert await ledger.release(hold, Entry(status=502, error="the vendor cannot be reached"))

    assert await balance(database, user) == (D(3), D(0))
    [logged] = await rows(database, select(requests))
    assert (logged.user_id, logged.status, logged.cost) == (user, 502, None)
    assert logged.error == "the vendor cannot be reached"


async def test_a_cost_over_the_hold_is_charged_in_full(database: Database, ledger: Ledger) -> None:
    user = await add_user(database, D(10))
    hold = await ledger.reserve(user, D(1))

    await ledger.settle(hold, D(25), served())

    assert await balance(database, user) == (D(25), D(0))


async def test_a_cost_below_nothing_is_nothing(database: Database, ledger: Ledger) -> None:
    user = await add_user(database, D(10), D(5))
    hold = await ledger.reserve(user, D(1))

    await ledger.settle(hold, D(-4), served())

    assert await balance(database, user) == (D(5), D(0))


async def test_costs_are_rounded_one_by_one_so_that_their_sum_is_what_was_spent(
    database: Database, ledger: Ledger
) -> None:
    user = await add_user(database, D(10))
    for _ in range(3):
        hold = await ledger.reserve(user, D("0.00000000015"))
        await ledger.settle(hold, D("0.00000000025"), served())

    charged = [row.cost for row in await rows(database, select(reservations))]
    assert charged == [D("0.0000000002")] * 3
    assert await balance(database, user) == (sum(charged), D(0))


async def test_what_a_guest_or_a_vendor_sent_never_keeps_a_hold_from_its_end(
    database: Database, ledger: Ledger
) -> None:
    user = await add_user(database, D(10))
    hold = await ledger.reserve(user, D(1))
    entry = served(
        model="a\0b\ud800", error="\ud83d", input_tokens=10**30, output_tokens=-5, session="\0"
    )

    assert await ledger.settle(hold, D(1), entry)

    [logged] = await rows(database, select(requests))
    assert (logged.model, logged.error) == ("a\ufffdb?", "?")
    assert (logged.input_tokens, logged.output_tokens) == (2**53, 0)


async def test_a_request_without_a_hold_is_logged_and_changes_no_balance(
    database: Database, ledger: Ledger
) -> None:
    user = await add_user(database, D(10), D(3))

    await ledger.record(Entry(status=403, user=user, error="over budget"))
    await ledger.record(Entry(status=200, user="a stranger"), D("0.5"))

    assert await balance(database, user) == (D(3), D(0))
    logged = await rows(database, select(requests).order_by(requests.c.status))
    assert [(row.user_id, row.cost) for row in logged] == [("a stranger", D("0.5")), (user, None)]


async def test_an_entry_that_is_told_again_is_in_the_log_once(
    database: Database, ledger: Ledger
) -> None:
    user = await add_user(database, D(10))
    entry = Entry(status=403, user=user)

    for _ in range(3):
        await ledger.record(entry)

    assert len(await rows(database, select(requests))) == 1


End = Callable[[Ledger, Hold], Any]
SETTLE: End = lambda ledger, hold: ledger.settle(hold, D("0.25"), served())  # noqa: E731
RELEASE: End = lambda ledger, hold: ledger.release(hold, Entry(status=500))  # noqa: E731


@pytest.mark.parametrize(
    ("first", "second", "spend"),
    [
        (SETTLE, SETTLE, "0.25"),
        (SETTLE, RELEASE, "0.25"),
        (RELEASE, SETTLE, "0"),
        (RELEASE, RELEASE, "0"),
    ],
    ids=["settle-settle", "settle-release", "release-settle", "release-release"],
)
@pytest.mark.parametrize("is_expired", [False, True], ids=["in-time", "late"])
async def test_only_the_first_end_of_a_hold_counts(
    database: Database,
    ledger: Ledger,
    clock: SteppedClock,
    first: End,
    second: End,
    spend: str,
    is_expired: bool,
) -> None:
    user = await add_user(database, D(10))
    hold = await ledger.reserve(user, D(1))
    other = await ledger.reserve(user, D(2))
    if is_expired:
        clock.pass_by(timedelta(minutes=15))
        assert await ledger.sweep() == 2
    reserved = D(0) if is_expired else other.amount

    assert await first(ledger, hold) is True
    assert await second(ledger, hold) is False

    assert await balance(database, user) == (D(spend), reserved)
    assert len(await rows(database, select(requests))) == 1


@pytest.mark.parametrize("is_expired", [False, True], ids=["in-time", "late"])
async def test_a_hold_that_many_end_at_once_ends_once(
    database: Database, ledger: Ledger, clock: SteppedClock, is_expired: bool
) -> None:
    user = await add_user(database, D(10))
    hold = await ledger.reserve(user, D(1))
    if is_expired:
        clock.pass_by(timedelta(minutes=15))
        await ledger.sweep()

    ends = [SETTLE(ledger, hold) for _ in range(10)] + [RELEASE(ledger, hold) for _ in range(10)]
    ended = await asyncio.gather(*ends, ledger.sweep())

    assert ended.count(True) == 1
    was_settled = True in ended[:10]
    assert await balance(database, user) == (D("0.25") if was_settled else D(0), D(0))
    assert len(await rows(database, select(requests))) == 1


async def test_a_hold_that_never_was_cannot_be_ended(database: Database, ledger: Ledger) -> None:
    user = await add_user(database, D(10))

    assert not await ledger.settle(Hold(id="none", user=user, amount=D(1)), D(1), served())

    assert await balance(database, user) == (D(0), D(0))
    assert await rows(database, select(requests)) == []


# The sweep.


async def test_a_hold_expires_when_its_time_is_over_and_not_before(
    database: Database, ledger: Ledger, clock: SteppedClock
) -> None:
    user = await add_user(database, D(10))
    await ledger.reserve(user, D(1))
    clock.pass_by(timedelta(minutes=15) - timedelta(microseconds=1))
    await ledger.reserve(user, D(2))

    assert await ledger.sweep() == 0
    assert await balance(database, user) == (D(0), D(3))

    clock.pass_by(timedelta(microseconds=1))
    assert await ledger.sweep() == 1
    assert await balance(database, user) == (D(0), D(2))
    assert await statuses(database) == ["active", "expired"]


async def test_a_late_settle_only_adds_to_what_is_spent(
    database: Database, ledger: Ledger, clock: SteppedClock
) -> None:
    user = await add_user(database, D(10))
    late = await ledger.reserve(user, D(1))
    clock.pass_by(timedelta(minutes=15))
    await ledger.sweep()
    await ledger.reserve(user, D(3))

    assert await ledger.settle(late, D("0.5"), served())

    assert await balance(database, user) == (D("0.5"), D(3))
    assert await statuses(database) == ["active", "expired"]
    assert [row.cost for row in await rows(database, select(requests))] == [D("0.5")]


async def test_a_sweep_takes_any_number_of_holds_of_any_number_of_users(
    database: Database, ledger: Ledger, clock: SteppedClock
) -> None:
    people = [await add_user(database, D(1000)) for _ in range(3)]
    rows_of_holds = [
        {
            "id": new_id(),
            "user_id": people[number % 3],
            "amount": D(1),
            "status": "active",
            "created_at": START,
            "expires_at": START + timedelta(seconds=number),
        }
        for number in range(450)
    ]

    def plant(connection: Any) -> None:
        connection.execute(insert(reservations), rows_of_holds)
        connection.execute(users.update().values(reserved=D(150)))

    await database.write(plant)
    clock.pass_by(timedelta(minutes=15))

    assert await ledger.sweep() == 450
    assert [await balance(database, person) for person in people] == [(D(0), D(0))] * 3


async def test_sweeps_and_ends_at_once_give_every_hold_back_once(
    database: Database, database_url: str, ledger: Ledger, clock: SteppedClock
) -> None:
    people = [await add_user(database, D(1000)) for _ in range(3)]
    holds = [await ledger.reserve(person, D(1)) for _ in range(20) for person in people]
    clock.pass_by(timedelta(minutes=15))
    others = [Database(database_url) for _ in range(2)]
    ledgers = [ledger, *(Ledger(other, clock) for other in others)]

    swept = asyncio.gather(*(one.sweep() for one in ledgers for _ in range(3)))
    settled = asyncio.gather(
        *(
            ledgers[number % 3].settle(hold, D("0.5"), served())
            for number, hold in enumerate(holds[:30])
        )
    )
    counts, ended = await swept, await settled
    for other in others:
        await other.close()

    assert all(ended)
    kept = await statuses(database)
    assert sum(counts) == kept.count("expired")
    assert kept.count("expired") + kept.count("settled") == 60
    assert [await balance(database, person) for person in people] == [(D(5), D(0))] * 3


# Many at once.


async def test_of_a_hundred_holds_at_once_exactly_those_that_fit_are_given(
    database: Database, database_url: str, ledger: Ledger
) -> None:
    user = await add_user(database, D(10), D("1.5"))
    other = Database(database_url)
    ledgers = (ledger, Ledger(other))

    outcomes = await asyncio.gather(
        *(ledgers[number % 2].reserve(user, D("0.2")) for number in range(100)),
        return_exceptions=True,
    )
    await other.close()

    assert sum(isinstance(outcome, Hold) for outcome in outcomes) == 42
    assert sum(isinstance(outcome, OverBudgetError) for outcome in outcomes) == 58
    assert await balance(database, user) == (D("1.5"), D("8.4"))


async def test_a_hold_whose_caller_went_away_is_given_back(
    database: Database, ledger: Ledger
) -> None:
    user = await add_user(database, D(10))

    tasks = []
    for pause in range(12):
        task = asyncio.ensure_future(ledger.reserve(user, D("0.1")))
        for _ in range(pause):
            await asyncio.sleep(0)
        task.cancel()
        tasks.append(task)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(one, asyncio.CancelledError) for one in outcomes) > 2
    for hold in outcomes:
        if isinstance(hold, Hold):
            await ledger.release(hold, None)
    await ledger.close()

    assert await balance(database, user) == (D(0), D(0))
    active = select(func.count()).where(reservations.c.status == "active")
    assert (await rows(database, active))[0][0] == 0


async def test_an_end_whose_caller_went_away_is_an_end(database: Database, ledger: Ledger) -> None:
    user = await add_user(database, D(10))
    hold = await ledger.reserve(user, D(1))

    task = asyncio.ensure_future(ledger.settle(hold, D("0.5"), served()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await ledger.settle(hold, D("0.5"), served()) is False
    assert await balance(database, user) == (D("0.5"), D(0))
