"""The log of requests as the administrator reads it, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, Row, Select, and_, or_, select

from gateway.storage.database import Database
from gateway.storage.schema import requests


class UnknownRequestError(Exception):
    """There is no request of that name in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One request of the log. Its cost is known where somebody here has paid for it."""

    id: str
    at: datetime
    user: str | None
    session: str | None
    wire: str | None
    model: str | None
    provider: str | None
    status: int
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cost: Decimal | None
    payer: str | None
    error: str | None


async def page(
    database: Database, *, limit: int, user: str | None = None, before: str | None = None
) -> tuple[Logged, ...]:
    """Return up to `limit` requests, of one user or of all, that were logged before one.

    Raises UnknownRequestError where `before` names none, DatabaseUnavailableError.
    """

    def read(connection: Connection) -> tuple[Logged, ...]:
        query = _query(user).limit(limit)
        if before is not None:
            query = _older(connection, query, before)
        return tuple(_logged(row) for row in connection.execute(query))

    return await database.read(read)


def _query(user: str | None) -> Select[tuple[object, ...]]:
    # Two that were logged at the same moment still have an order, so that none is left out.
    query = select(requests).order_by(requests.c.at.desc(), requests.c.id.desc())
    return query if user is None else query.where(requests.c.user_id == user)


def _older(
    connection: Connection, query: Select[tuple[object, ...]], before: str
) -> Select[tuple[object, ...]]:
    at = connection.execute(select(requests.c.at).where(requests.c.id == before)).scalar()
    if at is None:
        raise UnknownRequestError
    is_twin = and_(requests.c.at == at, requests.c.id < before)
    return query.where(or_(requests.c.at < at, is_twin))


def _logged(row: Row[tuple[object, ...]]) -> Logged:
    return Logged(
        id=row.id,
        at=row.at,
        user=row.user_id,
        session=row.session_id,
        wire=row.wire,
        model=row.model,
        provider=row.provider,
        status=row.status,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cached_tokens=row.cached_tokens,
        cost=row.cost,
        payer=row.payer,
        error=row.error,
    )
