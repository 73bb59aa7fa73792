"""The end of a request: exactly once, whatever happens, and outliving the request itself."""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import structlog

from gateway.database import DatabaseUnavailableError
from gateway.usage import Usage

_LOG = structlog.get_logger(__name__)
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 5.0


class Ending(enum.StrEnum):
    """How a request ended for the one who pays."""

    SUCCESS = "success"
    FAILURE = "failure"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request ended, and what of it can be charged.

    `characters` are those streamed to a guest that then went away; `status` is the one
    that the guest saw; `error` says in a few words what failed.
    """

    ending: Ending
    usage: Usage | None = None
    characters: int = 0
    status: int = 200
    error: str | None = None


class Account(Protocol):
    """Where a request's end is written: a ledger, a control plane, or a log alone."""

    async def close(self, outcome: Outcome) -> None:
        """Write the end down; raises DatabaseUnavailableError to be asked again."""


class Settler:
    """Owns the ends that are still being written, so that no request's death loses one."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, account: Account, outcome: Outcome) -> asyncio.Task[None]:
        """Write an end down in the background, again and again while the database is away."""
        task = asyncio.create_task(_persist(account, outcome))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def wait_for(self, task: asyncio.Task[None]) -> bool:
        """Return whether the end was written within the patience of the deployment."""
        done, _ = await asyncio.wait({task}, timeout=self._patience)
        return bool(done) and task.exception() is None

    async def drain(self, seconds: float) -> int:
        """Wait for the ends that are under way; return how many are left."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)
        return len(self._running)


async def _persist(account: Account, outcome: Outcome) -> None:
    wait = _FIRST_WAIT
    while True:
        try:
            return await account.close(outcome)
        except DatabaseUnavailableError:
            _LOG.warning("settlement_waits", seconds=wait, ending=outcome.ending)
        await asyncio.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT)


class Settlement:
    """One request's end. The first word counts; leaving the block without one is a failure."""

    def __init__(self, account: Account, settler: Settler) -> None:
        self._account = account
        self._settler = settler
        self._task: asyncio.Task[None] | None = None

    @property
    def has_begun(self) -> bool:
        """Whether some end has been named."""
        return self._task is not None

    async def end(self, outcome: Outcome) -> bool:
        """End the request, if nobody has; return whether its end is written by now."""
        if self._task is None:
            self._task = self._settler.begin(self._account, outcome)
        return await self._settler.wait_for(self._task)

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
            outcome = Outcome(ending=Ending.FAILURE, status=500, error=named)
            self._task = self._settler.begin(self._account, outcome)
