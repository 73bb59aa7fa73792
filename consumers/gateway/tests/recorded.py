"""Recorded streams and answers, and strict readers that put a stream together again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.formats.events import Event, EventReader

HERE = Path(__file__).parent / "recordings"


def stream(name: str) -> list[Event]:
    """Return the events of a recorded stream."""
    return EventReader().feed((HERE / f"{name}.sse").read_bytes())


def names(wire: str) -> list[str]:
    """Return the names of all streams of a wire format."""
    return sorted(path.stem for path in HERE.glob(f"{wire}_*.sse"))


def answer(name: str) -> dict[str, Any]:
    """Return a recorded whole answer."""
    body: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text())
    return body


@dataclass
class Told:
    """What a guest was told by a stream, put together as its client would."""

    blocks: list[dict[str, Any]] = field(default_factory=list)
    reason: str | None = None
    usage: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    is_complete: bool = False


def told_by_messages(events: list[Event]) -> Told:
    """Read a stream of the messages wire, and fail where its grammar is broken."""
    told = Told()
    texts: list[list[str]] = []
    open_block: int | None = None
    for at, event in enumerate(events):
        body = json.loads(event.data)
        assert event.name == body["type"]
        assert not told.is_complete
        assert told.error is None
        match body["type"]:
            case "message_start":
                assert at == 0
                assert body["message"]["content"] == []
                assert body["message"]["stop_reason"] is None
            case "content_block_start":
                assert open_block is None
                assert told.reason is None
                assert body["index"] == len(told.blocks)
                open_block = body["index"]
                told.blocks.append(dict(body["content_block"]))
                texts.append([])
            case "content_block_delta":
                assert body["index"] == open_block
                _add_delta(told.blocks[-1], texts[-1], body["delta"])
            case "content_block_stop":
                assert body["index"] == open_block
                open_block = None
                _close_block(told.blocks[-1], texts[-1])
            case "message_delta":
                assert open_block is None
                told.reason, told.usage = body["delta"]["stop_reason"], body["usage"]
            case "message_stop":
                assert told.reason is not None
                told.is_complete = True
            case "error":
                told.error = body["error"]
            case other:
                raise AssertionError(other)
    return told


def _add_delta(block: dict[str, Any], texts: list[str], delta: dict[str, Any]) -> None:
    kinds = {
        "text": ["text_delta"],
        "thinking": ["thinking_delta"],
        "tool_use": ["input_json_delta"],
    }
    assert delta["type"] in kinds[block["type"]]
    texts.append(delta[delta["type"].removesuffix("_delta").replace("input_json", "partial_json")])


def _close_block(block: dict[str, Any], texts: list[str]) -> None:
    if block["type"] == "tool_use":
        assert block["input"] == {}
        block["input"] = json.loads("".join(texts) or "{}")
    else:
        assert block[block["type"]] == ""
        block[block["type"]] = "".join(texts)


def told_by_chat(events: list[Event]) -> Told:
    """Read a stream of the chat wire, and fail where its grammar is broken.

    The message's members come back as blocks of the messages wire, to be compared.
    """
    told = Told()
    seen = _Members()
    ids = set()
    for event in events:
        assert event.name is None
        assert not told.is_complete
        assert told.error is None
        if event.data == "[DONE]":
            told.is_complete = True
            continue
        body = json.loads(event.data)
        if "error" in body:
            told.error = body["error"]
            continue
        assert body["object"] == "chat.completion.chunk"
        ids.add((body["id"], body["created"], body["model"]))
        if not body["choices"]:
            assert told.reason is not None
            told.usage = body["usage"]
        for choice in body["choices"]:
            assert told.reason is None
            assert not body.get("usage")
            seen.add(choice["delta"])
            told.reason = choice["finish_reason"]
    assert len(ids) <= 1
    told.blocks = seen.blocks()
    return told


class _Members:
    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.thinking: list[dict[str, Any]] = []
        self.calls: dict[int, dict[str, Any]] = {}
        self.has_role = False

    def add(self, delta: dict[str, Any]) -> None:
        assert ("role" in delta) != self.has_role
        self.has_role = True
        for name in ("reasoning_content", "content", "refusal"):
            if delta.get(name):
                self.texts[name] = self.texts.get(name, "") + delta[name]
        self.thinking += delta.get("thinking_blocks", [])
        for call in delta.get("tool_calls", []):
            self.add_call(call)

    def add_call(self, call: dict[str, Any]) -> None:
        if "id" in call:
            assert call["index"] == len(self.calls)
            assert call["type"] == "function"
            self.calls[call["index"]] = {
                "type": "tool_use",
                "id": call["id"],
                "name": call["function"]["name"],
                "input": "",
            }
        self.calls[call["index"]]["input"] += call["function"]["arguments"]

    def blocks(self) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = [*self.thinking]
        made += [{"type": name, "text": text} for name, text in self.texts.items()]
        for call in self.calls.values():
            made.append({**call, "input": json.loads(call["input"] or "{}")})
        return made
