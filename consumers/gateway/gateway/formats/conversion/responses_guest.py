"""A guest of the responses wire at a vendor of the messages wire.

The library converts its requests, with a few mends. What it makes of answers cannot be mended from
outside: it ends text that never began, misnames events, puts calls before the text that announces
them, and loses why an answer stopped; so a writer of ours does that, for streams and whole answers.
"""

from __future__ import annotations

import json
import time
from typing import Any

from gateway.formats.conversion import library
from gateway.formats.conversion.errors import GarbledAnswerError
from gateway.formats.conversion.events_json import dicts, member, written
from gateway.formats.conversion.interface import StreamConversion
from gateway.formats.conversion.responses_guest_stream import ResponsesGuestStream
from gateway.formats.conversion.shapes import check_responses
from gateway.formats.conversion.turns import (
    DEFAULT_MAX_TOKENS,
    continues_unsigned_calls,
    tidy_turns,
    wants_format,
)
from gateway.formats.wires import Wire

_SYSTEM_ROLES = ("system", "developer")


class ResponsesGuest:
    """Carries responses requests to a vendor of the messages wire, and its answers back."""

    vendor_wire = Wire.MESSAGES

    def request(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the request for the vendor; raises UnconvertibleRequestError."""
        check_responses(body)
        made = library.convert_request(Wire.RESPONSES, Wire.MESSAGES, _system_in_one(body))
        made["messages"] = tidy_turns(made.get("messages"))
        limit = body.get("max_output_tokens")
        made["max_tokens"] = DEFAULT_MAX_TOKENS if limit is None else limit
        wants_format(made, member(member(body.get("text"), "format"), "schema"))
        if continues_unsigned_calls(made["messages"]):
            made.pop("thinking", None)
        return made

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the vendor's whole answer for the guest; raises GarbledAnswerError."""
        if body.get("type") != "message" or not isinstance(body.get("content"), list):
            raise GarbledAnswerError("the vendor's answer is not a message")
        stream = self.stream({})
        for event in _as_events(body):
            last = stream.feed(written(event))
        made: dict[str, Any] = json.loads(last[-1].data)["response"]
        return made

    def stream(self, request: dict[str, Any]) -> StreamConversion:
        """Return a fresh conversion of a stream; what the guest asked makes no difference."""
        return ResponsesGuestStream(created=int(time.time()))


def _system_in_one(body: dict[str, Any]) -> dict[str, Any]:
    # The messages wire has one place for these; the library drops those that stand in the input.
    items = body["input"]
    if isinstance(items, str):
        return body
    system = [one for one in items if one.get("role") in _SYSTEM_ROLES]
    texts = [text for one in system for text in _texts(one.get("content"))]
    instructions = "\n\n".join([*filter(None, [body.get("instructions")]), *texts])
    rest = [one for one in items if one.get("role") not in _SYSTEM_ROLES]
    return {**body, "instructions": instructions or None, "input": rest}


def _texts(content: object) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in dicts(content) if isinstance(part.get("text"), str)]


def _as_events(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events with which a vendor would have streamed this answer."""
    events: list[dict[str, Any]] = [{"type": "message_start", "message": body}]
    for index, block in enumerate(dicts(body["content"])):
        start = dict(block)
        if isinstance(arguments := start.pop("input", None), dict):
            start["arguments"] = json.dumps(arguments)
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events.append({"type": "content_block_stop", "index": index})
    # An answer without a reason is whole all the same: it came as one.
    reason = body.get("stop_reason")
    delta = {**body, "stop_reason": reason if isinstance(reason, str) else "end_turn"}
    events.append({"type": "message_delta", "delta": delta, "usage": body.get("usage")})
    return [*events, {"type": "message_stop"}]
