"""Refuses, before the library sees them, bodies that it would bend or lose parts of in silence."""

from __future__ import annotations

from typing import Any

from gateway.formats.conversion.errors import UnconvertibleRequestError

_NUMBERS = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "max_output_tokens")
_CHAT_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_CHAT_PARTS = frozenset({"text", "image_url", "refusal"})
_RESPONSES_ROLES = frozenset({"system", "developer", "user", "assistant"})
_RESPONSES_PARTS = frozenset({"input_text", "input_image", "output_text", "refusal"})
_RESPONSES_ITEMS = frozenset({"message", "reasoning", "function_call", "function_call_output"})
_MESSAGES_ROLES = frozenset({"user", "assistant"})
_MESSAGES_BLOCKS = frozenset(
    {"text", "image", "thinking", "redacted_thinking", "tool_use", "tool_result"}
)


def check_chat(body: dict[str, Any]) -> None:
    """Raise UnconvertibleRequestError unless a chat request is one that can be converted."""
    for at, message in enumerate(_objects(body.get("messages"), "messages")):
        where = f"messages[{at}]"
        _one_of(message, "role", _CHAT_ROLES, where)
        _check_parts(message.get("content"), _CHAT_PARTS, f"{where}.content")
        _check_calls(message.get("tool_calls"), f"{where}.tool_calls")
        if message["role"] == "tool":
            _text(message, "tool_call_id", where)
    for at, tool in enumerate(_objects(body.get("tools") or [], "tools")):
        _check_chat_tool(tool, f"tools[{at}]")
    _check_settings(body)
    if body.get("functions"):
        raise UnconvertibleRequestError("'functions' cannot be converted: give them as 'tools'")
    if body.get("n") not in (None, 1):
        raise UnconvertibleRequestError("'n' must be 1: this model gives one answer a request")


def check_messages(body: dict[str, Any]) -> None:
    """Raise UnconvertibleRequestError unless a messages request can be converted."""
    for at, message in enumerate(_objects(body.get("messages"), "messages")):
        where = f"messages[{at}]"
        _one_of(message, "role", _MESSAGES_ROLES, where)
        _check_parts(message.get("content"), _MESSAGES_BLOCKS, f"{where}.content")
        for block in _blocks(message.get("content")):
            _check_block(block, where)
    _check_parts(body.get("system"), frozenset({"text"}), "system")
    for at, tool in enumerate(_objects(body.get("tools") or [], "tools")):
        _text(tool, "name", f"tools[{at}]")
        if not isinstance(tool.get("input_schema"), dict):
            raise UnconvertibleRequestError(
                f"tools[{at}] is run by its vendor and cannot be converted: it has no input_schema"
            )
    _check_settings(body)


def check_responses(body: dict[str, Any]) -> None:
    """Raise UnconvertibleRequestError unless a responses request can be converted."""
    items = body.get("input")
    if not isinstance(items, str):
        for at, item in enumerate(_objects(items, "input")):
            _check_item(item, f"input[{at}]")
    if not isinstance(body.get("instructions") or "", str):
        raise UnconvertibleRequestError("instructions must be a text")
    for at, tool in enumerate(_objects(body.get("tools") or [], "tools")):
        if tool.get("type") != "function":
            raise UnconvertibleRequestError(f"tools[{at}] is not a function: it has no like here")
        _text(tool, "name", f"tools[{at}]")
    for name in ("previous_response_id", "conversation", "background", "prompt"):
        if body.get(name):
            raise UnconvertibleRequestError(f"{name} needs a vendor that keeps responses")
    _check_settings(body)


def _check_item(item: dict[str, Any], where: str) -> None:
    kind = item.get("type", "message")
    _one_of({"type": kind}, "type", _RESPONSES_ITEMS, where)
    if kind == "message":
        _one_of(item, "role", _RESPONSES_ROLES, where)
        _check_parts(item.get("content"), _RESPONSES_PARTS, f"{where}.content")
    elif kind == "reasoning":
        _objects(item.get("summary") or [], f"{where}.summary")
    else:
        _text(item, "call_id", where)
    if kind == "function_call":
        _text(item, "name", where)
        _text(item, "arguments", where)
    elif kind == "function_call_output":
        _check_parts(item.get("output"), _RESPONSES_PARTS, f"{where}.output")


def _check_block(block: dict[str, Any], where: str) -> None:
    if block["type"] == "tool_use":
        _text(block, "id", where)
        _text(block, "name", where)
    elif block["type"] == "tool_result":
        _text(block, "tool_use_id", where)
        _check_parts(block.get("content"), frozenset({"text", "image"}), f"{where} tool_result")


def _check_chat_tool(tool: dict[str, Any], where: str) -> None:
    if tool.get("type") != "function" or not isinstance(tool.get("function"), dict):
        raise UnconvertibleRequestError(f"{where} is not a function, and cannot be converted")
    _text(tool["function"], "name", f"{where}.function")
    if not isinstance(tool["function"].get("parameters") or {}, dict):
        raise UnconvertibleRequestError(f"{where}.function.parameters must be an object")


def _check_calls(calls: object, where: str) -> None:
    for at, call in enumerate(_objects(calls or [], where)):
        function = call.get("function")
        if not isinstance(function, dict):
            raise UnconvertibleRequestError(f"{where}[{at}].function must be an object")
        _text(call, "id", f"{where}[{at}]")
        _text(function, "name", f"{where}[{at}].function")
        if not isinstance(function.get("arguments") or "", str):
            raise UnconvertibleRequestError(f"{where}[{at}].function.arguments must be a text")


def _check_parts(content: object, kinds: frozenset[str], where: str) -> None:
    if content is None or isinstance(content, str):
        return
    for at, part in enumerate(_objects(content, where)):
        _one_of(part, "type", kinds, f"{where}[{at}]")
        if part["type"].endswith("text"):
            _text(part, "text", f"{where}[{at}]")


def _check_settings(body: dict[str, Any]) -> None:
    for name in _NUMBERS:
        value = body.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise UnconvertibleRequestError(f"{name} must be a number")


def _blocks(content: object) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else []


def _objects(value: object, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise UnconvertibleRequestError(f"{where} must be a list of objects")
    return value


def _text(value: dict[str, Any], name: str, where: str) -> None:
    if not isinstance(value.get(name), str):
        raise UnconvertibleRequestError(f"{where}.{name} must be a text")


def _one_of(value: dict[str, Any], name: str, known: frozenset[str], where: str) -> None:
    found = value.get(name)
    if not isinstance(found, str) or found not in known:
        raise UnconvertibleRequestError(
            f"{where}.{name} cannot be converted: it must be one of {', '.join(sorted(known))}"
        )
