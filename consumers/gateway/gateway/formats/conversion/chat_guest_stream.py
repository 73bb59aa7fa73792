"""A stream of the messages wire, event by event, for a guest of the chat wire.

Mended around the library: the role comes first and the id is one, the signature of reasoning is
kept, a refusal and an error are told, and usage counts what was cached.
"""

from __future__ import annotations

from typing import Any

from gateway.formats.conversion.endings import chat_usage, finish_reason, refusal_text
from gateway.formats.conversion.errors import GarbledAnswerError, TruncatedStreamError
from gateway.formats.conversion.events_json import member, parsed, written
from gateway.formats.conversion.library import LibraryStream
from gateway.formats.events import Event
from gateway.formats.usage import Meter, failure_text
from gateway.formats.wires import Wire

_DONE = Event(data="[DONE]")


class ChatGuestStream:
    """Turns one stream of the messages wire into one of the chat wire."""

    def __init__(self, *, wants_usage: bool, created: int) -> None:
        self._wants_usage = wants_usage
        self._created = created
        self._library = LibraryStream(Wire.MESSAGES, Wire.CHAT)
        self._meter = Meter(Wire.MESSAGES)
        self._head: dict[str, Any] = {}
        self._stop_reason: str | None = None
        self._refusal = ""
        self._thinking: dict[int, dict[str, Any]] = {}
        self._is_over = False

    def feed(self, event: Event) -> list[Event]:
        """Return the guest's events for one of the vendor's; raises GarbledAnswerError."""
        if self._is_over or event.name == "ping":
            return []
        body = parsed(event)
        kind = body.get("type")
        if kind == "error" or (kind is None and body.get("error")):
            return self._error(body)
        if kind in ("message_start", "message_delta"):
            self._meter.read(event)
        if kind == "message_start":
            return self._start(body)
        if not self._head:
            raise GarbledAnswerError("the vendor's stream does not begin with message_start")
        if kind == "message_stop":
            return self._end()
        return self._go_on(kind, body)

    def finish(self) -> list[Event]:
        """Return nothing; raises TruncatedStreamError where the end was not seen before."""
        if not self._is_over:
            raise TruncatedStreamError
        return []

    def _error(self, body: dict[str, Any]) -> list[Event]:
        self._is_over = True
        kind = member(body.get("error"), "type")
        error = {
            "message": failure_text(body),
            "type": kind if isinstance(kind, str) else "api_error",
        }
        return [written({"error": {**error, "param": None, "code": None}})]

    def _start(self, body: dict[str, Any]) -> list[Event]:
        if self._head:
            raise GarbledAnswerError("the vendor's stream begins twice")
        message = body.get("message")
        self._library.feed(body)
        self._head = {
            "id": f"chatcmpl-{member(message, 'id')}",
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": member(message, "model"),
        }
        return [self._delta({"role": "assistant", "content": ""})]

    def _go_on(self, kind: object, body: dict[str, Any]) -> list[Event]:
        if kind == "message_delta":
            return self._keep_reason(body)
        events = [
            self._delta(delta)
            for chunk in self._library.feed(body)
            for choice in chunk.get("choices", ())
            if (delta := _without_blanks(choice["delta"]))
        ]
        return events + self._signed(kind, body)

    def _keep_reason(self, body: dict[str, Any]) -> list[Event]:
        reason = member(body.get("delta"), "stop_reason")
        if isinstance(reason, str):
            self._stop_reason = reason
            self._refusal = refusal_text(member(body.get("delta"), "stop_details"))
        return []

    def _signed(self, kind: object, body: dict[str, Any]) -> list[Event]:
        """Return the block of reasoning that this event closes, for the guest to bring back."""
        index = body.get("index")
        if not isinstance(index, int):
            return []
        if kind == "content_block_start":
            self._open(index, body.get("content_block"))
        elif kind == "content_block_delta" and index in self._thinking:
            _extend(self._thinking[index], body.get("delta"))
        elif kind == "content_block_stop" and index in self._thinking:
            return [self._delta({"thinking_blocks": [_joined(self._thinking.pop(index))]})]
        return []

    def _open(self, index: int, block: object) -> None:
        if isinstance(block, dict) and block.get("type") in ("thinking", "redacted_thinking"):
            self._thinking[index] = {"block": block, "thinking": [], "signature": []}

    def _end(self) -> list[Event]:
        if self._stop_reason is None:
            # An end without a reason is none: `finish` will say so.
            return []
        self._is_over = True
        refusal = {"refusal": self._refusal} if self._stop_reason == "refusal" else {}
        events = [self._delta(refusal, finish_reason(self._stop_reason))]
        if self._wants_usage:
            usage = chat_usage(self._meter.usage_so_far)
            events.append(written({**self._head, "choices": [], "usage": usage}))
        return [*events, _DONE]

    def _delta(self, delta: dict[str, Any], reason: str | None = None) -> Event:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        usage = {"usage": None} if self._wants_usage else {}
        return written({**self._head, "choices": [choice], **usage})


def _without_blanks(delta: dict[str, Any]) -> dict[str, Any]:
    # The role was sent at the start, and the library sends empty texts for signatures.
    return {name: value for name, value in delta.items() if value and name != "role"}


def _extend(kept: dict[str, Any], delta: object) -> None:
    for name in ("thinking", "signature"):
        if isinstance(text := member(delta, name), str):
            kept[name].append(text)


def _joined(kept: dict[str, Any]) -> dict[str, Any]:
    block: dict[str, Any] = dict(kept["block"])
    if block["type"] == "thinking":
        for name in ("thinking", "signature"):
            block[name] = str(block.get(name) or "") + "".join(kept[name])
    return block
