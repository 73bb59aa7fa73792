"""Whatever a vendor does, a guest gets a whole answer or an error that its clients know."""

from __future__ import annotations

import gzip
import itertools
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.formats.events import Event, EventReader
from gateway.formats.wires import Wire
from tests import running
from tests.conftest import everywhere
from tests.guests import CONVERTED, SAME, WAYS, House, Kind, Way
from tests.plays import (
    AFTER_HEADERS,
    BEFORE_HEADERS,
    BEFORE_THE_END,
    GARBAGE,
    HELLO,
    Framing,
    Play,
    Raw,
    after,
    answer,
    cut,
    inside,
    raw,
    stall,
)
from tests.recorded import HERE
from tests.vendor import nobody_listens, vendor_thread

MEBIBYTE = 1024 * 1024
LIMIT = 4 * MEBIBYTE


def _house(folder: Path, **changes: Any) -> Iterator[House]:
    with vendor_thread() as playing:
        url = f"{playing.url}/v1"
        urls = everywhere(url) | {"huggingface": {"anthropic": url}}
        with running.gateway(running.settings(folder, base_urls=urls, **changes)) as made:
            yield House(gateway=made, vendor=playing)


@pytest.fixture(name="_strict", scope="module")
def _open_strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from _house(tmp_path_factory.mktemp("strict"), answer_limit=LIMIT)


@pytest.fixture(name="_hasty", scope="module")
def _open_hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    patience = {"answer_seconds": 0.25, "silence_seconds": 0.25}
    yield from _house(tmp_path_factory.mktemp("hasty"), **patience)


@pytest.fixture(name="strict")
def _clean_strict(_strict: House) -> House:
    """A house whose gateway takes short answers only."""
    _strict.vendor.forget()
    return _strict


@pytest.fixture(name="hasty")
def _clean_hasty(_hasty: House) -> House:
    """A house whose gateway has so little patience that every stall is too long for it."""
    _hasty.vendor.forget()
    return _hasty


def events_of(answered: httpx.Response) -> list[Event]:
    assert answered.status_code == 200, answered.text
    assert answered.headers["content-type"] == "text/event-stream; charset=utf-8"
    reader = EventReader()
    events = reader.feed(answered.content)
    assert answered.content.endswith(b"\n\n")
    return events


def is_end(wire: Wire, event: Event) -> bool:
    """Whether clients of a wire format take the stream for complete with this event."""
    if wire is Wire.CHAT:
        return event.data == "[DONE]"
    return event.name in ("message_stop", "response.completed", "response.incomplete")


def error_of(wire: Wire, event: Event) -> dict[str, Any]:
    """Return the error that an event tells in a wire format."""
    body = json.loads(event.data)
    assert event.name == (None if wire is Wire.CHAT else "error")
    if wire is Wire.MESSAGES:
        assert body["type"] == "error"
    if wire is Wire.RESPONSES:
        assert (body["type"], body["message"]) == ("error", body["error"]["message"])
    error: dict[str, Any] = body["error"]
    return error


def check_broken(answered: httpx.Response, wire: Wire, status: int, code: str) -> list[Event]:
    """Check that a stream ends with an error, and return what came before."""
    *events, last = events_of(answered)
    error = error_of(wire, last)
    assert (error["status"], error["code"]) == (status, code)
    assert error["message"]
    assert not any(is_end(wire, event) for event in events)
    return events


STALLS = [AFTER_HEADERS, after(1), after(2), inside(0), inside(2), inside(4)]


@pytest.mark.parametrize("place", STALLS, ids=str)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_vendor_that_falls_silent_in_a_stream_is_told_in_band(
    hasty: House, way: Way, place: Any
) -> None:
    hasty.vendor.play(stall(place))
    check_broken(hasty.on(way).ask(way.wire, stream=True), way.wire, 504, "VENDOR_TIMEOUT")
    hasty.vendor.wait(lambda: hasty.vendor.last.ended == "client gone")


@pytest.mark.parametrize("place", [BEFORE_HEADERS, AFTER_HEADERS, inside(0)], ids=str)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_vendor_that_falls_silent_before_a_whole_answer_is_late(
    hasty: House, way: Way, place: Any
) -> None:
    hasty.vendor.play(stall(place))
    answered = hasty.on(way).ask(way.wire)
    assert answered.status_code == 504
    assert answered.json()["error"]["code"] == "VENDOR_TIMEOUT"
    hasty.vendor.wait(lambda: hasty.vendor.last.ended == "client gone")


@pytest.mark.parametrize("way", [SAME[1], CONVERTED[1]], ids=str)
def test_silence_after_the_end_changes_nothing(strict: House, way: Way) -> None:
    strict.vendor.play(stall(BEFORE_THE_END))
    events = events_of(strict.on(way).ask(way.wire, stream=True))
    assert is_end(way.wire, events[-1])


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_stream_that_is_cut_anywhere_never_looks_complete(
    strict: House, way: Way, reset: bool
) -> None:
    strict.vendor.play(answer("One two three."))
    whole = events_of(strict.on(way).ask(way.wire, stream=True))
    strict.vendor.play(answer("One two three."))
    made = strict.on(way)
    content = answer("One two three.").content
    pieces = len(_vendor_events(strict, way))
    for place in [AFTER_HEADERS, *map(after, range(1, pieces)), *map(inside, range(pieces))]:
        strict.vendor.play(cut(place, reset=reset, content=content))
        events = check_broken(made.ask(way.wire, stream=True), way.wire, 502, "VENDOR_FAILED")
        assert [each.name for each in events] == [each.name for each in whole[: len(events)]]
    strict.vendor.play(cut(BEFORE_THE_END, reset=reset, content=content))
    assert is_end(way.wire, events_of(made.ask(way.wire, stream=True))[-1])


@pytest.mark.parametrize("framing", [Framing.CHUNKED, Framing.UNTIL_CLOSE])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_stream_that_ends_in_order_but_too_early_is_broken_off(
    strict: House, way: Way, framing: Framing
) -> None:
    data = (HERE / f"{way.vendor_wire.name.lower()}_text.sse").read_bytes()
    ends = [at + 2 for at in range(len(data)) if data[at : at + 2] == b"\n\n"]
    for cut_at in [0, 1, *ends[:-1], *(end - 1 for end in ends), *(end - 9 for end in ends)]:
        content = Raw(data=data[:cut_at])
        kind = "text/event-stream"
        strict.vendor.play(Play(content=content, content_type=kind, framing=framing))
        answered = strict.on(way).ask(way.wire, stream=True)
        check_broken(answered, way.wire, 502, "VENDOR_FAILED")


def _vendor_events(strict: House, way: Way) -> list[Event]:
    """Return what the vendor itself streams for the guest's next request."""
    made = strict.on(way)
    made.ask(way.wire, stream=True)
    received = strict.vendor.last.received
    strict.vendor.play(answer("One two three."))
    direct = httpx.post(f"{strict.vendor.url}{received.path}", content=received.body)
    return EventReader().feed(direct.content)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("place", [BEFORE_HEADERS, AFTER_HEADERS, inside(0)], ids=str)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_whole_answer_that_is_cut_is_an_error(
    strict: House, way: Way, place: Any, reset: bool
) -> None:
    strict.vendor.play(cut(place, reset=reset))
    answered = strict.on(way).ask(way.wire)
    assert answered.status_code == 502
    assert answered.json()["error"]["code"] == "VENDOR_FAILED"


FINE = {"no content type", "a second answer"}
STREAMED = {"a stream of no events", "a stream of broken JSON"}
# The head may arrive together with what breaks the body, or before.
EARLY_OR_LATE = {"invalid chunk", "body longer than said"}


def check_error(answered: httpx.Response, way: Way) -> None:
    """Check that a guest hears of a failure, by the status or in band."""
    if answered.status_code == 200:
        check_broken(answered, way.wire, 502, "VENDOR_FAILED")
        return
    assert answered.status_code == 502
    error = answered.json()["error"]
    assert error["code"] == "VENDOR_FAILED"
    assert error["type"] == ("api_error" if way.wire is Wire.MESSAGES else "server_error")


@pytest.mark.parametrize("name", sorted(GARBAGE.keys() - FINE - {"body shorter than said"}))
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_garbage_is_an_error(strict: House, way: Way, name: str) -> None:
    strict.vendor.play(GARBAGE[name])
    answered = strict.on(way).ask(way.wire, stream=True)
    if name not in EARLY_OR_LATE:
        assert (answered.status_code == 200) == (name in STREAMED), answered.text
    check_error(answered, way)


@pytest.mark.parametrize("name", sorted(GARBAGE.keys() - FINE - {"a stream called plain text"}))
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_garbage_in_the_place_of_a_whole_answer_is_an_error(
    strict: House, way: Way, name: str
) -> None:
    strict.vendor.play(GARBAGE[name])
    answered = strict.on(way).ask(way.wire)
    assert (answered.status_code == 200) == (name in STREAMED), answered.text
    check_error(answered, way)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_stream_that_has_its_end_is_complete_whatever_its_length(strict: House, way: Way) -> None:
    strict.vendor.play(GARBAGE["body shorter than said"])
    assert is_end(way.wire, events_of(strict.on(way).ask(way.wire, stream=True))[-1])


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_whole_answer_without_a_content_type_is_read(strict: House, way: Way) -> None:
    strict.vendor.play(GARBAGE["no content type"])
    assert strict.on(way).ask(way.wire).status_code == 200


BROKEN_STREAMS = {
    "an event of broken JSON": b'data: {"id": \n\n',
    "an event that is a list": b"event: message_delta\ndata: []\n\n",
    "deeply nested": b"data: " + b"[" * 100_000 + b"\n\n",
    "NUL": b"data: \0\n\n",
    "not UTF-8": b"data: \xff\xfe\n\n",
}


@pytest.mark.parametrize("name", BROKEN_STREAMS)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_garbage_after_good_events_lets_these_through_first(
    strict: House, way: Way, name: str
) -> None:
    good = (HERE / f"{way.vendor_wire.name.lower()}_text.sse").read_bytes().split(b"\n\n")
    data = b"\n\n".join([*good[:4], BROKEN_STREAMS[name]])
    for split in (len(data), 7):
        play = Play(content=Raw(data=data), content_type="text/event-stream", split=split)
        strict.vendor.play(play)
        answered = strict.on(way).ask(way.wire, stream=True)
        events = check_broken(answered, way.wire, 502, "VENDOR_FAILED")
        assert events
        if way in SAME:
            assert answered.content.startswith(b"\n\n".join(good[:4]))


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_redirect_is_never_followed(strict: House, status: int, is_stream: bool) -> None:
    for way in WAYS:
        strict.vendor.forget()
        where = (("location", f"{strict.vendor.url}/elsewhere/v1{way.vendor_wire.path}"),)
        strict.vendor.play(Play(status=status, headers=where))
        answered = strict.on(way).ask(way.wire, stream=is_stream)
        assert answered.status_code == 502
        assert "location" not in answered.headers
        assert strict.vendor.url not in answered.text
        assert len(strict.vendor.received) == 1


def _head(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


_BODY = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant"}}]}).encode()
_OK = _head("HTTP/1.1 200 OK", "content-type: application/json", f"content-length: {len(_BODY)}")
HEADS: dict[str, tuple[bytes, int]] = {
    "100 before": (_head("HTTP/1.1 100 Continue") + _OK, 200),
    "102 and 103 before": (
        _head("HTTP/1.1 102 Processing") + _head("HTTP/1.1 103 Early Hints", "link: <a>") + _OK,
        200,
    ),
    "101": (_head("HTTP/1.1 101 Switching Protocols", "upgrade: h2c", "connection: upgrade"), 502),
    "204": (_head("HTTP/1.1 204 No Content"), 502),
    "205": (_head("HTTP/1.1 205 Reset Content", "content-length: 0"), 502),
    "status 600": (_head("HTTP/1.1 600 Beyond", "content-length: 0"), 502),
    "status 999": (_head("HTTP/1.1 999 Beyond", "content-length: 0"), 502),
    "HTTP/1.0": (_OK.replace(b"HTTP/1.1", b"HTTP/1.0"), 200),
    "two lengths": (_OK.replace(b"content-type: application/json", b"content-length: 3"), 502),
    "no status": (_OK.replace(b"HTTP/1.1 200 OK", b"HTTP/1.1"), 502),
    "header without a name": (_OK.replace(b"content-type", b""), 502),
    "100,000 headers": (_head("HTTP/1.1 200 OK", *(f"x-{at}: y" for at in range(100_000))), 502),
    "line of 10 MB": (_head("HTTP/1.1 200 OK", "x-long: " + "y" * 10 * MEBIBYTE), 502),
    "reason of 100 KB": (_head("HTTP/1.1 200 " + "O" * 100_000, "content-length: 0"), 502),
}


@pytest.mark.parametrize("name", HEADS)
def test_odd_heads_are_read_or_refused(strict: House, name: str) -> None:
    head, status = HEADS[name]
    body = _BODY if status == 200 else b""
    strict.vendor.play(Play(head=head, content=Raw(data=body)))
    answered = strict.guest(Kind.OPENAI).ask(Wire.CHAT)
    assert answered.status_code == status, answered.text
    if status == 200:
        assert answered.content == _BODY


def _zipped(kind: str, data: bytes, status: int = 200) -> Play:
    headers = (("content-encoding", "gzip"),)
    return Play(
        content=Raw(data=data), content_type=kind, headers=headers, status=status, split=999
    )


def _bomb(size: int, head: bytes) -> bytes:
    pressing = zlib.compressobj(9, wbits=31)
    made = [pressing.compress(head)]
    made += [pressing.compress(b" " * MEBIBYTE) for _ in range(size // MEBIBYTE)]
    return b"".join([*made, pressing.flush()])


def test_compressed_garbage_is_an_error(strict: House) -> None:
    good = gzip.compress(_BODY)
    for data in (b"nothing", good[:-10], good[:15], good[:12] + b"\xff" * 30):
        strict.vendor.play(_zipped("application/json", data))
        assert strict.guest(Kind.OPENAI).ask(Wire.CHAT).status_code == 502
        strict.vendor.play(_zipped("text/event-stream", data))
        answered = strict.guest(Kind.OPENAI).ask(Wire.CHAT)
        check_broken(answered, Wire.CHAT, 502, "VENDOR_FAILED")


def test_a_bomb_does_not_go_off(strict: House) -> None:
    made = strict.guest(Kind.OPENAI)
    bomb = _bomb(256 * MEBIBYTE, b'{"choices": [')
    strict.vendor.play(_zipped("application/json", bomb))
    answered = made.ask(Wire.CHAT)
    assert (answered.status_code, answered.json()["error"]["message"]) == (
        502,
        "The vendor's answer is too long.",
    )
    strict.vendor.play(_zipped("text/event-stream", _bomb(256 * MEBIBYTE, b"data: ")))
    check_broken(made.ask(Wire.CHAT, stream=True), Wire.CHAT, 502, "VENDOR_FAILED")
    strict.vendor.play(_zipped("application/json", bomb, status=429))
    assert made.ask(Wire.CHAT).status_code == 429


def test_an_answer_above_the_limit_is_refused(strict: House) -> None:
    for size, status in ((LIMIT - 100, 200), (LIMIT, 502)):
        body = b'{"choices":[{"a":"%s"}]}' % (b"x" * size)
        strict.vendor.play(raw(body))
        assert strict.guest(Kind.OPENAI).ask(Wire.CHAT).status_code == status


_STOLEN = b'{"choices":[{"index":0}],"stolen":true}'
_UNASKED = _OK.replace(str(len(_BODY)).encode(), str(len(_STOLEN)).encode()) + _STOLEN


@pytest.mark.parametrize("pace", [0, 0.05])
@pytest.mark.parametrize("is_stream", [False, True])
def test_what_a_vendor_says_unasked_is_nobodys_answer(
    strict: House, is_stream: bool, pace: float
) -> None:
    made = strict.guest(Kind.OPENAI)
    framing = Framing.FITTING if is_stream else Framing.LENGTH
    strict.vendor.play(Play(framing=framing, afterwards=_UNASKED, pace=pace))
    assert made.ask(Wire.CHAT, stream=is_stream).status_code == 200
    strict.vendor.wait(lambda: strict.vendor.last.ended)
    for _ in range(5):
        # What is on its way to the gateway has arrived when its other connection answers.
        answered = made.ask(Wire.CHAT)
        assert answered.status_code == 200
        assert b"stolen" not in answered.content


def test_an_answer_before_the_request_was_read_is_passed_on(strict: House) -> None:
    made = strict.guest(Kind.OPENAI)
    filling = "x" * 8 * MEBIBYTE
    for status in (200, 413, 429):
        strict.vendor.play(Play(early=True, status=status, content=Raw(data=_BODY)))
        answered = made.ask(Wire.CHAT, filling=filling)
        assert answered.status_code == status
    assert made.ask(Wire.CHAT).status_code == 200


def test_the_next_request_is_served_after_any_of_this(strict: House) -> None:
    for way, play in itertools.product((SAME[1], CONVERTED[1]), GARBAGE.values()):
        strict.vendor.play(play)
        strict.on(way).ask(way.wire, stream=True)
        answered = strict.on(way).ask(way.wire)
        assert answered.status_code == 200
        assert HELLO.text in answered.text


def test_a_vendor_that_is_gone_is_told(strict: House) -> None:
    runtime, model, name = Kind.OPENAI.value
    with nobody_listens() as url:
        made = strict.gateway.session(
            runtime, model, secrets={name: "a-key-0123456789"}, base_urls={"openai": url}
        )
        path = f"/api/runtime/sessions/{made['id']}/llm/openai/v1/chat/completions"
        headers = {"authorization": f"Bearer {made['environment']['OPENAI_API_KEY']}"}
        answered = strict.gateway.anyone.post(path, json={"model": model}, headers=headers)
    assert answered.status_code == 502
    assert answered.json()["error"]["code"] == "VENDOR_UNREACHABLE"
    assert url not in answered.text
