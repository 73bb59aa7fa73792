"""A stream of the chat wire, chunk by chunk, for a guest of the messages wire.

Mended around the library: every block opens and closes once under an index of its own, a refusal
and an error are told, and the stream ends with its usage where its vendor ended it.
"""

from __future__ import annotations

from typing import Any

from gateway.formats.conversion.endings import messages_usage, stop_reason
from gateway.formats.conversion.errors import GarbledAnswerError, TruncatedStreamError
from gateway.formats.conversion.events_json import dicts, member, parsed, written
from gateway.formats.conversion.library import LibraryStream
from gateway.formats.conversion.sections import Sections
from gateway.formats.events import Event
from gateway.formats.usage import Meter, failure_text
from gateway.formats.wires import Wire


class MessagesGuestStream:
    """Turns one stream of the chat wire into one of the messages wire."""

    def __init__(self) -> None:
        self._library = LibraryStream(Wire.CHAT, Wire.MESSAGES)
        self._meter = Meter(Wire.CHAT)
        self._sections = Sections()
        self._blocks = _Blocks()
        self._head: dict[str, Any] = {}
        self._finish_reason: str | None = None
        self._is_refusal = False
        self._is_over = False

    def feed(self, event: Event) -> list[Event]:
        """Return the guest's events for one of the vendor's; raises GarbledAnswerError."""
        if self._is_over:
            return []
        if event.data == "[DONE]":
            return self._end()
        chunk = parsed(event)
        if chunk.get("error") or event.name == "error":
            return self._error(chunk)
        if chunk.get("usage"):
            self._meter.read(event)
        choices = [one for one in dicts(chunk.get("choices")) if one.get("index", 0) == 0]
        events = [] if self._head or not choices else self._start(chunk)
        return events + [made for choice in choices for made in self._go_on(choice)]

    def finish(self) -> list[Event]:
        """Return nothing; raises TruncatedStreamError where the end was not seen before."""
        if not self._is_over:
            raise TruncatedStreamError
        return []

    def _error(self, chunk: dict[str, Any]) -> list[Event]:
        self._is_over = True
        error = {"type": "api_error", "message": failure_text(chunk)}
        return [written({"type": "error", "error": error}, "error")]

    def _start(self, chunk: dict[str, Any]) -> list[Event]:
        self._head = {
            "id": str(chunk.get("id") or "unknown"),
            "object": "chat.completion.chunk",
            "created": 0,
            "model": str(chunk.get("model") or "unknown"),
        }
        message = {
            "id": f"msg_{self._head['id']}",
            "type": "message",
            "role": "assistant",
            "model": self._head["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": messages_usage(None),
        }
        self._library.feed({**self._head, "choices": [{"index": 0, "delta": {}}]})
        return [_event({"type": "message_start", "message": message})]

    def _go_on(self, choice: dict[str, Any]) -> list[Event]:
        delta = choice.get("delta")
        if delta is not None and not isinstance(delta, dict):
            raise GarbledAnswerError("the vendor's chunk has a delta that is no object")
        events = [made for part in self._parts(delta or {}) for made in self._convert(part)]
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._finish_reason = reason
        return events

    def _parts(self, delta: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the parts of a delta, each of one section, that may go on now."""
        parts: list[dict[str, Any]] = []
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(reasoning, str) and reasoning:
            parts += self._sections.add("reasoning", {"reasoning_content": reasoning})
        for name in ("content", "refusal"):
            if isinstance(text := delta.get(name), str) and text:
                self._is_refusal = self._is_refusal or name == "refusal"
                parts += self._sections.add(name, {"content": text})
        for call in dicts(delta.get("tool_calls")):
            parts += self._call(call)
        return parts

    def _call(self, call: dict[str, Any]) -> list[dict[str, Any]]:
        index = call.get("index", 0)
        arguments = member(call.get("function"), "arguments") or ""
        if not isinstance(index, int) or not isinstance(arguments, str):
            raise GarbledAnswerError("the vendor's chunk has a tool call of a wrong shape")
        return self._sections.add(index, {"tool_calls": [call]}, arguments)

    def _convert(self, delta: dict[str, Any]) -> list[Event]:
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        made = self._library.feed({**self._head, "choices": [choice]})
        return [event for one in made for event in self._blocks.renumbered(one)]

    def _end(self) -> list[Event]:
        if self._finish_reason is None:
            # An end without a reason is none: `finish` will say so.
            return []
        self._is_over = True
        events = [made for part in self._sections.flush() for made in self._convert(part)]
        reason = stop_reason(self._finish_reason, is_refusal=self._is_refusal)
        delta = {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": messages_usage(self._meter.usage),
        }
        return [
            *events,
            *self._blocks.closed(),
            _event(delta),
            _event({"type": "message_stop"}),
        ]


class _Blocks:
    """Gives each block that the library opens the next index, and closes the one before it."""

    def __init__(self) -> None:
        self._index = -1
        self._is_open = False

    def renumbered(self, body: dict[str, Any]) -> list[Event]:
        """Return an event of a block, put right; nothing for one that closes or is none."""
        kind = body.get("type")
        if kind == "content_block_start":
            return [*self.closed(), self._opened(body)]
        if kind == "content_block_delta" and self._is_open:
            return [_event({**body, "index": self._index})]
        return []

    def closed(self) -> list[Event]:
        """Return the end of the open block, if one is open."""
        if not self._is_open:
            return []
        self._is_open = False
        return [_event({"type": "content_block_stop", "index": self._index})]

    def _opened(self, body: dict[str, Any]) -> Event:
        self._index += 1
        self._is_open = True
        block = {name: one for name, one in body["content_block"].items() if name != "caller"}
        if block.get("type") == "thinking":
            block.setdefault("signature", "")
        return _event({**body, "index": self._index, "content_block": block})


def _event(body: dict[str, Any]) -> Event:
    return written(body, body["type"])
