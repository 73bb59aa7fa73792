"""What a vendor answers in each of the three wire formats: one body, or a stream of events."""

from __future__ import annotations

import itertools
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.formats.events import Event
from gateway.formats.wires import Wire

Fields = dict[str, Any]

# Arguments of a tool arrive in fragments of about this many characters.
_FRAGMENT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool that the model wants called; the arguments are a JSON object as text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How many tokens a vendor says that it counted."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model said, without a word of any wire format.

    A reply without `usage` tells none; a `truncated` one stopped at the limit of tokens.
    """

    text: str = ""
    tools: tuple[ToolCall, ...] = ()
    usage: Usage | None = None
    model: str = "demo"
    truncated: bool = False
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def words(self) -> tuple[str, ...]:
        """The text word by word, each with the white space that follows it."""
        return tuple(re.findall(r"\s*\S+\s*|\s+", self.text))


def body(wire: Wire, reply: Reply) -> Fields:
    """Return the whole reply, as this wire format gives it without streaming."""
    return _BODIES[wire](reply)


def events(
    wire: Wire, reply: Reply, *, pieces: Iterable[str] | None = None, tells_usage: bool = True
) -> Iterator[Event]:
    """Return the reply as the events of a stream, made as they are asked for.

    The text comes in these pieces, which need never end, else word by word. `tells_usage`
    is the choice that only the wire format of chat leaves to the client.
    """
    texts = reply.words if pieces is None else pieces
    if wire is Wire.CHAT:
        return _chat_events(reply, texts, tells_usage=tells_usage)
    return _STREAMS[wire](reply, texts)


def _json(value: Fields) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _named(value: Fields) -> Event:
    return Event(name=value["type"], data=_json(value))


def _fragments(text: str) -> Iterator[str]:
    for start in range(0, len(text), _FRAGMENT):
        yield text[start : start + _FRAGMENT]


# Chat completions


def _chat_usage(usage: Usage) -> Fields:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def _chat_frame(reply: Reply, kind: str, choices: list[Fields]) -> Fields:
    return {
        "id": f"chatcmpl-{reply.id}",
        "object": kind,
        "created": reply.created,
        "model": reply.model,
        "choices": choices,
    }


def _chat_finish(reply: Reply) -> str:
    if reply.truncated:
        return "length"
    return "tool_calls" if reply.tools else "stop"


def _chat_tool(call: ToolCall, arguments: str) -> Fields:
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _chat_body(reply: Reply) -> Fields:
    message: Fields = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.tools:
        message["tool_calls"] = [_chat_tool(call, call.arguments) for call in reply.tools]
    choice = {"index": 0, "message": message, "finish_reason": _chat_finish(reply)}
    frame = _chat_frame(reply, "chat.completion", [choice | {"logprobs": None}])
    return frame if reply.usage is None else frame | {"usage": _chat_usage(reply.usage)}


def _chat_deltas(reply: Reply, texts: Iterable[str]) -> Iterator[Fields]:
    yield {"role": "assistant", "content": ""}
    for text in texts:
        yield {"content": text}
    for index, call in enumerate(reply.tools):
        yield {"tool_calls": [{"index": index} | _chat_tool(call, "")]}
        for part in _fragments(call.arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


def _chat_events(reply: Reply, texts: Iterable[str], *, tells_usage: bool) -> Iterator[Event]:
    def chunk(delta: Fields, finish: str | None = None) -> Event:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return Event(data=_json(_chat_frame(reply, "chat.completion.chunk", [choice])))

    yield from (chunk(delta) for delta in _chat_deltas(reply, texts))
    yield chunk({}, _chat_finish(reply))
    if reply.usage is not None and tells_usage:
        frame = _chat_frame(reply, "chat.completion.chunk", [])
        yield Event(data=_json(frame | {"usage": _chat_usage(reply.usage)}))
    yield Event(data="[DONE]")


# Responses


def _responses_usage(usage: Usage) -> Fields:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.total_tokens,
    }


def _responses_frame(reply: Reply, status: str, output: list[Fields]) -> Fields:
    ended = status != "in_progress"
    return {
        "id": f"resp_{reply.id}",
        "object": "response",
        "created_at": reply.created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "metadata": {},
        "model": reply.model,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": _responses_usage(reply.usage) if ended and reply.usage is not None else None,
    }


def _responses_part(text: str) -> Fields:
    return {"type": "output_text", "text": text, "annotations": []}


def _responses_message(reply: Reply, status: str, content: list[Fields]) -> Fields:
    return {
        "id": f"msg_{reply.id}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _responses_call(call: ToolCall, status: str, arguments: str) -> Fields:
    return {
        "id": f"fc_{call.id}",
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": arguments,
    }


def _responses_output(reply: Reply, text: str) -> list[Fields]:
    message = _responses_message(reply, "completed", [_responses_part(text)])
    calls = [_responses_call(call, "completed", call.arguments) for call in reply.tools]
    return [message, *calls] if text else calls


def _responses_end(reply: Reply) -> str:
    return "incomplete" if reply.truncated else "completed"


def _responses_body(reply: Reply) -> Fields:
    return _responses_frame(reply, _responses_end(reply), _responses_output(reply, reply.text))


def _responses_text(reply: Reply, texts: Iterable[str]) -> Iterator[Fields]:
    """Yield the steps of the message, which is the first thing of the output."""
    at = {"item_id": f"msg_{reply.id}", "output_index": 0, "content_index": 0}
    opened = _responses_message(reply, "in_progress", [])
    yield {"type": "response.output_item.added", "output_index": 0, "item": opened}
    yield {"type": "response.content_part.added", **at, "part": _responses_part("")}
    said: list[str] = []
    for text in texts:
        said.append(text)
        yield {"type": "response.output_text.delta", **at, "delta": text, "logprobs": []}
    part = _responses_part("".join(said))
    yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": part}
    closed = _responses_message(reply, "completed", [part])
    yield {"type": "response.output_item.done", "output_index": 0, "item": closed}


def _responses_tool(call: ToolCall, index: int) -> Iterator[Fields]:
    at = {"item_id": f"fc_{call.id}", "output_index": index}
    opened = _responses_call(call, "in_progress", "")
    yield {"type": "response.output_item.added", "output_index": index, "item": opened}
    for part in _fragments(call.arguments):
        yield {"type": "response.function_call_arguments.delta", **at, "delta": part}
    done = {"name": call.name, "arguments": call.arguments}
    yield {"type": "response.function_call_arguments.done", **at, **done}
    closed = _responses_call(call, "completed", call.arguments)
    yield {"type": "response.output_item.done", "output_index": index, "item": closed}


def _responses_steps(reply: Reply, texts: Iterable[str]) -> Iterator[Fields]:
    opened = _responses_frame(reply, "in_progress", [])
    yield {"type": "response.created", "response": opened}
    yield {"type": "response.in_progress", "response": opened}
    first, rest = _first(texts)
    if first:
        yield from _responses_text(reply, rest)
    for index, call in enumerate(reply.tools, start=len(first)):
        yield from _responses_tool(call, index)
    end = _responses_end(reply)
    closed = _responses_frame(reply, end, _responses_output(reply, reply.text))
    yield {"type": f"response.{end}", "response": closed}


def _responses_events(reply: Reply, texts: Iterable[str]) -> Iterator[Event]:
    for number, step in enumerate(_responses_steps(reply, texts)):
        yield _named(step | {"sequence_number": number})


# Messages


def _messages_usage(usage: Usage) -> Fields:
    return {
        "input_tokens": usage.input_tokens - usage.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }


def _messages_frame(reply: Reply, content: list[Fields], stop: str | None) -> Fields:
    return {
        "id": f"msg_{reply.id}",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
    }


def _messages_stop(reply: Reply) -> str:
    if reply.truncated:
        return "max_tokens"
    return "tool_use" if reply.tools else "end_turn"


def _messages_tool(call: ToolCall, arguments: Any) -> Fields:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}


def _messages_body(reply: Reply) -> Fields:
    texts = [{"type": "text", "text": reply.text}] if reply.text else []
    tools = [_messages_tool(call, json.loads(call.arguments)) for call in reply.tools]
    frame = _messages_frame(reply, texts + tools, _messages_stop(reply))
    return frame if reply.usage is None else frame | {"usage": _messages_usage(reply.usage)}


def _messages_block(index: int, opened: Fields, deltas: Iterable[Fields]) -> Iterator[Fields]:
    yield {"type": "content_block_start", "index": index, "content_block": opened}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _messages_blocks(reply: Reply, texts: Iterable[str]) -> Iterator[Fields]:
    first, rest = _first(texts)
    if first:
        deltas: Iterable[Fields] = ({"type": "text_delta", "text": text} for text in rest)
        yield from _messages_block(0, {"type": "text", "text": ""}, deltas)
    for index, call in enumerate(reply.tools, start=len(first)):
        parts = ["", *_fragments(call.arguments)]
        deltas = ({"type": "input_json_delta", "partial_json": part} for part in parts)
        yield from _messages_block(index, _messages_tool(call, {}), deltas)


def _messages_events(reply: Reply, texts: Iterable[str]) -> Iterator[Event]:
    usage = None if reply.usage is None else _messages_usage(reply.usage)
    frame = _messages_frame(reply, [], None)
    # Of the output only the first token is known when the stream begins.
    opened = frame if usage is None else frame | {"usage": usage | {"output_tokens": 1}}
    yield _named({"type": "message_start", "message": opened})
    yield _named({"type": "ping"})
    yield from map(_named, _messages_blocks(reply, texts))
    delta = {"stop_reason": _messages_stop(reply), "stop_sequence": None}
    closed = {"type": "message_delta", "delta": delta}
    yield _named(closed if usage is None else closed | {"usage": usage})
    yield _named({"type": "message_stop"})


def _first(texts: Iterable[str]) -> tuple[list[str], Iterable[str]]:
    """Return the first text where there is one, and all of them."""
    rest = iter(texts)
    first = list(itertools.islice(rest, 1))
    return first, itertools.chain(first, rest)


_BODIES: dict[Wire, Callable[[Reply], Fields]] = {
    Wire.CHAT: _chat_body,
    Wire.RESPONSES: _responses_body,
    Wire.MESSAGES: _messages_body,
}
_STREAMS: dict[Wire, Callable[[Reply, Iterable[str]], Iterator[Event]]] = {
    Wire.RESPONSES: _responses_events,
    Wire.MESSAGES: _messages_events,
}
