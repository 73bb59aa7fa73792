"""What a request's body says, and the same body with another model id in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from json.decoder import JSONDecoder
from typing import Any, NoReturn

from gateway.formats.wires import Wire

# What one picture, sound or file counts for, however long its encoding is: vendors price
# these by size in pixels or pages, never by the letters of base64.
BLOB_CHARACTERS = 6_000
# Tokens beyond this are a slip or an attack on the arithmetic, not a limit.
_MOST_TOKENS = 10**9
_BLANKS = " \t\n\r"
_BLOB_KEYS = frozenset({"data", "file_data", "image_url", "url"})
_LIMITS = {
    Wire.CHAT: ("max_completion_tokens", "max_tokens"),
    Wire.RESPONSES: ("max_output_tokens",),
    Wire.MESSAGES: ("max_tokens",),
}
# The members that a vendor reads as input; the rest are settings.
_INPUT = {
    Wire.CHAT: ("messages", "tools", "functions", "response_format"),
    Wire.RESPONSES: ("input", "instructions", "tools", "text"),
    Wire.MESSAGES: ("messages", "system", "tools"),
}


class UndecodableBodyError(Exception):
    """The body is not a JSON object that every reader would read alike; the text is for a guest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request's body: its bytes, its members, and where the value of `model` lies.

    `model` is empty where the body has none, or one that is no text.
    """

    wire: Wire
    text: str = field(repr=False)
    members: dict[str, Any] = field(repr=False)
    model: str
    model_span: tuple[int, int]

    @property
    def is_stream(self) -> bool:
        """Whether the guest asks for events; what is sent back follows the vendor's answer."""
        return self.members.get("stream") is True

    @property
    def asks_for_usage(self) -> bool:
        """Whether a stream of this request will end with usage.

        Only the chat wire leaves it out unless asked. On a surface of its own protocol such a
        body is passed on unchanged all the same: transparency is the rule, and a request
        without usage is settled by the policy for that.
        """
        if self.wire is not Wire.CHAT or not self.is_stream:
            return True
        options = self.members.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    @property
    def input_characters(self) -> int:
        """How many characters of input the vendor will read; a blob counts `BLOB_CHARACTERS`."""
        return sum(_characters(self.members.get(name)) for name in _INPUT[self.wire])

    @property
    def output_limit(self) -> int | None:
        """The most tokens that the guest lets the answer have, all choices together.

        Of two limits the larger counts, since it is the vendor who picks one. What is not a
        positive number is no limit.
        """
        limits = [_positive(self.members.get(name)) for name in _LIMITS[self.wire]]
        most = max(limits)
        choices = _positive(self.members.get("n")) if self.wire is Wire.CHAT else 1
        return min(most * max(choices, 1), _MOST_TOKENS) if most else None

    def with_model(self, model: str) -> bytes:
        """Return the body's bytes with this model id in the place of the guest's, and no other
        byte changed."""
        if model == self.model:
            return self.text.encode()
        start, end = self.model_span
        return f"{self.text[:start]}{json.dumps(model)}{self.text[end:]}".encode()


def read_body(wire: Wire, raw: bytes) -> Body:
    """Return what the bytes of a request say; raises UndecodableBodyError.

    They must be one JSON object in UTF-8 in which no name stands twice at the top, nor `model`
    in another case: readers differ in which of two they take, and the model that was
    authorised must be the one that the vendor sees.
    """
    try:
        text = raw.decode()
        members, spans = _members(text)
    except (ValueError, IndexError, RecursionError):
        raise UndecodableBodyError("the body is not a JSON object in UTF-8") from None
    if any(name != "model" and name.casefold() == "model" for name in members):
        raise UndecodableBodyError("the body spells its member 'model' in two ways or a wrong one")
    model = members.get("model")
    return Body(
        wire=wire,
        text=text,
        members=members,
        model=model if isinstance(model, str) else "",
        model_span=spans.get("model", (0, 0)),
    )


def _refuse_constant(name: str) -> NoReturn:
    # NaN and Infinity are Python's extension: other readers stop at them.
    raise ValueError(name)


_DECODER = JSONDecoder(parse_constant=_refuse_constant)


def _members(text: str) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
    # One pass by the standard library's own scanner, so that what is found here is what
    # `json.loads` would find, and so that a long value costs what it costs in C.
    members: dict[str, Any] = {}
    spans: dict[str, tuple[int, int]] = {}
    at = _past(text, 1 if text.startswith("\ufeff") else 0, "{")
    if text[at] == "}":
        at += 1
    else:
        at = _read_members(text, at, members, spans)
    if text[at:].strip(_BLANKS):
        raise ValueError("something follows the object")
    return members, spans


def _read_members(
    text: str, at: int, members: dict[str, Any], spans: dict[str, tuple[int, int]]
) -> int:
    while True:
        if text[at] != '"':
            raise ValueError("a name is missing")
        name, at = _DECODER.raw_decode(text, at)
        start = _past(text, at, ":")
        value, at = _DECODER.raw_decode(text, start)
        if name in members:
            raise UndecodableBodyError(f"the body has its member {name[:64]!r} twice")
        members[name], spans[name] = value, (start, at)
        at = _skip(text, at)
        if text[at] == "}":
            return at + 1
        at = _past(text, at, ",")


def _past(text: str, at: int, mark: str) -> int:
    """Return where the next token after this mark starts."""
    at = _skip(text, at)
    if text[at] != mark:
        raise ValueError(f"{mark} is missing")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANKS:
        at += 1
    return at


def _positive(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return min(max(value, 0), _MOST_TOKENS)


def _characters(value: object) -> int:
    # This runs on every request: one loop, no call for each of the thousands of values.
    total, rest = 0, [value]
    while rest:
        one = rest.pop()
        if isinstance(one, str):
            total += len(one)
        elif isinstance(one, list):
            rest += one
        elif isinstance(one, dict):
            for name, item in one.items():
                total += len(name)
                if not isinstance(item, str):
                    rest.append(item)
                elif name in _BLOB_KEYS:
                    total += min(len(item), BLOB_CHARACTERS)
                else:
                    total += len(item)
    return total
