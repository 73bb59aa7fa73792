"""The items of a response's output, each made of one block of the messages wire."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from gateway.formats.conversion.turns import HIDDEN

Made = tuple[str, dict[str, Any]]


class Item(ABC):
    """One item of the output: the events that open it, add to it and close it."""

    def __init__(self, identity: str, at: int) -> None:
        self._id = identity
        self._texts: list[str] = []
        self._place = {"item_id": identity, "output_index": at}
        self._at = at

    @property
    def text(self) -> str:
        """What was added so far."""
        return "".join(self._texts)

    def open(self) -> Iterator[Made]:
        """Return the events that announce the item."""
        item = self.written("in_progress")
        yield "response.output_item.added", {"output_index": self._at, "item": item}
        yield from self._opened()

    @abstractmethod
    def add(self, delta: dict[str, Any]) -> Iterator[Made]:
        """Return the events for a delta of the block, or for what the block began with."""

    def close(self) -> Iterator[Made]:
        """Return the events that end the item."""
        yield from self._closed()
        item = self.written("completed")
        yield "response.output_item.done", {"output_index": self._at, "item": item}

    @abstractmethod
    def written(self, status: str) -> dict[str, Any]:
        """Return the item as it is now; one in progress is empty."""

    def _opened(self) -> Iterator[Made]:
        yield from ()

    def _closed(self) -> Iterator[Made]:
        yield from ()

    def _added(self, kind: str, text: object, **place: object) -> Iterator[Made]:
        if isinstance(text, str) and text:
            self._texts.append(text)
            yield kind, {**self._place, **place, "delta": text}


class _Text(Item):
    """A message with one part, its text or a refusal."""

    kind = "output_text"
    member = "text"

    def add(self, delta: dict[str, Any]) -> Iterator[Made]:
        yield from self._added(
            f"response.{self.kind}.delta",
            delta.get(self.member),
            content_index=0,
            **self._no_probabilities(),
        )

    def written(self, status: str) -> dict[str, Any]:
        content = [] if status == "in_progress" else [self._part(self.text)]
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        }

    def _part(self, text: str) -> dict[str, Any]:
        part: dict[str, Any] = {"type": self.kind, self.member: text}
        return {**part, "annotations": [], "logprobs": []} if self.kind == "output_text" else part

    def _no_probabilities(self) -> dict[str, Any]:
        return {"logprobs": []} if self.kind == "output_text" else {}

    def _opened(self) -> Iterator[Made]:
        place = {**self._place, "content_index": 0}
        yield "response.content_part.added", {**place, "part": self._part("")}

    def _closed(self) -> Iterator[Made]:
        place = {**self._place, "content_index": 0}
        done = {**place, self.member: self.text, **self._no_probabilities()}
        yield f"response.{self.kind}.done", done
        yield "response.content_part.done", {**place, "part": self._part(self.text)}


class _Refusal(_Text):
    kind = "refusal"
    member = "refusal"


class _Reasoning(Item):
    """Reasoning: its text as a summary, and its signature as what the guest brings back."""

    def __init__(self, identity: str, at: int) -> None:
        super().__init__(identity, at)
        self._signature: list[str] = []

    def add(self, delta: dict[str, Any]) -> Iterator[Made]:
        if isinstance(signature := delta.get("signature"), str):
            self._signature.append(signature)
        kind = "response.reasoning_summary_text.delta"
        yield from self._added(kind, delta.get("thinking"), summary_index=0)

    def written(self, status: str) -> dict[str, Any]:
        is_empty = status == "in_progress"
        return {
            "id": self._id,
            "type": "reasoning",
            "summary": [] if is_empty else [{"type": "summary_text", "text": self.text}],
            "encrypted_content": None if is_empty else "".join(self._signature) or None,
        }

    def _opened(self) -> Iterator[Made]:
        place = {**self._place, "summary_index": 0}
        part = {"type": "summary_text", "text": ""}
        yield "response.reasoning_summary_part.added", {**place, "part": part}

    def _closed(self) -> Iterator[Made]:
        place = {**self._place, "summary_index": 0}
        part = {"type": "summary_text", "text": self.text}
        yield "response.reasoning_summary_text.done", {**place, "text": self.text}
        yield "response.reasoning_summary_part.done", {**place, "part": part}


class _Hidden(_Reasoning):
    """Reasoning that only its vendor can read, to be brought back as it is."""

    def add(self, delta: dict[str, Any]) -> Iterator[Made]:
        if isinstance(data := delta.get("data"), str):
            self._signature.append(f"{HIDDEN}{data}")
        yield from ()

    def written(self, status: str) -> dict[str, Any]:
        return {**super().written(status), "summary": []}

    def _opened(self) -> Iterator[Made]:
        yield from ()

    def _closed(self) -> Iterator[Made]:
        yield from ()


class _Call(Item):
    """A call of a function; arguments that never came are an empty object."""

    def __init__(self, identity: str, at: int, block: dict[str, Any]) -> None:
        super().__init__(identity, at)
        self._call_id, self._name = str(block.get("id")), str(block.get("name"))

    def add(self, delta: dict[str, Any]) -> Iterator[Made]:
        arguments = delta.get("partial_json") or delta.get("arguments")
        yield from self._added("response.function_call_arguments.delta", arguments)

    def written(self, status: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "function_call",
            "status": status,
            "call_id": self._call_id,
            "name": self._name,
            "arguments": "" if status == "in_progress" else self.text or "{}",
        }

    def _closed(self) -> Iterator[Made]:
        done = {**self._place, "name": self._name, "arguments": self.text or "{}"}
        yield "response.function_call_arguments.done", done


def item_of(block: dict[str, Any], response: str, at: int) -> Item | None:
    """Return the item for a block that begins, or None for a kind that has no like."""
    kind = block.get("type")
    if kind == "text":
        return _Text(f"msg_{response}_{at}", at)
    if kind == "thinking":
        return _Reasoning(f"rs_{response}_{at}", at)
    if kind == "redacted_thinking":
        return _Hidden(f"rs_{response}_{at}", at)
    if kind == "tool_use":
        return _Call(f"fc_{response}_{at}", at, block)
    return None


def refusal_item(response: str, at: int) -> Item:
    """Return an item that says that the model refused."""
    return _Refusal(f"msg_{response}_{at}", at)
