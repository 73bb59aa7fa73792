"""Settlements by themselves: exactly one end a request, whoever names it and whatever fails."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from gateway.metrics import Metrics
from gateway.spending.outcomes import Closing, Ending, Outcome
from gateway.spending.settlement import Settlement, Settler
from gateway.storage.database import DatabaseUnavailableError

pytestmark = pytest.mark.anyio

SUCCESS = Outcome(ending=Ending.SUCCESS)
FAILURE = Outcome(ending=Ending.FAILURE, status=500, error="first")


@dataclass(slots=True, kw_only=True)
class Book:
    """An account that notes what it is told, after having failed as often as it is to."""

    failures: list[Exception] = field(default_factory=list)
    gate: asyncio.Event | None = None
    told: list[Outcome] = field(default_factory=list)
    payer: str = "platform"

    async def close(self, outcome: Outcome) -> Closing:
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.told.append(outcome)
        return Closing(result="logged")


def _settlement(book: Book, patience: float = 30, *, strict: bool = True) -> Settlement:
    return Settlement(book, Settler(patience, Metrics(), strict=strict))


async def test_the_first_end_is_the_one_that_counts() -> None:
    book = Book()
    async with _settlement(book) as settlement:
        assert await settlement.end(SUCCESS)
        assert await settlement.end(FAILURE)
    assert book.told == [SUCCESS]
    assert settlement.outcome == SUCCESS
    assert settlement.closing == Closing(result="logged")


@pytest.mark.parametrize("error", [RuntimeError("a fault"), asyncio.CancelledError()], ids=repr)
async def test_leaving_without_an_end_is_a_failure(error: BaseException) -> None:
    book = Book()
    settler = Settler(30, Metrics())
    with pytest.raises(type(error)):
        async with Settlement(book, settler):
            raise error
    assert await settler.drain(30) == 0
    (told,) = book.told
    assert (told.ending, told.status, told.error) == (Ending.FAILURE, 500, type(error).__name__)


async def test_leaving_in_peace_without_an_end_is_a_failure_too() -> None:
    book, settler = Book(), Settler(30, Metrics())
    async with Settlement(book, settler):
        pass
    await settler.drain(30)
    assert [told.ending for told in book.told] == [Ending.FAILURE]


async def test_an_end_is_written_again_while_the_database_is_away() -> None:
    book = Book(failures=[DatabaseUnavailableError() for _ in range(3)])
    async with _settlement(book) as settlement:
        assert await settlement.end(SUCCESS)
    assert book.told == [SUCCESS]


async def test_an_end_goes_on_after_the_patience_and_after_its_request() -> None:
    gate = asyncio.Event()
    book, settler = Book(gate=gate), Settler(0.01, Metrics())
    async with Settlement(book, settler) as settlement:
        assert not await settlement.end(SUCCESS)
        # Whoever comes second does not wait again, however long the first one takes.
        async with asyncio.timeout(5):
            assert not await Settlement.end(settlement, FAILURE)
    assert settlement.closing is None
    assert await settler.drain(0) == 1
    gate.set()
    assert await settler.drain(30) == 0
    assert book.told == [SUCCESS]
    assert await settlement.end(FAILURE)


async def test_a_second_end_does_not_wait_for_the_first() -> None:
    gate = asyncio.Event()
    book = Book(gate=gate)
    settlement = _settlement(book, patience=3600)
    waiting = asyncio.create_task(settlement.end(SUCCESS))
    await asyncio.sleep(0)
    assert not await settlement.end(FAILURE)
    gate.set()
    assert await waiting


async def test_an_end_outlives_the_one_who_waits_for_it() -> None:
    gate = asyncio.Event()
    book, settler = Book(gate=gate), Settler(3600, Metrics())
    settlement = Settlement(book, settler)
    waiting = asyncio.create_task(settlement.end(SUCCESS))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.set()
    assert await settler.drain(30) == 0
    assert book.told == [SUCCESS]


async def test_an_answer_goes_on_where_its_end_need_not_be_written() -> None:
    gate = asyncio.Event()
    settlement = _settlement(Book(gate=gate), patience=0.01, strict=False)
    assert await settlement.end(SUCCESS)
    gate.set()


async def test_a_fault_of_ours_is_logged_and_no_good_end() -> None:
    book, settler = Book(failures=[ZeroDivisionError()]), Settler(30, Metrics())
    settlement = Settlement(book, settler)
    with capture_logs() as entries:
        assert not await settlement.end(SUCCESS)
        await settler.drain(30)
    assert [entry["event"] for entry in entries] == ["settlement_failed"]
    assert settlement.closing is None
    assert book.told == []
