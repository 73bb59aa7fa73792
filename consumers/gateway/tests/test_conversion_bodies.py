"""Requests and whole answers, carried into the other wire format."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_rosetta.converters.base.helpers.cache import cache_info

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

PIXEL = "iVBORw0KGgo="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def way(inbound: Wire) -> Conversion:
    found = conversion(inbound, "openai" if inbound is Wire.MESSAGES else "anthropic")
    assert found is not None
    return found


def to_messages(**members: Any) -> dict[str, Any]:
    """Return what a vendor of the messages wire gets for a chat request."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members}
    before = copy.deepcopy(body)
    made = way(Wire.CHAT).request(body)
    assert body == before
    assert "cache_control" not in json.dumps(made)
    return made


def to_chat(**members: Any) -> dict[str, Any]:
    """Return what a vendor of the chat wire gets for a messages request."""
    body: dict[str, Any] = {"model": "m", "max_tokens": 9}
    body |= {"messages": [{"role": "user", "content": "Hi"}], **members}
    before = copy.deepcopy(body)
    made = way(Wire.MESSAGES).request(body)
    assert body == before
    assert "cache_control" not in json.dumps(made)
    return made


def test_both_protocols_reach_each_other() -> None:
    assert way(Wire.CHAT).vendor_wire is Wire.MESSAGES
    assert way(Wire.MESSAGES).vendor_wire is Wire.CHAT


@pytest.mark.parametrize("wire", Wire)
def test_one_protocol_is_not_converted_into_itself(wire: Wire) -> None:
    assert conversion(wire, wire.protocol) is None


def test_a_plain_chat_request_has_nothing_added_but_a_limit() -> None:
    assert to_messages() == {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "max_tokens": 8192,
    }


def test_a_plain_messages_request_has_nothing_added() -> None:
    assert to_chat() == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 9,
    }


def test_nothing_of_a_request_stays_in_the_library() -> None:
    to_messages(tools=[CHAT_TOOL])
    to_chat(tools=[TOOL])
    assert {name: one["currsize"] for name, one in cache_info().items() if one["currsize"]} == {}


CHAT_SETTINGS = (
    *("stop", "temperature", "top_p", "max_tokens", "max_completion_tokens", "stream", "n"),
    *("stream_options", "tools", "tool_choice", "parallel_tool_calls", "response_format"),
    *("reasoning_effort", "user", "metadata", "seed", "functions"),
)
MESSAGES_SETTINGS = (
    *("stop_sequences", "temperature", "top_p", "stream", "tools", "tool_choice", "system"),
    *("thinking", "output_config", "metadata", "top_k"),
)


def test_a_setting_that_is_null_is_none() -> None:
    assert to_messages(**dict.fromkeys(CHAT_SETTINGS)) == to_messages()
    assert to_chat(**dict.fromkeys(MESSAGES_SETTINGS)) == to_chat()


FUNCTION = {"name": "get_weather", "description": "Weather", "parameters": SCHEMA}
CHAT_TOOL = {"type": "function", "function": FUNCTION}
TOOL = {"name": "get_weather", "description": "Weather", "input_schema": SCHEMA}
NAMED = {"type": "function", "function": {"name": "get_weather"}}


@pytest.mark.parametrize(
    ("given_members", "wanted"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 6}, {"max_tokens": 6}),
        ({"max_completion_tokens": 6, "max_tokens": 5}, {"max_tokens": 6}),
        ({"max_tokens": None}, {"max_tokens": 8192}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["A", "B"]}, {"stop_sequences": ["A", "B"]}),
        ({"stop": []}, {"stop_sequences": None}),
        ({"stop": None}, {"stop_sequences": None}),
        ({"temperature": 0.4, "top_p": 0.5}, {"temperature": 0.4, "top_p": 0.5}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"temperature": 1.7}, {"temperature": 1}),
        ({"stream": True}, {"stream": True, "stream_options": None}),
        ({"tools": [CHAT_TOOL]}, {"tools": [TOOL], "tool_choice": None}),
        ({"tools": [CHAT_TOOL], "tool_choice": "auto"}, {"tool_choice": {"type": "auto"}}),
        ({"tools": [CHAT_TOOL], "tool_choice": "none"}, {"tool_choice": {"type": "none"}}),
        ({"tools": [CHAT_TOOL], "tool_choice": "required"}, {"tool_choice": {"type": "any"}}),
        (
            {"tools": [CHAT_TOOL], "tool_choice": NAMED},
            {"tool_choice": {"type": "tool", "name": "get_weather"}},
        ),
        (
            {"tools": [CHAT_TOOL], "parallel_tool_calls": False},
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
        (
            {"tools": [CHAT_TOOL], "parallel_tool_calls": False, "tool_choice": "required"},
            {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        ),
        (
            {"reasoning_effort": "high"},
            {"output_config": {"effort": "high"}, "thinking": {"type": "adaptive"}},
        ),
        ({"seed": 7, "user": "u", "metadata": {"a": "b"}, "what": {"is": 1}}, {"what": None}),
    ],
)
def test_settings_of_a_chat_request_are_kept(
    given_members: dict[str, Any], wanted: dict[str, Any]
) -> None:
    made = to_messages(**given_members)
    assert {name: made.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("given_members", "wanted"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5, "max_completion_tokens": None}),
        ({"stop_sequences": ["END"]}, {"stop": ["END"]}),
        ({"stop_sequences": ["A", "B"]}, {"stop": ["A", "B"]}),
        ({"temperature": 0.4, "top_p": 0.5}, {"temperature": 0.4, "top_p": 0.5}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"stream": False}, {"stream_options": None}),
        ({"tools": [TOOL]}, {"tools": [CHAT_TOOL], "tool_choice": None}),
        (
            {"tools": [{**TOOL, "cache_control": {"type": "ephemeral"}}]},
            {"tools": [CHAT_TOOL]},
        ),
        ({"tools": [TOOL], "tool_choice": {"type": "auto"}}, {"tool_choice": "auto"}),
        ({"tools": [TOOL], "tool_choice": {"type": "none"}}, {"tool_choice": "none"}),
        ({"tools": [TOOL], "tool_choice": {"type": "any"}}, {"tool_choice": "required"}),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "get_weather"}},
            {"tool_choice": NAMED},
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            {"parallel_tool_calls": False},
        ),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
                }
            },
        ),
        ({"output_config": {"effort": "high"}}, {"reasoning_effort": "high"}),
        ({"top_k": 5, "metadata": {"user_id": "u"}, "what": {"is": 1}}, {"what": None}),
    ],
)
def test_settings_of_a_messages_request_are_kept(
    given_members: dict[str, Any], wanted: dict[str, Any]
) -> None:
    made = to_chat(**given_members)
    assert {name: made.get(name) for name in wanted} == wanted


def chat_call(identity: str, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": identity, "type": "function", "function": function}


def result(identity: str, content: object, **members: object) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": identity, "content": content, **members}


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


CALLS = [chat_call("a", "f", '{"x": 1}'), chat_call("b", "g", "")]
USES = [
    {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
    {"type": "tool_use", "id": "b", "name": "g", "input": {}},
]
RESULTS = [
    {"role": "tool", "tool_call_id": "a", "content": "1"},
    {"role": "tool", "tool_call_id": "b", "content": [text("2")]},
]
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
PIXEL_URL = f"data:image/png;base64,{PIXEL}"
CHAT_IMAGE = {"type": "image_url", "image_url": {"url": PIXEL_URL}}
LINK = {"type": "image", "source": {"type": "url", "url": "https://pictures.test/a.png"}}
LINK_URL = "https://pictures.test/a.png"
CHAT_LINK = {"type": "image_url", "image_url": {"url": LINK_URL}}
SIGNED = {"type": "thinking", "thinking": "Count.", "signature": "EqQB"}
HIDDEN = {"type": "redacted_thinking", "data": "EmwK"}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


ASK = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize(
    ("messages", "wanted"),
    [
        (
            [ASK, {"role": "assistant", "content": None, "tool_calls": CALLS}, *RESULTS],
            [user(text("Hi")), assistant(*USES), user(result("a", "1"), result("b", [text("2")]))],
        ),
        (
            [ASK, {"role": "assistant", "tool_calls": CALLS}, *RESULTS, ASK],
            [
                user(text("Hi")),
                assistant(*USES),
                user(result("a", "1"), result("b", [text("2")]), text("Hi")),
            ],
        ),
        (
            [ASK, {"role": "assistant", "content": "Look.", "tool_calls": CALLS}, *RESULTS],
            [
                user(text("Hi")),
                assistant(text("Look."), *USES),
                user(result("a", "1"), result("b", [text("2")])),
            ],
        ),
        ([ASK, ASK], [user(text("Hi"), text("Hi"))]),
        (
            [{"role": "user", "content": [text("See"), CHAT_IMAGE, CHAT_LINK]}],
            [user(text("See"), IMAGE, LINK)],
        ),
        (
            [ASK, {"role": "assistant", "content": "A", "reasoning_content": "unsigned"}, ASK],
            [user(text("Hi")), assistant(text("A")), user(text("Hi"))],
        ),
        (
            [
                ASK,
                {"role": "assistant", "tool_calls": CALLS, "thinking_blocks": [SIGNED, HIDDEN]},
                *RESULTS,
            ],
            [
                user(text("Hi")),
                assistant(SIGNED, HIDDEN, *USES),
                user(result("a", "1"), result("b", [text("2")])),
            ],
        ),
    ],
)
def test_messages_of_a_chat_request_are_kept(
    messages: list[dict[str, Any]], wanted: list[dict[str, Any]]
) -> None:
    assert to_messages(messages=messages)["messages"] == wanted


def test_system_messages_of_a_chat_request_are_all_kept() -> None:
    messages = [
        {"role": "system", "content": "One"},
        ASK,
        {"role": "developer", "content": [text("Two")]},
        {"role": "system", "content": "Three"},
    ]
    made = to_messages(messages=messages)
    assert made["system"] == [text("One"), text("Two"), text("Three")]
    assert made["messages"] == [user(text("Hi"))]


def test_reasoning_goes_on_only_with_the_signature_of_its_start() -> None:
    called = {"role": "assistant", "tool_calls": CALLS}
    signed = {**called, "thinking_blocks": [SIGNED]}
    asks = {"reasoning_effort": "high"}
    assert "thinking" not in to_messages(messages=[ASK, called, *RESULTS], **asks)
    assert "thinking" in to_messages(messages=[ASK, signed, *RESULTS], **asks)
    after = [ASK, called, *RESULTS, {"role": "assistant", "content": "A"}, ASK]
    assert "thinking" in to_messages(messages=after, **asks)


@pytest.mark.parametrize(
    ("messages", "wanted"),
    [
        (
            [ASK, assistant(text("Look."), *USES), user(result("a", "1"), result("b", "2"))],
            [
                ASK,
                {
                    "role": "assistant",
                    "content": "Look.",
                    "tool_calls": [CALLS[0], chat_call("b", "g", "{}")],
                },
                {"role": "tool", "tool_call_id": "a", "content": "1"},
                {"role": "tool", "tool_call_id": "b", "content": "2"},
            ],
        ),
        (
            [
                ASK,
                assistant(*USES),
                user(result("a", [text("1"), IMAGE]), result("b", "2"), text("Go on")),
            ],
            [
                ASK,
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [CALLS[0], chat_call("b", "g", "{}")],
                },
                {"role": "tool", "tool_call_id": "a", "content": "1"},
                {"role": "tool", "tool_call_id": "b", "content": "2"},
                ...,
                {"role": "user", "content": "Go on"},
            ],
        ),
        (
            [ASK, assistant(SIGNED, HIDDEN, text("A")), ASK],
            [ASK, {"role": "assistant", "content": "A", "reasoning_content": "Count."}, ASK],
        ),
        ([ASK, assistant(*USES[:1]), user(result("a", "no", is_error=True))], [..., "Error: no"]),
        (
            [ASK, assistant(*USES[:1]), user(result("a", [text("no")], is_error=True))],
            [..., "Error: no"],
        ),
        ([ASK, assistant(*USES[:1]), user(result("a", None))], [..., ""]),
        ([user({**text("Hi"), "cache_control": {"type": "ephemeral"}})], [ASK]),
    ],
)
def test_messages_of_a_messages_request_are_kept(
    messages: list[dict[str, Any]], wanted: list[Any]
) -> None:
    made = to_chat(messages=messages)["messages"]
    if wanted[0] is ...:
        assert made[-1]["content"] == wanted[1]
    elif ... in wanted:
        # The picture of a result comes in a message of its own, after all results.
        (picture,) = [one for one in made if one not in wanted]
        assert picture["role"] == "user"
        assert PIXEL in json.dumps(picture)
        assert [... if one is picture else one for one in made] == wanted
    else:
        assert made == wanted


@pytest.mark.parametrize(
    ("system", "wanted"),
    [("Be good", "Be good"), ([text("Be good"), text("and brief")], "Be good\n\nand brief")],
)
def test_the_system_prompt_of_a_messages_request_is_kept(system: Any, wanted: str) -> None:
    made = to_chat(system=system)
    assert made["messages"] == [{"role": "system", "content": wanted}, ASK]


def test_pictures_of_a_messages_request_are_kept() -> None:
    (made,) = to_chat(messages=[user(text("See"), IMAGE, LINK)])["messages"]
    assert [part.get("image_url", {}).get("url") for part in made["content"]] == [
        None,
        PIXEL_URL,
        LINK_URL,
    ]


@pytest.mark.parametrize(
    ("wire", "members", "words"),
    [
        (Wire.CHAT, {"messages": None}, "messages must be a list"),
        (Wire.CHAT, {"messages": ["Hi"]}, "messages must be a list"),
        (Wire.CHAT, {"messages": [{"role": "king", "content": "Hi"}]}, "messages[0].role"),
        (Wire.CHAT, {"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        (Wire.CHAT, {"messages": [user({"type": "input_audio"})]}, "content[0].type"),
        (Wire.CHAT, {"messages": [{"role": "tool", "content": "1"}]}, "tool_call_id"),
        (Wire.CHAT, {"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "tool_calls[0]"),
        (Wire.CHAT, {"tools": [{"type": "web_search"}]}, "tools[0] is not a function"),
        (Wire.CHAT, {"functions": [FUNCTION]}, "'functions'"),
        (Wire.CHAT, {"n": 2}, "'n' must be 1"),
        (Wire.CHAT, {"temperature": "hot"}, "temperature must be a number"),
        (Wire.MESSAGES, {"messages": "Hi"}, "messages must be a list"),
        (Wire.MESSAGES, {"messages": [{"role": "system", "content": "Hi"}]}, "messages[0].role"),
        (Wire.MESSAGES, {"messages": [user({"type": "document"})]}, "content[0].type"),
        (Wire.MESSAGES, {"messages": [user({"type": "text"})]}, "text must be a text"),
        (Wire.MESSAGES, {"system": 5}, "system must be"),
        (Wire.MESSAGES, {"tools": [{"type": "web_search_1", "name": "s"}]}, "run by its vendor"),
        (Wire.MESSAGES, {"max_tokens": True}, "max_tokens must be a number"),
    ],
)
def test_what_cannot_be_converted_is_said_to_the_guest(
    wire: Wire, members: dict[str, Any], words: str
) -> None:
    body = {"model": "m", "messages": [ASK], **members}
    with pytest.raises(UnconvertibleRequestError) as caught:
        way(wire).request(body)
    assert words in str(caught.value)


CHAT_ANSWERS = {
    "messages_answer_text": ({"content": "Grüße"}, "stop"),
    "messages_answer_length": ({"content": "one"}, "length"),
    "messages_answer_refusal": ({"refusal": "The model refused to answer."}, "content_filter"),
    "messages_answer_tools": (
        {
            "content": "Look.",
            "reasoning_content": "Count.",
            "thinking_blocks": [
                {"type": "thinking", "thinking": "Count.", "signature": "EqQBCgIYAhIM"},
                {"type": "redacted_thinking", "data": "EmwKAhgBEgy3"},
            ],
            "tool_calls": [
                chat_call("toolu_01", "get_weather", '{"city": "Bern"}'),
                chat_call("toolu_02", "get_time", "{}"),
            ],
        },
        "tool_calls",
    ),
}


@pytest.mark.parametrize("name", CHAT_ANSWERS)
def test_a_chat_guest_gets_the_answer_of_a_messages_vendor(name: str) -> None:
    wanted, reason = CHAT_ANSWERS[name]
    made = way(Wire.CHAT).answer(recorded.answer(name))
    assert made["object"] == "chat.completion"
    (choice,) = made["choices"]
    assert choice["finish_reason"] == reason
    message = {one: value for one, value in choice["message"].items() if value}
    assert message.pop("role") == "assistant"
    assert message == wanted
    assert made["usage"] == {
        "prompt_tokens": 143,
        "completion_tokens": 30,
        "total_tokens": 173,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 40},
    }


MESSAGES_ANSWERS = {
    "chat_answer_text": ([text("Grüße")], "end_turn"),
    "chat_answer_length": ([text("one")], "max_tokens"),
    "chat_answer_refusal": ([text("I can't help.")], "refusal"),
    "chat_answer_tools": (
        [
            {"type": "thinking", "thinking": "Count.", "signature": ""},
            text("Look."),
            {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "Bern"}},
            {"type": "tool_use", "id": "call_2", "name": "get_time", "input": {}},
        ],
        "tool_use",
    ),
}


@pytest.mark.parametrize("name", MESSAGES_ANSWERS)
def test_a_messages_guest_gets_the_answer_of_a_chat_vendor(name: str) -> None:
    wanted, reason = MESSAGES_ANSWERS[name]
    made = way(Wire.MESSAGES).answer(recorded.answer(name))
    assert made.pop("id").startswith("msg_")
    assert made == {
        "type": "message",
        "role": "assistant",
        "model": "four-1",
        "content": wanted,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 18,
            "cache_read_input_tokens": 64,
            "cache_creation_input_tokens": 0,
            "output_tokens": 17,
        },
    }


@pytest.mark.parametrize("wire", [Wire.CHAT, Wire.MESSAGES])
@pytest.mark.parametrize(
    "body", [{}, {"choices": []}, {"choices": [{}]}, {"content": 5}, {"type": "message"}]
)
def test_an_answer_of_the_wrong_shape_is_garbled(wire: Wire, body: dict[str, Any]) -> None:
    with pytest.raises(GarbledAnswerError):
        way(wire).answer(body)


# Bodies that are nearly right: a right one with some of its values replaced by others.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.just(10**30) | st.floats() | st.text("ab{"),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(
        st.sampled_from(["type", "role", "content", "text", "id", "function", "input", "delta"]),
        inner,
        max_size=3,
    ),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to all values inside a body."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = [] if path == () else [path]
    for key, one in items if isinstance(value, dict | list) else ():
        found += places(one, (*path, key)) if isinstance(one, dict | list) else [(*path, key)]
    return found


@st.composite
def bent(draw: st.DrawFn, body: Any) -> Any:
    made = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places(made)))
        inside = made
        for key in path:
            inside = inside[key]
        if draw(st.booleans()) and isinstance(inside, dict):
            del inside[last]
        else:
            inside[last] = draw(VALUES)
        if not places(made):
            break
    return made


FULL_CHAT = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "S"},
        {"role": "user", "content": [text("See"), CHAT_IMAGE]},
        {
            "role": "assistant",
            "content": "A",
            "tool_calls": CALLS,
            "reasoning_content": "R",
            "thinking_blocks": [SIGNED],
        },
        *RESULTS,
    ],
    "tools": [CHAT_TOOL],
    "tool_choice": NAMED,
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
    "stop": ["A"],
    "temperature": 0.5,
    "max_tokens": 5,
    "reasoning_effort": "low",
    "stream": True,
    "stream_options": {"include_usage": True},
}
FULL_MESSAGES = {
    "model": "m",
    "max_tokens": 5,
    "system": [text("S")],
    "messages": [
        user(text("See"), IMAGE),
        assistant(SIGNED, HIDDEN, text("A"), *USES),
        user(result("a", [text("1"), IMAGE], is_error=True), result("b", "2"), text("B")),
    ],
    "tools": [TOOL],
    "tool_choice": {"type": "tool", "name": "get_weather", "disable_parallel_tool_use": True},
    "stop_sequences": ["A"],
    "temperature": 0.5,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
    "metadata": {"user_id": "u"},
    "stream": True,
}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([(Wire.CHAT, FULL_CHAT), (Wire.MESSAGES, FULL_MESSAGES)]), st.data())
def test_a_bent_request_is_converted_or_refused(
    case: tuple[Wire, dict[str, Any]], data: st.DataObject
) -> None:
    wire, body = case
    try:
        made = way(wire).request(data.draw(bent(body)))
    except UnconvertibleRequestError:
        return
    assert isinstance(json.dumps(made), str)


ANSWERS = [(Wire.CHAT, name) for name in CHAT_ANSWERS]
ANSWERS += [(Wire.MESSAGES, name) for name in MESSAGES_ANSWERS]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ANSWERS), st.data())
def test_a_bent_answer_is_converted_or_garbled(case: tuple[Wire, str], data: st.DataObject) -> None:
    wire, name = case
    try:
        made = way(wire).answer(data.draw(bent(recorded.answer(name))))
    except GarbledAnswerError:
        return
    assert isinstance(json.dumps(made), str)


STREAMS = [(Wire.CHAT, name) for name in recorded.names("messages")]
STREAMS += [(Wire.MESSAGES, name) for name in recorded.names("chat")]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(STREAMS), st.data())
def test_a_bent_stream_is_converted_or_garbled_or_truncated(
    case: tuple[Wire, str], data: st.DataObject
) -> None:
    wire, name = case
    events = recorded.stream(name)
    at = data.draw(st.integers(0, len(events) - 1))
    if events[at].data != "[DONE]":
        body = data.draw(bent(json.loads(events[at].data)))
        events[at] = Event(data=json.dumps(body), name=events[at].name)
    stream = way(wire).stream({})
    try:
        for event in events:
            stream.feed(event)
        stream.finish()
    except (GarbledAnswerError, TruncatedStreamError):
        pass
