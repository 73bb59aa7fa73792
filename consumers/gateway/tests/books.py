"""The books of a deployment after a crowd has gone, and whether each line is as it must be."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select

from gateway.storage.database import Database
from gateway.storage.schema import HoldStatus, requests, reservations, users
from tests.crowd import CHARACTERS, End, Plan, Purse, Seen
from tests.scripted import TEXT, Playing

# Dollars for a million. A character of input costs a millionth, and a token of output more than
# all input of a request together: so what a charge is for can be read from it.
INPUT_PRICE, CACHED_PRICE, OUTPUT_PRICE = Decimal(4), Decimal(1), Decimal(100_000)
MILLION = Decimal(1_000_000)
TOKEN = OUTPUT_PRICE / MILLION
NOTHING = Decimal(0)
# Between the moment that a step of the ledger is dated and its commit.
_COMMIT = timedelta(seconds=5)
_STREAMED = -(-len(TEXT) // 4)

AnyRow = Row[Any]
# Rows of the log that are counted together: the user, the purse, and whether it was free.
Class = tuple[str | None, Purse, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """All that the database says of users, holds and requests."""

    users: Sequence[AnyRow]
    holds: Sequence[AnyRow]
    log: Sequence[AnyRow]

    @property
    def has_active_holds(self) -> bool:
        return any(hold.status == HoldStatus.ACTIVE for hold in self.holds)


def _read(connection: Connection) -> Books:
    return Books(
        users=connection.execute(select(users)).all(),
        holds=connection.execute(select(reservations)).all(),
        log=connection.execute(select(requests)).all(),
    )


async def read_books(url: str) -> Books:
    """Return the books of the database at this URL."""
    database = Database(url)
    try:
        return await database.read(_read)
    finally:
        await database.close()


def told_cost(plan: Plan) -> Decimal:
    """Return what the usage costs that the vendor tells."""
    return _told_input(plan) + plan.script.output * TOKEN


def _told_input(plan: Plan) -> Decimal:
    usage = plan.script.usage
    fresh = usage.input_tokens - usage.cached_tokens
    return (fresh * INPUT_PRICE + usage.cached_tokens * CACHED_PRICE) / MILLION


def _input_estimate(plan: Plan) -> Decimal:
    return Decimal(CHARACTERS + plan.script.number) / 4 * INPUT_PRICE / MILLION


def whole_cost(plan: Plan) -> Decimal | None:
    """Return what a request costs whose answer came to its end; None is a hold given back."""
    if plan.entrance.purse is Purse.TENANT:
        return None
    if plan.script.playing is Playing.TELL:
        return told_cost(plan)
    if plan.script.playing is Playing.MUTE and plan.entrance.purse is Purse.USER:
        # The estimate, and never less than what was streamed is worth.
        return _input_estimate(plan) + max(plan.limit or 0, _STREAMED) * TOKEN
    return None


def broken_costs(plan: Plan) -> set[Decimal | None]:
    """Return what a request may cost whose guest left: all, a part, or nothing."""
    if plan.entrance.purse is not Purse.USER:
        return {None, whole_cost(plan)}
    parts = {
        start + tokens * TOKEN
        for start in (_input_estimate(plan), _told_input(plan))
        for tokens in range(1, _STREAMED + 1)
    }
    return {None, whole_cost(plan)} | parts


def possible_costs(seen: Seen) -> set[Decimal | None]:
    """Return what a request may have cost after what its guest saw of it."""
    if seen.end is End.WHOLE:
        return {whole_cost(seen.plan)}
    if seen.end is End.LEFT:
        return broken_costs(seen.plan)
    if seen.end in (End.LOST, End.UNAVAILABLE):
        # Killed: charged, when all of the answer but its last bytes was there, or not at all.
        return {None, whole_cost(seen.plan)}
    return {None}


def _number(row: AnyRow) -> int:
    """Return the number of the request that a charge is for."""
    if row.input_tokens is not None:
        return int(row.input_tokens)
    return int(row.cost % TOKEN * MILLION / INPUT_PRICE * 4) - CHARACTERS


def check_accounts(books: Books) -> None:
    """Check that each user's account is the sum of its holds, and of its log.

    Of the costs in the log only those of nobody are in no account.
    """
    settled, logged = _costs(books.holds), _costs(books.log)
    for user in books.users:
        assert user.reserved == 0, user
        assert sorted(settled[user.id]) == sorted(logged[user.id]), user
        assert user.spend == sum(settled[user.id], NOTHING), user
    assert set(settled) <= {user.id for user in books.users}
    assert set(logged) <= {None, *(user.id for user in books.users)}


def _costs(rows: Iterable[AnyRow]) -> dict[str | None, list[Decimal]]:
    found = defaultdict[str | None, list[Decimal]](list)
    for row in rows:
        if row.cost is not None:
            found[row.user_id].append(row.cost)
    return found


def check_holds(books: Books) -> None:
    """Check that each hold has ended once: charged, given back, or expired and perhaps late."""
    for hold in books.holds:
        assert hold.status != HoldStatus.ACTIVE, hold
        if hold.status == HoldStatus.SETTLED:
            assert hold.cost is not None, hold
            assert hold.settled_at is not None, hold
        elif hold.status == HoldStatus.RELEASED:
            assert hold.cost is None, hold
            assert hold.settled_at is not None, hold
        elif hold.settled_at is None:
            assert hold.cost is None, hold
    # Who ends a hold logs it in the same step; a hold that nobody ended is in no log.
    ended = Counter(hold.user_id for hold in books.holds if hold.settled_at is not None)
    logged = Counter(row.user_id for row in books.log if _purse(row) is Purse.USER)
    assert ended == logged


def check_requests(books: Books, everything: Sequence[Seen]) -> None:
    """Check that each request was charged as its guest saw it: once, or not at all."""
    charged = {_number(row): row for row in books.log if row.cost is not None}
    assert len(charged) == sum(row.cost is not None for row in books.log), "charged twice"
    numbers = {seen.plan.script.number for seen in everything}
    assert set(charged) <= numbers, "charged for what nobody asked"
    for seen in everything:
        row = charged.get(seen.plan.script.number)
        cost = None if row is None else row.cost
        assert cost in possible_costs(seen), (seen.plan, seen.end, seen.status, row)
        assert row is None or row.user_id == seen.plan.entrance.user, row


def check_log(books: Books, everything: Sequence[Seen]) -> None:
    """Check that each answer that a guest got is in the log once, by user and by purse.

    What failed cost nothing, and neither did anything that the tenant paid for.
    """
    assert not any(row.cost for row in books.log if _purse(row) is Purse.TENANT)
    rows = Counter(_class(row) for row in books.log)
    sure, perhaps = Counter[Class](), Counter[Class]()
    for seen in everything:
        if seen.end in (End.WHOLE, End.FAILED):
            sure[_class_of(seen, is_free=whole_cost(seen.plan) is None)] += 1
        elif seen.end is not End.OVER_BUDGET:
            # What nobody saw to its end may be in the log as either, or not at all.
            perhaps[_class_of(seen, is_free=True)] += 1
            perhaps[_class_of(seen, is_free=False)] += 1
    for kind in {*rows, *sure}:
        assert sure[kind] <= rows[kind] <= sure[kind] + perhaps[kind], (kind, rows[kind])


def _purse(row: AnyRow) -> Purse:
    if row.payer == "tenant":
        return Purse.TENANT
    return Purse.NOBODY if row.user_id is None else Purse.USER


def _class(row: AnyRow) -> Class:
    return row.user_id, _purse(row), row.cost is None


def _class_of(seen: Seen, *, is_free: bool) -> Class:
    entrance = seen.plan.entrance
    return entrance.user, entrance.purse, is_free


def check_caps(books: Books) -> None:
    """Check that no user is over the cap by more than what was in flight may have added.

    When the last hold was given, what was spent and held lay within the cap. What came later
    is the ends of the holds in flight then: each adds what it cost above its amount. A hold
    that had expired was held no more, so a late end adds all of its cost.
    """
    for user in books.users:
        if user.cap is not None:
            own = [hold for hold in books.holds if hold.user_id == user.id]
            assert user.spend <= user.cap + _excess(own), (user, _excess(own))


def _excess(holds: Sequence[AnyRow]) -> Decimal:
    last = max(hold.created_at for hold in holds) - _COMMIT
    return sum((_above(hold) for hold in holds if hold.cost and hold.settled_at >= last), NOTHING)


def _above(hold: AnyRow) -> Decimal:
    held = NOTHING if hold.status == HoldStatus.EXPIRED else hold.amount
    return max(NOTHING, Decimal(hold.cost - held))
