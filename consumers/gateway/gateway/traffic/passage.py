"""The way of one request to its vendor, and of the vendor's answer back to the guest."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.types import Send

from gateway.formats.conversion import Conversion, GarbledAnswerError, UnconvertibleRequestError
from gateway.formats.headers import Headers, to_guest, to_vendor
from gateway.formats.usage import Meter
from gateway.keys.redaction import redacted
from gateway.refusals import Code, Refusal
from gateway.spending.outcomes import Ending, Outcome, failure
from gateway.traffic import vendor_errors
from gateway.traffic.inbound import Inbound
from gateway.traffic.relay import Mark, Piece, Relay, broken_off, error_event, relay
from gateway.traffic.transport import Transport, VendorAnswer
from gateway.traffic.turn import Turn

# So much of a vendor's error is read, for so long; its status is what counts.
_ERROR_BYTES = 256 * 1024
_ERROR_SECONDS = 10.0
# How long the vendor's connection is read on after the end, so that it can be used again.
_AFTERMATH_SECONDS = 2.0
_STREAM = "text/event-stream; charset=utf-8"
_JSON = "application/json"
# Proxies before us must pass each event on at once too.
_UNBUFFERED = (("cache-control", "no-store"), ("x-accel-buffering", "no"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much of a request and of an answer is taken."""

    body: int
    answer: int


class Passage:
    """One request on its way, and what is known of it at any moment."""

    def __init__(self, turn: Turn, transport: Transport, bounds: Bounds, send: Send) -> None:
        self._turn = turn
        self._transport = transport
        self._bounds = bounds
        self._send = send
        self._meter = Meter(turn.route.wire)

    def abandoned(self) -> Outcome:
        """Return the end of a request whose guest went away just now."""
        return self._metered(Ending.ABANDONED, 499)

    async def go(self, inbound: Inbound) -> None:
        """Ask the vendor and answer the guest; raises Refusal as long as nothing was sent.

        The request's end is named before the last byte leaves, and before Refusal is raised.
        """
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
        if 400 <= answer.status < 600:
            raise await self._refusal(answer, answer.status)
        if not 200 <= answer.status < 300:
            raise _failed(f"The vendor answered with status {answer.status}.")
        if answer.is_stream:
            await self._stream(answer)
        else:
            await self._whole(answer)

    async def _refusal(self, answer: VendorAnswer, status: int) -> Refusal:
        raw = b""
        with suppress(Refusal, TimeoutError):
            async with asyncio.timeout(_ERROR_SECONDS):
                raw = await answer.whole(_ERROR_BYTES)
        return self._vendors(answer, raw, status)

    def _vendors(self, answer: VendorAnswer, raw: bytes, status: int) -> Refusal:
        turn = self._turn
        return vendor_errors.refusal(status, answer.headers, raw, turn.route, turn.asked.wire)

    async def _whole(self, answer: VendorAnswer) -> None:
        raw = await answer.whole(self._bounds.answer)
        document = _document(raw)
        self._meter.read_answer(document)
        if _is_bare_error(document):
            raise self._vendors(answer, raw, 502)
        if self._turn.route.conversion is not None:
            raw = _converted(self._turn.route.conversion, document)
        if not await self._settled(answer.status):
            raise unsettled()
        await self._start(answer, _JSON, ("content-length", str(len(raw))))
        await self._send({"type": "http.response.body", "body": raw})

    async def _stream(self, answer: VendorAnswer) -> None:
        asked = self._turn.asked
        passing = relay(asked.wire, self._turn.route.conversion, asked.members)
        self._meter = passing.meter
        await self._start(answer, _STREAM, *_UNBUFFERED)
        try:
            if not await self._pass_on(answer, passing):
                raise broken_off()
        except Refusal as refusal:
            refusal.message = redacted(refusal.message, self._turn.route.key)
            await self._turn.settlement.end(failure(refusal))
            await self._more(error_event(asked.wire, refusal))
        else:
            await self._end_well(answer, passing)
        await self._send({"type": "http.response.body", "body": b""})

    async def _pass_on(self, answer: VendorAnswer, passing: Relay) -> bool:
        """Pass the stream on and return whether it came to an end of its own."""
        async for chunk in answer.chunks():
            for piece in passing.feed(chunk):
                await self._pass(piece, answer.status)
                if piece.mark is not Mark.PASSING:
                    return True
        return False

    async def _pass(self, piece: Piece, status: int) -> None:
        if piece.mark is Mark.END and not await self._settled(status):
            raise unsettled()
        data = piece.data
        if piece.mark is Mark.FAILURE:
            data = await self._failed_in_band(data)
        await self._more(data)

    async def _failed_in_band(self, data: bytes) -> bytes:
        """Name the end that the vendor tells, and return its words without the key."""
        key = self._turn.route.key
        await self._end_with(200, redacted(self._meter.failure or "", key))
        return redacted(data.decode(errors="surrogateescape"), key).encode(errors="surrogateescape")

    async def _end_well(self, answer: VendorAnswer, passing: Relay) -> None:
        """Pass on what a vendor says after the end, for a while, until its answer is over."""
        await self._more(passing.after(b""))
        with suppress(Refusal, TimeoutError):
            async with asyncio.timeout(_AFTERMATH_SECONDS):
                async for chunk in answer.chunks():
                    await self._more(passing.after(chunk))

    async def _settled(self, status: int) -> bool:
        failure = self._meter.failure
        if failure is not None:
            return await self._end_with(status, redacted(failure, self._turn.route.key))
        return await self._turn.settlement.end(self._metered(Ending.SUCCESS, status))

    async def _end_with(self, status: int, error: str) -> bool:
        outcome = Outcome(ending=Ending.FAILURE, status=status, error=error)
        return await self._turn.settlement.end(outcome)

    def _metered(self, ending: Ending, status: int) -> Outcome:
        meter = self._meter
        return Outcome(
            ending=ending,
            usage=meter.usage,
            so_far=meter.usage_so_far,
            characters=meter.characters,
            status=status,
        )

    async def _more(self, body: bytes) -> None:
        if body:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def _start(self, answer: VendorAnswer, kind: str, *more: tuple[str, str]) -> None:
        returned = to_guest(answer.headers, self._turn.asked.wire.protocol)
        key = self._turn.route.key
        kept = (pair for pair in returned if redacted(pair[1], key) == pair[1])
        headers: Headers = (("content-type", kind), *more, *kept, *self._turn.headers)
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": raw})


def unsettled() -> Refusal:
    """Return the end of an answer that was complete, while the database is away.

    The vendor has been paid for it, so it is charged as soon as the database is back.
    """
    message = "The database cannot be reached, so the end of this answer is withheld."
    headers = {"retry-after": "5"}
    return Refusal(503, Code.DATABASE_UNAVAILABLE, message, headers=headers)


def _request_body(turn: Turn) -> bytes:
    asked, route = turn.asked, turn.route
    if route.conversion is None:
        return asked.with_model(route.model)
    try:
        made = route.conversion.request(asked.members | {"model": route.model})
    except UnconvertibleRequestError as error:
        raise Refusal(400, Code.BAD_REQUEST, str(error)) from None
    return json.dumps(made).encode()


def _converted(conversion: Conversion, document: dict[str, Any]) -> bytes:
    try:
        return json.dumps(conversion.answer(document)).encode()
    except GarbledAnswerError:
        raise _failed("The vendor's answer is not of its wire format.") from None


def _document(raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _failed("The vendor's answer is not a JSON object.")
    return document


def _is_bare_error(document: dict[str, Any]) -> bool:
    """Whether an answer with a good status is an error all the same, and no client would know.

    One wire format has answers that tell their own failure: these have a status of their own.
    """
    is_failure = bool(document.get("error")) or document.get("type") == "error"
    return is_failure and not isinstance(document.get("status"), str)


def _failed(message: str) -> Refusal:
    return Refusal(502, Code.VENDOR_FAILED, message)
