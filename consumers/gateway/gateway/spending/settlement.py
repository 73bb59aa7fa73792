"""The end of a request: exactly once, whatever happens, and outliving the request itself."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Protocol, Self

import structlog

from gateway.metrics import Metrics
from gateway.spending.outcomes import Closing, Ending, Outcome
from gateway.storage.database import DatabaseUnavailableError

_LOG = structlog.get_logger(__name__)
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 5.0


class Account(Protocol):
    """Where a request's end is written: a ledger, a control plane, or a log alone."""

    @property
    def payer(self) -> str:
        """Whose money the vendor gets: the platform's, or the tenant's own."""

    async def close(self, outcome: Outcome) -> Closing:
        """Write the end down; raises DatabaseUnavailableError to be asked again."""


class Settler:
    """Owns the ends that are still being written, so that no request's death loses one.

    Where it is not `strict`, an answer goes on after the patience, written or not.
    """

    def __init__(self, patience: float, metrics: Metrics, *, strict: bool = True) -> None:
        self._patience = patience
        self._is_strict = strict
        self._metrics = metrics
        self._running: set[asyncio.Task[Closing]] = set()

    def begin(self, account: Account, outcome: Outcome) -> asyncio.Task[Closing]:
        """Write an end down in the background, again and again while the database is away."""
        task = asyncio.create_task(self._persist(account, outcome))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def wait_for(self, task: asyncio.Task[Closing]) -> bool:
        """Return whether the answer may go on: the end was written in time, or need not be."""
        await asyncio.wait({task}, timeout=self._patience)
        return is_written(task) or not self._is_strict

    async def drain(self, seconds: float) -> int:
        """Wait for the ends that are under way; return how many are left."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)
        return len(self._running)

    async def _persist(self, account: Account, outcome: Outcome) -> Closing:
        wait = _FIRST_WAIT
        while True:
            try:
                closing = await account.close(outcome)
            except DatabaseUnavailableError:
                self._metrics.database_away("settlement")
                _LOG.warning("settlement_waits", seconds=wait, ending=outcome.ending)
            else:
                self._metrics.settled(outcome.ending, closing.result)
                return closing
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    def _ended(self, task: asyncio.Task[Closing]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # The hold is left to the sweep; this is a mistake of ours that someone must see.
            _LOG.error("settlement_failed", exc_info=error)


def is_written(task: asyncio.Task[Closing]) -> bool:
    """Return whether the task has come to its end, and to a good one."""
    return task.done() and not task.cancelled() and task.exception() is None


class Settlement:
    """One request's end. The first word counts; leaving the block without one is a failure."""

    def __init__(self, account: Account, settler: Settler) -> None:
        self._account = account
        self._settler = settler
        self._task: asyncio.Task[Closing] | None = None
        self.outcome: Outcome | None = None

    @property
    def payer(self) -> str:
        """Whose money the vendor gets."""
        return self._account.payer

    @property
    def closing(self) -> Closing | None:
        """What was written of the end, or None as long as it is not."""
        return self._task.result() if self._task is not None and is_written(self._task) else None

    async def end(self, outcome: Outcome) -> bool:
        """End the request and return whether its answer may go on, waiting for it a while.

        Where somebody has named an end before, that one holds, and nobody waits again.
        """
        if self._task is not None:
            return is_written(self._task)
        return await self._settler.wait_for(self._begin(outcome))

    def _begin(self, outcome: Outcome) -> asyncio.Task[Closing]:
        self.outcome = outcome
        self._task = self._settler.begin(self._account, outcome)
        return self._task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is None:
            named = "cancelled" if kind is None else kind.__name__
            self._begin(Outcome(ending=Ending.FAILURE, status=500, error=named))
