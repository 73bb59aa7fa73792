"""The connection to vendors: one pool, no redirects, no proxy of the environment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import aiohttp

from gateway.headers import Headers
from gateway.refusals import Code, Refusal

# What is read ahead for one slow guest, and no more.
_READ_AHEAD = 64 * 1024


class VendorSilentError(Exception):
    """The vendor said nothing for too long in the middle of an answer."""


class VendorCutError(Exception):
    """The vendor's answer broke off, or was none that HTTP knows."""


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
        """Yield what has arrived as soon as it has; raises VendorSilentError, VendorCutError."""
        while chunk := await self._read():
            yield chunk

    async def _read(self) -> bytes:
        try:
            async with asyncio.timeout(self._silence):
                return await self._response.content.readany()
        except TimeoutError:
            raise VendorSilentError from None
        except (aiohttp.ClientError, ValueError) as error:
            raise VendorCutError(type(error).__name__) from None

    async def whole(self, limit: int) -> bytes:
        """Return the whole body; raises VendorCutError also when it is above the limit."""
        parts, size = [], 0
        async for chunk in self.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size > limit:
                raise VendorCutError("TooLong")
        return b"".join(parts)


class Transport:
    """Calls vendors. One for the whole process, closed when the process ends."""

    def __init__(self, *, connect: float, answer: float, silence: float) -> None:
        self._answer = answer
        self._silence = silence
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect),
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
        except aiohttp.ConnectionTimeoutError:
            raise _unreachable() from None
        except TimeoutError:
            raise _late() from None
        except (aiohttp.ClientError, ValueError, OSError):
            raise _unreachable() from None


def _late() -> Refusal:
    return Refusal(504, Code.VENDOR_TIMEOUT, "The vendor did not answer in time.")


def _unreachable() -> Refusal:
    return Refusal(502, Code.VENDOR_UNREACHABLE, "The vendor cannot be reached.")
