"""Reads the body of one of our own routes, and no more than such a body may hold."""

from __future__ import annotations

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

from gateway.refusals import Code, Refusal

BODY_LIMIT = 1024 * 1024


async def with_body(request: Request) -> Request:
    """Return the request with its whole body read.

    Raises Refusal: 413 for a body above the limit, 400 for one that breaks off.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > BODY_LIMIT:
        raise _too_large()
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            chunks.append(chunk)
            size += len(chunk)
            if size > BODY_LIMIT:
                raise _too_large()
    except ClientDisconnect:
        raise Refusal(400, Code.BAD_REQUEST, "The body broke off.") from None
    return Request(request.scope, _Replay(b"".join(chunks)))


class _Replay:
    """Gives a body that was read, once; after it there is nothing more to come."""

    def __init__(self, body: bytes) -> None:
        self._messages: list[Message] = [
            {"type": "http.disconnect"},
            {"type": "http.request", "body": body, "more_body": False},
        ]

    async def __call__(self) -> Message:
        return self._messages.pop() if len(self._messages) > 1 else self._messages[0]


def _too_large() -> Refusal:
    message = f"The body is longer than {BODY_LIMIT} bytes."
    return Refusal(413, Code.BODY_TOO_LARGE, message, headers={"connection": "close"})
