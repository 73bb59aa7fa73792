"""Connections of guests: how long a request may take to come, and what it may look like."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.refusals import Code

# What one request line with all headers may hold, and how many headers.
HEAD_BYTES = 64 * 1024
HEADERS = 200
# A body that is longer gets a second more for each of these.
BYTES_A_SECOND = 1024
_VERSIONS = frozenset(("1.0", "1.1"))
# A slash, backslash, dot or NUL that is hidden from whoever compares paths as they stand.
_HIDDEN = (b"%2f", b"%5c", b"%2e", b"%00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many seconds a guest may take: for its headers, its body, and to take an answer.

    Of a body they are those at the beginning; each kilobyte that came adds one. Of an answer
    they are those in which a guest takes nothing at all.
    """

    head: float
    body: float
    taking: float


class _UnacceptableError(Exception):
    """A request that is refused before anyone else sees it; the parser swallows this."""


class GuardedProtocol(HttpToolsProtocol):
    """The server's protocol, which by itself would wait for a request's bytes for ever.

    Beyond what the parser refuses, it refuses what others might read in another way: versions
    that are neither HTTP/1.0 nor 1.1, a URL that is no path or hides a part of it, no or several
    hosts, encodings other than chunks, and upgrades.
    """

    def __init__(self, *, patience: Patience, **given: Any) -> None:
        super().__init__(**given)
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._is_reading = False
        self._head_size = 0
        self._body_size = 0
        self._began = 0.0
        self._status = 400

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give a new connection its time for the first headers."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let no timer outlive the connection."""
        self._stop()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; what follows an idle time is the beginning of another request."""
        if self._timer is None and not self._is_reading:
            self._await_head()
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_reading = True
        self._head_size = self._body_size = 0
        if self._timer is None:
            self._await_head()

    def on_url(self, url: bytes) -> None:
        """Take a part of the URL, unless the head grows too long by it."""
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, unless the head grows too long by it."""
        self._grow(len(name) + len(value))
        if len(self.headers) >= HEADERS:
            self._refuse(431)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Let a request in that can be read in one way only."""
        if not self._is_plain():
            self._refuse(400)
        super().on_headers_complete()
        self._await_body()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the time of a request that is whole."""
        self._stop()
        self._is_reading = False
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Stop the answer until the guest takes more of it, for a while."""
        super().pause_writing()
        self._await_taking()

    def resume_writing(self) -> None:
        """Go on with the answer."""
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
        if self.flow is not None:
            super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """End the connection, with an answer where none has begun."""
        self._stop()
        if not self._is_answering(has_started=True):
            self.transport.write(_answer(self._status))
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def _is_plain(self) -> bool:
        version = self.parser.get_http_version()
        return (
            version in _VERSIONS
            and not self.parser.should_upgrade()
            and _is_plain_url(self.url)
            and _are_plain(self.headers, is_old=version == "1.0")
        )

    def _grow(self, size: int) -> None:
        self._head_size += size
        if self._head_size > HEAD_BYTES:
            self._refuse(431)

    def _refuse(self, status: int) -> None:
        self._status = status
        raise _UnacceptableError

    def _is_answering(self, *, has_started: bool) -> bool:
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        return cycle.response_started if has_started else not cycle.more_body

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(self._patience.head, self._check_head)

    def _check_head(self) -> None:
        # Whoever still gets an answer may begin the next request as slowly as they like.
        if self._is_answering(has_started=False):
            self._await_head()
        else:
            self._late()

    def _await_body(self) -> None:
        self._stop()
        self._began = self.loop.time()
        self._timer = self.loop.call_later(self._patience.body, self._check_body)

    def _check_body(self) -> None:
        allowed = self._patience.body + self._body_size / BYTES_A_SECOND
        left = self._began + allowed - self.loop.time()
        if self.flow.read_paused:
            # It is we who do not read.
            self._timer = self.loop.call_later(self._patience.body, self._check_body)
        elif left > 0 and not self.cycle.response_complete:
            self._timer = self.loop.call_later(left, self._check_body)
        else:
            self._late()

    def _late(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self._status = 408
            self.send_400_response("")

    def _await_taking(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._taking = self.loop.call_later(self._patience.taking, self._check_taking, left)

    def _check_taking(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._await_taking()
        else:
            self.transport.abort()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _is_plain_url(url: bytes) -> bool:
    """Say whether a URL is a path that nobody on the way can take for another."""
    path = url.partition(b"?")[0].lower()
    return url.startswith(b"/") and b"#" not in url and not any(part in path for part in _HIDDEN)


def _are_plain(headers: list[tuple[bytes, bytes]], *, is_old: bool) -> bool:
    """Say whether the headers name one host and one way to find the body's end.

    The parser has refused lengths beside encodings, and several of either.
    """
    hosts = sum(name == b"host" for name, _ in headers)
    encodings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if is_old:
        return hosts <= 1 and not encodings
    return hosts == 1 and encodings in ([], [b"chunked"])


_SENTENCES = {
    400: (Code.BAD_REQUEST, "This is no request that HTTP/1.1 lets one understand."),
    408: (Code.REQUEST_TIMEOUT, "The request took too long to arrive."),
    431: (Code.HEADERS_TOO_LARGE, "The headers are too long, or too many."),
}


def _answer(status: int) -> bytes:
    code, message = _SENTENCES[status]
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return STATUS_LINE[status] + head.encode() + b"connection: close\r\n\r\n" + body
