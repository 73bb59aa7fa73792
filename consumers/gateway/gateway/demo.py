"""The vendor of `--demo`: it says back what it was told, in each wire format, with no key."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from aiohttp import web

from gateway.formats import replies
from gateway.formats.replies import Reply, Usage
from gateway.formats.wires import Wire

# Between two words, so that a reader sees them come.
PAUSE = 0.03
_MAX_BODY = 64 * 1024 * 1024
_LISTS = {Wire.CHAT: "messages", Wire.RESPONSES: "input", Wire.MESSAGES: "messages"}


@contextlib.asynccontextmanager
async def demo_vendor(pause: float = PAUSE) -> AsyncIterator[str]:
    """Serve the three routes below any prefix on 127.0.0.1; yield the address as a URL.

    `pause` is the time between two events of a stream, in seconds.
    """
    app = web.Application(client_max_size=_MAX_BODY)
    for wire in Wire:
        path = rf"/{{prefix:(.*/)?}}{wire.value}"
        app.router.add_post(path, partial(_answer, wire=wire, pause=pause))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _answer(request: web.Request, *, wire: Wire, pause: float) -> web.StreamResponse:
    try:
        asked = json.loads(await request.read())
        reply = reply_to(wire, asked)
    except (ValueError, RecursionError) as problem:
        return _refusal(str(problem))
    if asked.get("stream") is True:
        return await _stream(request, wire, reply, pause=pause, tells_usage=_tells_usage(asked))
    return web.json_response(replies.body(wire, reply))


async def _stream(
    request: web.Request, wire: Wire, reply: Reply, *, pause: float, tells_usage: bool
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    for event in replies.events(wire, reply, tells_usage=tells_usage):
        await response.write(event.encoded())
        await asyncio.sleep(pause)
    return response


def _refusal(message: str) -> web.Response:
    """Return an error that clients of all three wire formats can read."""
    error = {"type": "invalid_request_error", "message": message, "param": None, "code": None}
    return web.json_response({"type": "error", "error": error}, status=400)


def _tells_usage(asked: Mapping[str, Any]) -> bool:
    options = asked.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def reply_to(wire: Wire, asked: object) -> Reply:
    """Return the reply to a decoded body; raises ValueError where it is no such request."""
    if not isinstance(asked, dict) or not isinstance(asked.get("model"), str):
        raise ValueError("the body must be a JSON object with a model")
    said = last_words(wire, asked)
    text = f"Hello from the demo vendor. You said: {said}" if said else "Hello. You said nothing."
    usage = Usage(input_tokens=_tokens(said), output_tokens=_tokens(text))
    return Reply(text=text, usage=usage, model=asked["model"])


def _tokens(text: str) -> int:
    """Return about as many tokens as a vendor would count."""
    return len(text) // 4 + 1


def last_words(wire: Wire, asked: Mapping[str, Any]) -> str:
    """Return the text of the newest message of the user; empty where there is none."""
    messages = asked.get(_LISTS[wire])
    if isinstance(messages, str):
        return messages
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            return _text(message.get("content"))
    return ""


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return " ".join(text for text in texts if isinstance(text, str))
