"""A stream of the messages wire, event by event, for a guest of the responses wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.formats.conversion.endings import refusal_text, responses_usage
from gateway.formats.conversion.errors import GarbledAnswerError, TruncatedStreamError
from gateway.formats.conversion.events_json import member, parsed, written
from gateway.formats.conversion.responses_items import Item, item_of, refusal_item
from gateway.formats.events import Event
from gateway.formats.usage import Meter, failure_text
from gateway.formats.wires import Wire

_CUT_SHORT = ("max_tokens", "model_context_window_exceeded")
Made = tuple[str, dict[str, Any]]


class ResponsesGuestStream:
    """Turns one stream of the messages wire into one of the responses wire."""

    def __init__(self, *, created: int) -> None:
        self._created = created
        self._meter = Meter(Wire.MESSAGES)
        self._head: dict[str, Any] = {}
        self._items: list[Item] = []
        self._open: dict[int, Item] = {}
        self._delta: dict[str, Any] = {}
        self._sequence = 0
        self._is_over = False

    def feed(self, event: Event) -> list[Event]:
        """Return the guest's events for one of the vendor's; raises GarbledAnswerError."""
        if self._is_over or event.name == "ping":
            return []
        body = parsed(event)
        if body.get("type") in ("message_start", "message_delta"):
            self._meter.read(event)
        return [self._numbered(*made) for made in self._made(body)]

    def finish(self) -> list[Event]:
        """Return nothing; raises TruncatedStreamError where the end was not seen before."""
        if not self._is_over:
            raise TruncatedStreamError
        return []

    def _numbered(self, kind: str, body: dict[str, Any]) -> Event:
        number = self._sequence
        self._sequence += 1
        return written({"type": kind, "sequence_number": number, **body}, kind)

    def _made(self, body: dict[str, Any]) -> Iterator[Made]:
        kind = body.get("type")
        if kind == "error" or (kind is None and body.get("error")):
            yield from self._error(body)
        elif kind == "message_start":
            yield from self._start(body.get("message"))
        elif not self._head:
            raise GarbledAnswerError("the vendor's stream does not begin with message_start")
        elif kind == "message_delta":
            self._delta = {**self._delta, **_object(body.get("delta"))}
        elif kind == "message_stop":
            yield from self._end()
        else:
            yield from self._block(kind, body)

    def _error(self, body: dict[str, Any]) -> Iterator[Made]:
        self._is_over = True
        kind = member(body.get("error"), "type")
        code = kind if isinstance(kind, str) else "server_error"
        yield "error", {"code": code, "message": failure_text(body), "param": None}

    def _start(self, message: object) -> Iterator[Made]:
        if self._head:
            raise GarbledAnswerError("the vendor's stream begins twice")
        self._head = {
            "id": f"resp_{member(message, 'id')}",
            "object": "response",
            "created_at": self._created,
            "model": str(member(message, "model")),
        }
        yield "response.created", {"response": self._response("in_progress")}
        yield "response.in_progress", {"response": self._response("in_progress")}

    def _block(self, kind: object, body: dict[str, Any]) -> Iterator[Made]:
        index = body.get("index")
        if not isinstance(index, int):
            return
        if kind == "content_block_start":
            yield from self._open_block(index, _object(body.get("content_block")))
        elif kind == "content_block_delta" and index in self._open:
            yield from self._open[index].add(_object(body.get("delta")))
        elif kind == "content_block_stop" and index in self._open:
            yield from self._open.pop(index).close()

    def _open_block(self, index: int, block: dict[str, Any]) -> Iterator[Made]:
        item = item_of(block, self._head["id"], len(self._items))
        if item is None or index in self._open:
            return
        self._items.append(item)
        self._open[index] = item
        yield from item.open()
        yield from item.add(block)

    def _end(self) -> Iterator[Made]:
        reason = self._delta.get("stop_reason")
        if not isinstance(reason, str):
            # An end without a reason is none: `finish` will say so.
            return
        self._is_over = True
        for index in sorted(self._open):
            yield from self._open.pop(index).close()
        if reason == "refusal":
            yield from self._refuse(refusal_text(self._delta.get("stop_details")))
        status = "incomplete" if reason in _CUT_SHORT else "completed"
        response = self._response(status)
        response["usage"] = responses_usage(self._meter.usage_so_far)
        yield f"response.{status}", {"response": response}

    def _refuse(self, text: str) -> Iterator[Made]:
        item = refusal_item(self._head["id"], len(self._items))
        self._items.append(item)
        yield from item.open()
        yield from item.add({"refusal": text})
        yield from item.close()

    def _response(self, status: str) -> dict[str, Any]:
        is_cut = status == "incomplete"
        return {
            **self._head,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
            "instructions": None,
            "metadata": {},
            "output": [item.written("completed") for item in self._items],
            "parallel_tool_calls": True,
            "temperature": None,
            "tool_choice": "auto",
            "tools": [],
            "top_p": None,
            "usage": None,
        }


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
