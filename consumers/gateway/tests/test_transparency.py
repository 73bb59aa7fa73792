"""The same protocol on both sides: not a byte is changed but the model's id."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from gateway.formats.events import EventReader
from gateway.formats.wires import Wire
from gateway.traffic.relay import Mark, Passthrough
from tests.guests import SAME, House, Way
from tests.plays import Framing, Play, Raw, Split, raw, recording
from tests.recorded import HERE

STREAMS = {
    Wire.RESPONSES: sorted(HERE.glob("responses_*.sse")),
    Wire.CHAT: sorted(HERE.glob("chat_*.sse")),
    Wire.MESSAGES: sorted(HERE.glob("messages_*.sse")),
}
WHOLE = {
    Wire.RESPONSES: sorted(HERE.glob("responses_*.json")),
    Wire.CHAT: sorted(HERE.glob("chat_*.json")),
    Wire.MESSAGES: sorted(HERE.glob("messages_*.json")),
}
STREAMED = [(way, path) for way in SAME for path in STREAMS[way.wire]]
ANSWERED = [(way, path) for way in SAME for path in WHOLE[way.wire]]

ODD_BODIES = [
    b'{"model":%s}',
    b' \n{ "model"\t: %s , "a" : 1 }\r\n',
    b'{"a":{"model":"other","model":"twice"},"model":%s,"b":[{"model":1}]}',
    b'{"x":1E400,"y":-0.0,"z":1.00,"model":%s,"n":12345678901234567890123}',
    b'{"\\u006dodel ":1,"s":"\\ud83d\\ude00 \\ud800 \\/ \\u0000","model":%s}',
    '{"s":"żółw 🐢 \u2028\x7f","model":%s}'.encode(),
    b'{"stream":false,"temperature":null,"unknown":{"deep":[[[[[]]]]]},"model":%s}',
    b'{"model":%s,"messages":[],"input":[],"max_tokens":1,"cache_control":{"a":1}}',
]


@pytest.mark.parametrize("body", ODD_BODIES)
@pytest.mark.parametrize("way", SAME, ids=str)
def test_a_request_goes_on_byte_for_byte(house: House, way: Way, body: bytes) -> None:
    guest = house.on(way)
    sent = body % json.dumps(guest.model).encode()
    assert guest.send(way.wire, sent).status_code == 200
    assert house.vendor.last.received.body == sent


def test_a_model_with_blanks_around_it_is_put_right_in_its_place(house: House) -> None:
    guest = house.on(SAME[1])
    body = b'{"a": 1.50, "model" :  " %s\\u00a0\\n" ,"b":"\\u0062"}' % guest.model.encode()
    assert guest.send(Wire.CHAT, body).status_code == 200
    expected = b'{"a": 1.50, "model" :  "%s" ,"b":"\\u0062"}' % guest.model.encode()
    assert house.vendor.last.received.body == expected


ODD_ANSWERS = [
    b'{"choices":[{}], "output":[] ,"status":"completed","content":[], "n":1.0e-7}\n\n',
    '{"content":[],"output":[],"status":"completed","choices":[1],"s":"żółw\u2028"}'.encode(),
    b'{"choices":[{"a":"\\ud800"}],"status":"queued","content":[],"error":null}',
    b"{}",
]


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("body", ODD_ANSWERS)
@pytest.mark.parametrize("way", SAME, ids=str)
def test_an_answer_comes_back_byte_for_byte(
    house: House, way: Way, body: bytes, is_stream: bool
) -> None:
    house.vendor.play(raw(body))
    answer = house.on(way).ask(way.wire, stream=is_stream)
    assert answer.status_code == 200
    assert answer.content == body
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("way", "path"), ANSWERED, ids=lambda each: each.stem if isinstance(each, Path) else ""
)
def test_a_recorded_answer_comes_back_byte_for_byte(house: House, way: Way, path: Path) -> None:
    house.vendor.play(recording(path, split=100))
    answer = house.on(way).ask(way.wire)
    assert answer.status_code == 200
    assert answer.content == path.read_bytes()


@pytest.mark.parametrize("split", [Split.WHOLE, Split.EVENTS, 1, 7, 1000])
@pytest.mark.parametrize(
    ("way", "path"), STREAMED, ids=lambda each: each.stem if isinstance(each, Path) else ""
)
def test_a_recorded_stream_comes_back_byte_for_byte(
    house: House, way: Way, path: Path, split: Split | int
) -> None:
    house.vendor.play(recording(path, split=split))
    answer = house.on(way).ask(way.wire, stream=True)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.content == path.read_bytes()


LINE_ENDS = [b"\r\n", b"\r", b"\n"]


@pytest.mark.parametrize("end", LINE_ENDS)
@pytest.mark.parametrize("size", [1, 2, 3, 50])
@pytest.mark.parametrize("wire", list(Wire))
def test_every_line_end_is_one(wire: Wire, size: int, end: bytes) -> None:
    path = next(path for path in STREAMS[wire] if path.stem.endswith("_text"))
    data = b": hello" + end + end + path.read_bytes().replace(b"\n", end)
    relay, made, marks = Passthrough(wire), b"", []
    for start in range(0, len(data), size):
        chunk = data[start : start + size]
        if Mark.END in marks:
            made += relay.after(chunk)
            continue
        for piece in relay.feed(chunk):
            made += piece.data
            marks.append(piece.mark)
    assert made + relay.after(b"") == data
    assert marks[-1] is Mark.END
    assert relay.meter.usage is not None


def test_a_piece_is_always_whole_events() -> None:
    path = next(path for path in STREAMS[Wire.MESSAGES] if path.stem.endswith("_tools"))
    data = path.read_bytes()
    for size in (1, 5, 64, 4096):
        relay = Passthrough(Wire.MESSAGES)
        for start in range(0, len(data), size):
            for piece in relay.feed(data[start : start + size]):
                reader = EventReader()
                assert reader.feed(piece.data)
                assert piece.data.endswith(b"\n\n")


def test_what_follows_the_end_comes_through(house: House) -> None:
    data = (HERE / "chat_text.sse").read_bytes() + b": one word more\n\n: and a half"
    house.vendor.play(raw(data, "text/event-stream"))
    assert house.on(SAME[1]).ask(Wire.CHAT, stream=True).content == data


@pytest.mark.parametrize("way", SAME, ids=str)
@pytest.mark.parametrize("is_asked", [False, True])
def test_the_vendors_content_type_decides(house: House, way: Way, is_asked: bool) -> None:
    path = STREAMS[way.wire][-1]
    kinds = ["text/event-stream", "Text/Event-Stream;charset=utf-8", " text/event-stream "]
    for kind in kinds:
        play = recording(path)
        house.vendor.play(Play(content=play.content, content_type=kind))
        answer = house.on(way).ask(way.wire, stream=is_asked)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.content == path.read_bytes()
    house.vendor.play(recording(WHOLE[way.wire][-1]))
    answer = house.on(way).ask(way.wire, stream=is_asked)
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == WHOLE[way.wire][-1].read_bytes()


@pytest.mark.parametrize("framing", [Framing.CHUNKED, Framing.LENGTH, Framing.UNTIL_CLOSE])
def test_the_vendors_framing_makes_no_difference(house: House, framing: Framing) -> None:
    for path, kind in (("chat_text.sse", "text/event-stream"), ("chat_answer_text.json", "a/b")):
        data = (HERE / path).read_bytes()
        house.vendor.play(Play(content=Raw(data=data), content_type=kind, framing=framing))
        assert house.on(SAME[1]).ask(Wire.CHAT).content == data


@pytest.mark.parametrize("wbits", [31, 15, -15], ids=["gzip", "deflate", "raw deflate"])
@pytest.mark.parametrize("name", ["messages_text.sse", "messages_answer_text.json"])
def test_a_vendor_that_compresses_all_the_same_is_read(house: House, name: str, wbits: int) -> None:
    data = (HERE / name).read_bytes()
    pressing = zlib.compressobj(wbits=wbits)
    pressed = pressing.compress(data) + pressing.flush()
    kind = "text/event-stream" if name.endswith("sse") else "application/json"
    coding = "gzip" if wbits == 31 else "deflate"
    house.vendor.play(
        Play(
            content=Raw(data=pressed),
            content_type=kind,
            headers=(("content-encoding", coding),),
            split=10,
        )
    )
    answer = house.on(SAME[2]).ask(Wire.MESSAGES)
    assert answer.status_code == 200
    assert answer.content == data
    assert "content-encoding" not in answer.headers
