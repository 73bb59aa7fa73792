"""What a request's body says, and how it gets another model id."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.formats.bodies import BLOB_CHARACTERS, UndecodableBodyError, read_body
from gateway.formats.wires import Wire


def of(wire: Wire = Wire.CHAT, **members: Any) -> Any:
    return read_body(wire, json.dumps({"model": "m", **members}).encode())


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b'{"model":"m"}', b'{"model":"NEW"}'),
        (b'\xef\xbb\xbf{"model":"m"}', b'\xef\xbb\xbf{"model":"NEW"}'),
        (b' \t\r\n{ "model" \n:\t"m" , "a" : 1 }\n ', None),
        (b'{"a":{"model":"m"},"model":"m","b":[{"model":"m"}]}', None),
        (b'{"a":"\\"model\\":\\"m\\"","model":"m"}', None),
        (b'{"mod\\u0065l":"m"}', b'{"mod\\u0065l":"NEW"}'),
        (b'{"model":"\\u006d"}', b'{"model":"NEW"}'),
        (
            b'{"model":"m","text":"Gr\\u00fc\xc3\x9fe \\/"}',
            b'{"model":"NEW","text":"Gr\\u00fc\xc3\x9fe \\/"}',
        ),
        (b'{"n":1.50e+3,"model":"m","z":-0}', b'{"n":1.50e+3,"model":"NEW","z":-0}'),
    ],
)
def test_the_model_alone_is_replaced(raw: bytes, wanted: bytes | None) -> None:
    body = read_body(Wire.CHAT, raw)
    assert body.model == "m"
    made = body.with_model("NEW")
    if wanted is not None:
        assert made == wanted
    top = json.loads(raw.decode("utf-8-sig"))
    assert json.loads(made.decode("utf-8-sig")) == {**top, "model": "NEW"}
    assert len(made) == len(raw) + 2 - (5 if b"\\u006d" in raw else 0)


def test_the_same_model_leaves_every_byte() -> None:
    raw = b'{"model":"\\u006d","x":1}'
    assert read_body(Wire.CHAT, raw).with_model("m") == raw


def test_a_model_of_any_letters_is_written_as_json() -> None:
    body = read_body(Wire.CHAT, b'{"model":"m"}')
    for model in ('a"b', "a\\b", "ü", "\n", "\ud800", ""):
        assert json.loads(body.with_model(model)) == {"model": model}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'"model"',
        b"{",
        b'{"model"',
        b'{"model":',
        b'{"model":"m"',
        b'{"model":"m",',
        b'{"model":"m",}',
        b'{"model":"m"}}',
        b'{"model":"m"} x',
        b'{"model" "m"}',
        b"{model:1}",
        b"{1:1}",
        b"{'model':'m'}",
        b'{"model":"m","a":NaN}',
        b'{"model":"m","a":Infinity}',
        b'{"model":"m","a":"\n"}',
        b'{"model":"m","a":"\xff"}',
        b'{"model":"m","a":"\xed\xa0\x80"}',
        '{"model":"m"}'.encode("utf-16"),
        b'{"model":"m"}\x00',
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_object_in_utf_8_is_refused(raw: bytes) -> None:
    with pytest.raises(UndecodableBodyError, match="not a JSON object in UTF-8"):
        read_body(Wire.CHAT, raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model":"cheap","model":"dear"}',
        b'{"model":"m","model":"m"}',
        b'{"model":"cheap","mod\\u0065l":"dear"}',
        b'{"stream":false,"model":"m","stream":true}',
    ],
)
def test_a_name_that_stands_twice_is_refused(raw: bytes) -> None:
    with pytest.raises(UndecodableBodyError, match="twice"):
        read_body(Wire.CHAT, raw)


@pytest.mark.parametrize("raw", [b'{"model":"m","Model":"dear"}', b'{"MODEL":"dear"}'])
def test_a_model_in_another_case_is_refused(raw: bytes) -> None:
    with pytest.raises(UndecodableBodyError, match="'model'"):
        read_body(Wire.CHAT, raw)


@pytest.mark.parametrize("raw", [b"{}", b'{"model":null}', b'{"model":5}', b'{"a":{"model":"m"}}'])
def test_no_model_is_an_empty_one(raw: bytes) -> None:
    assert read_body(Wire.CHAT, raw).model == ""


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=3) | st.just("model"), inner, max_size=3),
    max_leaves=8,
)
blanks = st.text(" \t\r\n", max_size=2)


@st.composite
def written_bodies(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return a body in some spelling of JSON, and what it says."""
    names = st.text(max_size=4).filter(lambda name: name.casefold() != "model")
    members = draw(st.dictionaries(names, values, max_size=4))
    members = dict(draw(st.permutations([*members.items(), ("model", draw(st.text()))])))
    parts = []
    for name, value in members.items():
        ascii_only = draw(st.booleans())
        written = [json.dumps(one, ensure_ascii=ascii_only) for one in (name, value)]
        parts.append(draw(blanks).join(["", written[0], ":", written[1], ""]))
    return draw(blanks) + "{" + ",".join(parts) + "}" + draw(blanks), members


@settings(max_examples=300, deadline=None)
@given(written_bodies(), st.text())
def test_a_body_is_read_and_written_as_json_would(
    case: tuple[str, dict[str, Any]], model: str
) -> None:
    text, members = case
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return
    body = read_body(Wire.CHAT, raw)
    assert body.members == json.loads(raw) == members
    assert body.model == members["model"]
    made = body.with_model(model)
    assert json.loads(made) == {**members, "model": model}
    start, end = body.model_span
    assert made.startswith(text[:start].encode())
    assert made.endswith(text[end:].encode())


@settings(max_examples=300, deadline=None)
@given(st.text('{}[]",:\\model1 \n') | st.binary(max_size=20))
def test_what_json_refuses_is_refused(text: str | bytes) -> None:
    raw = text.encode() if isinstance(text, str) else text
    try:
        found: Any = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        try:
            assert read_body(Wire.CHAT, raw).members == found
        except UndecodableBodyError as refused:
            assert "not a JSON object" not in str(refused)  # noqa: PT017
    else:
        with pytest.raises(UndecodableBodyError):
            read_body(Wire.CHAT, raw)


@pytest.mark.parametrize(
    ("wire", "members", "limit"),
    [
        (Wire.CHAT, {}, None),
        (Wire.CHAT, {"max_tokens": 5}, 5),
        (Wire.CHAT, {"max_completion_tokens": 6}, 6),
        (Wire.CHAT, {"max_tokens": 5, "max_completion_tokens": 6}, 6),
        (Wire.CHAT, {"max_tokens": 7, "max_completion_tokens": 6}, 7),
        (Wire.CHAT, {"max_output_tokens": 5}, None),
        (Wire.CHAT, {"max_tokens": 5, "n": 3}, 15),
        (Wire.CHAT, {"max_tokens": 5, "n": -3}, 5),
        (Wire.CHAT, {"max_tokens": 5, "n": True}, 5),
        (Wire.CHAT, {"max_tokens": 0}, None),
        (Wire.CHAT, {"max_tokens": -5}, None),
        (Wire.CHAT, {"max_tokens": True}, None),
        (Wire.CHAT, {"max_tokens": "5"}, None),
        (Wire.CHAT, {"max_tokens": 5.5}, None),
        (Wire.CHAT, {"max_tokens": 10**30}, 10**9),
        (Wire.RESPONSES, {"max_output_tokens": 5, "max_tokens": 6, "n": 2}, 5),
        (Wire.MESSAGES, {"max_tokens": 5, "max_completion_tokens": 6, "n": 2}, 5),
    ],
)
def test_the_limit_of_the_output(wire: Wire, members: dict[str, Any], limit: int | None) -> None:
    assert of(wire, **members).output_limit == limit


@pytest.mark.parametrize(
    ("stream", "is_stream"),
    [(True, True), (False, False), (None, False), ("true", False), (1, False)],
)
def test_a_stream_is_asked_for_with_true(stream: object, is_stream: bool) -> None:
    assert of(stream=stream).is_stream is is_stream


@pytest.mark.parametrize(
    ("wire", "members", "asks"),
    [
        (Wire.CHAT, {}, True),
        (Wire.CHAT, {"stream": True}, False),
        (Wire.CHAT, {"stream": True, "stream_options": {"include_usage": True}}, True),
        (Wire.CHAT, {"stream": True, "stream_options": {"include_usage": 1}}, False),
        (Wire.CHAT, {"stream": True, "stream_options": []}, False),
        (Wire.MESSAGES, {"stream": True}, True),
        (Wire.RESPONSES, {"stream": True}, True),
    ],
)
def test_only_a_chat_stream_may_leave_out_usage(
    wire: Wire, members: dict[str, Any], asks: bool
) -> None:
    assert of(wire, **members).asks_for_usage is asks


LONG = "x" * 1_000_000


@pytest.mark.parametrize(
    ("wire", "members", "characters"),
    [
        (Wire.CHAT, {}, 0),
        (Wire.CHAT, {"user": LONG}, 0),
        (Wire.CHAT, {"messages": [{"content": "x" * 400}]}, 407),
        (Wire.CHAT, {"messages": [{"content": [{"text": "Grüße 🎈"}]}]}, 7 + 4 + 7),
        (Wire.CHAT, {"messages": [{"image_url": {"url": LONG}}]}, 12 + BLOB_CHARACTERS),
        (Wire.CHAT, {"tools": [{"a": {"bc": "def"}}]}, 6),
        (Wire.MESSAGES, {"system": "abc", "input": LONG}, 3),
        (Wire.MESSAGES, {"messages": [{"source": {"data": LONG}}]}, 10 + BLOB_CHARACTERS),
        (Wire.RESPONSES, {"instructions": "abc", "input": "de"}, 5),
        (Wire.RESPONSES, {"input": [{"image_url": LONG}]}, 9 + BLOB_CHARACTERS),
        (Wire.CHAT, {"messages": 5, "tools": None}, 0),
    ],
)
def test_the_characters_of_the_input(wire: Wire, members: dict[str, Any], characters: int) -> None:
    assert of(wire, **members).input_characters == characters
