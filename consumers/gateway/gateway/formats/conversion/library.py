"""The library that converts, and nothing else of this service imports it."""

from __future__ import annotations

import logging
import warnings
from typing import Any

from llm_rosetta import (
    AnthropicConverter,
    BaseConverter,
    OpenAIChatConverter,
    OpenAIResponsesConverter,
)
from llm_rosetta.converters.base.helpers.cache import clear_all_caches
from llm_rosetta.types.ir.validation import ValidationError

from gateway.formats.conversion.errors import GarbledAnswerError, UnconvertibleRequestError
from gateway.formats.wires import Wire

# It warns of every member that has no like on the other side: a guest's choice, no news.
warnings.filterwarnings("ignore", module="llm_rosetta")
# It also logs parts of a request that it cannot read, and these are the guest's alone.
_LOG = logging.getLogger("llm_rosetta")
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False

_CONVERTERS: dict[Wire, type[BaseConverter]] = {
    Wire.CHAT: OpenAIChatConverter,
    Wire.MESSAGES: AnthropicConverter,
    Wire.RESPONSES: OpenAIResponsesConverter,
}
# The library's own error, and what plain Python raises from a value of an unexpected shape.
_BAD_SHAPE = (
    ValidationError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def convert_request(source: Wire, target: Wire, body: dict[str, Any]) -> dict[str, Any]:
    """Return the request in the other wire format; raises UnconvertibleRequestError."""
    # Null is how a client says "not set"; the library takes it for a value.
    told = {name: value for name, value in body.items() if value is not None}
    reader = _CONVERTERS[source]()
    # Its own check takes ten times as long as the conversion, and the shapes that matter were
    # checked before.
    reader.validate_output = False
    try:
        parsed = reader.request_from_provider(told)
        written, _ = _CONVERTERS[target]().request_to_provider(parsed)
    except _BAD_SHAPE:
        raise UnconvertibleRequestError(
            "the request is not of its wire format, or has no like in that of the model's provider"
        ) from None
    finally:
        # It keeps 512 tools of any size for half an hour, and they are the guests'.
        clear_all_caches()
    return written


def convert_answer(source: Wire, target: Wire, body: dict[str, Any]) -> dict[str, Any]:
    """Return a whole answer in the other wire format; raises GarbledAnswerError."""
    try:
        parsed = _CONVERTERS[source]().response_from_provider(body)
        written: dict[str, Any] = _CONVERTERS[target]().response_to_provider(parsed)
    except _BAD_SHAPE:
        raise GarbledAnswerError("the vendor's answer is not of its wire format") from None
    return written


class LibraryStream:
    """Turns the vendor's events into the guest's, one at a time, as the library does it."""

    def __init__(self, source: Wire, target: Wire) -> None:
        self._source, self._target = _CONVERTERS[source](), _CONVERTERS[target]()
        self._reading = self._source.create_stream_context()
        self._writing = self._target.create_stream_context()

    def feed(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the guest's events for one of the vendor's; raises GarbledAnswerError."""
        try:
            parsed = self._source.stream_response_from_provider(event, context=self._reading)
            return [written for one in parsed for written in self._written(one)]
        except _BAD_SHAPE:
            raise GarbledAnswerError("the vendor's event is not of its wire format") from None

    def _written(self, parsed: Any) -> list[dict[str, Any]]:
        written = self._target.stream_response_to_provider(parsed, context=self._writing)
        found = written if isinstance(written, list) else [written]
        # An empty one stands for "nothing to say".
        return [one for one in found if one]
