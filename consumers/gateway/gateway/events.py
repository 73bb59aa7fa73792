"""Server-sent events: bytes to events as they arrive, and events to bytes."""

from __future__ import annotations

from dataclasses import dataclass

# A vendor that sends one event without an end must not fill the memory.
MAX_EVENT_BYTES = 16 * 1024 * 1024


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
    is no event, as the specification of server-sent events has it.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._size = 0
        self._name: str | None = None
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that this chunk completes; raises EventTooLongError."""
        *lines, self._rest = self._lines(self._rest + chunk)
        events = [event for line in lines if (event := self._read(line)) is not None]
        if self._size + len(self._rest) > MAX_EVENT_BYTES:
            raise EventTooLongError
        return events

    @staticmethod
    def _lines(text: bytes) -> list[bytes]:
        # A carriage return at the very end may be the first half of a line's end.
        held = b"\r" if text.endswith(b"\r") else b""
        body = text[: len(text) - len(held)]
        lines = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        lines[-1] += held
        return lines

    def _read(self, line: bytes) -> Event | None:
        if not line:
            return self._dispatch()
        self._size += len(line)
        field, _, value = line.decode(errors="replace").partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        return None

    def _dispatch(self) -> Event | None:
        name, data = self._name, self._data
        self._name, self._data, self._size = None, [], 0
        return Event(name=name, data="\n".join(data)) if data else None
