"""Server-sent events, however their bytes are cut."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats import events
from gateway.formats.events import Event, EventReader, EventTooLongError

STREAM = (
    ": a comment\n"
    "event: message_start\n"
    'data: {"text":"Grüße 🎈"}\n'
    "\n"
    "\n"
    "id: 7\n"
    "retry: 10\n"
    "data:no blank\n"
    "data\n"
    "data:  two blanks\n"
    "\n"
    "event: without data\n"
    "\n"
    "data: [DONE]\n"
    "\n"
    "data: never ended\n"
)
EVENTS = [
    Event(name="message_start", data='{"text":"Grüße 🎈"}'),
    Event(data="no blank\n\n two blanks"),
    Event(data="[DONE]"),
]
LINE_ENDS = ["\n", "\r\n", "\r"]


def read(*chunks: bytes) -> list[Event]:
    reader = EventReader()
    return [event for chunk in chunks for event in reader.feed(chunk)]


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_every_cut_into_two_gives_the_same_events(line_end: str) -> None:
    raw = STREAM.replace("\n", line_end).encode()
    for at in range(len(raw) + 1):
        assert read(raw[:at], raw[at:]) == EVENTS, at


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_single_bytes_give_the_same_events(line_end: str) -> None:
    raw = STREAM.replace("\n", line_end).encode()
    assert read(*(raw[at : at + 1] for at in range(len(raw)))) == EVENTS


@given(
    ends=st.lists(st.sampled_from(LINE_ENDS), min_size=STREAM.count("\n"), max_size=40),
    cuts=st.lists(st.integers(0, 200), max_size=8),
)
def test_mixed_line_ends_and_cuts_give_the_same_events(ends: list[str], cuts: list[int]) -> None:
    text = ""
    for line, end in zip(STREAM.splitlines(), ends, strict=False):
        # An empty line that ends with LF, after one that ends with CR, would be one line's CRLF.
        merges = not line and text.endswith("\r") and end == "\n"
        text += line + ("\r" if merges else end)
    raw = text.encode()
    marks = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    assert read(*(raw[a:b] for a, b in itertools.pairwise(marks))) == EVENTS


def test_an_event_is_out_with_its_last_byte() -> None:
    assert read(b"data: x\n\n") == [Event(data="x")]
    assert read(b"data: x\r\n\r\n") == [Event(data="x")]
    assert read(b"data: x\r\r") == [Event(data="x")]


def test_a_byte_order_mark_is_passed_over_at_the_start_alone() -> None:
    assert read(b"\xef\xbb\xbfdata: x\n\n\xef\xbb\xbfdata: y\n\n") == [Event(data="x")]


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert read(b"data: \xff\n\n") == [Event(data="\ufffd")]


def test_what_is_written_is_read_again() -> None:
    for event in (*EVENTS, Event(data=""), Event(data="\n"), Event(name="a", data="b\nc\n")):
        assert read(event.encoded()) == [event]


@pytest.mark.parametrize("line", [b"data: ", b"event: ", b": ", b"what: "])
def test_a_line_without_end_does_not_fill_the_memory(
    line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_EVENT_BYTES", 1000)
    reader = EventReader()
    reader.feed(line + b"x" * 990)
    with pytest.raises(EventTooLongError):
        reader.feed(b"x" * 10)


def test_lines_without_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_EVENT_BYTES", 1000)
    with pytest.raises(EventTooLongError):
        read(*[b"data: 1234\n"] * 101)


def test_comments_count_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_EVENT_BYTES", 1000)
    assert read(*[b": still here\n"] * 1000, b"data: x\n\n") == [Event(data="x")]


def test_an_event_of_the_largest_size_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_EVENT_BYTES", 1000)
    assert read(b"data: " + b"x" * 994 + b"\n\n") == [Event(data="x" * 994)]


def seconds_for(length: int) -> float:
    reader = EventReader()
    started = time.process_time()
    reader.feed(b"data: ")
    for _ in range(length // 16):
        reader.feed(b"x" * 16)
    assert len(reader.feed(b"\n\n")) == 1
    return time.process_time() - started


def test_a_long_line_in_tiny_chunks_takes_time_in_proportion() -> None:
    short = min(seconds_for(256 * 1024) for _ in range(3))
    long = min(seconds_for(8 * 256 * 1024) for _ in range(3))
    # Eight times the bytes take eight times as long; a copy of all before it, sixty-four.
    assert long < 30 * max(short, 0.002)
