"""A vendor's error: its status and words, in the guest's shape, and never the key."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from gateway.formats.events import EventReader
from gateway.formats.wires import Wire
from gateway.traffic import passage
from tests.guests import CONVERTED, KEY, SAME, WAYS, House, Kind, Way, in_database
from tests.plays import (
    AFTER_HEADERS,
    Content,
    Failure,
    Framing,
    Play,
    Raw,
    after,
    cut,
    failure,
    raw,
    stall,
)

WORDLESS = "The vendor refused the request, and did not say why."
BODIES: list[tuple[bytes, str]] = [
    (b'{"error":{"message":"one","type":"t"}}', "one"),
    (b'{"type":"error","error":{"type":"t","message":"two"}}', "two"),
    (b'{"error":"three"}', "three"),
    (b'{"message":"four"}', "four"),
    (b'{"detail":"five"}', "five"),
    (b'{"msg":"six"}', "six"),
    (b'[{"error":{"code":400,"message":"seven","status":"INVALID"}}]', "seven"),
    (b'"eight"', "eight"),
    (b"nine, in plain words", "nine, in plain words"),
    ('{"error":{"message":"zehn: żółw 🐢"}}'.encode(), "zehn: żółw 🐢"),
    (b'{"error":{"message":"\\ud800 half a letter"}}', "\ud800 half a letter"),
    (b'{"error":{"message":""}}', WORDLESS),
    (b'{"error":{"message":{"a":1}}}', WORDLESS),
    (b'{"error":null}', WORDLESS),
    (b"{}", WORDLESS),
    (b"[]", WORDLESS),
    (b"null", WORDLESS),
    (b"", WORDLESS),
    (b"<html><title>502</title></html>", WORDLESS),
    (b"[" * 100_000, WORDLESS),
    (b'{"error":{"message":"%s"}}' % (b"x" * 5000), "x" * 2000),
    (b'{"error":{"message":"%s"}}' % (b"x" * 500_000), WORDLESS),
]


@pytest.mark.parametrize(("body", "message"), BODIES)
@pytest.mark.parametrize("way", [SAME[1], CONVERTED[1]], ids=str)
def test_the_sentence_is_found_in_every_common_shape(
    house: House, way: Way, body: bytes, message: str
) -> None:
    house.vendor.play(raw(body, status=503))
    answered = house.on(way).ask(way.wire, stream=True)
    assert answered.status_code == 503
    assert json.loads(answered.content)["error"]["message"] == message


def test_the_words_for_the_kind_of_error_are_kept_in_the_same_protocol(house: House) -> None:
    error = {"message": "m", "type": "its_type", "code": "its_code", "param": "its_param", "x": 1}
    house.vendor.always(raw(json.dumps({"error": error}).encode(), status=400))
    told = house.on(SAME[1]).ask(Wire.CHAT).json()
    assert told == {"error": {key: error[key] for key in ("message", "type", "param", "code")}}
    told = house.on(SAME[2]).ask(Wire.MESSAGES).json()
    kept = {key: error[key] for key in ("message", "type", "code", "param")}
    assert told == {"type": "error", "error": kept}
    told = house.on(CONVERTED[0]).ask(Wire.CHAT).json()
    ours = {"type": "invalid_request_error", "param": None, "code": "VENDOR_FAILED"}
    assert told == {"error": {"message": "m", **ours}}
    told = house.on(CONVERTED[1]).ask(Wire.MESSAGES).json()
    ours = {"type": "invalid_request_error", "code": "VENDOR_FAILED"}
    assert told == {"type": "error", "error": {"message": "m", **ours}}


def test_words_that_are_none_are_not_kept(house: House) -> None:
    error = {"message": "m", "type": ["a"], "code": 17, "param": "p" * 1000}
    house.vendor.play(raw(json.dumps({"error": error}).encode(), status=500))
    told = house.on(SAME[1]).ask(Wire.CHAT).json()["error"]
    assert told == {"message": "m", "type": "server_error", "param": None, "code": "VENDOR_FAILED"}


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_an_error_with_a_good_status_is_an_error(house: House, way: Way) -> None:
    house.vendor.play(Play(content=Failure(message="Not at all."), status=200))
    answered = house.on(way).ask(way.wire)
    assert answered.status_code == 502
    assert answered.json()["error"]["message"] == "Not at all."


@pytest.mark.parametrize("content", [Failure(message="x"), Raw(data=b"half")], ids=["JSON", "text"])
@pytest.mark.parametrize(
    "more",
    [
        {"cut": cut(AFTER_HEADERS).cut},
        {"cut": cut(AFTER_HEADERS, reset=True).cut},
        {"framing": Framing.TOO_SHORT},
        {"framing": Framing.BAD_CHUNK},
    ],
    ids=["cut", "reset", "too short", "bad chunk"],
)
def test_the_status_counts_when_the_body_of_an_error_breaks_off(
    house: House, content: Content, more: dict[str, Any]
) -> None:
    house.vendor.play(Play(content=content, status=429, headers=(("retry-after", "2"),), **more))
    answered = house.on(SAME[1]).ask(Wire.CHAT)
    # Where head and garbage come in one piece the client reads neither.
    assert answered.status_code == 429 or "framing" in more
    if answered.status_code == 429:
        assert answered.headers["retry-after"] == "2"
        assert answered.json()["error"]["message"] == WORDLESS


SPELLINGS: list[Callable[[str], str]] = [
    str,
    lambda key: key[:24] + "...",
    lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    lambda key: key.encode().hex(),
    str.upper,
]


def parts_of(text: str) -> set[str]:
    return {text[at : at + 14] for at in range(len(text) - 13)}


@pytest.mark.parametrize("spell", SPELLINGS)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_key_that_a_vendor_repeats_goes_nowhere(
    house: House, way: Way, spell: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = f"Incorrect API key provided: {spell(KEY)}. Find yours elsewhere."
    made = house.on(way)
    error = {"message": told, "type": spell(KEY), "code": spell(KEY), "param": spell(KEY)}
    headers = (("x-request-id", spell(KEY)), ("request-id", spell(KEY)))
    body = json.dumps({"error": error}).encode()
    seen = []
    for status in (401, 200):
        house.vendor.play(Play(content=Raw(data=body), status=status, headers=headers))
        answered = made.ask(way.wire)
        assert answered.status_code == (401 if status == 401 else 502)
        seen.append(answered)
    house.vendor.play(Play(error_after=2, error_message=told, headers=headers))
    answered = made.ask(way.wire, stream=True)
    assert answered.status_code == 200
    assert "Find yours elsewhere" in EventReader().feed(answered.content)[-1].data
    seen.append(answered)
    for each in seen:
        assert "[removed]" in each.text
        shown = f"{each.headers} {each.text}"
        assert parts_of(spell(KEY)).isdisjoint(parts_of(shown))
    assert parts_of(spell(KEY)).isdisjoint(parts_of(caplog.text))
    logged = in_database(made.gateway, "SELECT error FROM requests WHERE error IS NOT NULL")
    assert parts_of(spell(KEY)).isdisjoint(parts_of(str(logged)))


def test_a_garbled_stream_that_repeats_the_key_is_told_without_it(house: House) -> None:
    event = json.dumps({"code": KEY, "message": f"Your key {KEY} is wrong."})
    house.vendor.play(raw(f"event: error\ndata: {event}\n\n".encode(), "text/event-stream"))
    answered = house.on(SAME[1]).ask(Wire.CHAT, stream=True)
    assert answered.status_code == 200
    assert KEY not in answered.text
    assert "VENDOR_FAILED" in answered.text


def test_what_is_no_error_keeps_what_the_vendor_says(house: House) -> None:
    """An answer is the vendor's, byte for byte: the model has never seen the key."""
    body = json.dumps({"choices": [{"message": {"content": f"you said {KEY}"}}]}).encode()
    house.vendor.play(raw(body))
    assert house.on(SAME[1]).ask(Wire.CHAT).content == body


@pytest.mark.parametrize("status", [400, 418, 451, 499, 500, 529, 599])
def test_every_status_of_an_error_is_kept(house: House, status: int) -> None:
    house.vendor.play(failure(status))
    assert house.guest(Kind.BOTH).ask(Wire.MESSAGES).status_code == status


def test_nobody_waits_long_for_the_words_of_an_error(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passage, "_ERROR_SECONDS", 0.1)
    house.vendor.play(Play(content=Failure(message="x"), status=500, stall=stall(after(0)).stall))
    answered = house.on(SAME[1]).ask(Wire.CHAT)
    assert answered.status_code == 500
    assert answered.json()["error"]["message"] == WORDLESS


def test_a_stall_in_an_error_ends_with_the_guest(house: House) -> None:
    house.vendor.play(Play(content=Raw(data=b"x" * 99), status=500, stall=stall(after(0)).stall))
    with house.on(SAME[1]).connect(Wire.CHAT):
        house.vendor.wait(lambda: house.vendor.exchanges and house.vendor.last.stalled)
    house.vendor.wait(lambda: house.vendor.last.ended == "client gone")
