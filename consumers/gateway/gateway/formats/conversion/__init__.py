"""Requests and answers carried from one wire format to another, whole and as streams.

llm-rosetta does it, since it alone of those tried takes one event at a time without I/O, keeps
`stop` and the caller's limits, adds nothing that costs money, and is small and quick; any-llm-sdk
offers half of it in private functions over models of pydantic, and linguafranca drops `stop`,
turns caching on and mixes up parallel calls. Where it fails, the modules beside this one say what
they mend.
"""

from __future__ import annotations

from gateway.formats.conversion.errors import (
    GarbledAnswerError,
    TruncatedStreamError,
    UnconvertibleRequestError,
)
from gateway.formats.conversion.interface import Conversion, StreamConversion
from gateway.formats.conversion.pairs import conversion

__all__ = [
    "Conversion",
    "GarbledAnswerError",
    "StreamConversion",
    "TruncatedStreamError",
    "UnconvertibleRequestError",
    "conversion",
]
