"""A vendor's stream on its way to the guest: whole events only, as bytes or converted."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.formats.conversion import Conversion, GarbledAnswerError, TruncatedStreamError
from gateway.formats.events import MAX_EVENT_BYTES, Event, EventReader, EventTooLongError
from gateway.formats.usage import Meter
from gateway.formats.wires import Wire
from gateway.refusals import Code, Refusal, error_body

# An empty line, whichever of the three line ends a vendor uses.
_EVENT_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\r|\n)")
# The longest such end, less its last byte: it may be cut anywhere between two chunks.
_END_OVERLAP = 3


class Mark(enum.Enum):
    """What a piece is to the stream."""

    PASSING = "more may follow"
    END = "the stream is complete with it"
    FAILURE = "the vendor says in it that it failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes for the guest: whole events, and where they leave the stream."""

    data: bytes
    mark: Mark


class Relay(Protocol):
    """Turns chunks of the vendor into bytes for the guest, and meters what passes."""

    meter: Meter

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """Yield what the guest gets for this chunk, until the stream is over.

        Raises Refusal (502) for what is no stream of the wire format, after what came
        before that in the same chunk.
        """

    def after(self, chunk: bytes) -> bytes:
        """Return what the guest still gets of a chunk that comes when the stream is over."""


class Passthrough:
    """The same wire format on both sides: the vendor's own bytes, cut between events.

    Half an event is held back until it is whole, so that an error can still be told to the
    guest in an event of its own.
    """

    def __init__(self, wire: Wire) -> None:
        self.meter = Meter(wire)
        self._reader = EventReader()
        self._held = bytearray()

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """Yield the bytes of the events that are whole; raises Refusal (502)."""
        passed = bytearray()
        for block in self._blocks(chunk):
            try:
                mark = _metered(_read(self._reader, block), self.meter)
            except Refusal:
                yield from _passing(passed)
                raise
            if mark is not Mark.PASSING:
                yield from _passing(passed)
                yield Piece(data=block, mark=mark)
                return
            passed += block
        yield from _passing(passed)
        if len(self._held) > MAX_EVENT_BYTES:
            raise _garbled("an event is too long")

    def after(self, chunk: bytes) -> bytes:
        """Return all of it, and what was held back before it."""
        rest = bytes(self._held) + chunk
        self._held.clear()
        return rest

    def _blocks(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the bytes of each event that is whole, its empty line included."""
        search = max(0, len(self._held) - _END_OVERLAP)
        self._held += chunk
        while (end := _EVENT_END.search(self._held, search)) is not None:
            block = bytes(self._held[: end.end()])
            del self._held[: end.end()]
            search = 0
            yield block


class Converted:
    """Another wire format on the vendor's side: events in, events out."""

    def __init__(self, conversion: Conversion, request: dict[str, Any]) -> None:
        self.meter = Meter(conversion.vendor_wire)
        self._reader = EventReader()
        self._stream = conversion.stream(request)

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """Yield the converted events that this chunk completes; raises Refusal (502)."""
        passed = bytearray()
        for event in _read(self._reader, chunk):
            try:
                mark, made = self._converted(event)
            except Refusal:
                yield from _passing(passed)
                raise
            if mark is not Mark.PASSING:
                yield from _passing(passed)
                yield Piece(data=made, mark=mark)
                return
            passed += made
        yield from _passing(passed)

    def after(self, chunk: bytes) -> bytes:
        """Return nothing: what follows the end has no like on the guest's side."""
        return b""

    def _converted(self, event: Event) -> tuple[Mark, bytes]:
        mark = _metered([event], self.meter)
        try:
            made = self._stream.feed(event)
            if mark is Mark.END:
                made += self._stream.finish()
        except GarbledAnswerError as error:
            raise _garbled(str(error)) from None
        except TruncatedStreamError:
            raise broken_off() from None
        return mark, b"".join(one.encoded() for one in made)


def relay(wire: Wire, conversion: Conversion | None, request: dict[str, Any]) -> Relay:
    """Return the relay for a guest's wire format and request, and what the vendor needs."""
    return Passthrough(wire) if conversion is None else Converted(conversion, request)


def error_event(wire: Wire, refusal: Refusal) -> bytes:
    """Return an error in the middle of a stream, as the wire format's clients read it.

    Clients of the responses format look for an event of that name, or for a member `error`
    in any event: it gets both. The status stands in the error, since the head is gone.
    """
    details = {"status": refusal.status, **refusal.details}
    body = error_body(wire.protocol, refusal.status, refusal.message, refusal.code, details)
    if wire is Wire.RESPONSES:
        told = {"code": refusal.code, "message": refusal.message, "param": None}
        body = {"type": "error", "sequence_number": 0, **told, **body}
    name = None if wire is Wire.CHAT else "error"
    return Event(name=name, data=json.dumps(body)).encoded()


def broken_off() -> Refusal:
    """Return the error of a stream that stopped before its end."""
    return Refusal(502, Code.VENDOR_FAILED, "The vendor's answer broke off before its end.")


def _garbled(what: str) -> Refusal:
    return Refusal(502, Code.VENDOR_FAILED, f"The vendor's stream is broken: {what}.")


def _passing(data: bytearray) -> Iterator[Piece]:
    if data:
        yield Piece(data=bytes(data), mark=Mark.PASSING)


def _read(reader: EventReader, chunk: bytes) -> list[Event]:
    try:
        return reader.feed(chunk)
    except EventTooLongError:
        raise _garbled("an event is too long") from None


def _metered(events: list[Event], meter: Meter) -> Mark:
    """Return where these events leave the stream; raises Refusal (502) for garbage."""
    for event in events:
        meter.read(event)
        if meter.failure is not None:
            if not _tells_failure(event):
                raise _garbled(meter.failure)
            return Mark.FAILURE
        if meter.is_complete:
            return Mark.END
    return Mark.PASSING


def _tells_failure(event: Event) -> bool:
    """Whether the event is the vendor's own word of its failure, which a client understands."""
    try:
        body = json.loads(event.data)
    except (ValueError, RecursionError):
        return False
    if not isinstance(body, dict):
        return False
    return bool(body.get("error")) or body.get("type") in ("error", "response.failed")
