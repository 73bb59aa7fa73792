"""Recorded streams, carried into the other wire format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.formats.conversion import (
    Conversion,
    GarbledAnswerError,
    TruncatedStreamError,
    conversion,
)
from gateway.formats.events import Event, EventReader
from gateway.formats.wires import Wire
from tests import recorded
from tests.recorded import Told, told_by_chat, told_by_messages

ASKS_FOR_USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def way(inbound: Wire) -> Conversion:
    found = conversion(inbound, "openai" if inbound is Wire.MESSAGES else "anthropic")
    assert found is not None
    return found


def carry(inbound: Wire, events: list[Event], request: dict[str, Any] | None = None) -> list[Event]:
    """Return what a guest of this wire is told, read again from bytes, up to the stream's end."""
    stream = way(inbound).stream(ASKS_FOR_USAGE if request is None else request)
    made = [one for event in events for one in stream.feed(event)] + stream.finish()
    again = EventReader().feed(b"".join(event.encoded() for event in made))
    assert again == made
    return made


def told_to_chat(name: str) -> Told:
    return told_by_chat(carry(Wire.CHAT, recorded.stream(name)))


def told_to_messages(name: str) -> Told:
    return told_by_messages(carry(Wire.MESSAGES, recorded.stream(name)))


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def content(value: str) -> dict[str, Any]:
    return {"type": "content", "text": value}


def call(identity: str, name: str, **arguments: object) -> dict[str, Any]:
    return {"type": "tool_use", "id": identity, "name": name, "input": arguments}


def chat_usage(prompt: int, completion: int, cached: int = 0, stored: int = 0) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": stored},
    }


WEATHER = call("toolu_01", "get_weather", city="San Francisco")
THOUGHT = {"type": "thinking", "thinking": "First, count.", "signature": "EqQBCgIYAhIM"}
HIDDEN = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3"}

TO_CHAT = {
    "messages_text": ([content('Grüße aus 🎈 "hier"\n')], "stop", chat_usage(25, 15)),
    "messages_cached": ([content("Hi")], "stop", chat_usage(143, 7, 100, 40)),
    "messages_stop_sequence": ([content("one two ")], "stop", chat_usage(25, 4)),
    "messages_max_tokens": ([content("one")], "length", chat_usage(25, 1)),
    "messages_tools": (
        [content("Let me look."), WEATHER, call("toolu_02", "get_time", zone="PST")],
        "tool_calls",
        chat_usage(25, 89),
    ),
    "messages_tools_mixed": (
        [call("toolu_01", "get_weather", city="Bern"), call("toolu_02", "get_time", zone="CET")],
        "tool_calls",
        chat_usage(25, 40),
    ),
    "messages_tool_without_input": (
        [call("toolu_01", "get_time")],
        "tool_calls",
        chat_usage(25, 12),
    ),
    "messages_thinking": (
        [
            THOUGHT,
            HIDDEN,
            {"type": "reasoning_content", "text": "First, count."},
            content("27"),
            call("toolu_01", "check", n=27),
        ],
        "tool_calls",
        chat_usage(25, 30),
    ),
    "messages_refusal": (
        [content("I will"), {"type": "refusal", "text": "The model refused to answer."}],
        "content_filter",
        chat_usage(25, 2),
    ),
}

SPENT = {
    "input_tokens": 18,
    "cache_read_input_tokens": 64,
    "cache_creation_input_tokens": 0,
    "output_tokens": 17,
}
NOTHING_SPENT = dict.fromkeys(SPENT, 0)
UNSIGNED = {"type": "thinking", "thinking": "First, count.", "signature": ""}
BERN = call("call_1", "get_weather", city="Bern")

TO_MESSAGES = {
    "chat_text": ([text('Grüße aus 🎈 "hier"\n')], "end_turn", SPENT),
    "chat_without_usage": ([text("Hi")], "end_turn", NOTHING_SPENT),
    "chat_usage_in_last_chunk": ([text("Hi")], "end_turn", SPENT),
    "chat_preflight": ([text("Hi")], "end_turn", SPENT),
    "chat_length": ([text("one")], "max_tokens", SPENT),
    "chat_content_filter": ([text("I will")], "refusal", SPENT),
    "chat_tools": (
        [
            call("call_1", "get_weather", city="San Francisco"),
            call("call_2", "get_time", zone="PST"),
        ],
        "tool_use",
        SPENT,
    ),
    "chat_tool_in_first_chunk": ([BERN], "tool_use", SPENT),
    "chat_tools_in_one_chunk": ([BERN, call("call_2", "get_time", zone="CET")], "tool_use", SPENT),
    "chat_tools_mixed": (
        [
            text("Look."),
            {**BERN, "input": {"city": '}{"Bern'}},
            call("call_2", "get_time", zone="CET"),
            text(" Wait."),
        ],
        "tool_use",
        SPENT,
    ),
    "chat_tool_without_arguments": (
        [call("call_1", "get_time"), {**BERN, "id": "call_2"}],
        "tool_use",
        SPENT,
    ),
    "chat_reasoning": ([UNSIGNED, text("27")], "end_turn", SPENT),
    "chat_reasoning_other_name": ([UNSIGNED, text("27")], "end_turn", SPENT),
    "chat_refusal": ([text("I can't help.")], "refusal", SPENT),
}


@pytest.mark.parametrize("name", TO_CHAT)
def test_a_chat_guest_is_told_what_a_messages_vendor_said(name: str) -> None:
    blocks, reason, usage = TO_CHAT[name]
    told = told_to_chat(name)
    assert told == Told(blocks=blocks, reason=reason, usage=usage, is_complete=True)


@pytest.mark.parametrize("name", TO_MESSAGES)
def test_a_messages_guest_is_told_what_a_chat_vendor_said(name: str) -> None:
    blocks, reason, usage = TO_MESSAGES[name]
    told = told_to_messages(name)
    assert told == Told(blocks=blocks, reason=reason, usage=usage, is_complete=True)


def test_every_recording_is_in_a_table() -> None:
    assert {*TO_CHAT, "messages_error"} == set(recorded.names("messages"))
    assert {*TO_MESSAGES, "chat_error"} == set(recorded.names("chat"))


@pytest.mark.parametrize("name", ["messages_text", "messages_tools"])
@pytest.mark.parametrize(
    "request_body", [{}, {"stream_options": {}}, {"stream_options": {"include_usage": False}}]
)
def test_a_chat_guest_that_asked_for_no_usage_sees_none(
    name: str, request_body: dict[str, Any]
) -> None:
    made = carry(Wire.CHAT, recorded.stream(name), request_body)
    assert not any("usage" in event.data for event in made)
    assert told_by_chat(made) == Told(
        blocks=TO_CHAT[name][0], reason=TO_CHAT[name][1], is_complete=True
    )


def test_an_error_in_mid_stream_keeps_its_text_for_a_chat_guest() -> None:
    told = told_to_chat("messages_error")
    assert told.blocks == [content("Half a ")]
    assert not told.is_complete
    assert told.error == {
        "message": "Overloaded: try again",
        "type": "overloaded_error",
        "param": None,
        "code": None,
    }


def test_an_error_in_mid_stream_keeps_its_text_for_a_messages_guest() -> None:
    told = told_to_messages("chat_error")
    assert not told.is_complete
    assert told.error == {"type": "api_error", "message": "The server had an error"}


@pytest.mark.parametrize(
    ("inbound", "data"),
    [
        (Wire.MESSAGES, '{"error":"plain words"}'),
        (Wire.MESSAGES, '{"error":{"message":"plain words","code":502}}'),
        (Wire.MESSAGES, '{"error":{"message":"plain words"},"choices":[],"id":"x","model":"m"}'),
        (Wire.CHAT, '{"error":{"message":"plain words"}}'),
        (Wire.CHAT, '{"type":"error","message":"plain words"}'),
    ],
)
def test_an_error_of_any_shape_keeps_its_text(inbound: Wire, data: str) -> None:
    (event,) = carry(inbound, [Event(data=data)])
    assert "plain words" in event.data


def prefixes() -> list[tuple[Wire, str]]:
    to_chat = [(Wire.CHAT, name) for name in TO_CHAT]
    return to_chat + [(Wire.MESSAGES, name) for name in TO_MESSAGES]


@pytest.mark.parametrize(("inbound", "name"), prefixes())
def test_a_stream_cut_after_any_event_is_an_error(inbound: Wire, name: str) -> None:
    events = recorded.stream(name)
    for length in range(len(events)):
        stream = way(inbound).stream(ASKS_FOR_USAGE)
        made = [one for event in events[:length] for one in stream.feed(event)]
        with pytest.raises(TruncatedStreamError):
            stream.finish()
        assert not any(event.data == "[DONE]" or event.name == "message_stop" for event in made)


@pytest.mark.parametrize(("inbound", "name"), prefixes())
def test_an_end_without_a_reason_is_a_truncated_stream(inbound: Wire, name: str) -> None:
    has_reason = '"stop_reason":"' if inbound is Wire.CHAT else '"finish_reason":"'
    events = [event for event in recorded.stream(name) if has_reason not in event.data]
    with pytest.raises(TruncatedStreamError):
        carry(inbound, events)


@pytest.mark.parametrize(("inbound", "name"), prefixes())
def test_nothing_comes_after_the_end(inbound: Wire, name: str) -> None:
    events = recorded.stream(name)
    assert carry(inbound, [*events, *events]) == carry(inbound, events)


@pytest.mark.parametrize("inbound", [Wire.CHAT, Wire.MESSAGES])
@pytest.mark.parametrize(
    "data", ["", "{", "null", "[]", '"text"', "<html>502</html>", "[" * 100_000, '{"a":' * 9999]
)
def test_an_event_that_is_no_object_is_garbled(inbound: Wire, data: str) -> None:
    with pytest.raises(GarbledAnswerError):
        carry(inbound, [Event(data=data)])


@pytest.mark.parametrize(
    ("inbound", "events"),
    [
        (Wire.CHAT, [{"type": "message_stop"}]),
        (Wire.CHAT, [{"type": "message_start"}, {"type": "message_start"}]),
        (Wire.MESSAGES, [{"choices": [{"delta": "text"}]}]),
        (Wire.MESSAGES, [{"choices": [{"delta": {"tool_calls": [{"index": "0"}]}}]}]),
        (
            Wire.MESSAGES,
            [
                {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "a", **function}]}}]}
                for function in (
                    {"function": {"name": "f", "arguments": "{}"}},
                    {"function": {"arguments": "{}"}},
                )
            ],
        ),
    ],
)
def test_events_that_make_no_sense_are_garbled(inbound: Wire, events: list[dict[str, Any]]) -> None:
    with pytest.raises(GarbledAnswerError):
        carry(inbound, [Event(data=json.dumps(event)) for event in events])


def test_a_second_choice_of_a_chat_vendor_is_left_out() -> None:
    events = recorded.stream("chat_text")
    other = json.loads(events[1].data)
    other["choices"][0]["index"] = 1
    mixed = [events[0], Event(data=json.dumps(other)), *events[1:]]
    assert told_by_messages(carry(Wire.MESSAGES, mixed)) == told_to_messages("chat_text")


def test_calls_that_are_whole_are_not_held_back() -> None:
    stream = way(Wire.MESSAGES).stream({})
    seen = []
    for event in recorded.stream("chat_tools"):
        seen += [one.data for one in stream.feed(event)]
        if "PST" in event.data:
            break
    assert any("PST" in data for data in seen)
