"""Brings the tables of a database up to date."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, text

from gateway import engines

# Another process may be at the same work; it gets that long.
_WAIT_SECONDS = 60
_PAUSE_SECONDS = 0.05
# Any number will do that nobody else uses on the same server.
_LOCK = 7_203_115_906_448_211


class UnknownVersionError(Exception):
    """The tables were made by a later version of the gateway, or by something else."""


def _upgrade(connection: Connection) -> None:
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
