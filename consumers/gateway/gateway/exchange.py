"""One request from its first check to its last byte, and the end that is told of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.conversion import GarbledAnswerError, UnconvertibleRequestError
from gateway.database import DatabaseUnavailableError
from gateway.headers import Headers, to_guest, to_vendor
from gateway.inbound import GuestGoneError, Inbound
from gateway.metrics import Metrics
from gateway.outcomes import Ending, Outcome, failure
from gateway.refusals import Code, Refusal
from gateway.relay import BrokenStreamError, Relay, error_event, relay
from gateway.transport import Transport, VendorAnswer, VendorCutError, VendorSilentError
from gateway.turn import RequestMode, Turn
from gateway.usage import Meter
from gateway.watching import Watch
from gateway.wires import Wire

# So much of a vendor's error is read; the rest is of no use to anyone.
_ERROR_BYTES = 256 * 1024
_MESSAGE_CHARACTERS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much of a request and of an answer is taken."""

    body: int
    answer: int


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
            await self._watched(inbound, watch, scope, receive, watch.on(send))

    async def _watched(
        self, inbound: Inbound, watch: Watch, scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            turn = await self._mode.resolve(inbound)
            watch.resolved(turn)
            async with turn.settlement:
                await self._while_present(inbound, turn, send)
        except Refusal as refusal:
            await refusal.response_on(self._wire.protocol)(scope, receive, send)
        except DatabaseUnavailableError:
            self._metrics.database_away("request")
            await database_away().response_on(self._wire.protocol)(scope, receive, send)
        except GuestGoneError:
            return

    async def _while_present(self, inbound: Inbound, turn: Turn, send: Send) -> None:
        """Answer until the guest is gone; what was streamed by then is what it pays for."""
        passage = _Passage(turn, self._transport, self._bounds, send)
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


class _Passage:
    """The way to the vendor and back, and what is known of it at any moment."""

    def __init__(self, turn: Turn, transport: Transport, bounds: Bounds, send: Send) -> None:
        self._turn = turn
        self._transport = transport
        self._bounds = bounds
        self._send = send
        self._meter = Meter(turn.route.wire)

    def abandoned(self) -> Outcome:
        """Return the end of a request whose guest went away just now."""
        return _metered(self._meter, Ending.ABANDONED, 499)

    async def go(self, inbound: Inbound) -> None:
        route = self._turn.route
        headers = to_vendor(inbound.pairs, route.extra_headers, route.credential)
        try:
            body = _request_body(self._turn)
            async with self._transport.post(route.url, headers, body) as answer:
                await self._answer(answer)
        except Refusal as refusal:
            await self._turn.settlement.end(failure(refusal))
            raise refusal.with_headers(self._turn.headers) from None

    async def _answer(self, answer: VendorAnswer) -> None:
        if answer.status >= 400:
            raise await _vendors_refusal(answer, self._turn)
        if not 200 <= answer.status < 300:
            raise _failed("The vendor answered with a redirect.")
        if answer.is_stream:
            await self._stream(answer)
        else:
            await self._whole(answer)

    async def _whole(self, answer: VendorAnswer) -> None:
        raw = await _whole_body(answer, self._bounds.answer)
        document = _document(raw)
        self._meter.read_answer(document)
        conversion = self._turn.route.conversion
        if conversion is not None:
            try:
                document = conversion.answer(document)
            except GarbledAnswerError:
                raise _failed("The vendor's answer is not of its wire format.") from None
            raw = json.dumps(document, ensure_ascii=False).encode()
        if not await self._turn.settlement.end(self._succeeded(answer.status)):
            raise _unsettled()
        await self._start(answer, "application/json", len(raw))
        await self._send({"type": "http.response.body", "body": raw})

    async def _stream(self, answer: VendorAnswer) -> None:
        passing = relay(self._turn.asked, self._turn.route.conversion)
        self._meter = passing.meter
        await self._start(answer, "text/event-stream; charset=utf-8", None)
        try:
            await self._pass_on(answer, passing)
        except Refusal as refusal:
            await self._told_in_band(refusal.status, refusal.message)
        except (BrokenStreamError, VendorCutError, VendorSilentError) as error:
            await self._broken(error)
        await self._send({"type": "http.response.body", "body": b""})

    async def _pass_on(self, answer: VendorAnswer, passing: Relay) -> None:
        async for chunk in answer.chunks():
            out = passing.feed(chunk)
            if passing.meter.failure is not None:
                await self._failed_in_band(passing.meter.failure)
            elif passing.meter.is_complete and not await self._settled(answer.status):
                raise _unsettled()
            if out:
                await self._more(out)
            if passing.meter.is_complete:
                break
        rest = passing.finish()
        if rest:
            await self._more(rest)

    async def _settled(self, status: int) -> bool:
        return await self._turn.settlement.end(self._succeeded(status))

    async def _failed_in_band(self, message: str) -> None:
        outcome = Outcome(ending=Ending.FAILURE, status=200, error=message[:_MESSAGE_CHARACTERS])
        await self._turn.settlement.end(outcome)

    async def _broken(self, error: Exception) -> None:
        status, message = _told(error)
        outcome = Outcome(ending=Ending.FAILURE, status=status, error=message)
        await self._turn.settlement.end(outcome)
        await self._told_in_band(status, message)

    async def _told_in_band(self, status: int, message: str) -> None:
        await self._more(error_event(self._turn.asked.wire.protocol, status, message))

    def _succeeded(self, status: int) -> Outcome:
        return _metered(self._meter, Ending.SUCCESS, status)

    async def _more(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def _start(self, answer: VendorAnswer, content_type: str, length: int | None) -> None:
        headers: Headers = (("content-type", content_type), *to_guest(answer.headers))
        headers = (*headers, *self._turn.headers)
        if length is None:
            headers = (*headers, ("cache-control", "no-store"), ("x-accel-buffering", "no"))
        else:
            headers = (*headers, ("content-length", str(length)))
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": raw})


def database_away() -> Refusal:
    """Return the answer while the database is away: nothing was charged, ask again."""
    message = "The database cannot be reached; nothing was charged."
    headers = {"retry-after": "5"}
    return Refusal(503, Code.DATABASE_UNAVAILABLE, message, headers=headers)


def _unsettled() -> Refusal:
    """Return the end of an answer that was complete, while the database is away.

    The vendor has been paid for it, so it is charged as soon as the database is back.
    """
    message = "The database cannot be reached, so the end of this answer is withheld."
    headers = {"retry-after": "5"}
    return Refusal(503, Code.DATABASE_UNAVAILABLE, message, headers=headers)


def _metered(meter: Meter, ending: Ending, status: int) -> Outcome:
    return Outcome(
        ending=ending,
        usage=meter.usage,
        so_far=meter.usage_so_far,
        characters=meter.characters,
        status=status,
    )


async def _cancelled(work: asyncio.Task[None]) -> None:
    work.cancel()
    await asyncio.wait({work})


def _request_body(turn: Turn) -> bytes:
    asked, route = turn.asked, turn.route
    if route.conversion is None:
        return asked.with_model(route.model)
    try:
        made = route.conversion.request(asked.members | {"model": route.model})
    except UnconvertibleRequestError as error:
        raise Refusal(400, Code.BAD_REQUEST, str(error)) from None
    return json.dumps(made, ensure_ascii=False).encode()


async def _whole_body(answer: VendorAnswer, limit: int) -> bytes:
    try:
        return await answer.whole(limit)
    except VendorSilentError:
        raise Refusal(504, Code.VENDOR_TIMEOUT, "The vendor fell silent.") from None
    except VendorCutError:
        raise _failed("The vendor's answer broke off.") from None


def _document(raw: bytes) -> dict[str, object]:
    try:
        document = json.loads(raw)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _failed("The vendor's answer is not JSON.")
    return document


async def _vendors_refusal(answer: VendorAnswer, turn: Turn) -> Refusal:
    try:
        raw = await answer.whole(_ERROR_BYTES)
    except (VendorCutError, VendorSilentError):
        raw = b""
    message = _scrubbed(_message_of(raw), turn.route.credential[1])
    headers = dict(to_guest(answer.headers))
    return Refusal(answer.status, Code.VENDOR_FAILED, message, headers=headers)


def _message_of(raw: bytes) -> str:
    """Return the sentence in a vendor's error, in whichever of the common shapes it came."""
    try:
        document = json.loads(raw)
    except ValueError:
        return "The vendor refused the request."
    error = document.get("error", document) if isinstance(document, dict) else document
    found = error.get("message") if isinstance(error, dict) else error
    text = found if isinstance(found, str) else "The vendor refused the request."
    return text[:_MESSAGE_CHARACTERS]


def _scrubbed(text: str, credential: str) -> str:
    """Return the text without the key, should a vendor repeat it."""
    key = credential.removeprefix("Bearer ")
    return text.replace(key, "[removed]")


def _failed(message: str) -> Refusal:
    return Refusal(502, Code.VENDOR_FAILED, message)


def _told(error: Exception) -> tuple[int, str]:
    if isinstance(error, VendorSilentError):
        return 504, "The vendor fell silent in the middle of its answer."
    if isinstance(error, VendorCutError):
        return 502, "The vendor's answer broke off."
    return 502, f"The vendor's stream is broken: {error}."
