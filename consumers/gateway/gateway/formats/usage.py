"""What a vendor's answer says of its tokens, its end and its failure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Protocol

from gateway.formats.events import Event
from gateway.formats.wires import Wire

# More tokens than this in one answer are garbage, and must never become a price.
MOST_TOKENS = 10**9
# A vendor's text is shown to a guest and kept in a log: enough of it to be understood.
_MOST_FAILURE_CHARACTERS = 2_000
_UNREADABLE = "the vendor sent an event that is not JSON"
# Events of the responses wire that only repeat what deltas said, or hold the request again.
_REPEATS = frozenset(
    {
        "response.created",
        "response.in_progress",
        "response.queued",
        "response.output_item.added",
        "response.output_item.done",
        "response.content_part.added",
        "response.content_part.done",
        "response.output_text.done",
        "response.function_call_arguments.done",
        "response.reasoning_summary_text.done",
        "response.reasoning_text.done",
        "response.refusal.done",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one answer.

    `input_tokens` is all of the input: `cached_tokens`, read from a cache, and
    `cache_write_tokens`, written to one, are parts of it. `output_tokens` is all of the
    output, with what was spent on reasoning.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0


class Meter:
    """Watches the vendor's side of one answer, whole or streamed; never raises.

    What is not JSON, or not an object, is a `failure`. A count that is no whole number, is
    negative or above `MOST_TOKENS` is no count: without valid counts of input and output there
    is no usage, and without a valid count of cached tokens there are none of these.
    """

    def __init__(self, wire: Wire) -> None:
        self._reader = _READERS[wire]()

    @property
    def usage(self) -> Usage | None:
        """The final usage, or None as long as (or if) the vendor has not told it."""
        return self._reader.tally.final

    @property
    def usage_so_far(self) -> Usage | None:
        """The best that the vendor has told up to now; its output may be too low."""
        return self._reader.tally.final or self._reader.tally.early

    @property
    def is_complete(self) -> bool:
        """Whether the answer came to the end that its wire format demands."""
        return self._reader.tally.is_complete

    @property
    def failure(self) -> str | None:
        """The vendor's own text of an error in band, or what was wrong with an event."""
        return self._reader.tally.failure

    @property
    def characters(self) -> int:
        """How many characters of text, reasoning and tool arguments came so far."""
        return self._reader.tally.characters

    def read(self, event: Event) -> None:
        """Take in one event of the vendor's stream."""
        self._reader.read(event)

    def read_answer(self, body: object) -> None:
        """Take in a whole answer, as JSON decodes it."""
        tally = self._reader.tally
        if not isinstance(body, dict):
            tally.fail("the vendor's answer is not a JSON object")
        elif body.get("error"):
            tally.fail(failure_text(body))
        else:
            self._reader.read_answer(body)


def failure_text(body: dict[str, Any]) -> str:
    """Return the vendor's own words in an error's body of any wire format."""
    error = body.get("error")
    found = error.get("message") if isinstance(error, dict) else error
    if not isinstance(found, str) or not found:
        found = body.get("message")
    if not isinstance(found, str) or not found:
        found = "the vendor reported an error without a text"
    return found[:_MOST_FAILURE_CHARACTERS]


class _Tally:
    """What has been read so far."""

    __slots__ = ("characters", "early", "failure", "final", "is_complete")

    def __init__(self) -> None:
        self.final: Usage | None = None
        self.early: Usage | None = None
        self.is_complete = False
        self.failure: str | None = None
        self.characters = 0

    def fail(self, text: str) -> None:
        # The first failure is the cause; what follows is its echo.
        self.failure = self.failure or text

    def count(self, *texts: object) -> None:
        for text in texts:
            if isinstance(text, str):
                self.characters += len(text)


class _Reader(Protocol):
    tally: _Tally

    def read(self, event: Event) -> None: ...

    def read_answer(self, body: dict[str, Any]) -> None: ...


class _Chat:
    def __init__(self) -> None:
        self.tally = _Tally()
        self._is_finished = False

    def read(self, event: Event) -> None:
        if event.data == "[DONE]":
            self.tally.is_complete = self._is_finished and self.tally.failure is None
            return
        chunk = _parsed(event, self.tally)
        if chunk is None:
            return
        if chunk.get("error") or event.name == "error":
            self.tally.fail(failure_text(chunk))
            return
        for choice in _dicts(chunk.get("choices")):
            self._read_message(choice.get("delta"))
            if choice.get("finish_reason"):
                self._is_finished = True
        if chunk.get("usage") is not None:
            self.tally.final = _chat_usage(chunk["usage"]) or self.tally.final

    def read_answer(self, body: dict[str, Any]) -> None:
        choices = _dicts(body.get("choices"))
        for choice in choices:
            self._read_message(choice.get("message"))
        self.tally.final = _chat_usage(body.get("usage"))
        self.tally.is_complete = bool(choices)

    def _read_message(self, message: object) -> None:
        if not isinstance(message, dict):
            return
        count, get = self.tally.count, message.get
        count(get("content"), get("refusal"), get("reasoning_content") or get("reasoning"))
        if "tool_calls" in message:
            for call in _dicts(message["tool_calls"]):
                count(_member(call.get("function"), "arguments"))
        if "function_call" in message:
            count(_member(message["function_call"], "arguments"))


class _Messages:
    def __init__(self) -> None:
        self.tally = _Tally()
        self._is_started = False

    def read(self, event: Event) -> None:
        if event.name == "ping":
            return
        body = _parsed(event, self.tally)
        if body is None:
            return
        kind = body.get("type")
        if kind == "content_block_delta":
            self._count_block(body.get("delta"))
        elif kind == "content_block_start":
            self._count_block(body.get("content_block"))
        elif kind == "message_start":
            self._is_started = True
            self.tally.early = _messages_usage(_member(body.get("message"), "usage"), None)
        elif kind == "message_delta":
            usage = _messages_usage(body.get("usage"), self.tally.early)
            self.tally.final = usage or self.tally.final
        elif kind == "message_stop":
            self.tally.is_complete = self._is_started and self.tally.failure is None
        elif kind == "error" or body.get("error"):
            self.tally.fail(failure_text(body))

    def read_answer(self, body: dict[str, Any]) -> None:
        blocks = body.get("content")
        for block in _dicts(blocks):
            self._count_block(block)
            if "input" in block:
                self.tally.count(json.dumps(block["input"], ensure_ascii=False))
        self.tally.final = _messages_usage(body.get("usage"), None)
        self.tally.is_complete = isinstance(blocks, list)

    def _count_block(self, block: object) -> None:
        if isinstance(block, dict):
            get = block.get
            self.tally.count(get("text"), get("thinking"), get("partial_json"))


class _Responses:
    def __init__(self) -> None:
        self.tally = _Tally()

    def read(self, event: Event) -> None:
        if event.name in _REPEATS or event.data == "[DONE]":
            return
        body = _parsed(event, self.tally)
        if body is None:
            return
        kind = body.get("type")
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            self._end(body.get("response"))
        elif kind == "error" or (body.get("error") and not isinstance(kind, str)):
            self.tally.fail(failure_text(body))
        elif isinstance(kind, str) and kind.endswith(".delta"):
            self.tally.count(body.get("delta"))

    def _end(self, response: object) -> None:
        if not isinstance(response, dict):
            self.tally.fail(_UNREADABLE)
            return
        self.tally.final = _responses_usage(response.get("usage"))
        self._settle(response)

    def _settle(self, response: dict[str, Any]) -> None:
        status = response.get("status")
        if status == "failed" or response.get("error"):
            self.tally.fail(failure_text(response))
        self.tally.is_complete = self.tally.failure is None and status in (
            "completed",
            "incomplete",
        )

    def read_answer(self, body: dict[str, Any]) -> None:
        for item in _dicts(body.get("output")):
            self.tally.count(item.get("arguments"))
            for part in (*_dicts(item.get("content")), *_dicts(item.get("summary"))):
                self.tally.count(part.get("text"), part.get("refusal"))
        self.tally.final = _responses_usage(body.get("usage"))
        self._settle(body)


_READERS: dict[Wire, type[_Chat] | type[_Messages] | type[_Responses]] = {
    Wire.CHAT: _Chat,
    Wire.MESSAGES: _Messages,
    Wire.RESPONSES: _Responses,
}


def _parsed(event: Event, tally: _Tally) -> dict[str, Any] | None:
    try:
        body = json.loads(event.data)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        return body
    tally.fail(_UNREADABLE)
    return None


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _count_of(value: object, name: str) -> int | None:
    found = _member(value, name)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= MOST_TOKENS:
        return None
    return found


def _usage(read: int | None, written: int | None, cached: int, stored: int) -> Usage | None:
    if read is None or written is None:
        return None
    cached = min(cached, read)
    return Usage(
        input_tokens=read,
        output_tokens=written,
        cached_tokens=cached,
        cache_write_tokens=min(stored, read - cached),
    )


def _chat_usage(usage: object) -> Usage | None:
    details = _member(usage, "prompt_tokens_details")
    return _usage(
        _count_of(usage, "prompt_tokens"),
        _count_of(usage, "completion_tokens"),
        _count_of(details, "cached_tokens") or 0,
        _count_of(details, "cache_write_tokens") or 0,
    )


def _responses_usage(usage: object) -> Usage | None:
    details = _member(usage, "input_tokens_details")
    return _usage(
        _count_of(usage, "input_tokens"),
        _count_of(usage, "output_tokens"),
        _count_of(details, "cached_tokens") or 0,
        _count_of(details, "cache_write_tokens") or 0,
    )


def _messages_usage(usage: object, early: Usage | None) -> Usage | None:
    """Return the usage of this wire, which counts cached tokens beside the input.

    The counts are running totals: the last event may name the output alone, or all again.
    """
    written = _count_of(usage, "output_tokens")
    cached = _count_of(usage, "cache_read_input_tokens") or 0
    stored = _count_of(usage, "cache_creation_input_tokens") or 0
    read = _count_of(usage, "input_tokens")
    whole = None if read is None else read + cached + stored
    if early is not None and (whole is None or whole < early.input_tokens):
        return None if written is None else replace(early, output_tokens=written)
    return _usage(whole, written, cached, stored)
