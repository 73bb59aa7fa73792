"""The vendor of the tests speaks the wire formats: the vendors' own clients understand it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.plays import (
    TIME,
    WEATHER,
    answer,
)
from tests.vendor import (
    Vendor,
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
