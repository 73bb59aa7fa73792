"""How many requests a user may make in a minute, counted in the database."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from sqlalchemy import Executable, bindparam, case, or_
from sqlalchemy.dialects import postgresql, sqlite

from gateway.storage import moments
from gateway.storage.database import Database
from gateway.storage.moments import Moment
from gateway.storage.schema import rate_windows

WINDOW = timedelta(minutes=1)


def _statement(insert: Any) -> Executable:
    stored, at = rate_windows.c, bindparam("at", type_=Moment)
    # A window from the future is the mark of a clock that was set back.
    is_over = or_(
        stored.started_at <= bindparam("oldest", type_=Moment),
        stored.started_at > bindparam("newest", type_=Moment),
    )
    values = {"user_id": bindparam("user"), "started_at": at, "count": 1}
    changes = {
        "started_at": case((is_over, at), else_=stored.started_at),
        "count": case((is_over, 1), else_=stored.count + 1),
    }
    counted: Executable = (
        insert(rate_windows)
        .values(values)
        .on_conflict_do_update(index_elements=["user_id"], set_=changes)
        .returning(stored.started_at, stored.count)
    )
    return counted


_COUNT = {"sqlite": _statement(sqlite.insert), "postgresql": _statement(postgresql.insert)}


class RateLimiter:
    """Counts requests in windows of a minute, which begin with a user's first request.

    Processes that share the database share the windows.
    """

    def __init__(self, database: Database, clock: moments.Clock = moments.now) -> None:
        self._database = database
        self._clock = clock

    async def admit(self, user: str, limit: int | None) -> int:
        """Count one request and return 0, or if it is one too many the seconds to wait.

        The seconds are whole ones, from 1 to 60. Without a limit nothing is counted. The user
        must exist. Raises DatabaseUnavailableError.
        """
        if limit is None:
            return 0
        at = self._clock()
        times = {"at": at, "oldest": at - WINDOW, "newest": at + WINDOW}
        started_at, count = await self._database.write(
            lambda connection: connection.execute(
                _COUNT[connection.dialect.name], {"user": user} | times
            ).one(),
            is_one_statement=True,
        )
        return _wait(started_at + WINDOW - at) if count > limit else 0


def _wait(left: timedelta) -> int:
    return min(max(math.ceil(left.total_seconds()), 1), int(WINDOW.total_seconds()))
