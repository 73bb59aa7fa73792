"""The connection to vendors: one pool, no redirects, no proxy of the environment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
from aiohttp.connector import Connection

from gateway.formats.headers import Headers
from gateway.refusals import Code, Refusal

# What is read ahead for one slow guest, and no more.
_READ_AHEAD = 64 * 1024
# So often it is asked whether a silent connection is still there.
_CHECK_SECONDS = 1.0


class VendorAnswer:
    """The answer of a vendor: status and headers are there, the body is still to come."""

    def __init__(self, response: aiohttp.ClientResponse, silence: float) -> None:
        self._response = response
        self._silence = silence
        self.status = response.status
        self.is_stream = response.content_type == "text/event-stream"

    @property
    def headers(self) -> Headers:
        """The headers as they came."""
        return tuple(self._response.headers.items())

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what has arrived as soon as it has; raises Refusal (502, 504)."""
        while chunk := await self._read():
            yield chunk

    async def _read(self) -> bytes:
        left = self._silence
        while True:
            pause = min(left, _CHECK_SECONDS)
            try:
                async with asyncio.timeout(pause):
                    return await self._response.content.readany()
            except TimeoutError:
                left -= pause
            except (aiohttp.ClientError, ValueError, OSError):
                raise _broken() from None
            if self._is_lost():
                raise _broken()
            if left <= 0:
                message = "The vendor fell silent in the middle of its answer."
                raise Refusal(504, Code.VENDOR_TIMEOUT, message)

    def _is_lost(self) -> bool:
        """Whether the connection is gone: the client does not tell when it hangs up on garbage."""
        connection = self._response.connection
        if connection is None or self._response.content.is_eof():
            return False
        return connection.transport is None or connection.transport.is_closing()

    async def whole(self, limit: int) -> bytes:
        """Return the whole body; raises Refusal (502, 504), also when it is above the limit."""
        parts, size = [], 0
        async for chunk in self.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size > limit:
                raise Refusal(502, Code.VENDOR_FAILED, "The vendor's answer is too long.")
        return b"".join(parts)


class _Connector(aiohttp.TCPConnector):
    """A pool that gives out no connection on which something waits to be read.

    What a vendor says unasked would else be taken for the answer to the next request,
    which may be another guest's.
    """

    async def _get(self, key: Any, traces: list[Any]) -> Connection | None:
        while (connection := await super()._get(key, traces)) is not None:
            if connection.protocol is not None and not connection.protocol.should_close:
                return connection
            connection.close()
        return None


class Transport:
    """Calls vendors. One for the whole process, closed when the process ends."""

    def __init__(self, *, connect: float, answer: float, silence: float) -> None:
        self._answer = answer
        self._silence = silence
        self._session = aiohttp.ClientSession(
            connector=_Connector(limit=0, ttl_dns_cache=60),
            timeout=aiohttp.ClientTimeout(total=None, connect=connect),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
            read_bufsize=_READ_AHEAD,
            skip_auto_headers=("User-Agent", "Accept"),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    @asynccontextmanager
    async def post(self, url: str, headers: Headers, body: bytes) -> AsyncIterator[VendorAnswer]:
        """Send a body and give the answer; raises Refusal (502, 504) where there is none.

        The connection is given back when the answer was read to its end, else closed.
        """
        response = await self._begin(url, headers, body)
        try:
            yield VendorAnswer(response, self._silence)
        finally:
            if response.content.at_eof():
                response.release()
            else:
                response.close()

    async def _begin(self, url: str, headers: Headers, body: bytes) -> aiohttp.ClientResponse:
        try:
            async with asyncio.timeout(self._answer):
                return await self._session.post(
                    url, data=body, headers=list(headers), allow_redirects=False
                )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise _unreachable() from None
        except TimeoutError:
            message = "The vendor did not answer in time."
            raise Refusal(504, Code.VENDOR_TIMEOUT, message) from None
        except aiohttp.InvalidURL:
            raise _unreachable() from None
        except (aiohttp.ClientError, ValueError, OSError):
            raise _broken() from None


def _unreachable() -> Refusal:
    return Refusal(502, Code.VENDOR_UNREACHABLE, "The vendor cannot be reached.")


def _broken() -> Refusal:
    return Refusal(502, Code.VENDOR_FAILED, "The vendor's answer broke off, or is not HTTP.")
