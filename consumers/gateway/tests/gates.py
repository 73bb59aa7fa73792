"""Holds the writes of a running gateway back, or has them fail, until a test lets them go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.services import Services
from gateway.storage.database import DatabaseUnavailableError
from tests.running import Running


class Gate:
    """Stands before the writes of one database; `waiting` and `failed` count who came."""

    def __init__(self) -> None:
        self.waiting = 0
        self.failed = 0
        self.is_open = False

    def open(self) -> None:
        """Let everyone through from now on."""
        self.is_open = True


def services_of(gateway: Running) -> Services:
    """Return what a gateway of this process works with."""
    app: Any = gateway.server.config.app
    made: Services = app.state.services
    return made


@contextmanager
def writes_wait(gateway: Running) -> Iterator[Gate]:
    """Hold every write back until the gate is opened."""
    gate = Gate()

    async def wait() -> None:
        gate.waiting += 1
        while not gate.is_open:  # noqa: ASYNC110 - it is opened from another thread
            await asyncio.sleep(0.002)

    with _before_writes(gateway, wait):
        yield gate
        gate.open()


@contextmanager
def writes_fail(gateway: Running) -> Iterator[Gate]:
    """Have every write fail as if the database were away, until the gate is opened."""
    gate = Gate()

    async def fail() -> None:
        if not gate.is_open:
            gate.failed += 1
            raise DatabaseUnavailableError

    with _before_writes(gateway, fail):
        yield gate
        gate.open()


@contextmanager
def _before_writes(gateway: Running, first: Any) -> Iterator[None]:
    database: Any = services_of(gateway).database
    begin = database.begin

    async def after_the_gate(work: Any, how: Any) -> Any:
        await first()
        return await begin(work, **how)

    def guarded(work: Any, **how: Any) -> Any:
        return asyncio.ensure_future(after_the_gate(work, how))

    database.begin = guarded
    try:
        yield
    finally:
        database.begin = begin
