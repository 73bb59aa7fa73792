"""Opens connections to SQLite and to PostgreSQL, and says how each of them behaves."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    ExceptionContext,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

# Nobody waits longer than this for a connection, a lock or an answer.
PATIENCE_SECONDS = 2
_GRACE_SECONDS = 0.25
# Of each kind: one connection can write at a time, a few can read beside it.
READERS = 4
# Connections of one process to PostgreSQL.
SERVER_POOL = 10

_WRITES = "gateway_writes"
_SERVER_DRIVERS = ("postgresql", "postgres", "postgresql+asyncpg")
_FILE_DRIVERS = ("sqlite", "sqlite+aiosqlite")


class DatabaseUrlError(ValueError):
    """The URL names no database that the gateway can use."""


def parse_url(text: str) -> URL:
    """Return the URL with its driver; raises DatabaseUrlError, which never shows the URL."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseUrlError("the database's URL cannot be read") from None
    if url.drivername in _SERVER_DRIVERS:
        return url.set(drivername="postgresql+asyncpg")
    if url.drivername not in _FILE_DRIVERS:
        raise DatabaseUrlError("the database's URL begins with sqlite:// or postgresql://")
    # Its content would be another one on each connection.
    if url.database in {None, "", ":memory:"} or str(url.database).startswith("file:"):
        raise DatabaseUrlError("a SQLite database is a file: sqlite:///gateway.db")
    return url.set(drivername="sqlite+aiosqlite")


def writing_options() -> Mapping[str, Any]:
    """Return the options of an engine whose transactions lock SQLite from the start.

    A transaction that reads first and locks later fails when another wrote in between.
    """
    return {_WRITES: True}


def _begin(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _set_up(connection: Any, _record: Any) -> None:
    # A commit is in the hands of the operating system: SIGKILL loses nothing. Power loss may
    # take back the latest commits, each of them whole, and never leaves a broken file. FULL
    # would wait for the disk at each of the three commits of a request.
    for pragma in ("synchronous = NORMAL", "foreign_keys = ON"):
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _watch(engine: Engine, path: str) -> None:
    """Refuse connections to a file that is no longer the one of that name.

    SQLite goes on writing to a file that was moved away or deleted, where nobody reads it.
    """

    @event.listens_for(engine, "connect")
    def remember(_connection: Any, record: Any) -> None:
        record.info["identity"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def compare(_connection: Any, record: Any, _proxy: Any) -> None:
        try:
            is_same = _identity(path) == record.info["identity"]
        except OSError:
            is_same = False
        if not is_same:
            raise DisconnectionError("the database's file was moved")


def _path(url: URL) -> str:
    return os.path.abspath(str(url.database))


def _file_address(url: URL) -> URL:
    # Only migrating creates a file; a connection to one that is gone must fail.
    return url.set(database=f"file:{quote(_path(url))}", query={"mode": "rw", "uri": "true"})


def _file_arguments(seconds: float) -> dict[str, Any]:
    # Without a level of its own the driver begins no transaction that `_begin` has not.
    return {"timeout": seconds, "isolation_level": None}


def open_file_engine(url: URL, seconds: float = PATIENCE_SECONDS) -> AsyncEngine:
    """Return an engine on a SQLite file, each statement of which hops to a thread."""
    engine = create_async_engine(
        _file_address(url),
        connect_args=_file_arguments(seconds),
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=seconds,
        hide_parameters=True,
    )
    _prepare(engine.sync_engine, _path(url))
    return engine


def open_thread_engine(url: URL) -> Engine:
    """Return an engine on a SQLite file for work that runs in threads of its own."""
    engine = create_engine(
        _file_address(url.set(drivername="sqlite")),
        connect_args=_file_arguments(PATIENCE_SECONDS) | {"check_same_thread": False},
        poolclass=QueuePool,
        pool_size=READERS + 1,
        max_overflow=0,
        pool_timeout=PATIENCE_SECONDS,
        # What fails is said without the names and ciphertexts it was about.
        hide_parameters=True,
    )
    _prepare(engine, _path(url))
    return engine


def _prepare(engine: Engine, path: str) -> None:
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    _watch(engine, path)


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    # The driver has heard of the end of its socket; asking the server would cost a journey.
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server closed the connection")


def _cut_silent(context: ExceptionContext) -> None:
    # The server itself ends what takes too long, a little earlier. One that does not even do
    # that would have its connection closed politely, which takes as long once more.
    connection = context.connection
    if connection is None or not isinstance(context.original_exception, TimeoutError):
        return
    driver: Any = connection.connection.driver_connection
    driver.terminate()


def open_server_engine(url: URL, seconds: float = PATIENCE_SECONDS) -> AsyncEngine:
    """Return an engine on a PostgreSQL server, whose silence is an error after a while."""
    milliseconds = str(int(seconds * 1000))
    settings = {
        "lock_timeout": milliseconds,
        "statement_timeout": milliseconds,
        # A process that was stopped in a transaction must not keep its locks.
        "idle_in_transaction_session_timeout": str(int(seconds * 5000)),
        "application_name": "gateway",
        # Short statements over few rows: compiling them costs more than it brings.
        "jit": "off",
    }
    engine = create_async_engine(
        url,
        connect_args={
            "timeout": seconds,
            "command_timeout": seconds + _GRACE_SECONDS,
            "server_settings": settings,
        },
        pool_size=SERVER_POOL,
        max_overflow=0,
        pool_timeout=seconds,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    event.listen(engine.sync_engine, "handle_error", _cut_silent)
    return engine


def set_journal(path: str, seconds: float) -> None:
    """Create the file where it is missing, and let readers and a writer work side by side.

    Raises sqlite3.OperationalError. The file remembers its journal, so this is done once.
    """
    connection = sqlite3.connect(path, timeout=seconds)
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    finally:
        connection.close()
