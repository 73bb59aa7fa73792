"""One request of a guest, read no further than its checks have come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from starlette.types import Receive, Scope

from gateway.formats.bodies import Body, UndecodableBodyError, read_body
from gateway.formats.wires import Wire
from gateway.refusals import Code, Refusal
from gateway.spending.ledger import new_id


class GuestGoneError(Exception):
    """The guest closed the connection before its body was whole."""


class Inbound:
    """A guest's request: its headers at once, its body when someone asks for it.

    Who may not ask is refused before the body is read, so that a stranger costs no memory.
    Of a header that came several times, `headers` has the first.
    """

    def __init__(self, scope: Scope, receive: Receive, wire: Wire, body_limit: int) -> None:
        self.id = new_id()
        self.scope = scope
        self.receive = receive
        self.wire = wire
        self.pairs = tuple(_decoded(scope["headers"]))
        self.headers = dict(reversed(self.pairs))
        self._limit = body_limit
        self._is_read = asyncio.Event()

    @property
    def is_read(self) -> bool:
        """Whether nothing of the body is left to be read."""
        return self._is_read.is_set() or not self._has_body()

    async def asked(self) -> Body:
        """Return what the body asks; raises Refusal (413, then 400), GuestGoneError."""
        raw = await self._whole()
        try:
            body = read_body(self.wire, raw)
        except UndecodableBodyError as error:
            raise Refusal(400, Code.BAD_REQUEST, str(error)) from None
        if not body.model.strip():
            raise Refusal(400, Code.MODEL_REQUIRED, "Name a model.")
        return body

    async def _whole(self) -> bytes:
        declared = self.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._limit:
            raise self._too_large()
        chunks, size = [], 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise GuestGoneError
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._limit:
                raise self._too_large()
            chunks.append(chunk)
            if not message.get("more_body", False):
                self._is_read.set()
                return b"".join(chunks)

    async def gone(self) -> None:
        """Return when the guest closes the connection; the body is read by then."""
        await self._is_read.wait()
        while (await self.receive())["type"] != "http.disconnect":
            pass

    def _has_body(self) -> bool:
        return "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"

    def _too_large(self) -> Refusal:
        message = f"The body is longer than {self._limit} bytes."
        return Refusal(413, Code.BODY_TOO_LARGE, message)


def _decoded(headers: list[tuple[bytes, bytes]]) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        yield name.decode("latin-1"), value.decode("latin-1")
