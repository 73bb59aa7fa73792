"""A guest of the chat wire at a vendor of the messages wire.

Mended around the library: later system messages are lost, results of parallel calls stay apart,
reasoning loses its signature in both directions, and the format of a response is dropped.
"""

from __future__ import annotations

import time
from typing import Any

from gateway.formats.conversion import library
from gateway.formats.conversion.chat_guest_stream import ChatGuestStream
from gateway.formats.conversion.endings import chat_usage, finish_reason, refusal_text
from gateway.formats.conversion.errors import GarbledAnswerError
from gateway.formats.conversion.events_json import dicts, member
from gateway.formats.conversion.interface import StreamConversion
from gateway.formats.conversion.shapes import check_chat
from gateway.formats.conversion.turns import (
    DEFAULT_MAX_TOKENS,
    THINKING,
    continues_unsigned_calls,
    tidy_turns,
    wants_format,
)
from gateway.formats.usage import Meter
from gateway.formats.wires import Wire

_SYSTEM_ROLES = ("system", "developer")


class ChatGuest:
    """Carries chat requests to a vendor of the messages wire, and its answers back."""

    vendor_wire = Wire.MESSAGES

    def request(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the request for the vendor; raises UnconvertibleRequestError."""
        check_chat(body)
        made = library.convert_request(Wire.CHAT, Wire.MESSAGES, _system_first(body))
        made["messages"] = tidy_turns(made.get("messages"), _thinking_by_call(body))
        made["max_tokens"] = _limit(body)
        if not made.get("stop_sequences"):
            made.pop("stop_sequences", None)
        wants_format(made, member(member(body.get("response_format"), "json_schema"), "schema"))
        if continues_unsigned_calls(made["messages"]):
            made.pop("thinking", None)
        return made

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the vendor's whole answer for the guest; raises GarbledAnswerError."""
        if body.get("type") != "message" or not isinstance(body.get("content"), list):
            raise GarbledAnswerError("the vendor's answer is not a message")
        made = library.convert_answer(Wire.MESSAGES, Wire.CHAT, body)
        _mend_choice(made["choices"][0], body)
        meter = Meter(Wire.MESSAGES)
        meter.read_answer(body)
        made["usage"] = chat_usage(meter.usage)
        return made

    def stream(self, request: dict[str, Any]) -> StreamConversion:
        """Return a fresh conversion of a stream that answers this request of the guest."""
        wants_usage = member(request.get("stream_options"), "include_usage") is True
        return ChatGuestStream(wants_usage=wants_usage, created=int(time.time()))


def _system_first(body: dict[str, Any]) -> dict[str, Any]:
    # The messages wire has one place for these; the library drops those that come later.
    system = [one for one in body["messages"] if one["role"] in _SYSTEM_ROLES]
    rest = [one for one in body["messages"] if one["role"] not in _SYSTEM_ROLES]
    return {**body, "messages": [*system, *rest]}


def _thinking_by_call(body: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the signed reasoning that the guest brings back, by the id of the first call."""
    return {
        message["tool_calls"][0]["id"]: dicts(message.get("thinking_blocks"))
        for message in body["messages"]
        if message["role"] == "assistant" and message.get("tool_calls")
    }


def _limit(body: dict[str, Any]) -> Any:
    limits = (body.get("max_completion_tokens"), body.get("max_tokens"))
    return next((one for one in limits if one is not None), DEFAULT_MAX_TOKENS)


def _mend_choice(choice: dict[str, Any], body: dict[str, Any]) -> None:
    reason = body.get("stop_reason")
    choice["finish_reason"] = finish_reason(reason)
    message = choice["message"]
    if reason == "refusal":
        message["refusal"] = refusal_text(body.get("stop_details"))
    thinking = [one for one in dicts(body["content"]) if one.get("type") in THINKING]
    if thinking:
        message["thinking_blocks"] = thinking
