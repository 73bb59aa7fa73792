"""One door to the database: transactions, and a clear error when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.storage import engines
from gateway.storage.failures import DatabaseUnavailableError, reported
from gateway.storage.migration import migrate_file, migrate_server
from gateway.storage.threads import Threads

__all__ = ["Database", "DatabaseUnavailableError"]

Outcome = TypeVar("Outcome")
Work = Callable[[Connection], Outcome]


class Database:
    """A SQLite file or a PostgreSQL database, chosen by one URL.

    All four ways to it raise DatabaseUnavailableError when the database is away, after about
    `PATIENCE_SECONDS` at most, and work again as soon as it is back. `read` and `write` take
    a function of a synchronous connection: the fast way, one journey to a thread on SQLite.
    Raises DatabaseUrlError for a URL that names no database it can use.
    """

    def __init__(self, url: str) -> None:
        self._url = engines.parse_url(url)
        self._running: set[asyncio.Task[object]] = set()
        self._is_closed = False
        self._threads: Threads | None = None
        if self._url.drivername.startswith("sqlite"):
            engine = engines.open_file_engine(self._url)
            self._threads = Threads(self._url)
            self._reader = engine
            # Writers that wait here wait in turn; in the file they would poll.
            self._turn = asyncio.Semaphore(1)
        else:
            engine = engines.open_server_engine(self._url)
            # A statement that reads needs no transaction, and so two journeys less.
            self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
            self._turn = asyncio.Semaphore(engines.SERVER_POOL)
        self._writer = engine.execution_options(**engines.writing_options())

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
        self._refuse_if_closed()
        with reported():
            async with _connected(self._reader) as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in one transaction, which commits at the end of the body.

        What is in the body is database work only. Raise in it to take everything back.
        """
        self._refuse_if_closed()
        with reported():
            async with asyncio.timeout(engines.PATIENCE_SECONDS):
                await self._turn.acquire()
            try:
                async with _connected(self._writer) as connection, connection.begin():
                    yield connection
            finally:
                self._turn.release()

    async def read(self, work: Work[Outcome]) -> Outcome:
        """Return what `work` returns, which only reads."""
        self._refuse_if_closed()
        if self._threads:
            return await self._threads.reader.run(work)
        async with self.reading() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Work[Outcome], *, is_one_statement: bool = False) -> Outcome:
        """Return what `work` returns, run in one transaction.

        Once begun, it goes on to its end, also when the caller is cancelled. Work whose
        changes are all in one statement is done sooner when it says so: on PostgreSQL the
        statement is the transaction.
        """
        return await asyncio.shield(self.begin(work, is_one_statement=is_one_statement))

    def begin(
        self, work: Work[Outcome], *, is_one_statement: bool = False
    ) -> asyncio.Task[Outcome]:
        """Begin what `write` does, and return the task that ends with it."""
        task = asyncio.ensure_future(self._write(work, is_one_statement))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _write(self, work: Work[Outcome], is_one_statement: bool) -> Outcome:
        self._refuse_if_closed()
        if self._threads:
            return await self._threads.writer.run(work)
        async with self.reading() if is_one_statement else self.writing() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Wait for what is being written, and close all connections.

        What is asked of the database afterwards fails as if it were away.
        """
        # What ends may begin another.
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)
        self._is_closed = True
        if self._threads:
            await asyncio.to_thread(self._threads.close)
        await self._writer.dispose()

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise DatabaseUnavailableError


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    # The wait for the pool and the one for the server are one wait.
    async with asyncio.timeout(engines.PATIENCE_SECONDS):
        connection = await engine.connect()
    try:
        yield connection
    finally:
        await connection.close()
