"""What the vendor of the tests does with a request, as values."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

from gateway.formats.replies import Reply, ToolCall, Usage

USAGE = Usage(input_tokens=12, output_tokens=7, cached_tokens=4)
WEATHER = ToolCall(id="call_1", name="weather", arguments='{"city":"Oslo","days":2}')
TIME = ToolCall(id="call_2", name="local_time", arguments='{"zone":"Europe/Oslo"}')
HELLO = Reply(text="Hello from the vendor.", usage=USAGE, model="vendor-model")

Header = tuple[str, str]


class Split(enum.Enum):
    """How a body is cut into the pieces that are written one after another."""

    WHOLE = "whole"
    EVENTS = "events"


class Framing(enum.Enum):
    """How the vendor tells where the body ends, or how it lies about that."""

    FITTING = "a stream in chunks, anything else with its length"
    CHUNKED = "chunks"
    LENGTH = "content-length"
    UNTIL_CLOSE = "no word of it: the connection ends"
    BAD_CHUNK = "the second chunk's size is no number"
    TOO_SHORT = "content-length says more than comes"
    TOO_LONG = "content-length says less than comes"


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """A place in the answer: after so many pieces (None: all of them, not the end marker)."""

    headers: bool = True
    pieces: int | None = 0
    half: bool = False


BEFORE_HEADERS = At(headers=False)
AFTER_HEADERS = At()
BEFORE_THE_END = At(pieces=None)


def after(pieces: int) -> At:
    """The place after so many pieces: events, where the body is split into events."""
    return At(pieces=pieces)


def inside(pieces: int) -> At:
    """The place in the middle of the piece that follows so many."""
    return At(pieces=pieces, half=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The connection ends here: in order, or (`reset`) with a RST."""

    at: At
    reset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """Nothing more from here on until the test calls `release`."""

    at: At


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A file, byte for byte."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """These bytes."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error body in the shape of the wire."""

    message: str


Content = Reply | Recording | Raw | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What the vendor does with one request; the default is a friendly whole answer.

    A `Reply` streams when the request asks for it. With `endless` its text never ends:
    `filler` is said again and again. `pace` is the pause between pieces, in seconds.
    `error_after` puts an error event of the wire in the place of everything after so many
    events. `early` answers before the body of the request was read. `afterwards` is written
    when the answer is complete, on the same connection. `head` replaces status and headers.
    """

    content: Content = HELLO
    status: int = 200
    headers: tuple[Header, ...] = ()
    content_type: str | None = None
    framing: Framing = Framing.FITTING
    split: Split | int = Split.EVENTS
    pace: float = 0
    endless: bool = False
    filler: str = "word "
    error_after: int | None = None
    error_message: str = "The engine is overloaded."
    cut: Cut | None = None
    stall: Stall | None = None
    early: bool = False
    afterwards: bytes = b""
    head: bytes | None = None


def answer(
    text: str = "", *tools: ToolCall, usage: Usage | None = USAGE, truncated: bool = False
) -> Play:
    """A normal answer with this text, these calls of tools, and this usage."""
    reply = Reply(text=text, tools=tools, usage=usage, model="vendor-model", truncated=truncated)
    return Play(content=reply)


def recording(path: Path, split: Split | int = Split.EVENTS, pace: float = 0) -> Play:
    """A file byte for byte: `*.sse` as a stream of events, anything else as JSON."""
    kind = "text/event-stream; charset=utf-8" if path.suffix == ".sse" else "application/json"
    return Play(content=Recording(path=path), content_type=kind, split=split, pace=pace)


def failure(
    status: int, message: str = "The vendor says no.", *headers: Header, retry_after: str = ""
) -> Play:
    """An error with this status and message, in the shape of the wire."""
    more = (("retry-after", retry_after),) if retry_after else ()
    return Play(content=Failure(message=message), status=status, headers=(*headers, *more))


def raw(data: bytes, content_type: str = "application/json", status: int = 200) -> Play:
    """These bytes as the body, as one piece."""
    return Play(content=Raw(data=data), content_type=content_type, status=status, split=Split.WHOLE)


def cut(at: At, *, reset: bool = False, content: Content = HELLO) -> Play:
    """An answer whose connection ends too early."""
    return Play(content=content, cut=Cut(at=at, reset=reset))


def stall(at: At, content: Content = HELLO) -> Play:
    """An answer that stops until the test releases it."""
    return Play(content=content, stall=Stall(at=at))


def endless(pace: float = 0, split: Split | int = 65536, filler: str = "word " * 40) -> Play:
    """A stream that never ends: as fast as it is taken, or an event every `pace` seconds."""
    return Play(endless=True, pace=pace, split=Split.EVENTS if pace else split, filler=filler)


def huge(characters: int) -> Play:
    """A normal answer with this much text in it."""
    text = "x" * characters
    return Play(content=Reply(text=text, usage=USAGE, model="vendor-model"))


HTML = raw(b"<!doctype html><title>502</title><h1>Bad gateway</h1>", "text/html; charset=utf-8")
# Each is an answer that no vendor should give; all of them come with status 200.
GARBAGE: dict[str, Play] = {
    "not JSON": raw(b"{'id': nothing"),
    "empty": raw(b""),
    "HTML": HTML,
    "JSON of another shape": raw(b'[1, "two", null]'),
    "null": raw(b"null"),
    "not UTF-8": raw(b'{"id": "\xff\xfe"}'),
    "a stream of no events": raw(b"no event at all\n\n" * 3, "text/event-stream"),
    "a stream of broken JSON": raw(b'data: {"id": \n\n', "text/event-stream"),
    "a stream called plain text": Play(content_type="text/plain"),
    "no content type": Play(content_type=""),
    "invalid chunk": Play(framing=Framing.BAD_CHUNK),
    "body shorter than said": Play(framing=Framing.TOO_SHORT),
    "body longer than said": Play(framing=Framing.TOO_LONG),
    "invalid gzip": Play(
        content=Raw(data=b"\x1f\x8bnot gzip at all"),
        content_type="application/json",
        headers=(("content-encoding", "gzip"),),
    ),
    "a header of 100 KB": Play(headers=(("x-long", "a" * 100_000),)),
    "no HTTP": Play(head=b"SSH-2.0-no_web_server\r\n"),
    "a second answer": Play(afterwards=b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nagain"),
}
