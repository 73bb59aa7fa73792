"""Runs transactions on SQLite in threads of their own, each in one journey."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine

from gateway.storage import engines
from gateway.storage.failures import DatabaseUnavailableError, reported

Outcome = TypeVar("Outcome")


class Lane:
    """Some threads, and the transactions that wait for them in turn."""

    def __init__(self, engine: Engine, threads: int, name: str) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, name)
        self._failed_at = 0.0

    async def run(self, work: Callable[[Connection], Outcome]) -> Outcome:
        """Return what `work` returns, run in one transaction."""
        queued_at = time.monotonic()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._transact, work, queued_at)

    def _transact(self, work: Callable[[Connection], Outcome], queued_at: float) -> Outcome:
        # Whoever stood behind one that waited in vain has waited as long.
        if queued_at < self._failed_at:
            raise DatabaseUnavailableError
        try:
            with reported(), self._engine.begin() as connection:
                return work(connection)
        except DatabaseUnavailableError:
            self._failed_at = time.monotonic()
            raise

    def close(self) -> None:
        """Wait for what runs, and end the threads."""
        self._threads.shutdown()


class Threads:
    """One thread that writes, and a few that read, on one SQLite file."""

    def __init__(self, url: URL) -> None:
        self._engine = engines.open_thread_engine(url)
        writing = self._engine.execution_options(**engines.writing_options())
        self.reader = Lane(self._engine, engines.READERS, "database-reader")
        self.writer = Lane(writing, 1, "database-writer")

    def close(self) -> None:
        """Wait for what runs, and close all connections."""
        self.reader.close()
        self.writer.close()
        self._engine.dispose()
