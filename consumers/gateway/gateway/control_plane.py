"""Asks a control plane where a request goes, and reports to it how the request ended.

The contract, both with the caller's own token as `Authorization: Bearer`:

`POST /resolve` {model, wire, stream, input_characters, output_limit} is answered 200 with
{provider, api_key, request_id, correlation_id} and, where the control plane wants it otherwise
than the registry says, `base_url`, `protocol` (of that base URL) and `model` (on the wire).
401, 402, 403, 404 and 429 are refusals, with `Retry-After` where there is a time.

`POST /usage` {request_id, correlation_id, status, http_status, provider, model, wire, usage,
characters, error} is answered with any 2xx. `status` is "success", "failure" or "abandoned";
`usage` is {input_tokens, output_tokens, cached_tokens, cache_write_tokens}, or null where the
vendor told none. The same report may come twice.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import aiohttp
import provider_registry as registry
import structlog
from provider_registry import Provider
from pydantic import (
    AfterValidator,
    BaseModel,
    SecretStr,
    StringConstraints,
    ValidationError,
)

from gateway.addresses import checked_base_url
from gateway.formats.headers import Headers
from gateway.refusals import Code, Refusal

_LOG = structlog.get_logger(__name__)
# An answer is a handful of short texts; whatever is longer is none.
_ANSWER_BYTES = 64 * 1024
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0
# Seconds, or a date as HTTP writes it.
_TIME = re.compile(r"[0-9]{1,10}|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT")
_REFUSALS = {
    401: "The control plane does not know this token.",
    402: "The control plane wants a payment first.",
    403: "The control plane does not allow this.",
    404: "The control plane has no such model for you.",
    429: "The control plane wants fewer requests.",
}

_Identity = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]


def _checked_key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if not text.strip() or not text.isascii() or not text.isprintable():
        raise ValueError("a key is printable ASCII")
    return key


class Grant(BaseModel):
    """What a control plane grants: a provider, the key for it, and the names of the request."""

    provider: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,100}$")]
    api_key: Annotated[SecretStr, AfterValidator(_checked_key)]
    base_url: Annotated[str, AfterValidator(checked_base_url)] | None = None
    protocol: Literal["openai", "anthropic"] | None = None
    model: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    request_id: _Identity
    correlation_id: _Identity

    @property
    def known_provider(self) -> Provider:
        """The provider; raises Refusal (502) for one that is not in the registry."""
        try:
            return registry.provider_named(self.provider)
        except registry.UnknownProviderError:
            raise failed() from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one question may take, and how long a report is tried again."""

    question: float
    report: float


class ControlPlane:
    """One control plane, reached over connections of its own."""

    def __init__(self, url: str, patience: Patience) -> None:
        self._url = url
        self._patience = patience
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, skip_auto_headers=("User-Agent",)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def resolve(self, token: str, question: dict[str, object]) -> Grant:
        """Return what is granted to the holder of a token; raises Refusal.

        Its 401, 402, 403, 404 and 429 are passed on; all else that is no grant is a 502.
        """
        try:
            status, retry_after, raw = await self._post("resolve", token, question)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            raise failed() from None
        if status in _REFUSALS:
            raise Refusal(
                status, Code.CONTROL_PLANE_REFUSED, _REFUSALS[status], headers=retry_after
            )
        if status != 200:
            raise failed()
        try:
            return Grant.model_validate_json(raw)
        except ValidationError:
            raise failed() from None

    async def report(self, token: str, report: dict[str, object]) -> bool:
        """Return whether a report was taken; what fails in passing is tried again a while."""
        deadline, wait = time.monotonic() + self._patience.report, _FIRST_WAIT
        while (taken := await self._reported(token, report)) is None:
            if time.monotonic() + wait > deadline:
                break
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)
        if not taken:
            _LOG.error("usage_unreported", **report)
        return bool(taken)

    async def _reported(self, token: str, report: dict[str, object]) -> bool | None:
        """Return whether a report was taken, or None where it may be next time."""
        try:
            status, _, _ = await self._post("usage", token, report)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            return None
        if status >= 500 or status in (408, 429):
            return None
        return 200 <= status < 300

    async def _post(
        self, path: str, token: str, body: dict[str, object]
    ) -> tuple[int, dict[str, str], bytes]:
        headers: Headers = (("authorization", f"Bearer {token}"),)
        async with (
            asyncio.timeout(self._patience.question),
            self._session.post(
                f"{self._url}/{path}", json=body, headers=list(headers), allow_redirects=False
            ) as response,
        ):
            return response.status, _retry_after(response), await _bounded(response)


def _retry_after(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the header as it goes on to the guest; what is no time stays here."""
    said = response.headers.get("retry-after", "")
    return {"retry-after": said} if _TIME.fullmatch(said) else {}


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    raw = b""
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > _ANSWER_BYTES:
            raise ValueError("the answer is too long")
    return raw


def failed() -> Refusal:
    """Return the answer where the control plane gave none that can be used."""
    message = "The control plane gave no answer that can be used."
    return Refusal(502, Code.CONTROL_PLANE_FAILED, message)
