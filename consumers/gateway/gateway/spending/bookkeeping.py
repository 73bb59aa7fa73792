"""The steps of the ledger in SQL, each of them a function of a connection.

SQLite does a step in several statements, which one transaction holds together. PostgreSQL
does it in a single one, since every statement is a journey to the server.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    Connection,
    Insert,
    Select,
    Table,
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

from gateway.spending.holds import (
    BlockedUserError,
    Entry,
    Hold,
    OverBudgetError,
    RefusedHoldError,
    UnknownUserError,
)
from gateway.storage.money import MAX_AMOUNT, Money
from gateway.storage.schema import HoldStatus, requests, reservations, users

# The sweep takes that many holds in one transaction, so that nobody waits long behind it.
SWEEP_BATCH = 200
# What a vendor reports is not to be believed without end.
_MAX_TOKENS = 2**53
_SERVER = "postgresql"

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

# The same in one statement each. Its parts see one state of the tables, and what they change
# is done together or not at all, whether the end of the statement speaks of it or not.


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in row.items()}


def _new(table: Table, *without: str) -> dict[str, BindParameter[Any]]:
    kept = (column for column in table.c if column.name not in without)
    return {one.name: bindparam(f"new_{one.name}", type_=one.type) for one in kept}


def _claim_and_hold() -> Insert:
    claimed = _CLAIM.returning(users.c.id).cte("claimed")
    values = _new(reservations, "user_id", "settled_at", "cost")
    source = select(claimed.c.id, *values.values())
    return insert(reservations).from_select(["user_id", *values], source)


def _end_statement(*, is_logged: bool) -> Select[Any]:
    ended = _END.cte("ended")
    freed = case((ended.c.status == HoldStatus.EXPIRED, _NOTHING), else_=ended.c.amount)
    charged = (
        update(users)
        .where(users.c.id == ended.c.user_id)
        .values(
            spend=users.c.spend + bindparam("added", type_=Money),
            reserved=users.c.reserved - freed,
        )
        .returning(users.c.id)
        .cte("charged")
    )
    statement = select(ended.c.status).add_cte(charged)
    return statement.add_cte(_logged(ended)) if is_logged else statement


def _logged(ended: CTE) -> CTE:
    values = _new(requests, "user_id")
    entry = select(ended.c.user_id, *values.values())
    return (
        postgresql.insert(requests)
        .from_select(["user_id", *values], entry)
        .on_conflict_do_nothing()
        .returning(requests.c.id)
        .cte("logged")
    )


_NOTHING = literal(Decimal(0), Money)
_CLAIM_AND_HOLD = _claim_and_hold()
_END_AND_CHARGE = _end_statement(is_logged=False)
_END_CHARGE_AND_LOG = _end_statement(is_logged=True)

_DUE = (
    select(reservations.c.id)
    .where(reservations.c.status == HoldStatus.ACTIVE, reservations.c.expires_at <= bindparam("at"))
    .order_by(reservations.c.expires_at)
    .limit(SWEEP_BATCH)
    # Another process sweeps those that are locked; SQLite has one writer at a time anyway.
    .with_for_update(skip_locked=True)
)
# The status is asked for twice, so that no plan of the server's, and no lock that came late,
# lets a hold expire that has ended.
_EXPIRE = (
    update(reservations)
    .where(
        reservations.c.id.in_(_DUE.scalar_subquery()), reservations.c.status == HoldStatus.ACTIVE
    )
    .values(status=HoldStatus.EXPIRED)
    .returning(reservations.c.user_id, reservations.c.amount)
)
_GIVE_BACK = update(users).where(users.c.id == _user).values(reserved=users.c.reserved - _amount)


def reserve(connection: Connection, hold: Hold, at: datetime, until: datetime) -> None:
    """Claim the amount of a hold and keep the hold; raises RefusedHoldError."""
    claim = {"user": hold.user, "amount": hold.amount}
    row = {"id": hold.id, "user_id": hold.user, "amount": hold.amount}
    row |= {"status": HoldStatus.ACTIVE, "created_at": at, "expires_at": until}
    if connection.dialect.name == _SERVER:
        is_claimed = connection.execute(_CLAIM_AND_HOLD, claim | _named(row)).rowcount == 1
    else:
        is_claimed = connection.execute(_CLAIM, claim).rowcount == 1
        if is_claimed:
            connection.execute(_HOLD, row)
    if not is_claimed:
        raise _refusal(connection, hold.user)


def _refusal(connection: Connection, user: str) -> RefusedHoldError:
    is_blocked = connection.execute(_STANDING, {"user": user}).scalar()
    if is_blocked is None:
        return UnknownUserError(user)
    return BlockedUserError(user) if is_blocked else OverBudgetError(user)


def end(
    connection: Connection,
    hold: Hold,
    status: HoldStatus,
    charge: Decimal | None,
    entry: Entry | None,
    at: datetime,
) -> bool:
    """End a hold, unless it has ended, with its charge and its entry; return whether it did."""
    values = {"hold": hold.id, "end": status, "at": at, "charge": charge}
    if connection.dialect.name == _SERVER:
        return _end_at_once(connection, values, entry, at)
    ended = connection.execute(_END, values).first()
    if ended is None:
        return False
    freed = Decimal(0) if ended.status == HoldStatus.EXPIRED else ended.amount
    if charge or freed:
        change = {"user": ended.user_id, "charge": charge or Decimal(0), "amount": freed}
        connection.execute(_CHARGE, change)
    if entry is not None:
        connection.execute(_LOG["sqlite"], _row(entry, at, ended.user_id, charge))
    return True


def _end_at_once(
    connection: Connection, values: dict[str, Any], entry: Entry | None, at: datetime
) -> bool:
    values["added"] = values["charge"] or Decimal(0)
    if entry is None:
        return connection.execute(_END_AND_CHARGE, values).first() is not None
    row = _row(entry, at, None, values["charge"])
    return connection.execute(_END_CHARGE_AND_LOG, values | _named(row)).first() is not None


def record(connection: Connection, entry: Entry, at: datetime, charge: Decimal | None) -> None:
    """Keep an entry in the log, unless it is there."""
    connection.execute(_LOG[connection.dialect.name], _row(entry, at, entry.user, charge))


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


def sweep(connection: Connection, at: datetime) -> int:
    """Expire some holds that are past their time; return how many, 0 when there are none."""
    expired = connection.execute(_EXPIRE, {"at": at}).all()
    freed: dict[str, Decimal] = {}
    for row in expired:
        freed[row.user_id] = freed.get(row.user_id, Decimal(0)) + row.amount
    # In one order everywhere, so that two sweeps never wait for each other.
    for user, amount in sorted(freed.items()):
        connection.execute(_GIVE_BACK, {"user": user, "amount": amount})
    return len(expired)
