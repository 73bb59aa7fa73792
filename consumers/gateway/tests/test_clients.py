"""The vendors' own Python clients talk to the facade, and know its answers and its errors."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest

from gateway.formats.replies import ToolCall
from gateway.formats.wires import Wire
from tests import running
from tests.conftest import everywhere
from tests.guests import CONVERTED, KEY, WAYS, Guest, House, Kind, Way, guest, in_database
from tests.plays import (
    AFTER_HEADERS,
    BEFORE_HEADERS,
    TIME,
    WEATHER,
    Play,
    after,
    cut,
    failure,
    stall,
)
from tests.plays import answer as says
from tests.vendor import vendor_thread

TEXT = "One two  three,\n\nfour."
QUESTION: list[Any] = [{"role": "user", "content": "What is the weather?"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
CHAT_TOOLS: list[Any] = [
    {"type": "function", "function": {"name": each.name, "parameters": PARAMETERS}}
    for each in (WEATHER, TIME)
]
RESPONSES_TOOLS: list[Any] = [
    {"type": "function", "name": each.name, "parameters": PARAMETERS, "strict": False}
    for each in (WEATHER, TIME)
]
MESSAGES_TOOLS: list[Any] = [
    {"name": each.name, "input_schema": PARAMETERS} for each in (WEATHER, TIME)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a client hands to its user."""

    text: str
    calls: tuple[tuple[str, str, Any], ...]
    tokens: tuple[int, int]
    end: str | None


def expected(wire: Wire, text: str, tools: tuple[ToolCall, ...]) -> Told:
    ends = {
        Wire.CHAT: ("stop", "tool_calls"),
        Wire.RESPONSES: ("completed", "completed"),
        Wire.MESSAGES: ("end_turn", "tool_use"),
    }
    return Told(
        text=text,
        calls=tuple((each.id, each.name, json.loads(each.arguments)) for each in tools),
        tokens=(12, 7),
        end=ends[wire][bool(tools)],
    )


def of_chat(done: Any) -> Told:
    choice = done.choices[0]
    calls = choice.message.tool_calls or []
    return Told(
        text=choice.message.content or "",
        calls=tuple(
            (each.id, each.function.name, json.loads(each.function.arguments)) for each in calls
        ),
        tokens=(done.usage.prompt_tokens, done.usage.completion_tokens),
        end=choice.finish_reason,
    )


def of_responses(done: Any) -> Told:
    calls = [each for each in done.output if each.type == "function_call"]
    return Told(
        text=done.output_text,
        calls=tuple((each.call_id, each.name, json.loads(each.arguments)) for each in calls),
        tokens=(done.usage.input_tokens, done.usage.output_tokens),
        end=done.status,
    )


def of_messages(done: Any) -> Told:
    usage = done.usage
    calls = [each for each in done.content if each.type == "tool_use"]
    return Told(
        text="".join(each.text for each in done.content if each.type == "text"),
        calls=tuple((each.id, each.name, each.input) for each in calls),
        tokens=(usage.input_tokens + (usage.cache_read_input_tokens or 0), usage.output_tokens),
        end=done.stop_reason,
    )


def chat_wants(made: Guest, is_stream: bool) -> dict[str, Any]:
    usage = {"stream_options": {"include_usage": True}} if is_stream else {}
    return {"model": made.model, "messages": QUESTION, "tools": CHAT_TOOLS, **usage}


def responses_wants(made: Guest) -> dict[str, Any]:
    return {"model": made.model, "input": "What is the weather?", "tools": RESPONSES_TOOLS}


def messages_wants(made: Guest) -> dict[str, Any]:
    common = {"model": made.model, "max_tokens": 99, "messages": QUESTION}
    return {**common, "tools": MESSAGES_TOOLS}


def ask(made: Guest, wire: Wire, *, is_stream: bool, **more: Any) -> Told:
    """Ask with the client of a wire format, which does not use threads or loops."""
    if wire is Wire.MESSAGES:
        messages = made.sync_anthropic(**more).messages
        if not is_stream:
            return of_messages(messages.create(**messages_wants(made)))
        with messages.stream(**messages_wants(made)) as streamed:
            return of_messages(streamed.get_final_message())
    client = made.sync_openai(**more)
    if wire is Wire.RESPONSES:
        if not is_stream:
            return of_responses(client.responses.create(**responses_wants(made)))
        with client.responses.stream(**responses_wants(made)) as events:
            return of_responses(events.get_final_response())
    if not is_stream:
        return of_chat(client.chat.completions.create(**chat_wants(made, is_stream)))
    with client.chat.completions.stream(**chat_wants(made, is_stream)) as chunks:
        return of_chat(chunks.get_final_completion())


async def ask_async(made: Guest, wire: Wire, *, is_stream: bool) -> Told:
    """Ask with the asynchronous client of a wire format."""
    if wire is Wire.MESSAGES:
        async with made.async_anthropic() as client:
            if not is_stream:
                return of_messages(await client.messages.create(**messages_wants(made)))
            async with client.messages.stream(**messages_wants(made)) as streamed:
                return of_messages(await streamed.get_final_message())
    async with made.async_openai() as other:
        if wire is Wire.RESPONSES:
            if not is_stream:
                return of_responses(await other.responses.create(**responses_wants(made)))
            async with other.responses.stream(**responses_wants(made)) as events:
                return of_responses(await events.get_final_response())
        if not is_stream:
            return of_chat(await other.chat.completions.create(**chat_wants(made, is_stream)))
        async with other.chat.completions.stream(**chat_wants(made, is_stream)) as chunks:
            return of_chat(await chunks.get_final_completion())


ANSWERS: list[tuple[str, tuple[ToolCall, ...]]] = [
    (TEXT, ()),
    ("", (WEATHER,)),
    (TEXT, (WEATHER, TIME)),
]


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("text", "tools"), ANSWERS, ids=["text", "tool", "text and tools"])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_client_reads_text_tools_and_usage(
    house: House, way: Way, text: str, tools: tuple[ToolCall, ...], is_stream: bool
) -> None:
    house.vendor.play(says(text, *tools))
    told = ask(house.on(way), way.wire, is_stream=is_stream)
    assert told == expected(way.wire, text, tools)
    assert house.vendor.last.received.wire is way.vendor_wire
    assert house.vendor.last.received.streams == is_stream


@pytest.mark.anyio
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("text", "tools"), ANSWERS, ids=["text", "tool", "text and tools"])
@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_an_asynchronous_client_reads_the_same(
    house: House, way: Way, text: str, tools: tuple[ToolCall, ...], is_stream: bool
) -> None:
    house.vendor.play(says(text, *tools))
    told = await ask_async(house.on(way), way.wire, is_stream=is_stream)
    assert told == expected(way.wire, text, tools)


def test_both_ways_of_an_anthropic_client_to_send_its_token_are_taken(house: House) -> None:
    made = house.guest(Kind.BOTH)
    base_url = str(made.sync_anthropic().base_url)
    for client in (
        anthropic.Anthropic(base_url=base_url, max_retries=0, api_key=made.token),
        anthropic.Anthropic(base_url=base_url, max_retries=0, auth_token=made.token),
    ):
        assert client.messages.create(**messages_wants(made)).stop_reason == "end_turn"


@pytest.mark.parametrize("way", CONVERTED, ids=str)
def test_a_conversation_with_tools_goes_on(house: House, way: Way) -> None:
    """The results of the tools come back to the vendor as results, in its own format."""
    made = house.on(way)
    house.vendor.play(says("", WEATHER), says("Rain."))
    if way.wire is Wire.CHAT:
        client = made.sync_openai().chat.completions
        first = client.create(**chat_wants(made, is_stream=False)).choices[0].message
        result = {"role": "tool", "tool_call_id": WEATHER.id, "content": "rain"}
        turns = [*QUESTION, first.model_dump(exclude_none=True), result]
        wanted = {**chat_wants(made, is_stream=False), "messages": turns}
        assert client.create(**wanted).choices[0].message.content == "Rain."
        sent = house.vendor.last.received.json["messages"][-1]["content"][-1]
        assert (sent["type"], sent["tool_use_id"]) == ("tool_result", WEATHER.id)
        return
    messages = made.sync_anthropic().messages
    before = messages.create(**messages_wants(made))
    block = {"type": "tool_result", "tool_use_id": WEATHER.id, "content": "rain"}
    more = [
        {"role": "assistant", "content": [each.model_dump() for each in before.content]},
        {"role": "user", "content": [block]},
    ]
    done = messages.create(**{**messages_wants(made), "messages": [*QUESTION, *more]})
    assert of_messages(done).text == "Rain."
    sent = house.vendor.last.received.json["messages"][-1]
    assert (sent["role"], sent["tool_call_id"], sent["content"]) == ("tool", WEATHER.id, "rain")


# Errors of the vendor

OPENAI_ERRORS: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    402: openai.APIStatusError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    413: openai.APIStatusError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
    529: openai.InternalServerError,
}
ANTHROPIC_ERRORS: dict[int, type[anthropic.APIStatusError]] = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    402: anthropic.PaymentRequiredError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    409: anthropic.ConflictError,
    413: anthropic.ContentTooLargeError,
    422: anthropic.UnprocessableEntityError,
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
    503: anthropic.InternalServerError,
    529: anthropic.InternalServerError,
}
AnyError = openai.APIStatusError | anthropic.APIStatusError


def error_class(wire: Wire, status: int) -> type[AnyError]:
    if wire is Wire.MESSAGES:
        return ANTHROPIC_ERRORS.get(status, anthropic.APIStatusError)
    return OPENAI_ERRORS.get(status, openai.APIStatusError)


def caught(way: Way, status: int, call: Callable[[], object]) -> AnyError:
    """Return the error that a call of the client raises, of exactly the class of the status."""
    wanted = error_class(way.wire, status)
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as raised:
        call()
    error = raised.value
    assert isinstance(error, wanted)
    assert error.status_code == status
    return error


def words_of(error: AnyError) -> dict[str, Any]:
    """Return the error in the body, which one of the clients unpacks and the other does not."""
    body = error.body
    assert isinstance(body, dict)
    found: dict[str, Any] = body.get("error", body)
    return found


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("status", OPENAI_ERRORS)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_vendors_error_is_raised_as_the_vendors_own(
    house: House, way: Way, status: int, is_stream: bool
) -> None:
    house.vendor.play(failure(status, f"No, since {status}.", retry_after="11"))
    made = house.on(way)
    error = caught(way, status, lambda: ask(made, way.wire, is_stream=is_stream))
    assert f"No, since {status}." in error.message
    assert words_of(error)["message"] == f"No, since {status}."
    assert error.response.headers["retry-after"] == "11"
    assert error.request_id == "req_vendor"
    assert len(house.vendor.received) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_an_asynchronous_client_raises_the_same(house: House, way: Way) -> None:
    house.vendor.play(failure(429, "Slowly.", retry_after="11"))
    with pytest.raises(error_class(way.wire, 429), match=r"Slowly\."):
        await ask_async(house.on(way), way.wire, is_stream=True)


VENDOR_TYPES = [(429, "rate_limit_exceeded"), (401, "invalid_api_key"), (404, "model_not_found")]


@pytest.mark.parametrize(("status", "code"), VENDOR_TYPES)
def test_a_vendors_own_code_is_kept_where_its_protocol_is(
    house: House, status: int, code: str
) -> None:
    way = WAYS[1]
    house.vendor.play(failure(status))
    error = caught(way, status, lambda: ask(house.on(way), way.wire, is_stream=False))
    assert isinstance(error, openai.APIStatusError)
    assert error.code == code
    house.vendor.play(failure(status))
    other = CONVERTED[0]
    error = caught(other, status, lambda: ask(house.on(other), other.wire, is_stream=False))
    assert isinstance(error, openai.APIStatusError)
    assert error.code == "VENDOR_FAILED"


@pytest.mark.parametrize("first", [429, 500, 529], ids=str)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_client_asks_again_by_itself(house: House, way: Way, first: int) -> None:
    house.vendor.play(failure(first, retry_after="0.01"), says(TEXT))
    made = house.on(way)
    told = ask(made, way.wire, is_stream=True, max_retries=2)
    assert told == expected(way.wire, TEXT, ())
    assert len(house.vendor.received) == 2


# Errors in the middle of a stream


def mid_stream(way: Way, call: Callable[[], object]) -> str:
    """Return what a client says that hears of an error when its stream is under way."""
    with pytest.raises((openai.APIError, anthropic.APIStatusError)) as raised:
        call()
    error = raised.value
    assert isinstance(error, openai.APIError | anthropic.APIError)
    assert isinstance(error, anthropic.APIError) == (way.wire is Wire.MESSAGES)
    return f"{error.message} {error.body}"


@pytest.mark.parametrize("way", [way for way in WAYS if way.wire is not Wire.RESPONSES], ids=str)
def test_a_vendors_error_in_mid_stream_is_raised_with_its_text(house: House, way: Way) -> None:
    house.vendor.play(Play(error_after=3, error_message="The engine is on fire."))
    made = house.on(way)
    told = mid_stream(way, lambda: ask(made, way.wire, is_stream=True))
    assert "The engine is on fire." in told


def test_a_vendors_error_in_mid_stream_of_responses_is_the_vendors_event(house: House) -> None:
    """This client hands on what the vendor said, and finds no end to the answer."""
    house.vendor.play(Play(error_after=3, error_message="The engine is on fire."))
    made = house.guest(Kind.OPENAI)
    events = list(made.sync_openai().responses.create(**responses_wants(made), stream=True))
    assert events[-1].type == "error"
    assert events[-1].message == "The engine is on fire."
    house.vendor.play(Play(error_after=3))
    with pytest.raises(RuntimeError, match="completed"):
        ask(made, Wire.RESPONSES, is_stream=True)


@pytest.mark.parametrize("place", [AFTER_HEADERS, after(1), after(3)], ids=str)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_cut_stream_is_raised(house: House, way: Way, place: Any) -> None:
    house.vendor.play(cut(place))
    made = house.on(way)
    told = mid_stream(way, lambda: ask(made, way.wire, is_stream=True))
    assert "broke off" in told
    assert "VENDOR_FAILED" in told


def raw_stream(made: Guest, wire: Wire) -> Iterator[Any]:
    """Ask for a stream in the plainest way: events as they come."""
    if wire is Wire.MESSAGES:
        return iter(made.sync_anthropic().messages.create(**messages_wants(made), stream=True))
    client = made.sync_openai()
    if wire is Wire.RESPONSES:
        return iter(client.responses.create(**responses_wants(made), stream=True))
    wanted = {**chat_wants(made, is_stream=True), "stream": True}
    return iter(client.chat.completions.create(**wanted))


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_cut_stream_is_raised_to_whoever_reads_events(house: House, way: Way) -> None:
    house.vendor.play(cut(after(5)))
    seen: list[Any] = []

    def read() -> None:
        seen.extend(raw_stream(house.on(way), way.wire))

    assert "broke off" in mid_stream(way, read)


# Errors of the facade


@pytest.fixture(name="hasty", scope="module")
def _hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with vendor_thread() as playing:
        url = f"{playing.url}/v1"
        settings = running.settings(
            tmp_path_factory.mktemp("hasty"),
            base_urls=everywhere(url) | {"huggingface": {"anthropic": url}},
            answer_seconds=0.25,
            silence_seconds=0.25,
            body_limit=4096,
        )
        with running.gateway(settings) as made:
            yield House(gateway=made, vendor=playing)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_late_vendor_is_raised(hasty: House, way: Way) -> None:
    hasty.vendor.forget()
    hasty.vendor.play(stall(BEFORE_HEADERS), stall(after(2)))
    made = hasty.on(way)
    error = caught(way, 504, lambda: ask(made, way.wire, is_stream=True))
    assert words_of(error)["code"] == "VENDOR_TIMEOUT"
    told = mid_stream(way, lambda: ask(made, way.wire, is_stream=True))
    assert "silent" in told
    assert "504" in told


def _stopped(made: Guest) -> Guest:
    answered = made.gateway.admin.post(f"/api/runtime/sessions/{made.session}/stop")
    assert answered.status_code == 204
    return made


def _keyless(made: Guest) -> Guest:
    in_database(made.gateway, "DELETE FROM session_secrets WHERE session_id = ?", made.session)
    return made


def _with(**changes: Any) -> Callable[[Guest], Guest]:
    def change(made: Guest) -> Guest:
        fields = {name: getattr(made, name) for name in ("gateway", "session", "token", "model")}
        return Guest(**{**fields, **changes})

    return change


BREAKS: list[tuple[str, Callable[[Guest], Guest], int, str]] = [
    ("unknown token", _with(token="fac_" + "1" * 64), 401, "TOKEN_INVALID"),
    ("stopped session", _stopped, 403, "FORBIDDEN"),
    ("body too large", _with(model="m" * 8192), 413, "BODY_TOO_LARGE"),
    ("no model", _with(model=" "), 400, "MODEL_REQUIRED"),
    ("another model", _with(model="another"), 403, "FORBIDDEN"),
    ("no key", _keyless, 424, "MISSING_CREDENTIAL"),
]


@pytest.mark.parametrize(
    ("break_it", "status", "code"), [each[1:] for each in BREAKS], ids=[each[0] for each in BREAKS]
)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_facades_own_errors_are_raised(
    hasty: House, way: Way, break_it: Callable[[Guest], Guest], status: int, code: str
) -> None:
    made = break_it(guest(hasty.gateway, way.kind))
    error = caught(way, status, lambda: ask(made, way.wire, is_stream=True))
    assert words_of(error)["code"] == code
    assert words_of(error)["message"] in error.message
    assert KEY not in str(error.body)


@pytest.mark.parametrize("wire", list(Wire))
def test_a_vendor_that_no_conversion_reaches_is_raised(house: House, wire: Wire) -> None:
    made = house.guest(Kind.NEITHER)
    way = Way(wire=wire, kind=Kind.NEITHER, vendor_wire=wire)
    error = caught(way, 400, lambda: ask(made, wire, is_stream=False))
    assert words_of(error)["code"] == "SURFACE_UNREACHABLE"


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_vendor_that_hangs_up_is_raised(house: House, way: Way) -> None:
    house.vendor.play(cut(BEFORE_HEADERS, reset=True))
    error = caught(way, 502, lambda: ask(house.on(way), way.wire, is_stream=False))
    assert words_of(error)["code"] == "VENDOR_FAILED"


@pytest.mark.anyio
async def test_a_client_that_stops_reading_early_is_no_error(house: House) -> None:
    house.vendor.play(Play(endless=True, pace=0.01))
    made = house.guest(Kind.OPENAI)
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(made.async_openai())
        wanted = {**chat_wants(made, is_stream=True), "stream": True}
        create: Callable[..., Awaitable[Any]] = client.chat.completions.create
        chunks = await create(**wanted)
        async for chunk in chunks:
            if chunk.choices[0].delta.content:
                break
        await chunks.close()
    await house.vendor.until(lambda: house.vendor.last.ended == "client gone")
