"""The vendor of the demonstration answers the vendors' own clients with what they said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import openai
import pytest

from gateway.demo import demo_vendor

pytestmark = pytest.mark.anyio

REPLY = "Hello from the demo vendor. You said: good  day"
EARLIER: list[Any] = [
    {"role": "user", "content": "first"},
    {"role": "assistant", "content": "I hear."},
]


@pytest.fixture(name="address")
async def _address() -> AsyncIterator[str]:
    async with demo_vendor(pause=0) as address:
        yield address


async def chat(address: str, content: Any) -> tuple[str, str, int]:
    async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none") as client:
        messages = [*EARLIER, {"role": "user", "content": content}]
        whole = await client.chat.completions.create(model="m", messages=messages)
        async with client.chat.completions.stream(
            model="m", messages=messages, stream_options={"include_usage": True}
        ) as stream:
            done = await stream.get_final_completion()
    assert whole.usage is not None
    assert whole.usage == done.usage
    texts = whole.choices[0].message.content, done.choices[0].message.content
    return texts[0] or "", texts[1] or "", whole.usage.completion_tokens


async def responses(address: str, content: Any) -> tuple[str, str, int]:
    async with openai.AsyncOpenAI(base_url=f"{address}/any/v1", api_key="none") as client:
        asked: Any = [*EARLIER, {"role": "user", "content": content}]
        whole = await client.responses.create(model="m", input=asked)
        async with client.responses.stream(model="m", input=asked) as stream:
            done = await stream.get_final_response()
    assert whole.usage is not None
    assert whole.usage == done.usage
    return whole.output_text, done.output_text, whole.usage.output_tokens


async def messages(address: str, content: Any) -> tuple[str, str, int]:
    async with anthropic.AsyncAnthropic(base_url=address, api_key="none") as client:
        asked: Any = [*EARLIER, {"role": "user", "content": content}]
        whole = await client.messages.create(model="m", max_tokens=99, messages=asked)
        async with client.messages.stream(model="m", max_tokens=99, messages=asked) as stream:
            done = await stream.get_final_message()
    assert whole.usage == done.usage
    texts = [
        "".join(each.text for each in one.content if each.type == "text") for one in (whole, done)
    ]
    return texts[0], texts[1], whole.usage.output_tokens


PART = [{"type": "text", "text": "good  day"}]


@pytest.mark.parametrize(
    ("ask", "content"),
    [
        (chat, "good  day"),
        (chat, PART),
        (responses, "good  day"),
        (responses, [{"type": "input_text", "text": "good  day"}]),
        (messages, "good  day"),
        (messages, PART),
    ],
)
async def test_the_last_words_of_the_user_come_back(address: str, ask: Any, content: Any) -> None:
    whole, streamed, tokens = await ask(address, content)
    assert (whole, streamed) == (REPLY, REPLY)
    assert tokens > 0


async def test_a_question_of_one_text_is_answered(address: str) -> None:
    async with openai.AsyncOpenAI(base_url=address, api_key="none") as client:
        done = await client.responses.create(model="m-1", input="good  day")
    assert (done.output_text, done.model) == (REPLY, "m-1")


async def test_a_stream_comes_word_by_word(address: str) -> None:
    async with anthropic.AsyncAnthropic(base_url=address, api_key="none") as client:
        asked: Any = {
            "model": "m",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "a b"}],
        }
        async with client.messages.stream(**asked) as stream:
            words = [text async for text in stream.text_stream]
    assert words[-3:] == ["said: ", "a ", "b"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"messages": []}',
        b'{"model": 7}',
        b'{"model": "\xff"}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("path", ["v1/chat/completions", "responses", "v1/messages"])
async def test_a_bad_body_is_refused_in_words(address: str, path: str, body: bytes) -> None:
    kind = {"content-type": "application/json; charset=none-such"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{address}/{path}", data=body, headers=kind) as answer,
    ):
        assert answer.status == 400
        assert (await answer.json())["error"]["message"]


@pytest.mark.parametrize(
    "messages", [[], None, 7, ["x"], [{"role": "user"}], [{"role": "user", "content": [7]}]]
)
async def test_no_words_at_all_are_answered_too(address: str, messages: Any) -> None:
    body = {"model": "m", "messages": messages, "stream_options": "odd"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{address}/v1/chat/completions", json=body) as answer,
    ):
        said = (await answer.json())["choices"][0]["message"]["content"]
    assert said == "Hello. You said nothing."


async def test_it_ends_with_its_context_also_in_the_middle_of_a_stream() -> None:
    async with aiohttp.ClientSession() as session:
        async with demo_vendor(pause=3600) as address:
            body = {"model": "m", "messages": [], "stream": True}
            answer = await session.post(f"{address}/v1/messages", json=body)
            await answer.content.readline()
        async with asyncio.timeout(20):
            with pytest.raises(aiohttp.ClientError):
                await answer.read()
