"""Server-sent events: bytes to events as they arrive, and events to bytes."""

from __future__ import annotations

from dataclasses import dataclass

# A vendor that sends one event without an end must not fill the memory.
MAX_EVENT_BYTES = 16 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventTooLongError(Exception):
    """One event is longer than `MAX_EVENT_BYTES`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: its name where it has one, and its data, lines joined by line feeds."""

    data: str
    name: str | None = None

    def encoded(self) -> bytes:
        """Return the event as it goes on the wire, its empty line included."""
        head = "" if self.name is None else f"event: {self.name}\n"
        lines = "".join(f"data: {line}\n" for line in self.data.split("\n"))
        return f"{head}{lines}\n".encode()


class EventReader:
    """Cuts a stream of bytes into events, wherever the chunks happen to be cut.

    `feed` returns the events that are whole so far; what is left over when the stream ends
    is no event, as the specification of server-sent events has it. The work is linear in the
    bytes, however small the chunks are.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._size = 0
        self._name: str | None = None
        self._data: list[str] = []
        self._is_first = True
        self._after_return = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that this chunk completes; raises EventTooLongError."""
        events = [event for line in self._lines(chunk) if (event := self._read(line)) is not None]
        if self._size + len(self._line) > MAX_EVENT_BYTES:
            raise EventTooLongError
        return events

    def _lines(self, chunk: bytes) -> list[bytes]:
        """Return the lines that this chunk ends, and keep the one that it leaves open."""
        if not chunk:
            return []
        # A line ends with its carriage return at once; a line feed after it is part of that end.
        if self._after_return:
            chunk = chunk.removeprefix(b"\n")
        self._after_return = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        head, *lines = chunk.split(b"\n")
        self._line += head
        if not lines:
            return []
        lines.insert(0, bytes(self._line))
        self._line = bytearray(lines.pop())
        return lines

    def _read(self, line: bytes) -> Event | None:
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            return self._dispatch()
        if line.startswith((b"data", b"event")):
            self._keep(line)
        return None

    def _keep(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > MAX_EVENT_BYTES:
            raise EventTooLongError
        field, _, value = line.decode(errors="replace").partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value

    def _dispatch(self) -> Event | None:
        name, data = self._name, self._data
        self._name, self._data, self._size = None, [], 0
        return Event(name=name, data="\n".join(data)) if data else None
