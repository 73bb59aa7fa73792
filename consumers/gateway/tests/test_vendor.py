"""The vendor of the tests speaks the wire formats: the vendors' own clients understand it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import openai
import pytest

from gateway.formats.events import EventReader
from tests.plays import (
    AFTER_HEADERS,
    BEFORE_HEADERS,
    BEFORE_THE_END,
    GARBAGE,
    TIME,
    WEATHER,
    At,
    Framing,
    Play,
    Split,
    after,
    answer,
    cut,
    endless,
    failure,
    huge,
    inside,
    recording,
    stall,
)
from tests.vendor import (
    Vendor,
    black_hole,
    full_backlog,
    nobody_listens,
    vendor_here,
    vendor_thread,
)

TEXT = "One two  three,\n\nfour."
QUESTION: list[Any] = [{"role": "user", "content": "Count."}]
ROUTES = ("/v1/chat/completions", "/v1/responses", "/v1/messages")


@pytest.fixture(name="vendor")
def _vendor() -> Iterator[Vendor]:
    with vendor_thread() as vendor:
        yield vendor


def openai_client(vendor: Vendor) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{vendor.url}/v1", api_key="k-1", max_retries=0)


def anthropic_client(vendor: Vendor) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=vendor.url, api_key="k-2", max_retries=0)


def chat(vendor: Vendor) -> tuple[str, list[tuple[str, str]], tuple[int, int]]:
    done = openai_client(vendor).chat.completions.create(model="m", messages=QUESTION)
    message = done.choices[0].message
    calls = [
        (each.function.name, each.function.arguments)
        for each in message.tool_calls or []
        if each.type == "function"
    ]
    assert done.usage is not None
    return message.content or "", calls, (done.usage.prompt_tokens, done.usage.completion_tokens)


def chat_stream(vendor: Vendor) -> tuple[str, list[tuple[str, str]], tuple[int, int]]:
    with openai_client(vendor).chat.completions.stream(
        model="m", messages=QUESTION, stream_options={"include_usage": True}
    ) as stream:
        done = stream.get_final_completion()
    message = done.choices[0].message
    calls = [(each.function.name, each.function.arguments) for each in message.tool_calls or []]
    assert done.usage is not None
    return message.content or "", calls, (done.usage.prompt_tokens, done.usage.completion_tokens)


def _responded(done: Any) -> tuple[str, list[tuple[str, str]], tuple[int, int]]:
    calls = [(each.name, each.arguments) for each in done.output if each.type == "function_call"]
    assert done.status == "completed"
    return done.output_text, calls, (done.usage.input_tokens, done.usage.output_tokens)


def responses(vendor: Vendor) -> tuple[str, list[tuple[str, str]], tuple[int, int]]:
    return _responded(openai_client(vendor).responses.create(model="m", input="Count."))


def responses_stream(vendor: Vendor) -> tuple[str, list[tuple[str, str]], tuple[int, int]]:
    with openai_client(vendor).responses.stream(model="m", input="Count.") as stream:
        return _responded(stream.get_final_response())


def _messaged(done: anthropic.types.Message) -> tuple[str, list[tuple[str, str]], tuple[int, int]]:
    text = "".join(each.text for each in done.content if each.type == "text")
    calls = [
        (each.name, json.dumps(each.input, separators=(",", ":")))
        for each in done.content
        if each.type == "tool_use"
    ]
    tokens = done.usage.input_tokens + (done.usage.cache_read_input_tokens or 0)
    return text, calls, (tokens, done.usage.output_tokens)


def messages(vendor: Vendor) -> tuple[str, list[tuple[str, str]], tuple[int, int]]:
    return _messaged(
        anthropic_client(vendor).messages.create(model="m", max_tokens=9, messages=QUESTION)
    )


def messages_stream(vendor: Vendor) -> tuple[str, list[tuple[str, str]], tuple[int, int]]:
    with anthropic_client(vendor).messages.stream(
        model="m", max_tokens=9, messages=QUESTION
    ) as stream:
        return _messaged(stream.get_final_message())


ASK = [chat, chat_stream, responses, responses_stream, messages, messages_stream]


@pytest.mark.parametrize("ask", ASK)
@pytest.mark.parametrize(("text", "tools"), [(TEXT, ()), ("", (WEATHER,)), (TEXT, (WEATHER, TIME))])
def test_the_vendors_own_clients_read_text_tools_and_usage(
    vendor: Vendor, ask: Any, text: str, tools: Any
) -> None:
    vendor.play(answer(text, *tools))
    assert ask(vendor) == (text, [(each.name, each.arguments) for each in tools], (12, 7))


async def _async_openai(vendor: Vendor) -> list[str]:
    async with openai.AsyncOpenAI(base_url=f"{vendor.url}/v1", api_key="k") as client:
        whole = await client.chat.completions.create(model="m", messages=QUESTION)
        stream = await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
        parts = [each.choices[0].delta.content or "" async for each in stream if each.choices]
        async with client.responses.stream(model="m", input="Count.") as events:
            response = await events.get_final_response()
    return [whole.choices[0].message.content or "", "".join(parts), response.output_text]


async def _async_anthropic(vendor: Vendor) -> list[str]:
    async with anthropic.AsyncAnthropic(base_url=vendor.url, api_key="k") as client:
        asked: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": QUESTION}
        whole = await client.messages.create(**asked)
        async with client.messages.stream(**asked) as stream:
            parts = [text async for text in stream.text_stream]
    return [_messaged(whole)[0], "".join(parts)]


@pytest.mark.anyio
@pytest.mark.parametrize("ask", [_async_openai, _async_anthropic])
async def test_asynchronous_clients_are_served_in_the_loop_of_the_test(ask: Any) -> None:
    async with vendor_here() as vendor:
        vendor.always(answer(TEXT))
        assert set(await ask(vendor)) == {TEXT}


def test_a_stream_of_chat_tells_usage_only_when_it_is_asked_to(vendor: Vendor) -> None:
    client = openai_client(vendor)
    stream = client.chat.completions.create(model="m", messages=QUESTION, stream=True)
    assert [each.usage for each in stream if each.usage] == []


@pytest.mark.parametrize(
    ("play", "expected"),
    [(answer("Cut", truncated=True), "length"), (answer("Whole"), "stop")],
)
def test_a_truncated_answer_says_so(vendor: Vendor, play: Play, expected: str) -> None:
    vendor.play(play)
    done = openai_client(vendor).chat.completions.create(model="m", messages=QUESTION)
    assert done.choices[0].finish_reason == expected


OPENAI_ERRORS: list[tuple[int, type[openai.APIStatusError]]] = [
    (400, openai.BadRequestError),
    (401, openai.AuthenticationError),
    (403, openai.PermissionDeniedError),
    (404, openai.NotFoundError),
    (429, openai.RateLimitError),
    (500, openai.InternalServerError),
]


@pytest.mark.parametrize(("status", "error"), OPENAI_ERRORS)
@pytest.mark.parametrize("ask", ASK[:4])
def test_the_openai_client_knows_its_errors(
    vendor: Vendor, ask: Any, status: int, error: type[openai.APIStatusError]
) -> None:
    vendor.play(failure(status, "Because.", ("x-more", "1"), retry_after="7"))
    with pytest.raises(error) as caught:
        ask(vendor)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"] == "Because."
    headers = caught.value.response.headers
    assert (headers["retry-after"], headers["x-more"]) == ("7", "1")
    assert caught.value.request_id == "req_vendor"
    assert "vendor-cookie" in headers["set-cookie"]


ANTHROPIC_ERRORS = [
    (400, anthropic.BadRequestError, "invalid_request_error"),
    (401, anthropic.AuthenticationError, "authentication_error"),
    (403, anthropic.PermissionDeniedError, "permission_error"),
    (404, anthropic.NotFoundError, "not_found_error"),
    (429, anthropic.RateLimitError, "rate_limit_error"),
    (500, anthropic.InternalServerError, "api_error"),
    (529, anthropic.APIStatusError, "overloaded_error"),
]


@pytest.mark.parametrize(("status", "error", "kind"), ANTHROPIC_ERRORS)
@pytest.mark.parametrize("ask", ASK[4:])
def test_the_anthropic_client_knows_its_errors(
    vendor: Vendor, ask: Any, status: int, error: type[anthropic.APIStatusError], kind: str
) -> None:
    vendor.play(failure(status, "Because.", retry_after="7"))
    with pytest.raises(error) as caught:
        ask(vendor)
    expected = {"type": kind, "message": "Because."}
    assert caught.value.status_code == status
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"] == expected
    assert caught.value.request_id == "req_vendor"


@pytest.mark.parametrize(
    ("ask", "error"),
    [(chat_stream, openai.APIError), (messages_stream, anthropic.APIStatusError)],
)
def test_an_error_in_mid_stream_is_one_to_the_client(
    vendor: Vendor, ask: Any, error: type[Exception]
) -> None:
    vendor.play(Play(error_after=3, error_message="Out of breath."))
    with pytest.raises(error, match=r"Out of breath\."):
        ask(vendor)


def test_an_error_in_a_stream_of_responses_is_an_event_of_it(vendor: Vendor) -> None:
    vendor.play(Play(error_after=3, error_message="Out of breath."))
    stream = openai_client(vendor).responses.create(model="m", input="Count.", stream=True)
    assert [each.message for each in stream if each.type == "error"] == ["Out of breath."]


def test_plays_come_in_the_order_of_requests_and_then_the_vendor_chooses(vendor: Vendor) -> None:
    vendor.play(answer("first"), answer("second"))
    vendor.choose = lambda request: answer(f"{request.json['model']} asks")
    assert [chat(vendor)[0] for _ in range(3)] == ["first", "second", "m asks"]


# From here on a client that shows every byte.

HEAD = b"POST %b HTTP/1.1\r\nHost: h\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: %d\r\n\r\n"


def request_bytes(path: str = ROUTES[0], **fields: Any) -> bytes:
    body = json.dumps({"model": "m", "messages": QUESTION} | fields).encode()
    return HEAD % (path.encode(), len(body)) + body


class Wire:
    """A connection to the vendor as plain bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> bytes:
        async with asyncio.timeout(20):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def exactly(self, size: int) -> bytes:
        async with asyncio.timeout(20):
            return await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        async with asyncio.timeout(20):
            return await self.reader.read()

    async def chunk(self) -> bytes:
        """Return the next chunk; an empty one is the end."""
        async with asyncio.timeout(20):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            return (await self.reader.readexactly(size + 2))[:-2]

    async def chunks(self) -> list[bytes]:
        found = []
        while part := await self.chunk():
            found.append(part)
        return found


@contextlib.asynccontextmanager
async def connected(vendor: Vendor) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", vendor.port, limit=1 << 20)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.anyio
async def test_what_was_received_is_kept_as_it_came() -> None:
    async with vendor_here() as vendor, connected(vendor) as wire:
        wire.send(request_bytes())
        await wire.head()
        received = vendor.last.received
        body = request_bytes().partition(b"\r\n\r\n")[2]
        length = b"Content-Length: %d" % len(body)
        assert received.header_lines == (b"Host: h", b"X-Two: 1", b"x-two: 2", length)
        assert received.headers["x-two"] == "1, 2"
        assert received.body == body
        assert (received.method, received.path) == ("POST", ROUTES[0])


@pytest.mark.anyio
async def test_a_connection_is_kept_and_a_chunked_body_is_read() -> None:
    async with vendor_here() as vendor, connected(vendor) as wire:
        for _ in range(2):
            wire.send(b"POST /any/prefix/responses HTTP/1.1\r\n")
            wire.send(b'Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n5\r\n": 1}\r\n0\r\n\r\n')
            length = int((await wire.head()).partition(b"content-length: ")[2].split()[0])
            assert json.loads(await wire.exactly(length))["object"] == "response"
        assert [each.json for each in vendor.received] == [{"a": 1}] * 2
        assert (vendor.connections, vendor.open_connections) == (1, 1)
    assert vendor.open_connections == 0


@pytest.mark.parametrize("ends", [b"\n\n", b"\r\n\r\n"])
@pytest.mark.parametrize("split", [Split.WHOLE, Split.EVENTS, 1, 7])
@pytest.mark.anyio
async def test_a_recording_is_played_byte_for_byte(
    tmp_path: Path, split: Split | int, ends: bytes
) -> None:
    data = ends.join([b'data: {"a": 1}', "event: x\ndata: ö".encode(), b"data: half"])
    path = tmp_path / "one.sse"
    path.write_bytes(data)
    async with vendor_here() as vendor, connected(vendor) as wire:
        vendor.play(recording(path, split))
        wire.send(request_bytes())
        assert b"content-type: text/event-stream" in await wire.head()
        chunks = await wire.chunks()
    assert b"".join(chunks) == data
    counts = {Split.WHOLE: 1, Split.EVENTS: 3, 1: len(data), 7: -(-len(data) // 7)}
    assert len(chunks) == counts[split]


async def _played(play: Play, **fields: Any) -> bytes:
    """Return all that comes for a request to which this play ends the connection."""
    async with vendor_here() as vendor, connected(vendor) as wire:
        vendor.play(play)
        wire.send(request_bytes(**fields))
        got = await wire.rest()
        await vendor.until(lambda: vendor.last.ended)
        assert vendor.last.ended == "cut"
        assert vendor.last.sent == len(got)
        return got


def _events_in(data: bytes) -> int:
    return data.count(b"\n\n")


@pytest.mark.parametrize(
    ("at", "events", "half"),
    [(AFTER_HEADERS, 0, False), (inside(0), 0, True), (after(2), 2, False), (inside(2), 2, True)],
)
@pytest.mark.anyio
async def test_a_cut_comes_where_it_was_wanted(at: At, events: int, half: bool) -> None:
    head, _, body = (await _played(cut(at), stream=True)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert _events_in(body) == events
    assert body.rpartition(b"\n\n")[2].strip().endswith(b"}") is False
    assert (b"data: " in body.rpartition(b"\n\n")[2]) is half


@pytest.mark.anyio
async def test_only_the_end_of_the_chunks_may_be_missing() -> None:
    got = await _played(cut(BEFORE_THE_END), stream=True)
    assert got.endswith(b"data: [DONE]\n\n\r\n")


@pytest.mark.anyio
async def test_a_connection_may_end_before_the_headers() -> None:
    assert await _played(cut(BEFORE_HEADERS)) == b""


@pytest.mark.parametrize("at", [BEFORE_HEADERS, AFTER_HEADERS, after(1)])
@pytest.mark.anyio
async def test_a_reset_is_one_to_the_client(at: At) -> None:
    with pytest.raises(ConnectionResetError):
        await _played(cut(at, reset=True), stream=True)


@pytest.mark.parametrize(
    ("at", "before"), [(BEFORE_HEADERS, None), (AFTER_HEADERS, 0), (after(2), 2)]
)
@pytest.mark.anyio
async def test_a_stall_ends_when_the_test_releases_it(at: At, before: int | None) -> None:
    async with vendor_here() as vendor, connected(vendor) as wire:
        vendor.play(stall(at))
        wire.send(request_bytes(stream=True))
        await vendor.until(lambda: vendor.exchanges and vendor.last.stalled)
        if before is not None:
            await wire.head()
        taken = [await wire.chunk() for _ in range(before or 0)]
        assert vendor.last.ended == ""
        vendor.release()
        if before is None:
            await wire.head()
        assert (taken + await wire.chunks())[-1] == b"data: [DONE]\n\n"
        await vendor.until(lambda: vendor.last.ended == "whole")


@pytest.mark.parametrize("play", [stall(after(1)), endless(), endless(pace=0.01)])
@pytest.mark.anyio
async def test_a_client_that_goes_away_is_noticed(play: Play) -> None:
    async with vendor_here() as vendor:
        vendor.play(play)
        async with connected(vendor) as wire:
            wire.send(request_bytes(stream=True))
            assert await wire.head()
            assert await wire.chunk()
        await vendor.until(lambda: vendor.last.ended == "client gone")


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.anyio
async def test_an_endless_stream_is_one_of_whole_events(path: str) -> None:
    async with vendor_here() as vendor, connected(vendor) as wire:
        vendor.play(endless(split=1000))
        wire.send(request_bytes(path, stream=True))
        await wire.head()
        reader = EventReader()
        events = [event for _ in range(50) for event in reader.feed(await wire.chunk())]
        assert len(events) > 50
        assert all(isinstance(json.loads(event.data), dict) for event in events)


@pytest.mark.anyio
async def test_the_vendor_counts_only_what_the_socket_took() -> None:
    async with vendor_here(send_buffer=16384) as vendor:
        listener = await asyncio.get_running_loop().run_in_executor(None, _small_client, vendor)
        with listener:
            await vendor.until(lambda: vendor.exchanges and vendor.last.sent > 0)
            await _settled(vendor)
            assert vendor.last.sent < 4 * 1024 * 1024


def _small_client(vendor: Vendor) -> socket.socket:
    """Return a connection whose stream has been asked for and is not read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    client.connect(("127.0.0.1", vendor.port))
    vendor.play(endless())
    client.sendall(request_bytes(stream=True))
    return client


async def _settled(vendor: Vendor) -> None:
    """Return when a hundred turns of the loop brought no byte more."""
    before = -1
    while before != vendor.last.sent:
        before = vendor.last.sent
        for _ in range(100):
            await asyncio.sleep(0.001)


@pytest.mark.anyio
async def test_an_early_answer_comes_before_the_body() -> None:
    async with vendor_here() as vendor, connected(vendor) as wire:
        vendor.play(Play(early=True, framing=Framing.LENGTH))
        head, _, body = request_bytes().partition(b"\r\n\r\n")
        wire.send(head + b"\r\n\r\n")
        length = int((await wire.head()).partition(b"content-length: ")[2].split()[0])
        await wire.exactly(length)
        wire.send(body + request_bytes())
        await wire.head()
        assert [bool(each.body) for each in vendor.received] == [False, True]


@pytest.mark.anyio
async def test_a_body_may_end_with_the_connection() -> None:
    async with vendor_here() as vendor, connected(vendor) as wire:
        vendor.play(Play(framing=Framing.UNTIL_CLOSE))
        wire.send(request_bytes())
        assert b"content-length" not in await wire.head()
        assert json.loads(await wire.rest())["object"] == "chat.completion"


# What a common client makes of each sort of garbage: the body, or that it fails.
FINE = {"a second answer", "body longer than said", "a header of 100 KB"}
UNREADABLE = {"invalid chunk", "body shorter than said", "invalid gzip", "no HTTP"}


@pytest.mark.parametrize("name", GARBAGE)
@pytest.mark.anyio
async def test_garbage_is_garbage_to_a_client_of_http(name: str) -> None:
    async with vendor_here() as vendor:
        vendor.always(GARBAGE[name])
        timeout = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(timeout=timeout, max_field_size=200_000) as session:
            asked = session.post(vendor.url + ROUTES[0], json={"stream": True})
            if name in UNREADABLE:
                with pytest.raises(aiohttp.ClientError):
                    await (await asked).read()
            else:
                async with asked as got:
                    kind = got.headers.get("content-type", "")
                    assert _is_garbage(kind, await got.read()) is (name not in FINE)


def _is_garbage(kind: str, body: bytes) -> bool:
    try:
        datas = [body.decode()]
        if kind.startswith("text/event-stream"):
            datas = [each.data for each in EventReader().feed(body) if each.data != "[DONE]"]
        return not datas or not all(isinstance(json.loads(data), dict) for data in datas)
    except ValueError:
        return True


def test_an_answer_may_be_huge(vendor: Vendor) -> None:
    vendor.always(huge(5_000_000))
    assert chat(vendor)[0] == messages_stream(vendor)[0] == "x" * 5_000_000


def test_a_port_where_nobody_listens_refuses() -> None:
    with nobody_listens() as url, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", _port(url)), timeout=20)


def test_a_black_hole_takes_a_request_and_says_nothing() -> None:
    with black_hole() as url, socket.create_connection(("127.0.0.1", _port(url))) as sock:
        sock.sendall(request_bytes())
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_a_full_backlog_makes_no_connection() -> None:
    with full_backlog() as url, pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", _port(url)), timeout=0.5)


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
