"""A guest that goes away, at any moment: the vendor's connection goes too, and the end is one."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.formats.wires import Wire
from gateway.spending.outcomes import Ending, Outcome
from gateway.spending.settlement import Settler
from tests.guests import SAME, WAYS, House, Way
from tests.plays import AFTER_HEADERS, BEFORE_HEADERS, HELLO, after, endless, inside, stall

Ends = list[Outcome]


@pytest.fixture(name="ends")
def _ends(monkeypatch: pytest.MonkeyPatch) -> Ends:
    """Return the list in which every end of a request is noted as it is named."""
    ends: Ends = []
    begin = Settler.begin

    def noting(self: Settler, account: Any, outcome: Outcome) -> Any:
        ends.append(outcome)
        return begin(self, account, outcome)

    monkeypatch.setattr(Settler, "begin", noting)
    return ends


def leave(sock: socket.socket, *, reset: bool) -> None:
    if reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


PLACES = [BEFORE_HEADERS, AFTER_HEADERS, after(1), inside(3), after(5)]


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_guest_that_leaves_a_stream_leaves_no_connection(
    house: House, ends: Ends, way: Way, place: Any, reset: bool
) -> None:
    house.vendor.play(stall(place))
    before = house.vendor.open_connections
    with house.on(way).connect(way.wire, stream=True) as sock:
        house.vendor.wait(lambda: house.vendor.exchanges and house.vendor.last.stalled)
        assert ends == []
        leave(sock, reset=reset)
    house.vendor.wait(lambda: house.vendor.last.ended)
    assert house.vendor.last.ended == "client gone"
    house.vendor.wait(lambda: ends)
    house.vendor.wait(lambda: house.vendor.open_connections <= before)
    assert [(end.ending, end.status) for end in ends] == [(Ending.ABANDONED, 499)]
    assert ends[0].usage is None
    assert 0 <= ends[0].characters <= len(HELLO.text)
    assert bool(ends[0].characters) == (place == after(5) or _says_something(way, place))


def _says_something(way: Way, place: Any) -> bool:
    """Whether the vendor's first three events have text in them."""
    return place == inside(3) and way.vendor_wire is Wire.CHAT


@pytest.mark.parametrize("place", [BEFORE_HEADERS, AFTER_HEADERS, inside(0)], ids=str)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_guest_that_does_not_wait_for_a_whole_answer_is_noticed(
    house: House, ends: Ends, way: Way, place: Any
) -> None:
    house.vendor.play(stall(place))
    with house.on(way).connect(way.wire) as sock:
        house.vendor.wait(lambda: house.vendor.exchanges and house.vendor.last.stalled)
        leave(sock, reset=False)
    house.vendor.wait(lambda: house.vendor.last.ended == "client gone")
    house.vendor.wait(lambda: ends)
    assert [end.ending for end in ends] == [Ending.ABANDONED]
    assert ends[0].characters == 0


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_an_endless_stream_ends_with_its_guest(house: House, ends: Ends, way: Way) -> None:
    house.vendor.play(endless())
    with house.on(way).connect(way.wire, stream=True) as sock:
        received = 0
        while received < 1_000_000:
            received += len(sock.recv(65536))
        assert ends == []
    house.vendor.wait(lambda: house.vendor.last.ended == "client gone")
    house.vendor.wait(lambda: ends)
    assert [end.ending for end in ends] == [Ending.ABANDONED]
    # Of each event of some 200 characters most are text.
    assert ends[0].characters > 200_000


@pytest.mark.parametrize("way", SAME, ids=str)
def test_a_guest_that_leaves_before_its_body_is_whole_was_never_there(
    house: House, ends: Ends, way: Way
) -> None:
    made = house.on(way)
    request = made.request(way.wire, made.body(way.wire))
    for cut in (40, len(request) - 20, len(request) - 1):
        with house.gateway.connect() as sock:
            sock.sendall(request[:cut])
    # The next request is answered after these, on the same loop.
    assert made.ask(way.wire).status_code == 200
    assert len(house.vendor.received) == 1
    assert [end.ending for end in ends] == [Ending.SUCCESS]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_guest_that_leaves_after_the_end_was_answered(house: House, ends: Ends, way: Way) -> None:
    last = {Wire.CHAT: b"[DONE]", Wire.MESSAGES: b"message_stop", Wire.RESPONSES: b".completed"}
    usage = {"stream_options": {"include_usage": True}} if way.wire is Wire.CHAT else {}
    with house.on(way).connect(way.wire, stream=True, **usage) as sock:
        received = b""
        while last[way.wire] not in received:
            received += sock.recv(65536)
        leave(sock, reset=True)
    house.vendor.wait(lambda: ends)
    assert house.on(way).ask(way.wire).status_code == 200
    house.vendor.wait(lambda: len(ends) == 2)
    assert [end.ending for end in ends] == [Ending.SUCCESS, Ending.SUCCESS]
    assert ends[0].usage is not None
    assert ends[0].usage.output_tokens == 7


def test_a_hundred_guests_that_leave_at_once_are_all_noticed(house: House, ends: Ends) -> None:
    way = SAME[1]
    house.vendor.always(stall(after(3)))
    socks = [house.on(way).connect(way.wire, stream=True) for _ in range(100)]
    house.vendor.wait(lambda: sum(each.stalled for each in house.vendor.exchanges) == 100)
    for sock in socks:
        leave(sock, reset=False)
    house.vendor.wait(lambda: len(ends) == 100)
    assert {end.ending for end in ends} == {Ending.ABANDONED}
    house.vendor.wait(lambda: all(each.ended for each in house.vendor.exchanges))


@pytest.fixture(autouse=True)
def _no_tasks_left(house: House) -> Iterator[None]:
    """Every test leaves the gateway as it found it: it answers."""
    yield
    house.vendor.forget()
    assert house.on(SAME[1]).ask(Wire.CHAT).status_code == 200
