"""A guest of the responses wire at a vendor of the messages wire."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.formats.conversion import (
    Conversion,
    GarbledAnswerError,
    TruncatedStreamError,
    UnconvertibleRequestError,
    conversion,
)
from gateway.formats.events import Event
from gateway.formats.wires import Wire
from tests import recorded
from tests.test_conversion_bodies import PIXEL_URL, SCHEMA, bent

EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def way() -> Conversion:
    found = conversion(Wire.RESPONSES, "anthropic")
    assert found is not None
    return found


def carry(events: list[Event]) -> list[dict[str, Any]]:
    """Return the bodies of what a guest is told, up to the stream's end, by the client's types."""
    stream = way().stream({})
    made = [one for event in events for one in stream.feed(event)] + stream.finish()
    for at, event in enumerate(made):
        EVENTS.validate_json(event.data)
        body = json.loads(event.data)
        assert event.name == body["type"]
        assert body["sequence_number"] == at
    return [json.loads(event.data) for event in made]


def checked(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items of a stream, and fail where its grammar is broken."""
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    items: dict[int, dict[str, Any]] = {}
    texts: dict[int, str] = {}
    done: list[int] = []
    for event in events[2:-1]:
        at = event["output_index"]
        kind = event["type"].removeprefix("response.")
        if kind == "output_item.added":
            assert at == len(items)
            items[at], texts[at] = event["item"], ""
        elif kind == "output_item.done":
            assert at not in done
            done.append(at)
            assert event["item"]["id"] == items[at]["id"]
            items[at] = event["item"]
        else:
            assert at not in done
            assert event["item_id"] == items[at]["id"]
            texts[at] += event.get("delta", "")
            told = [event[name] for name in ("text", "arguments", "refusal") if name in event]
            assert not told or told == [texts[at] or ("{}" if "arguments" in event else "")]
    assert sorted(done) == list(items)
    output: list[dict[str, Any]] = events[-1]["response"]["output"]
    assert output == [items[at] for at in sorted(items)]
    return [{name: one for name, one in item.items() if name != "id"} for item in output]


def message(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "message", "role": "assistant", "status": "completed", "content": [part]}


def refusal(text: str) -> dict[str, Any]:
    return {**message(""), "content": [{"type": "refusal", "refusal": text}]}


def call(identity: str, name: str, arguments: str) -> dict[str, Any]:
    return {
        "type": "function_call",
        "status": "completed",
        "call_id": identity,
        "name": name,
        "arguments": arguments,
    }


REASONING = {
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "First, count."}],
    "encrypted_content": "EqQBCgIYAhIM",
}
HIDDEN = {
    "type": "reasoning",
    "summary": [],
    "encrypted_content": "redacted_thinking:EmwKAhgBEgy3",
}
TOLD = {
    "messages_text": ([message('Grüße aus 🎈 "hier"\n')], "completed", (25, 0, 15)),
    "messages_cached": ([message("Hi")], "completed", (143, 100, 7)),
    "messages_stop_sequence": ([message("one two ")], "completed", (25, 0, 4)),
    "messages_max_tokens": ([message("one")], "incomplete", (25, 0, 1)),
    "messages_tools": (
        [
            message("Let me look."),
            call("toolu_01", "get_weather", '{"city": "San Francisco"}'),
            call("toolu_02", "get_time", '{"zone": "PST"}'),
        ],
        "completed",
        (25, 0, 89),
    ),
    "messages_tools_mixed": (
        [
            call("toolu_01", "get_weather", '{"city": "Bern"}'),
            call("toolu_02", "get_time", '{"zone": "CET"}'),
        ],
        "completed",
        (25, 0, 40),
    ),
    "messages_tool_without_input": (
        [call("toolu_01", "get_time", "{}")],
        "completed",
        (25, 0, 12),
    ),
    "messages_thinking": (
        [REASONING, HIDDEN, message("27"), call("toolu_01", "check", '{"n": 27}')],
        "completed",
        (25, 0, 30),
    ),
    "messages_refusal": (
        [message("I will"), refusal("The model refused to answer.")],
        "completed",
        (25, 0, 2),
    ),
}


def test_every_recording_is_in_the_table() -> None:
    assert {*TOLD, "messages_error"} == set(recorded.names("messages"))


@pytest.mark.parametrize("name", TOLD)
def test_a_responses_guest_is_told_what_a_messages_vendor_said(name: str) -> None:
    items, status, (read, cached, written) = TOLD[name]
    made = carry(recorded.stream(name))
    assert checked(made) == items
    last = made[-1]
    assert last["type"] == f"response.{status}"
    assert last["response"]["status"] == status
    reason = {"reason": "max_output_tokens"} if status == "incomplete" else None
    assert last["response"]["incomplete_details"] == reason
    usage = last["response"]["usage"]
    assert usage["input_tokens_details"]["cached_tokens"] == cached
    assert (usage["input_tokens"], usage["output_tokens"]) == (read, written)
    assert usage["total_tokens"] == read + written


def test_an_error_in_mid_stream_keeps_its_text() -> None:
    *_, last = carry(recorded.stream("messages_error"))
    assert (last["type"], last["code"]) == ("error", "overloaded_error")
    assert last["message"] == "Overloaded: try again"


@pytest.mark.parametrize("name", TOLD)
def test_a_stream_cut_after_any_event_is_an_error(name: str) -> None:
    events = recorded.stream(name)
    for length in range(len(events)):
        with pytest.raises(TruncatedStreamError):
            carry(events[:length])


@pytest.mark.parametrize("name", TOLD)
def test_nothing_comes_after_the_end(name: str) -> None:
    events = recorded.stream(name)
    once, twice = carry(events), carry([*events, *events])
    assert [one["type"] for one in once] == [one["type"] for one in twice]


@pytest.mark.parametrize("data", ["{", "[]", '{"type":"message_stop"}'])
def test_what_is_no_stream_is_garbled(data: str) -> None:
    with pytest.raises(GarbledAnswerError):
        carry([Event(data=data)])


@pytest.mark.parametrize(
    ("name", "items", "status"),
    [
        ("messages_answer_text", [message("Grüße")], "completed"),
        ("messages_answer_length", [message("one")], "incomplete"),
        ("messages_answer_refusal", [refusal("The model refused to answer.")], "completed"),
        (
            "messages_answer_tools",
            [
                {**REASONING, "summary": [{"type": "summary_text", "text": "Count."}]},
                HIDDEN,
                message("Look."),
                call("toolu_01", "get_weather", '{"city": "Bern"}'),
                call("toolu_02", "get_time", "{}"),
            ],
            "completed",
        ),
    ],
)
def test_a_whole_answer_is_a_response(name: str, items: list[Any], status: str) -> None:
    made = way().answer(recorded.answer(name))
    Response.model_validate_json(json.dumps(made), strict=True)
    assert [{n: one for n, one in item.items() if n != "id"} for item in made["output"]] == items
    assert made["status"] == status
    assert made["usage"]["input_tokens"] == 143
    assert made["usage"]["output_tokens"] == 30


@pytest.mark.parametrize("body", [{}, {"type": "message"}, {"type": "message", "content": 5}])
def test_an_answer_of_the_wrong_shape_is_garbled(body: dict[str, Any]) -> None:
    with pytest.raises(GarbledAnswerError):
        way().answer(body)


def request(**members: Any) -> dict[str, Any]:
    body = {"model": "m", "input": "Hi", **members}
    before = copy.deepcopy(body)
    made = way().request(body)
    assert body == before
    for added in ("cache_control", "_provider_metadata", "caller"):
        assert added not in json.dumps(made)
    return made


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def test_a_plain_request_has_nothing_added_but_a_limit() -> None:
    assert request() == {
        "model": "m",
        "messages": [{"role": "user", "content": [text("Hi")]}],
        "max_tokens": 8192,
    }


FUNCTION = {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA}
CONVERSATION: list[dict[str, Any]] = [
    {"role": "developer", "content": "Two"},
    {
        "role": "user",
        "content": [
            {"type": "input_text", "text": "See"},
            {"type": "input_image", "image_url": PIXEL_URL},
        ],
    },
    {**REASONING, "id": "rs_1"},
    {**HIDDEN, "id": "rs_2"},
    {**message("Look."), "id": "msg_1"},
    {**call("a", "f", '{"x": 1}'), "id": "fc_1"},
    {**call("b", "g", ""), "id": "fc_2"},
    {"type": "function_call_output", "call_id": "a", "output": "1"},
    {
        "type": "function_call_output",
        "call_id": "b",
        "output": [{"type": "input_text", "text": "2"}],
    },
    {"role": "system", "content": [{"type": "input_text", "text": "Three"}]},
    {"type": "message", "role": "user", "content": "Go on"},
]


def test_a_conversation_is_kept() -> None:
    made = request(instructions="One", input=CONVERSATION, reasoning={"effort": "low"})
    assert made["system"] == [text("One\n\nTwo\n\nThree")]
    assert [one["role"] for one in made["messages"]] == ["user", "assistant", "user"]
    asked, answered, results = (one["content"] for one in made["messages"])
    assert [block["type"] for block in asked] == ["text", "image"]
    assert answered == [
        {"type": "thinking", "thinking": "First, count.", "signature": "EqQBCgIYAhIM"},
        {"type": "redacted_thinking", "data": "EmwKAhgBEgy3"},
        text("Look."),
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}},
    ]
    assert [(one.get("tool_use_id"), one.get("content", one.get("text"))) for one in results] == [
        ("a", "1"),
        ("b", [text("2")]),
        (None, "Go on"),
    ]
    assert "thinking" in made


def test_reasoning_goes_on_only_with_the_signature_of_its_start() -> None:
    unsigned = [one for one in CONVERSATION if one.get("type") != "reasoning"][:6]
    assert "thinking" not in request(input=unsigned, reasoning={"effort": "low"})
    assert "thinking" in request(input=CONVERSATION[:9], reasoning={"effort": "low"})


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({"max_output_tokens": 33}, {"max_tokens": 33}),
        ({"max_output_tokens": None}, {"max_tokens": 8192}),
        ({"temperature": 0.4, "top_p": 0.5}, {"temperature": 0.4, "top_p": 0.5}),
        ({"stream": True, "store": False}, {"stream": True, "store": None}),
        (
            {"tools": [FUNCTION], "tool_choice": "required", "parallel_tool_calls": False},
            {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        ),
        (
            {"tools": [FUNCTION]},
            {"tools": [{"name": "f", "description": "d", "input_schema": SCHEMA}]},
        ),
        (
            {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "f"}},
            {"tool_choice": {"type": "tool", "name": "f"}},
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}},
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        ),
    ],
)
def test_settings_are_kept(members: dict[str, Any], wanted: dict[str, Any]) -> None:
    made = request(**members)
    assert {name: made.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"input": None}, "input must be a list"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [{"role": "king", "content": "Hi"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "content[0].type"),
        ({"input": [{"type": "function_call", "name": "f", "arguments": ""}]}, "call_id"),
        ({"instructions": 5}, "instructions must be a text"),
        ({"tools": [{"type": "web_search"}]}, "tools[0] is not a function"),
        ({"previous_response_id": "resp_1"}, "keeps responses"),
        ({"background": True}, "keeps responses"),
        ({"max_output_tokens": "5"}, "max_output_tokens must be a number"),
    ],
)
def test_what_cannot_be_converted_is_said(members: dict[str, Any], words: str) -> None:
    with pytest.raises(UnconvertibleRequestError) as caught:
        request(**members)
    assert words in str(caught.value)


FULL = {
    "model": "m",
    "instructions": "One",
    "input": CONVERSATION,
    "tools": [FUNCTION],
    "tool_choice": {"type": "function", "name": "f"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}},
    "reasoning": {"effort": "low", "summary": "auto"},
    "max_output_tokens": 5,
    "temperature": 0.5,
    "include": ["reasoning.encrypted_content"],
    "stream": True,
}


@settings(max_examples=200, deadline=None)
@given(bent(FULL))
def test_a_bent_request_is_converted_or_refused(body: dict[str, Any]) -> None:
    try:
        made = way().request(body)
    except UnconvertibleRequestError:
        return
    assert isinstance(json.dumps(made), str)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*TOLD, "messages_error"]), st.data())
def test_a_bent_stream_is_converted_or_garbled_or_truncated(name: str, data: st.DataObject) -> None:
    events = recorded.stream(name)
    at = data.draw(st.integers(0, len(events) - 1))
    events[at] = Event(data=json.dumps(data.draw(bent(json.loads(events[at].data)))))
    stream = way().stream({})
    try:
        for event in events:
            stream.feed(event)
        stream.finish()
    except (GarbledAnswerError, TruncatedStreamError):
        pass


@settings(max_examples=100, deadline=None)
@given(bent(recorded.answer("messages_answer_tools")))
def test_a_bent_answer_is_converted_or_garbled(body: dict[str, Any]) -> None:
    try:
        made = way().answer(body)
    except GarbledAnswerError:
        return
    assert isinstance(json.dumps(made), str)
