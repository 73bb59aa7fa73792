"""The vendor of the measurements: a process that streams fixed events as fast as they are taken."""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
from collections.abc import Iterator
from typing import cast

import uvloop

from gateway.formats import replies
from gateway.formats.replies import Reply, Usage
from gateway.formats.wires import Wire

HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"content-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"
# What a client wants of the stream is told in two fields that every proxy hands on: how many
# words, and how many milliseconds between two of them.
_WORDS = re.compile(rb'"max_tokens":\s*(\d+)')
_PAUSE = re.compile(rb'"seed":\s*(\d+)')
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


# A proxy may take the same word again and again for a model that is stuck.
_TEXT = "one two three four five six seven eight"
_REPLY = Reply(text=_TEXT, usage=Usage(input_tokens=20, output_tokens=16), model="bench-model")
_EVENTS = [_chunk(event.encoded()) for event in replies.events(Wire.CHAT, _REPLY)]
# The first tells the role, the last three the end, the usage and the marker.
_OPENING, *_SPOKEN, _STOP, _TELL, _MARK = _EVENTS


def _answer(words: int) -> Iterator[bytes]:
    """Yield the writes of an answer: an event each, the head with the first."""
    yield HEAD + _OPENING
    yield from itertools.islice(itertools.cycle(_SPOKEN), words)
    yield from (_STOP, _TELL)
    yield _MARK + END


def _number(pattern: re.Pattern[bytes], text: bytes, default: int) -> int:
    found = pattern.search(text)
    return int(found[1]) if found else default


class _Connection(asyncio.Protocol):
    """Answers one request after another; a write is one event, and waits for its reader."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._writes: Iterator[bytes] = iter(())
        self._pause = 0.0
        self._is_paused = False
        self._is_waiting = False
        self._is_answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The transports of uvloop are such by their methods, not by their classes.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=65536)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._is_answering:
            self._take_request()

    def _take_request(self) -> None:
        head, end, rest = self._received.partition(b"\r\n\r\n")
        length = _number(_LENGTH, head, 0)
        if not end or len(rest) < length:
            return
        body, self._received = rest[:length], rest[length:]
        self._writes = _answer(_number(_WORDS, body, 16))
        self._pause = _number(_PAUSE, body, 0) / 1000
        self._is_answering = True
        self._write()

    def _write(self) -> None:
        self._is_waiting = False
        if self._transport.is_closing():
            return
        piece = next(self._writes)
        self._transport.write(piece)
        if piece.endswith(END):
            self._is_answering = False
            self._take_request()
        elif not self._is_paused:
            self._go_on()

    def _go_on(self) -> None:
        if self._is_waiting:
            return
        self._is_waiting = True
        if self._pause:
            self._loop.call_later(self._pause, self._write)
        else:
            self._loop.call_soon(self._write)

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        if self._is_answering:
            self._go_on()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
