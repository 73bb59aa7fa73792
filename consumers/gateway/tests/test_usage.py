"""Usage, end and failure of answers, on the vendor's side."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.formats.events import Event
from gateway.formats.usage import MOST_TOKENS, Meter, Usage
from gateway.formats.wires import Wire
from tests import recorded

WIRES = {"chat": Wire.CHAT, "messages": Wire.MESSAGES, "responses": Wire.RESPONSES}
SPENT = Usage(input_tokens=82, output_tokens=17, cached_tokens=64)


def messages_usage(output: int) -> Usage:
    return Usage(input_tokens=25, output_tokens=output)


def wire_of(name: str) -> Wire:
    return WIRES[name.partition("_")[0]]


def meter_of(wire: Wire, events: list[Event]) -> Meter:
    meter = Meter(wire)
    for event in events:
        meter.read(event)
    return meter


COMPLETE = {
    "chat_text": (SPENT, 5 + 14),
    "chat_without_usage": (None, 2),
    "chat_length": (SPENT, 3),
    "chat_usage_in_last_chunk": (SPENT, 2),
    "chat_content_filter": (SPENT, 6),
    "chat_tools": (SPENT, 25 + 15),
    "chat_tool_in_first_chunk": (SPENT, 16),
    "chat_tools_in_one_chunk": (SPENT, 16 + 15),
    "chat_tools_mixed": (SPENT, 5 + 6 + 21 + 15),
    "chat_tool_without_arguments": (SPENT, 16),
    "chat_reasoning": (SPENT, 13 + 2),
    "chat_reasoning_other_name": (SPENT, 13 + 2),
    "chat_refusal": (SPENT, 13),
    "chat_preflight": (SPENT, 2),
    "messages_text": (messages_usage(15), 5 + 14),
    "messages_cached": (
        Usage(input_tokens=143, output_tokens=7, cached_tokens=100, cache_write_tokens=40),
        2,
    ),
    "messages_stop_sequence": (messages_usage(4), 8),
    "messages_max_tokens": (messages_usage(1), 3),
    "messages_tools": (messages_usage(89), 12 + 25 + 15),
    "messages_tools_mixed": (messages_usage(40), 16 + 15),
    "messages_tool_without_input": (messages_usage(12), 0),
    "messages_thinking": (messages_usage(30), 13 + 2 + 9),
    "messages_refusal": (messages_usage(2), 6),
    "responses_text": (SPENT, 7),
    "responses_incomplete": (SPENT, 3),
    "responses_call": (SPENT, 15),
}
FAILED = {
    "chat_error": ("The server had an error", 7),
    "messages_error": ("Overloaded: try again", 7),
    "responses_failed": ("The model failed to answer.", 0),
    "responses_error": ("Something went wrong", 0),
}


@pytest.mark.parametrize("name", COMPLETE)
def test_a_stream_that_ends_well_tells_its_usage(name: str) -> None:
    usage, characters = COMPLETE[name]
    meter = meter_of(wire_of(name), recorded.stream(name))
    assert (meter.usage, meter.is_complete, meter.failure) == (usage, True, None)
    assert meter.characters == characters


@pytest.mark.parametrize("name", FAILED)
def test_a_stream_that_fails_tells_its_failure(name: str) -> None:
    failure, characters = FAILED[name]
    meter = meter_of(wire_of(name), recorded.stream(name))
    assert (meter.usage, meter.is_complete, meter.failure) == (None, False, failure)
    assert meter.characters == characters


def test_every_recording_is_in_a_table() -> None:
    assert {*COMPLETE, *FAILED} == {name for wire in WIRES for name in recorded.names(wire)}


@pytest.mark.parametrize("name", [*COMPLETE, *FAILED])
def test_a_stream_that_is_cut_is_not_complete(name: str) -> None:
    events = recorded.stream(name)
    for length in range(len(events)):
        assert not meter_of(wire_of(name), events[:length]).is_complete


@pytest.mark.parametrize("name", ["chat_text", "messages_text"])
def test_an_end_without_what_comes_before_it_is_none(name: str) -> None:
    assert not meter_of(wire_of(name), recorded.stream(name)[-1:]).is_complete


def test_a_last_event_that_knows_less_of_the_input_does_not_lower_it() -> None:
    events = recorded.stream("messages_cached")
    late = json.dumps({"type": "message_delta", "usage": {"input_tokens": 0, "output_tokens": 7}})
    assert meter_of(Wire.MESSAGES, [events[0], Event(data=late)]).usage == Usage(
        input_tokens=143, output_tokens=7, cached_tokens=100, cache_write_tokens=40
    )


def test_the_input_of_a_cut_messages_stream_is_known_already() -> None:
    meter = meter_of(Wire.MESSAGES, recorded.stream("messages_cached")[:3])
    assert meter.usage is None
    assert meter.usage_so_far == Usage(
        input_tokens=143, output_tokens=1, cached_tokens=100, cache_write_tokens=40
    )


@pytest.mark.parametrize(
    ("name", "usage", "failure"),
    [
        ("chat_answer_text", SPENT, None),
        ("chat_answer_tools", SPENT, None),
        (
            "messages_answer_tools",
            Usage(input_tokens=143, output_tokens=30, cached_tokens=100, cache_write_tokens=40),
            None,
        ),
        ("responses_answer_text", SPENT, None),
        ("responses_answer_failed", None, "The model failed to answer."),
    ],
)
def test_a_whole_answer_tells_its_usage(
    name: str, usage: Usage | None, failure: str | None
) -> None:
    meter = Meter(wire_of(name))
    meter.read_answer(recorded.answer(name))
    assert (meter.usage, meter.failure) == (usage, failure)
    assert meter.is_complete == (failure is None)


@pytest.mark.parametrize(
    ("name", "characters"),
    [
        ("chat_answer_tools", 5 + 6 + 16),
        ("messages_answer_tools", 5 + 6 + 16 + 2),
        ("responses_answer_text", 7),
    ],
)
def test_a_whole_answer_has_characters(name: str, characters: int) -> None:
    meter = Meter(wire_of(name))
    meter.read_answer(recorded.answer(name))
    assert meter.characters == characters


@pytest.mark.parametrize("wire", Wire)
@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_an_answer_that_is_no_object_is_a_failure(wire: Wire, body: object) -> None:
    meter = Meter(wire)
    meter.read_answer(body)
    assert meter.failure == "the vendor's answer is not a JSON object"
    assert not meter.is_complete


@pytest.mark.parametrize("wire", Wire)
@pytest.mark.parametrize("body", [{}, {"choices": 5, "content": 5, "output": 5}])
def test_an_answer_of_another_shape_is_not_complete(wire: Wire, body: object) -> None:
    meter = Meter(wire)
    meter.read_answer(body)
    assert not meter.is_complete


@pytest.mark.parametrize("wire", Wire)
@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"message": "plain words"}, "plain words"),
        ("plain words", "plain words"),
        ({"message": 5}, "the vendor reported an error without a text"),
        ({"message": "x" * 9999}, "x" * 2000),
    ],
)
def test_an_error_in_an_answer_keeps_its_text(wire: Wire, error: object, words: str) -> None:
    whole, streamed = Meter(wire), Meter(wire)
    whole.read_answer({"error": error})
    streamed.read(Event(data=json.dumps({"error": error})))
    assert whole.failure == streamed.failure == words


@pytest.mark.parametrize("wire", Wire)
@pytest.mark.parametrize("data", ["", "{", "[]", "null", "<html>", "[" * 100_000, "9" * 5000])
def test_an_event_that_is_no_object_is_a_failure(wire: Wire, data: str) -> None:
    meter = meter_of(wire, [Event(data=data)])
    assert meter.failure == "the vendor sent an event that is not JSON"


def test_the_first_failure_is_the_one_that_is_told() -> None:
    events = [Event(data='{"error":"first"}'), Event(data='{"error":"second"}'), Event(data="{")]
    assert meter_of(Wire.CHAT, events).failure == "first"


def test_an_end_after_a_failure_is_none() -> None:
    events = recorded.stream("chat_text")
    meter = meter_of(Wire.CHAT, [*events[:-1], Event(data='{"error":"late"}'), events[-1]])
    assert not meter.is_complete


COUNTS = [-1, MOST_TOKENS + 1, 10**40, True, 1.0, "5", None, [], {}]
MADE = {
    Wire.CHAT: ("prompt_tokens", "completion_tokens", "prompt_tokens_details"),
    Wire.MESSAGES: ("input_tokens", "output_tokens", ""),
    Wire.RESPONSES: ("input_tokens", "output_tokens", "input_tokens_details"),
}


def answer_with(wire: Wire, usage: object) -> Usage | None:
    meter = Meter(wire)
    shape = {"choices": [{}], "content": [], "output": [], "status": "completed"}
    meter.read_answer({**shape, "usage": usage})
    assert meter.is_complete
    return meter.usage


@pytest.mark.parametrize("wire", Wire)
@pytest.mark.parametrize("count", COUNTS)
def test_a_count_that_is_none_leaves_no_usage(wire: Wire, count: object) -> None:
    read, written, _ = MADE[wire]
    good = {read: 5, written: 6}
    assert answer_with(wire, good) == Usage(input_tokens=5, output_tokens=6)
    assert answer_with(wire, {**good, read: count}) is None
    assert answer_with(wire, {**good, written: count}) is None


@pytest.mark.parametrize("count", COUNTS)
def test_a_count_of_cached_tokens_that_is_none_leaves_none(count: object) -> None:
    plain = Usage(input_tokens=5, output_tokens=6)
    for wire in (Wire.CHAT, Wire.RESPONSES):
        read, written, details = MADE[wire]
        usage = {read: 5, written: 6, details: {"cached_tokens": count}}
        assert answer_with(wire, usage) == plain
        assert answer_with(wire, {**usage, details: count}) == plain
    usage = {"input_tokens": 5, "output_tokens": 6, "cache_read_input_tokens": count}
    assert answer_with(Wire.MESSAGES, usage) == plain


def test_more_cached_tokens_than_input_are_the_whole_input() -> None:
    details = {"cached_tokens": 9, "cache_write_tokens": 9}
    usage = {"prompt_tokens": 5, "completion_tokens": 6, "prompt_tokens_details": details}
    assert answer_with(Wire.CHAT, usage) == Usage(
        input_tokens=5, output_tokens=6, cached_tokens=5, cache_write_tokens=0
    )


def test_a_last_event_without_counts_keeps_the_usage_before_it() -> None:
    events = recorded.stream("chat_text")
    late = Event(data='{"choices":[],"usage":{"prompt_tokens":-1}}')
    assert meter_of(Wire.CHAT, [*events[:-1], late, events[-1]]).usage == SPENT


NAMES = (
    *("type", "choices", "delta", "message", "usage", "error", "content", "tool_calls"),
    *("function", "response", "output", "status"),
    *("input_tokens", "output_tokens", "prompt_tokens"),
)
KINDS = (
    *("message_start", "message_delta", "message_stop", "content_block_delta", "error"),
    *("response.completed", "response.output_text.delta", "response.failed"),
)
members, kinds = st.sampled_from(NAMES), st.sampled_from(KINDS)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=5),
    max_leaves=12,
)
bodies = st.builds(
    lambda kind, body: {"type": kind, **body}, kinds, st.dictionaries(members, values, max_size=6)
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(Wire), st.lists(bodies | values | st.text(), max_size=4))
def test_garbage_never_raises(wire: Wire, garbage: list[Any]) -> None:
    meter = Meter(wire)
    for body in garbage:
        meter.read(Event(data=body if isinstance(body, str) else json.dumps(body)))
        meter.read_answer(body)
    assert meter.characters >= 0
    assert meter.usage is None or 0 <= meter.usage.cached_tokens <= meter.usage.input_tokens
