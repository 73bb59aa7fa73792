"""One request of a guest from its first check to its end, for as long as the guest is there."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.formats.wires import Wire
from gateway.metrics import Metrics
from gateway.refusals import Code, Refusal
from gateway.storage.database import DatabaseUnavailableError
from gateway.traffic.inbound import GuestGoneError, Inbound
from gateway.traffic.passage import Bounds, Passage
from gateway.traffic.transport import Transport
from gateway.traffic.turn import RequestMode, Turn
from gateway.traffic.watching import Watch


class Exchange(Response):
    """Answers one request of a guest. Nothing is held before it is called."""

    def __init__(
        self,
        wire: Wire,
        mode: RequestMode,
        transport: Transport,
        bounds: Bounds,
        metrics: Metrics,
    ) -> None:
        self._wire = wire
        self._mode = mode
        self._transport = transport
        self._bounds = bounds
        self._metrics = metrics
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and refuse in the shape of the guest's own protocol."""
        inbound = Inbound(scope, receive, self._wire, self._bounds.body)
        with Watch(self._metrics, self._wire, inbound.id) as watch:
            await self._watched(inbound, watch, watch.on(send))

    async def _watched(self, inbound: Inbound, watch: Watch, send: Send) -> None:
        try:
            turn = await self._mode.resolve(inbound)
            watch.resolved(turn)
            async with turn.settlement:
                await self._while_present(inbound, turn, send)
        except Refusal as refusal:
            await self._refuse(refusal, inbound, send)
        except DatabaseUnavailableError:
            self._metrics.database_away("request")
            await self._refuse(database_away(), inbound, send)
        except GuestGoneError:
            return

    async def _refuse(self, refusal: Refusal, inbound: Inbound, send: Send) -> None:
        if not inbound.is_read:
            # What is left of the body must not be taken for another request.
            refusal = refusal.with_headers([("connection", "close")])
        await refusal.response_on(self._wire.protocol)(inbound.scope, inbound.receive, send)

    async def _while_present(self, inbound: Inbound, turn: Turn, send: Send) -> None:
        """Answer until the guest is gone; what was streamed by then is what it pays for."""
        passage = Passage(turn, self._transport, self._bounds, send)
        work = asyncio.create_task(passage.go(inbound))
        gone = asyncio.create_task(inbound.gone())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await _cancelled(work)
                await turn.settlement.end(passage.abandoned())
        finally:
            gone.cancel()
            work.cancel()
        if not work.cancelled():
            work.result()


def database_away() -> Refusal:
    """Return the answer while the database is away: nothing was charged, ask again."""
    message = "The database cannot be reached; nothing was charged."
    headers = {"retry-after": "5"}
    return Refusal(503, Code.DATABASE_UNAVAILABLE, message, headers=headers)


async def _cancelled(work: asyncio.Task[None]) -> None:
    work.cancel()
    await asyncio.wait({work})
