"""The three wire formats: inside a session, and for users with a key of this deployment."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from gateway.formats.wires import Wire
from gateway.routes.access import Serving
from gateway.routes.answers import DIRECT, FACADE, Refusals, asking, on_wire
from gateway.services import Services
from gateway.traffic.exchange import Exchange
from gateway.traffic.turn import RequestMode


async def spelt_plainly(request: Request) -> None:
    """Refuse (404) a path with escapes in it: a proxy before us might read another route."""
    if b"%" in request.scope["raw_path"]:
        raise HTTPException(404)


facade = APIRouter(
    prefix="/api/runtime/sessions/{session}/llm",
    tags=["facade"],
    dependencies=[Depends(spelt_plainly)],
)
direct = APIRouter(prefix="/v1", tags=["direct"])

_REQUIRED = {Wire.RESPONSES: (), Wire.CHAT: ("messages",), Wire.MESSAGES: ("messages",)}


def _said(wire: Wire, refusals: Refusals) -> dict[str, Any]:
    """Return what the OpenAPI page says of a route that FastAPI reads nothing of."""
    return {
        "responses": on_wire(wire.protocol, refusals),
        "openapi_extra": asking(_REQUIRED[wire]),
        "response_class": Response,
    }


@facade.post("/openai/v1/responses", **_said(Wire.RESPONSES, FACADE))
async def facade_responses(session: str, serving: Serving) -> Response:
    """Answer a request of a session in the responses format."""
    return _exchange(serving, Wire.RESPONSES, serving.facade(session))


@facade.post("/openai/v1/chat/completions", **_said(Wire.CHAT, FACADE))
async def facade_chat(session: str, serving: Serving) -> Response:
    """Answer a request of a session in the chat completions format."""
    return _exchange(serving, Wire.CHAT, serving.facade(session))


@facade.post("/anthropic/v1/messages", **_said(Wire.MESSAGES, FACADE))
async def facade_messages(session: str, serving: Serving) -> Response:
    """Answer a request of a session in the messages format."""
    return _exchange(serving, Wire.MESSAGES, serving.facade(session))


@direct.post("/responses", **_said(Wire.RESPONSES, DIRECT))
async def direct_responses(serving: Serving) -> Response:
    """Answer a user's request in the responses format."""
    return _exchange(serving, Wire.RESPONSES, serving.direct)


@direct.post("/chat/completions", **_said(Wire.CHAT, DIRECT))
async def direct_chat(serving: Serving) -> Response:
    """Answer a user's request in the chat completions format."""
    return _exchange(serving, Wire.CHAT, serving.direct)


@direct.post("/messages", **_said(Wire.MESSAGES, DIRECT))
async def direct_messages(serving: Serving) -> Response:
    """Answer a user's request in the messages format."""
    return _exchange(serving, Wire.MESSAGES, serving.direct)


def _exchange(serving: Services, wire: Wire, mode: RequestMode) -> Response:
    return Exchange(wire, mode, serving.transport, serving.bounds, serving.metrics)
