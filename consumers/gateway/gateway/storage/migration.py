"""Brings the tables of a database up to date."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

from sqlalchemy import URL, Connection, text

from gateway.storage import engines

# The newest of the steps; a test compares it with them.
NEWEST = "0001"

# Another process may be at the same work; it gets that long.
_WAIT_SECONDS = 60
_PAUSE_SECONDS = 0.05
# Any number will do that nobody else uses on the same server.
_LOCK = 7_203_115_906_448_211


class UnknownVersionError(Exception):
    """The tables were made by a later version of the gateway, or by something else."""


def _upgrade(connection: Connection) -> None:
    if _version(connection) != NEWEST:
        _step(connection)


def _version(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    version: str | None = connection.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar()
    return version


def _step(connection: Connection) -> None:
    # Nearly every start finds its tables as they should be, and waits for no import.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise UnknownVersionError from None


def _set_journal(path: str) -> None:
    # SQLite does not wait for its lock when it changes the journal.
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            return engines.set_journal(path, _WAIT_SECONDS)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)


async def migrate_file(url: URL) -> None:
    """Create the SQLite file where it is missing, and its tables; one process at a time."""
    await asyncio.to_thread(_set_journal, str(url.database))
    engine = engines.open_file_engine(url, seconds=_WAIT_SECONDS)
    try:
        # The lock is taken as the transaction begins, before the version is read.
        async with engine.execution_options(**engines.writing_options()).begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def migrate_server(url: URL) -> None:
    """Create the tables on the PostgreSQL server; one process at a time."""
    engine = engines.open_server_engine(url, seconds=_WAIT_SECONDS)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()
