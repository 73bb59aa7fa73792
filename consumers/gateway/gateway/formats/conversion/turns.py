"""Requests that the library wrote for a vendor of the messages wire, put right.

It leaves results of parallel calls apart, keeps reasoning that nobody signed, adds members of its
own to blocks, and drops the schema that the answer must follow.
"""

from __future__ import annotations

from typing import Any

from gateway.formats.conversion.events_json import dicts

# The messages wire demands a limit; this many tokens every model of it can write.
DEFAULT_MAX_TOKENS = 8192
THINKING = ("thinking", "redacted_thinking")
# What marks the signature of reasoning whose text is hidden, where a wire has but one place.
HIDDEN = "redacted_thinking:"
_ITS_OWN = ("caller", "_provider_metadata")


def tidy_turns(
    messages: object, thinking: dict[str, list[dict[str, Any]]] | None = None
) -> list[dict[str, Any]]:
    """Return the messages as the vendor takes them.

    `thinking` holds signed reasoning that the guest brings back, by the id of the first call
    of its turn.
    """
    return _merged(_signed(messages, thinking or {}))


def wants_format(made: dict[str, Any], schema: object) -> None:
    """Have the answer follow a schema, where there is one."""
    if isinstance(schema, dict):
        wanted = {"type": "json_schema", "schema": schema}
        made["output_config"] = {**made.get("output_config", {}), "format": wanted}


def continues_unsigned_calls(messages: list[dict[str, Any]]) -> bool:
    """Whether the last turn calls tools without the reasoning that led there.

    A vendor refuses to go on with reasoning then, and not every guest brings it back.
    """
    turns = [one["content"] for one in messages if one["role"] == "assistant"]
    if not turns or messages[-1]["content"][0].get("type") != "tool_result":
        return False
    return not any(one.get("type") in THINKING for one in turns[-1])


def _signed(messages: object, thinking: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    made = []
    for message in dicts(messages):
        blocks = [_plain(one) for one in dicts(message["content"]) if not _is_unsigned(one)]
        first = next((one["id"] for one in blocks if one.get("type") == "tool_use"), "")
        if message["role"] == "assistant":
            blocks = [*thinking.get(first, []), *blocks]
        if blocks:
            made.append({**message, "content": blocks})
    return made


def _is_unsigned(block: dict[str, Any]) -> bool:
    # The vendor refuses a whole request for one block of reasoning without its signature.
    return block.get("type") == "thinking" and not block.get("signature")


def _plain(block: dict[str, Any]) -> dict[str, Any]:
    signature = block.get("signature")
    if isinstance(signature, str) and signature.startswith(HIDDEN):
        return {"type": "redacted_thinking", "data": signature.removeprefix(HIDDEN)}
    return {name: value for name, value in block.items() if name not in _ITS_OWN}


def _merged(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages with those of one role in a row as one: so results of parallel calls
    come in one message, as the wire demands."""
    made: list[dict[str, Any]] = []
    for message in messages:
        if made and made[-1]["role"] == message["role"]:
            joined = [*made[-1]["content"], *message["content"]]
            made[-1] = {**made[-1], "content": joined}
        else:
            made.append(message)
    return made
