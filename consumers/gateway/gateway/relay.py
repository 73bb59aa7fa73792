"""A vendor's stream on its way to the guest: whole events only, as bytes or converted."""

from __future__ import annotations

import json
from typing import Protocol

from gateway.bodies import Body
from gateway.conversion import Conversion, GarbledAnswerError, TruncatedStreamError
from gateway.events import MAX_EVENT_BYTES, Event, EventReader, EventTooLongError
from gateway.refusals import error_body
from gateway.usage import Meter
from gateway.wires import Wire, WireProtocol


class BrokenStreamError(Exception):
    """The vendor's stream is no stream of its wire format, or ended before its end."""


class Relay(Protocol):
    """Turns chunks of the vendor into bytes for the guest, and meters what passes."""

    meter: Meter

    def feed(self, chunk: bytes) -> bytes:
        """Return what the guest gets for this chunk; raises BrokenStreamError."""

    def finish(self) -> bytes:
        """Return what is left when the vendor has ended; raises BrokenStreamError."""


class Passthrough:
    """The same wire format on both sides: the vendor's own bytes, cut between events.

    Half an event is held back until it is whole, so that an error can still be told to the
    guest in an event of its own.
    """

    def __init__(self, wire: Wire) -> None:
        self.meter = Meter(wire)
        self._reader = EventReader()
        self._held = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        """Return the bytes up to the last event that is whole; raises BrokenStreamError."""
        _read(self._reader, chunk, self.meter)
        start = max(0, len(self._held) - 3)
        self._held += chunk
        if len(self._held) > MAX_EVENT_BYTES:
            raise BrokenStreamError("an event is too long")
        cut = _last_boundary(self._held, start)
        whole = bytes(self._held[:cut])
        del self._held[:cut]
        return whole

    def finish(self) -> bytes:
        """Return nothing: half an event is no event; raises BrokenStreamError."""
        if not self.meter.is_complete:
            raise BrokenStreamError("the stream ended before its end")
        return b""


class Converted:
    """Another wire format on the vendor's side: events in, events out."""

    def __init__(self, conversion: Conversion, asked: Body) -> None:
        self.meter = Meter(conversion.vendor_wire)
        self._reader = EventReader()
        self._stream = conversion.stream(asked.members)

    def feed(self, chunk: bytes) -> bytes:
        """Return the converted events that this chunk completes; raises BrokenStreamError."""
        events = _read(self._reader, chunk, self.meter)
        try:
            made = [new for event in events for new in self._stream.feed(event)]
        except (GarbledAnswerError, TruncatedStreamError) as error:
            raise BrokenStreamError(str(error)) from None
        return b"".join(event.encoded() for event in made)

    def finish(self) -> bytes:
        """Return the last events; raises BrokenStreamError."""
        try:
            return b"".join(event.encoded() for event in self._stream.finish())
        except (GarbledAnswerError, TruncatedStreamError) as error:
            raise BrokenStreamError(str(error)) from None


def relay(asked: Body, conversion: Conversion | None) -> Relay:
    """Return the relay for what a guest asked and what the vendor needs."""
    return Passthrough(asked.wire) if conversion is None else Converted(conversion, asked)


def error_event(protocol: WireProtocol, status: int, message: str) -> bytes:
    """Return an error in the middle of a stream, as the protocol's clients read it."""
    name = "error" if protocol == "anthropic" else None
    data = json.dumps(error_body(protocol, status, message), ensure_ascii=False)
    return Event(name=name, data=data).encoded()


def _read(reader: EventReader, chunk: bytes, meter: Meter) -> list[Event]:
    try:
        events = reader.feed(chunk)
    except EventTooLongError:
        raise BrokenStreamError("an event is too long") from None
    for event in events:
        meter.read(event)
    return events


def _last_boundary(held: bytearray, start: int) -> int:
    """Return where the last empty line ends, or 0; each line ends in LF, CR LF or CR."""
    ends = (b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n")
    found = [(held.rfind(end, start), len(end)) for end in ends]
    return max((at + length for at, length in found if at >= 0), default=0)
