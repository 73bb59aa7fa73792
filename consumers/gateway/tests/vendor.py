"""A vendor on 127.0.0.1 that speaks the three wire formats, and misbehaves on request."""

from __future__ import annotations

import asyncio
import contextlib
import http
import itertools
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.formats import replies
from gateway.formats.events import Event
from gateway.formats.replies import Reply
from gateway.formats.wires import Wire
from tests.plays import At, Failure, Framing, Header, Play, Raw, Recording, Split

DEADLINE = 20.0
_MAX_HEAD = 1024 * 1024
_STREAM = "text/event-stream; charset=utf-8"
_JSON = "application/json"

# What each protocol calls an error of this status: its type and its code.
_OPENAI_ERRORS = {
    400: ("invalid_request_error", "invalid_value"),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}
_ANTHROPIC_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it came: the lines of its head in order, and its body, both raw."""

    connection: int
    method: str
    path: str
    header_lines: tuple[bytes, ...]
    body: bytes
    at: float

    @property
    def headers(self) -> dict[str, str]:
        """The headers by lower-case name; of one that came twice, both, joined by commas."""
        found: dict[str, str] = {}
        for line in self.header_lines:
            name, _, value = line.decode("latin-1").partition(":")
            key, value = name.strip().lower(), value.strip()
            found[key] = f"{found[key]}, {value}" if key in found else value
        return found

    @property
    def wire(self) -> Wire | None:
        """The wire format that the path ends with."""
        path = self.path.partition("?")[0]
        return next((each for each in Wire if path.endswith(each.path)), None)

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one where it is none."""
        with contextlib.suppress(ValueError):
            value = json.loads(self.body)
            return value if isinstance(value, dict) else {}
        return {}

    @property
    def streams(self) -> bool:
        """Whether the body asks for a stream."""
        return self.json.get("stream") is True

    @property
    def tells_usage(self) -> bool:
        """Whether a stream of chat is to end with the usage."""
        return (self.json.get("stream_options") or {}).get("include_usage") is True


@dataclass(slots=True, kw_only=True)
class Exchange:
    """A request and how its answer went: bytes that the socket took, and how it ended."""

    received: Received
    sent: int = 0
    stalled: bool = False
    ended: str = ""  # "whole", "cut" or "client gone"


class _Reader(asyncio.StreamReader):
    """Tells when the other side is gone, also while nobody reads."""

    def __init__(self) -> None:
        super().__init__(limit=_MAX_HEAD)
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.gone.set()

    def set_exception(self, exc: BaseException) -> None:
        super().set_exception(exc)  # type: ignore[arg-type]
        self.gone.set()


class _CutError(Exception):
    """The play ends the connection here."""


class _ClientGoneError(Exception):
    """The client ended the connection."""


class Vendor:
    """The server: `play` and `choose` say what it does next, the rest is what it saw.

    `play` and `release` may be called from any thread. Plays are taken in the order of the
    requests; with none left, `choose` decides.
    """

    def __init__(self, send_buffer: int | None = None) -> None:
        self.url = ""
        self.port = 0
        self.connections = 0
        self.open_connections = 0
        self.exchanges: list[Exchange] = []
        self.choose: Callable[[Received], Play] = lambda _: Play()
        self._plays: deque[Play] = deque()
        self._send_buffer = send_buffer
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[BaseException] = []
        self._gate = asyncio.Event()

    @property
    def received(self) -> list[Received]:
        """The requests so far, in order."""
        return [each.received for each in self.exchanges]

    @property
    def last(self) -> Exchange:
        """The newest exchange."""
        return self.exchanges[-1]

    def play(self, *plays: Play) -> None:
        """Play these next, one a request."""
        self._plays.extend(plays)

    def always(self, play: Play) -> None:
        """Play this for every request that has no play of its own."""
        self.choose = lambda _: play

    def forget(self) -> None:
        """Forget what was to be played and what was seen; for a vendor that serves many tests."""
        self._plays.clear()
        self.choose = lambda _: Play()
        self.exchanges.clear()

    def release(self) -> None:
        """Let every answer that stalls now go on."""
        self._loop.call_soon_threadsafe(self._open_gate)

    def _open_gate(self) -> None:
        self._gate.set()
        self._gate = asyncio.Event()

    def wait(self, condition: Callable[[], object], deadline: float = DEADLINE) -> None:
        """Return when the condition holds; for tests without a loop. Raises TimeoutError."""
        end = time.monotonic() + deadline
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(0.002)

    async def until(self, condition: Callable[[], object], deadline: float = DEADLINE) -> None:
        """Return when the condition holds; for tests in a loop. Raises TimeoutError."""
        async with asyncio.timeout(deadline):
            while not condition():  # noqa: ASYNC110 - any fact may be waited for
                await asyncio.sleep(0.002)

    async def __aenter__(self) -> Vendor:
        self._loop = asyncio.get_running_loop()
        # Without the protocol's name the loop would leave Nagle's algorithm on, and pieces
        # would wait for acknowledgements.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        if self._send_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer)
        self._server = await self._loop.create_server(self._protocol, sock=listener)
        self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        # A vendor that fell over by itself must not look like one that played its part.
        for error in self._errors:
            raise error

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        reader = _Reader()
        number = self.connections = self.connections + 1

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(_Connection(self, number, reader, writer).run())
            self._tasks.add(task)
            task.add_done_callback(self._finished)

        return asyncio.StreamReaderProtocol(reader, connected)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._errors.append(error)

    def early_play(self) -> Play | None:
        """Return what to do before the body came, where the next play is an early one."""
        wanted = bool(self._plays) and self._plays[0].early
        return self._plays.popleft() if wanted else None

    def next_play(self, request: Received) -> Play:
        """Return what to do with a request."""
        return self._plays.popleft() if self._plays else self.choose(request)

    async def stalled(self, exchange: Exchange, gone: asyncio.Event) -> None:
        """Hold an answer until `release`, or until the client has gone."""
        exchange.stalled = True
        await _first_of(self._gate, gone)
        exchange.stalled = False


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(each.wait()) for each in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()


@dataclass(slots=True)
class _Connection:
    """One connection: requests are read and answered one after another."""

    vendor: Vendor
    number: int
    reader: _Reader
    writer: asyncio.StreamWriter
    exchange: Exchange = field(init=False)

    async def run(self) -> None:
        self.writer.transport.set_write_buffer_limits(high=0)
        self.vendor.open_connections += 1
        try:
            while await self._serve_one():
                pass
        except (_CutError, _ClientGoneError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.vendor.open_connections -= 1
            self.writer.close()

    async def _serve_one(self) -> bool:
        """Read one request and answer it; return whether the connection goes on."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        request = self._request(head, b"")
        play = self.vendor.early_play()
        if play is not None:
            await self._perform(request, play)
            await self._body(request.headers)
            return True
        request = self._request(head, await self._body(request.headers))
        play = self.vendor.next_play(request)
        await self._perform(request, play)
        return play.framing is not Framing.UNTIL_CLOSE

    def _request(self, head: bytes, body: bytes) -> Received:
        first, *lines = head[:-4].split(b"\r\n")
        method, path, _ = first.decode("latin-1").split(" ", 2)
        return Received(
            connection=self.number,
            method=method,
            path=path,
            header_lines=tuple(lines),
            body=body,
            at=time.monotonic(),
        )

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return await self.reader.readexactly(int(headers.get("content-length", "0")))
        parts = []
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            parts.append((await self.reader.readexactly(size + 2))[:-2])
        await self.reader.readuntil(b"\r\n")
        return b"".join(parts)

    async def _perform(self, request: Received, play: Play) -> None:
        self.exchange = Exchange(received=request)
        self.vendor.exchanges.append(self.exchange)
        try:
            await self._answer(play)
            self.exchange.ended = "whole"
        except _CutError:
            self.exchange.ended = "cut"
            raise
        except (_ClientGoneError, ConnectionError):
            self.exchange.ended = "client gone"
            raise

    async def _answer(self, play: Play) -> None:
        script = _Script.of(self.exchange.received, play)
        await self._reach(play, At(headers=False))
        await self._write(script.head)
        await self._reach(play, At())
        for number, piece in enumerate(script.pieces):
            await self._piece(play, number, piece, script)
            await self._pause(play.pace)
        await self._reach(play, At(pieces=None))
        await self._write(script.tail + play.afterwards)
        if play.framing is Framing.TOO_SHORT:
            raise _CutError

    async def _piece(self, play: Play, number: int, piece: bytes, script: _Script) -> None:
        if number:
            await self._reach(play, At(pieces=number))
        here = At(pieces=number, half=True)
        if any(step is not None and step.at == here for step in (play.cut, play.stall)):
            half = len(piece) // 2
            await self._write(script.framed(piece[:half]))
            await self._reach(play, here)
            piece = piece[half:]
        await self._write(script.framed(piece))

    async def _reach(self, play: Play, here: At) -> None:
        if play.stall is not None and play.stall.at == here:
            await self.vendor.stalled(self.exchange, self.reader.gone)
            self._check_client()
        if play.cut is not None and play.cut.at == here:
            self._end(reset=play.cut.reset)

    def _end(self, *, reset: bool) -> None:
        if reset:
            # To linger for no time makes the kernel send a RST.
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _CutError

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            if seconds:
                await asyncio.wait_for(self.reader.gone.wait(), seconds)
        # A client that takes everything at once must not keep the loop from all others.
        await asyncio.sleep(0)
        self._check_client()

    def _check_client(self) -> None:
        if self.reader.gone.is_set():
            raise _ClientGoneError

    async def _write(self, data: bytes) -> None:
        if not data:
            return
        self.writer.write(data)
        # The buffer's limit is 0: this returns when the socket has taken every byte.
        await self.writer.drain()
        self.exchange.sent += len(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Script:
    """The bytes of an answer: its head, its pieces as they are asked for, and its end."""

    head: bytes
    pieces: Iterable[bytes]
    tail: bytes
    framing: Framing

    @classmethod
    def of(cls, request: Received, play: Play) -> _Script:
        kind, pieces = _content(request, play)
        if play.content_type is not None:
            kind = play.content_type
        framing = _framing(play, streams=kind.startswith("text/event-stream"))
        length: list[Header] = []
        if framing in {Framing.LENGTH, Framing.TOO_SHORT, Framing.TOO_LONG}:
            pieces = list(pieces)
            size = sum(map(len, pieces))
            wrong = {Framing.TOO_SHORT: 100, Framing.TOO_LONG: -10}
            length = [("content-length", str(max(0, size + wrong.get(framing, 0))))]
        head = _head(request, play, kind, framing, length) if play.head is None else play.head
        return cls(
            head=head,
            pieces=pieces,
            tail=b"0\r\n\r\n" if framing is Framing.CHUNKED else b"",
            framing=framing,
        )

    def framed(self, piece: bytes) -> bytes:
        """Return a piece as it goes on the wire."""
        if not piece or self.framing not in {Framing.CHUNKED, Framing.BAD_CHUNK}:
            return piece
        if self.framing is Framing.BAD_CHUNK:
            half = len(piece) // 2
            return b"%x\r\n%b\r\nzz\r\n%b\r\n" % (half, piece[:half], piece[half:])
        return b"%x\r\n%b\r\n" % (len(piece), piece)


def _framing(play: Play, *, streams: bool) -> Framing:
    if play.framing is not Framing.FITTING:
        return play.framing
    return Framing.CHUNKED if streams else Framing.LENGTH


def _head(request: Received, play: Play, kind: str, framing: Framing, more: list[Header]) -> bytes:
    anthropic = request.wire is Wire.MESSAGES
    headers: list[Header] = [
        ("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("server", "vendor-edge"),
        ("set-cookie", "vendor_session=vendor-cookie; Path=/; HttpOnly"),
        ("request-id" if anthropic else "x-request-id", "req_vendor"),
        *([("content-type", kind)] if kind else []),
        *([("transfer-encoding", "chunked")] if _is_chunked(framing) else []),
        *([("connection", "close")] if framing is Framing.UNTIL_CLOSE else []),
        *more,
        *play.headers,
    ]
    lines = [f"HTTP/1.1 {play.status} {_reason(play.status)}", *map(": ".join, headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _is_chunked(framing: Framing) -> bool:
    return framing in {Framing.CHUNKED, Framing.BAD_CHUNK}


def _reason(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Overloaded"


def _content(request: Received, play: Play) -> tuple[str, Iterable[bytes]]:
    """Return the content type and the pieces of the body, not yet framed."""
    wire, content = request.wire, play.content
    if isinstance(content, Raw):
        return _JSON, _split([content.data], play.split)
    if isinstance(content, Recording):
        return _JSON, _split(_events_of(content.path.read_bytes()), play.split)
    if isinstance(content, Failure):
        return _JSON, [_encoded(error_body(wire, play.status, content.message))]
    if wire is None:
        return _JSON, [_encoded(error_body(wire, 404, "no such route"))]
    if request.streams or play.endless:
        encoded = (event.encoded() for event in _reply_events(request, wire, play, content))
        return _STREAM, _split(encoded, play.split)
    return _JSON, _split([_encoded(replies.body(wire, content))], play.split)


def _reply_events(request: Received, wire: Wire, play: Play, reply: Reply) -> Iterator[Event]:
    texts = itertools.repeat(play.filler) if play.endless else None
    made = replies.events(wire, reply, pieces=texts, tells_usage=request.tells_usage)
    if play.error_after is None:
        return made
    return itertools.chain(
        itertools.islice(made, play.error_after), [error_event(wire, play.error_message)]
    )


def _encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def _events_of(data: bytes) -> Iterable[bytes]:
    """Return the events of a recording, each with its empty line, not a byte changed."""
    ends = b"\r\n\r\n" if b"\r\n\r\n" in data else b"\n\n"
    *whole, rest = data.split(ends)
    return [*(event + ends for event in whole), *([rest] if rest else [])]


def _split(pieces: Iterable[bytes], split: Split | int) -> Iterable[bytes]:
    if split is Split.EVENTS:
        return pieces
    if isinstance(split, Split):
        return [b"".join(pieces)]
    return _every(pieces, split)


def _every(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        rest += piece
        while len(rest) >= size:
            yield rest[:size]
            rest = rest[size:]
    if rest:
        yield rest


def error_body(wire: Wire | None, status: int, message: str) -> dict[str, Any]:
    """Return the body of an error in the shape of a wire."""
    if wire is Wire.MESSAGES:
        error = {"type": _ANTHROPIC_ERRORS.get(status, "api_error"), "message": message}
        return {"type": "error", "error": error, "request_id": "req_vendor"}
    kind, code = _OPENAI_ERRORS.get(status, ("server_error", "server_error"))
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error_event(wire: Wire, message: str) -> Event:
    """Return an error in mid-stream, in the shape of a wire."""
    if wire is Wire.CHAT:
        return Event(data=json.dumps(error_body(wire, 500, message)))
    if wire is Wire.MESSAGES:
        return Event(name="error", data=json.dumps(error_body(wire, 529, message)))
    # The number of an error's place in the stream is told by nobody; clients ignore it.
    fields = {"code": "server_error", "message": message, "param": None, "sequence_number": 99}
    return Event(name="error", data=json.dumps({"type": "error"} | fields))


@contextlib.contextmanager
def vendor_thread(send_buffer: int | None = None) -> Iterator[Vendor]:
    """Run a vendor in a thread of its own, for tests with synchronous clients."""
    vendor = Vendor(send_buffer)
    ready, done = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(vendor, ready, done)))
    thread.start()
    try:
        assert ready.wait(DEADLINE)
        yield vendor
    finally:
        done.set()
        thread.join()


async def _serve(vendor: Vendor, ready: threading.Event, done: threading.Event) -> None:
    async with vendor:
        ready.set()
        await asyncio.get_running_loop().run_in_executor(None, done.wait)


@contextlib.contextmanager
def nobody_listens() -> Iterator[str]:
    """Give a URL whose port refuses every connection, and is kept from being used meanwhile."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """Give a URL that takes connections and requests, and never says a byte."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as sock:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """Give a URL to which no connection is ever made: the queue of the listener is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listener.getsockname()
        while _connects(stack.enter_context(socket.socket()), address):
            pass
        yield f"http://127.0.0.1:{address[1]}"


def _connects(sock: socket.socket, address: tuple[str, int]) -> bool:
    sock.settimeout(0.3)
    try:
        sock.connect(address)
    except TimeoutError:
        return False
    return True


@contextlib.asynccontextmanager
async def vendor_here(send_buffer: int | None = None) -> AsyncIterator[Vendor]:
    """Run a vendor in the loop of the test."""
    async with Vendor(send_buffer) as vendor:
        yield vendor
