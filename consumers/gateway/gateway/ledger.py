"""Holds on budgets, and how each of them ends: once, with its entry in the log."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import (
    BindParameter,
    Connection,
    and_,
    bindparam,
    case,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway import moments
from gateway.database import Database, DatabaseUnavailableError
from gateway.money import MAX_AMOUNT, Money, clamped
from gateway.schema import HoldStatus, requests, reservations, users

LIFETIME = timedelta(minutes=15)
# The sweep takes that many holds in one transaction, so that nobody waits long behind it.
SWEEP_BATCH = 200
# What a vendor reports is not to be believed without end.
_MAX_TOKENS = 2**53


class RefusedHoldError(Exception):
    """A hold was not given; the subclass says why. `user` is who asked."""

    def __init__(self, user: str) -> None:
        super().__init__("the hold was refused")
        self.user = user


class UnknownUserError(RefusedHoldError):
    """There is no user of that name."""


class BlockedUserError(RefusedHoldError):
    """The user is blocked."""


class OverBudgetError(RefusedHoldError):
    """What the user has spent and holds leaves no room for the estimate."""


def new_id() -> str:
    """Return a name that nobody else has."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Part of a user's budget that is set aside until a request has ended."""

    id: str
    user: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the log keeps of one request. It never holds a secret."""

    status: int
    id: str = field(default_factory=new_id)
    user: str | None = None
    session: str | None = None
    wire: str | None = None
    model: str | None = None
    provider: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    payer: str | None = None
    error: str | None = None


_amount = bindparam("amount", type_=Money)
_user: BindParameter[str] = bindparam("user")

# The whole claim: whoever changes this row first has the budget, and others wait for it.
_CLAIM = (
    update(users)
    .where(
        users.c.id == _user,
        users.c.is_blocked.is_(False),
        users.c.reserved + _amount <= literal(MAX_AMOUNT, Money),
        or_(
            users.c.cap.is_(None),
            and_(
                users.c.spend + users.c.reserved < users.c.cap,
                users.c.spend + users.c.reserved + _amount <= users.c.cap,
            ),
        ),
    )
    .values(reserved=users.c.reserved + _amount)
)
_HOLD = insert(reservations)
_STANDING = select(users.c.is_blocked).where(users.c.id == _user)

# An expired hold keeps that status: its amount was given back before. The time of its end
# keeps it from ending again.
_END = (
    update(reservations)
    .where(
        reservations.c.id == bindparam("hold"),
        or_(
            reservations.c.status == HoldStatus.ACTIVE,
            and_(reservations.c.status == HoldStatus.EXPIRED, reservations.c.settled_at.is_(None)),
        ),
    )
    .values(
        status=case(
            (reservations.c.status == HoldStatus.ACTIVE, bindparam("end")),
            else_=reservations.c.status,
        ),
        settled_at=bindparam("at"),
        cost=bindparam("charge", type_=Money),
    )
    .returning(reservations.c.user_id, reservations.c.amount, reservations.c.status)
)
_CHARGE = (
    update(users)
    .where(users.c.id == _user)
    .values(
        spend=users.c.spend + bindparam("charge", type_=Money), reserved=users.c.reserved - _amount
    )
)
# One that is written again, since nobody heard that it was, is written once.
_LOG = {
    "sqlite": sqlite.insert(requests).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(requests).on_conflict_do_nothing(),
}

_DUE = (
    select(reservations.c.id)
    .where(reservations.c.status == HoldStatus.ACTIVE, reservations.c.expires_at <= bindparam("at"))
    .order_by(reservations.c.expires_at)
    .limit(SWEEP_BATCH)
    # Another process sweeps those that are locked; SQLite has one writer at a time anyway.
    .with_for_update(skip_locked=True)
)
_EXPIRE = (
    update(reservations)
    .where(
        reservations.c.id.in_(_DUE.scalar_subquery()), reservations.c.status == HoldStatus.ACTIVE
    )
    .values(status=HoldStatus.EXPIRED)
    .returning(reservations.c.user_id, reservations.c.amount)
)
_GIVE_BACK = update(users).where(users.c.id == _user).values(reserved=users.c.reserved - _amount)


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
            lambda connection: _reserve(connection, hold, at, at + self._lifetime)
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
        row = _row(entry, self._clock(), entry.user, None if cost is None else clamped(cost))
        await self._database.write(lambda connection: _log(connection, row))

    async def sweep(self) -> int:
        """Expire the holds that are past their time, and return how many there were.

        Safe to run in several processes at once: each hold is given back by one of them.
        """
        at = self._clock()
        total = 0
        while count := await self._database.write(lambda connection: _sweep(connection, at)):
            total += count
        return total

    async def _end(
        self, hold: Hold, end: HoldStatus, charge: Decimal | None, entry: Entry | None
    ) -> bool:
        at = self._clock()
        return await self._database.write(
            lambda connection: _end(connection, hold, end, charge, entry, at)
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


def _reserve(connection: Connection, hold: Hold, at: datetime, until: datetime) -> None:
    claimed = connection.execute(_CLAIM, {"user": hold.user, "amount": hold.amount})
    if claimed.rowcount != 1:
        raise _refusal(connection, hold.user)
    row = {"id": hold.id, "user_id": hold.user, "amount": hold.amount}
    times = {"status": HoldStatus.ACTIVE, "created_at": at, "expires_at": until}
    connection.execute(_HOLD, row | times)


def _refusal(connection: Connection, user: str) -> RefusedHoldError:
    is_blocked = connection.execute(_STANDING, {"user": user}).scalar()
    if is_blocked is None:
        return UnknownUserError(user)
    return BlockedUserError(user) if is_blocked else OverBudgetError(user)


def _end(
    connection: Connection,
    hold: Hold,
    end: HoldStatus,
    charge: Decimal | None,
    entry: Entry | None,
    at: datetime,
) -> bool:
    values = {"hold": hold.id, "end": end, "at": at, "charge": charge}
    ended = connection.execute(_END, values).first()
    if ended is None:
        return False
    freed = Decimal(0) if ended.status == HoldStatus.EXPIRED else ended.amount
    if charge or freed:
        change = {"user": ended.user_id, "charge": charge or Decimal(0), "amount": freed}
        connection.execute(_CHARGE, change)
    if entry is not None:
        _log(connection, _row(entry, at, ended.user_id, charge))
    return True


def _log(connection: Connection, row: dict[str, object]) -> None:
    connection.execute(_LOG[connection.dialect.name], row)


def _row(entry: Entry, at: datetime, user: str | None, cost: Decimal | None) -> dict[str, object]:
    return {
        "id": entry.id,
        "at": at,
        "user_id": user,
        "session_id": entry.session,
        "wire": entry.wire,
        "model": entry.model,
        "provider": entry.provider,
        "status": entry.status,
        "input_tokens": _tokens(entry.input_tokens),
        "output_tokens": _tokens(entry.output_tokens),
        "cached_tokens": _tokens(entry.cached_tokens),
        "cost": cost,
        "payer": entry.payer,
        "error": entry.error,
    }


def _tokens(count: int | None) -> int | None:
    return None if count is None else min(max(count, 0), _MAX_TOKENS)


def _sweep(connection: Connection, at: datetime) -> int:
    expired = connection.execute(_EXPIRE, {"at": at}).all()
    freed: dict[str, Decimal] = {}
    for row in expired:
        freed[row.user_id] = freed.get(row.user_id, Decimal(0)) + row.amount
    # In one order everywhere, so that two sweeps never wait for each other.
    for user, amount in sorted(freed.items()):
        connection.execute(_GIVE_BACK, {"user": user, "amount": amount})
    return len(expired)
