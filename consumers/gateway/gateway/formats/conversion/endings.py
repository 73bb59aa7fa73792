"""Why an answer ended and what it used, in the words of the other wire format.

The library counts cached tokens as OpenAI's formats do in one direction and as Anthropic's does
in the other, loses those written to a cache, and calls every unusual end a usual one.
"""

from __future__ import annotations

from typing import Any

from gateway.formats.usage import Usage

_REFUSAL_TEXT = "The model refused to answer."
_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def finish_reason(stop_reason: object) -> str:
    """Return the chat wire's word for a stop reason of the messages wire."""
    return _FINISH_REASONS.get(str(stop_reason), "stop")


def refusal_text(stop_details: object) -> str:
    """Return the words of a refusal of the messages wire, which need not give any."""
    found = stop_details.get("explanation") if isinstance(stop_details, dict) else None
    return found if isinstance(found, str) and found else _REFUSAL_TEXT


def stop_reason(finish_reason: object, *, is_refusal: bool) -> str:
    """Return the messages wire's word for a finish reason of the chat wire."""
    return "refusal" if is_refusal else _STOP_REASONS.get(str(finish_reason), "end_turn")


def chat_usage(usage: Usage | None) -> dict[str, Any]:
    """Return usage as the chat wire has it: cached tokens are part of the prompt."""
    usage = usage or Usage(input_tokens=0, output_tokens=0)
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
    }


def responses_usage(usage: Usage | None) -> dict[str, Any]:
    """Return usage as the responses wire has it: cached tokens are part of the input."""
    usage = usage or Usage(input_tokens=0, output_tokens=0)
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def messages_usage(usage: Usage | None) -> dict[str, Any]:
    """Return usage as the messages wire has it: cached tokens stand beside the input."""
    usage = usage or Usage(input_tokens=0, output_tokens=0)
    return {
        "input_tokens": usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
    }
