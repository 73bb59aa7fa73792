"""A guest of the chat wire at a vendor of the messages wire.

Mended around the library: later system messages are lost, results of parallel calls stay apart,
reasoning loses its signature in both directions, and the format of a response is dropped.
"""

from __future__ import annotations

import time
from typing import Any

from gateway.conversion import library
from gateway.conversion.chat_guest_stream import ChatGuestStream
from gateway.conversion.endings import chat_usage, finish_reason, refusal_text
from gateway.conversion.errors import GarbledAnswerError
from gateway.conversion.events_json import dicts, member
from gateway.conversion.interface import StreamConversion
from gateway.conversion.shapes import check_chat
from gateway.usage import Meter
from gateway.wires import Wire

# The messages wire demands a limit; this many tokens every model of it can write.
DEFAULT_MAX_TOKENS = 8192
_SYSTEM_ROLES = ("system", "developer")
_THINKING = ("thinking", "redacted_thinking")


class ChatGuest:
    """Carries chat requests to a vendor of the messages wire, and its answers back."""

    vendor_wire = Wire.MESSAGES

    def request(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the request for the vendor; raises UnconvertibleRequestError."""
        check_chat(body)
        made = library.convert_request(Wire.CHAT, Wire.MESSAGES, _system_first(body))
        made["messages"] = _merged(_signed(made.get("messages"), _thinking_by_call(body)))
        made["max_tokens"] = _limit(body)
        if not made.get("stop_sequences"):
            made.pop("stop_sequences", None)
        _keep_format(body, made)
        if _continues_unsigned_calls(made["messages"]):
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


def _signed(messages: object, thinking: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    made = []
    for message in dicts(messages):
        blocks = [_plain_call(one) for one in dicts(message["content"]) if not _is_unsigned(one)]
        first = next((one["id"] for one in blocks if one.get("type") == "tool_use"), "")
        if message["role"] == "assistant":
            blocks = [*thinking.get(first, []), *blocks]
        if blocks:
            made.append({**message, "content": blocks})
    return made


def _is_unsigned(block: dict[str, Any]) -> bool:
    # The vendor refuses a whole request for one block of reasoning without its signature.
    return block.get("type") == "thinking" and not block.get("signature")


def _plain_call(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "caller"}


def _merged(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages with those of one role in a row as one: so results of parallel calls
    come in one message, as the wire demands."""
    made: list[dict[str, Any]] = []
    for message in messages:
        if made and made[-1]["role"] == message["role"]:
            joined = [*made[-1]["content"], *message["content"]]
            made[-1] = {**made[-1], "content": joined}
        else:
            made.append(message)
    return made


def _limit(body: dict[str, Any]) -> Any:
    limits = (body.get("max_completion_tokens"), body.get("max_tokens"))
    return next((one for one in limits if one is not None), DEFAULT_MAX_TOKENS)


def _keep_format(body: dict[str, Any], made: dict[str, Any]) -> None:
    schema = member(member(body.get("response_format"), "json_schema"), "schema")
    if isinstance(schema, dict):
        wanted = {"type": "json_schema", "schema": schema}
        made["output_config"] = {**made.get("output_config", {}), "format": wanted}


def _continues_unsigned_calls(messages: list[dict[str, Any]]) -> bool:
    """Whether the last turn calls tools without the reasoning that led there.

    A vendor refuses to go on with reasoning then, and not every guest brings it back.
    """
    turns = [one["content"] for one in messages if one["role"] == "assistant"]
    if not turns or messages[-1]["content"][0].get("type") != "tool_result":
        return False
    return not any(one.get("type") in _THINKING for one in turns[-1])


def _mend_choice(choice: dict[str, Any], body: dict[str, Any]) -> None:
    reason = body.get("stop_reason")
    choice["finish_reason"] = finish_reason(reason)
    message = choice["message"]
    if reason == "refusal":
        message["refusal"] = refusal_text(body.get("stop_details"))
    thinking = [one for one in dicts(body["content"]) if one.get("type") in _THINKING]
    if thinking:
        message["thinking_blocks"] = thinking
