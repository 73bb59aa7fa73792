"""Tells a database that is away from a mistake in what it was asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# Classes of SQLSTATE: connection, resources, an operator's hand, system; a refused
# login, a database that does not exist; a transaction that lost against another.
_AWAY_CLASSES = ("08", "53", "57", "58", "28", "3D", "40")
_LOCK_NOT_AVAILABLE = "55P03"
_READ_ONLY_SERVER = "25006"

# What SQLite's primary codes say of the statement itself rather than of the file.
_STATEMENT_CODES = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_RANGE,
    }
)


class DatabaseUnavailableError(Exception):
    """The database cannot be used now: away, locked, full, or too slow to answer."""

    def __init__(self) -> None:
        super().__init__("the database is not available")


def _is_away_by_code(cause: BaseException | None) -> bool:
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        known = state in {_LOCK_NOT_AVAILABLE, _READ_ONLY_SERVER}
        return known or state.startswith(_AWAY_CLASSES)
    code = getattr(cause, "sqlite_errorcode", None)
    # The primary code is the low byte of an extended one.
    return isinstance(code, int) and code & 0xFF not in _STATEMENT_CODES


def is_away(error: BaseException) -> bool:
    """Say whether an error means that the database cannot be used now."""
    if isinstance(error, DBAPIError):
        is_cut = error.connection_invalidated or isinstance(error, InterfaceError)
        return is_cut or _is_away_by_code(error.orig)
    if isinstance(error, sqlite3.Error):
        return _is_away_by_code(error)
    return isinstance(error, OSError | DisconnectionError | PoolTimeoutError)


@contextmanager
def reported() -> Iterator[None]:
    """Turn whatever means that the database is away into DatabaseUnavailableError."""
    try:
        yield
    except Exception as error:
        if is_away(error):
            raise DatabaseUnavailableError from error
        raise
