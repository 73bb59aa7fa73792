"""A guest of the messages wire at a vendor of the chat wire.

Mended around the library: a failed tool's flag is lost, texts come as lists that many vendors
refuse, the limit comes under a name that some ignore, and usage is not asked for.
"""

from __future__ import annotations

from typing import Any

from gateway.formats.conversion import library
from gateway.formats.conversion.endings import messages_usage, stop_reason
from gateway.formats.conversion.errors import GarbledAnswerError
from gateway.formats.conversion.events_json import dicts, member
from gateway.formats.conversion.interface import StreamConversion
from gateway.formats.conversion.messages_guest_stream import MessagesGuestStream
from gateway.formats.conversion.shapes import check_messages
from gateway.formats.usage import Meter
from gateway.formats.wires import Wire


class MessagesGuest:
    """Carries messages requests to a vendor of the chat wire, and its answers back."""

    vendor_wire = Wire.CHAT

    def request(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the request for the vendor; raises UnconvertibleRequestError."""
        check_messages(body)
        told = {**body, "messages": [_with_failures_told(one) for one in body["messages"]]}
        made = library.convert_request(Wire.MESSAGES, Wire.CHAT, told)
        made["messages"] = [_plain(one) for one in made["messages"]]
        _keep_limit(body, made)
        if body.get("stop_sequences"):
            made["stop"] = body["stop_sequences"]
        if made.get("stream") is True:
            made["stream_options"] = {"include_usage": True}
        _keep_format(body, made)
        return made

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the vendor's whole answer for the guest; raises GarbledAnswerError."""
        choice = next(iter(dicts(body.get("choices"))), None)
        message = member(choice, "message")
        if choice is None or not isinstance(message, dict):
            raise GarbledAnswerError("the vendor's answer is not a chat completion")
        one = {**choice, "index": 0, "message": _with_reasoning(message)}
        whole = {"id": "", "model": "", **body, "choices": [one]}
        made = library.convert_answer(Wire.CHAT, Wire.MESSAGES, whole)
        return _answer(made, body, choice)

    def stream(self, request: dict[str, Any]) -> StreamConversion:
        """Return a fresh conversion of a stream; what the guest asked makes no difference."""
        return MessagesGuestStream()


def _with_failures_told(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message that says in words which tools failed: the chat wire has no flag."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [_with_failure_told(one) for one in content]}


def _with_failure_told(block: dict[str, Any]) -> dict[str, Any]:
    if block["type"] != "tool_result" or block.get("is_error") is not True:
        return block
    content = block.get("content") or ""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return {**block, "content": [{"type": "text", "text": "Error: "}, *parts]}


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message without empty members, and with content that is all text as one text."""
    kept = {name: value for name, value in message.items() if name != "refusal" or value}
    parts = kept.get("content")
    if isinstance(parts, list) and all(part.get("type") == "text" for part in parts):
        gap = "" if kept["role"] == "tool" else "\n\n"
        kept["content"] = gap.join(part["text"] for part in parts)
    return kept


def _keep_limit(body: dict[str, Any], made: dict[str, Any]) -> None:
    # Every vendor knows `max_tokens`. One that does not know the newer name passes over it in
    # silence, and writes, and is paid, without a limit.
    made.pop("max_completion_tokens", None)
    if body.get("max_tokens") is not None:
        made["max_tokens"] = body["max_tokens"]


def _keep_format(body: dict[str, Any], made: dict[str, Any]) -> None:
    schema = member(member(body.get("output_config"), "format"), "schema")
    if isinstance(schema, dict):
        wanted = {"name": "answer", "schema": schema, "strict": True}
        made["response_format"] = {"type": "json_schema", "json_schema": wanted}


def _with_reasoning(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message of an answer with its reasoning under the name that the library reads."""
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    return {"role": "assistant", **message, "reasoning_content": reasoning or None}


def _answer(made: dict[str, Any], body: dict[str, Any], choice: dict[str, Any]) -> dict[str, Any]:
    refusal = choice["message"].get("refusal")
    blocks = [_block(one) for one in made["content"]]
    if refusal:
        blocks.append({"type": "text", "text": str(refusal)})
    meter = Meter(Wire.CHAT)
    meter.read_answer(body)
    return {
        "id": made["id"],
        "type": "message",
        "role": "assistant",
        "model": made["model"],
        "content": blocks,
        "stop_reason": stop_reason(choice.get("finish_reason"), is_refusal=bool(refusal)),
        "stop_sequence": None,
        "usage": messages_usage(meter.usage),
    }


def _block(block: dict[str, Any]) -> dict[str, Any]:
    kept = {name: one for name, one in block.items() if name not in ("caller", "citations")}
    # A client's type of this block has the member, though the vendor signs nothing.
    return {"signature": "", **kept} if kept.get("type") == "thinking" else kept
