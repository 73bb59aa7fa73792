"""One door to the database: transactions, and a clear error when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from . import engines
from .failures import DatabaseUnavailableError, reported
from .migration import migrate_file, migrate_server

__all__ = ["Database", "DatabaseUnavailableError"]

Outcome = TypeVar("Outcome")
Work = Callable[[Connection], Outcome]


class Database:
    """A SQLite file or a PostgreSQL database, chosen by one URL.

    All four ways to it raise DatabaseUnavailableError when the database is away, within about
    `PATIENCE_SECONDS`, and work again as soon as it is back. `read` and `write` take a
    function of a synchronous connection: the fast way, one journey to a thread on SQLite.
    """

    def __init__(self, url: str) -> None:
        self._url = engines.parse_url(url)
        self._threads: _Threads | None = None
        if self._url.drivername.startswith("sqlite"):
            self._engine = engines.open_file_engine(self._url)
            self._threads = _Threads(engines.open_thread_engine(self._url))
        else:
            self._engine = engines.open_server_engine(self._url)
        self._reader = self._reading_engine()
        self._writer = self._engine.execution_options(**engines.writing_options())
        # On SQLite writers that wait here wait in turn; in the file they would poll.
        self._turn = asyncio.Semaphore(1 if self._threads else engines.SERVER_POOL)
        self._running: set[asyncio.Task[object]] = set()

    def _reading_engine(self) -> AsyncEngine:
        # One statement that reads needs no transaction, and so two journeys less.
        return (
            self._engine
            if self._threads
            else self._engine.execution_options(isolation_level="AUTOCOMMIT")
        )

    async def migrate(self) -> None:
        """Bring the tables up to date; safe for several processes at once."""
        with reported():
            if self._threads:
                await migrate_file(self._url)
            else:
                await migrate_server(self._url)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for reading; what is in the body is database work only."""
        with reported():
            async with self._reader.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in one transaction, which commits at the end of the body."""
        with reported():
            async with self._turn, self._writer.begin() as connection:
                yield connection

    async def read(self, work: Work[Outcome]) -> Outcome:
        """Return what `work` returns, which only reads."""
        if self._threads:
            with reported():
                return await self._threads.read(work)
        async with self.reading() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Work[Outcome]) -> Outcome:
        """Return what `work` returns, run in one transaction.

        Once begun, it goes on to its end, also when the caller is cancelled.
        """
        task = asyncio.ensure_future(self._write(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _write(self, work: Work[Outcome]) -> Outcome:
        if self._threads:
            with reported():
                return await self._threads.write(work)
        async with self.writing() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Wait for what is being written, and close all connections."""
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._threads:
            await asyncio.to_thread(self._threads.close)
        await self._engine.dispose()


class _Threads:
    """Runs work on SQLite in threads of its own: one that writes, a few that read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(**engines.writing_options())
        self._readers = ThreadPoolExecutor(engines.READERS, "database-reader")
        self._writer = ThreadPoolExecutor(1, "database-writer")

    async def read(self, work: Work[Outcome]) -> Outcome:
        return await self._run(self._readers, self._engine, work)

    async def write(self, work: Work[Outcome]) -> Outcome:
        return await self._run(self._writer, self._writing, work)

    @staticmethod
    async def _run(threads: ThreadPoolExecutor, engine: Engine, work: Work[Outcome]) -> Outcome:
        def transaction() -> Outcome:
            with engine.begin() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(threads, transaction)

    def close(self) -> None:
        self._readers.shutdown()
        self._writer.shutdown()
        self._engine.dispose()
