"""A vendor in a process of its own: each request says itself what it wants to be played."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from gateway.formats import replies
from gateway.formats.events import Event
from gateway.formats.replies import Reply, Usage
from gateway.formats.wires import Wire
from gateway.refusals import error_body

TEXT = "One two three four, and that is all."
ROOT = Path(__file__).parents[1]
_SCRIPT = re.compile(rb"play=(\w+) number=(\d+) output=(\d+) pause=(\d+)")
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_IS_STREAM = re.compile(rb'"stream":\s*true')
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
_MESSAGE = "The vendor has had enough."


class Playing(enum.StrEnum):
    """How the vendor answers; its value is the word that asks for it."""

    TELL = "tell"
    MUTE = "mute"
    ERROR = "error"
    JUNK = "junk"
    CUT = "cut"
    HANG_UP = "hangup"
    BUSY = "busy"
    ON_FIRE = "fire"


STATUSES = {Playing.BUSY: 429, Playing.ON_FIRE: 500}


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a request wants: its number, the output to tell, milliseconds between two events."""

    playing: Playing
    number: int
    output: int
    pause: int = 0

    @property
    def usage(self) -> Usage:
        """The tokens that the vendor tells; the input is the request's number."""
        return Usage(
            input_tokens=self.number,
            output_tokens=self.output,
            cached_tokens=self.number // 3 if self.number % 3 == 0 else 0,
        )

    def __str__(self) -> str:
        return f"play={self.playing} number={self.number} output={self.output} pause={self.pause} "


def _script(body: bytes) -> Script:
    found = _SCRIPT.search(body)
    assert found is not None, body[:500]
    playing, number, output, pause = (group.decode() for group in found.groups())
    return Script(
        playing=Playing(playing), number=int(number), output=int(output), pause=int(pause)
    )


def _reply(script: Script) -> Reply:
    usage = None if script.playing is Playing.MUTE else script.usage
    return Reply(text=TEXT, usage=usage, model="scripted")


def _whole(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _error(wire: Wire) -> bytes:
    return json.dumps(error_body(wire.protocol, 500, _MESSAGE)).encode()


def _body(wire: Wire, script: Script) -> bytes:
    if script.playing is Playing.JUNK:
        return b"<html>"
    if script.playing is Playing.ERROR:
        return _error(wire)
    return json.dumps(replies.body(wire, _reply(script))).encode()


def _events(wire: Wire, script: Script) -> list[bytes]:
    events = [event.encoded() for event in replies.events(wire, _reply(script))]
    # The middle of each wire format's stream: some of the text has been said.
    middle = len(events) // 2
    if script.playing is Playing.JUNK:
        return [*events[:middle], b"data: {no json\n\n"]
    if script.playing is Playing.ERROR:
        return [*events[:middle], Event(name="error", data=_error(wire).decode()).encoded()]
    return events[:middle] if script.playing is Playing.CUT else events


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class _Guest:
    """One connection of the gateway, answered request after request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def serve(self) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self._answer_one():
                pass
        self._writer.close()

    async def _answer_one(self) -> bool:
        """Answer one request, and return whether the connection lives on."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        assert length is not None, head
        body = await self._reader.readexactly(int(length[1]))
        path = head.partition(b" ")[2].partition(b" ")[0].decode()
        wire = next(wire for wire in Wire if path.endswith(wire.path))
        return await self._play(wire, _script(body), is_stream=_IS_STREAM.search(body) is not None)

    async def _play(self, wire: Wire, script: Script, *, is_stream: bool) -> bool:
        if script.playing is Playing.HANG_UP:
            return False
        status = STATUSES.get(script.playing)
        if status is not None:
            return await self._write(_whole(status, _error(wire)))
        if is_stream:
            return await self._stream(_events(wire, script), script)
        # The length of a stream's pauses, before the one piece there is.
        await asyncio.sleep(script.pause * 10 / 1000)
        answer = _whole(200, _body(wire, script))
        if script.playing is Playing.CUT:
            await self._write(answer[:-10])
            return False
        return await self._write(answer)

    async def _stream(self, events: list[bytes], script: Script) -> bool:
        if script.pause:
            await self._write(_STREAM_HEAD)
            for event in events:
                await self._write(_chunk(event))
                await asyncio.sleep(script.pause / 1000)
        else:
            await self._write(_STREAM_HEAD + b"".join(map(_chunk, events)))
        if script.playing is Playing.CUT:
            return False
        return await self._write(b"0\r\n\r\n")

    async def _write(self, data: bytes) -> bool:
        if self._writer.transport.is_closing():
            raise ConnectionResetError("the gateway hung up")
        self._writer.write(data)
        await self._writer.drain()
        return True


async def _serve_guest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _Guest(reader, writer).serve()


async def _serve() -> None:
    server = await asyncio.start_server(
        _serve_guest, "127.0.0.1", 0, family=socket.AF_INET, backlog=1024
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    # The test's end of this pipe closes with the test, however that ends.
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def scripted_vendor() -> Iterator[str]:
    """Run the vendor for as long as the body runs, and give its URL."""
    command = [sys.executable, "-m", "tests.scripted"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


if __name__ == "__main__":
    uvloop.run(_serve())
