"""What a vendor's error says, told to a guest in its own protocol and without the key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from gateway.formats.headers import to_guest
from gateway.formats.wires import Wire
from gateway.keys.redaction import redacted
from gateway.refusals import Code, Refusal
from gateway.resolution import Route

_MESSAGE_CHARACTERS = 2000
_WORD_CHARACTERS = 200
_WORDLESS = "The vendor refused the request, and did not say why."
# Where vendors put the sentence of an error, the most telling place first.
_PLACES = ("message", "error", "detail", "msg")
_OWN_WORDS = ("type", "code", "param")


def refusal(
    status: int, headers: Iterable[tuple[str, str]], raw: bytes, route: Route, wire: Wire
) -> Refusal:
    """Return a vendor's error as the guest of a wire format gets it.

    It has the vendor's status and sentence, and its own words for the kind of error too
    where it speaks the guest's protocol. Of its headers only what `to_guest` lets through.
    """
    error = _error(raw)
    key = route.key
    told = next(_sentences(error), _WORDLESS)
    kept = to_guest(headers, wire.protocol)
    return Refusal(
        status,
        Code.VENDOR_FAILED,
        redacted(told, key)[:_MESSAGE_CHARACTERS],
        details=_own_words(error, key) if route.conversion is None else {},
        headers={name: value for name, value in kept if redacted(value, key) == value},
    )


def _error(raw: bytes) -> object:
    """Return what an error's body holds, out of the envelope that most vendors use."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return _plain_text(raw)
    if isinstance(document, list) and document:
        document = document[0]
    if isinstance(document, dict) and isinstance(document.get("error"), dict):
        return document["error"]
    return document


def _plain_text(raw: bytes) -> str | None:
    """Return a short text that is no page of HTML."""
    text = raw.decode(errors="replace").strip()
    return text if len(text) <= _MESSAGE_CHARACTERS and not text.startswith("<") else None


def _sentences(error: object) -> Iterator[str]:
    found: list[object] = [error]
    if isinstance(error, dict):
        found = [error.get(place) for place in _PLACES]
    yield from (text for text in found if isinstance(text, str) and text.strip())


def _own_words(error: object, key: str) -> dict[str, Any]:
    if not isinstance(error, dict):
        return {}
    return {
        name: redacted(word, key)
        for name in _OWN_WORDS
        if isinstance(word := error.get(name), str) and 0 < len(word) <= _WORD_CHARACTERS
    }
