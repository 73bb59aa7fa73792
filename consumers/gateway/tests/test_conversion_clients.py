"""What guests are told, as the types of the real client libraries read it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

from gateway.formats.conversion import conversion
from gateway.formats.wires import Wire
from tests import recorded

EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def told(inbound: Wire, name: str) -> list[str]:
    way = conversion(inbound, "openai" if inbound is Wire.MESSAGES else "anthropic")
    assert way is not None
    stream = way.stream({"stream_options": {"include_usage": True}})
    return [made.data for event in recorded.stream(name) for made in stream.feed(event)]


@pytest.mark.parametrize("name", sorted({*recorded.names("messages")} - {"messages_error"}))
def test_every_chunk_is_one_to_the_chat_client(name: str) -> None:
    *chunks, done = told(Wire.CHAT, name)
    assert done == "[DONE]"
    for data in chunks:
        ChatCompletionChunk.model_validate_json(data, strict=True)


@pytest.mark.parametrize("name", sorted({*recorded.names("chat")} - {"chat_error"}))
def test_every_event_is_one_to_the_messages_client(name: str) -> None:
    for data in told(Wire.MESSAGES, name):
        EVENTS.validate_json(data, strict=True)


@pytest.mark.parametrize("kind", ["text", "tools", "refusal", "length"])
def test_every_answer_is_one_to_the_clients(kind: str) -> None:
    to_chat = conversion(Wire.CHAT, "anthropic")
    to_messages = conversion(Wire.MESSAGES, "openai")
    assert to_chat is not None
    assert to_messages is not None
    made = to_chat.answer(recorded.answer(f"messages_answer_{kind}"))
    ChatCompletion.model_validate_json(json.dumps(made), strict=True)
    made = to_messages.answer(recorded.answer(f"chat_answer_{kind}"))
    Message.model_validate_json(json.dumps(made), strict=True)
