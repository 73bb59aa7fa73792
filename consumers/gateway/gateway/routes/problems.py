"""Says what is wrong with the shape of a request, and repeats nothing of it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from gateway.keys.layers import KNOWN_NAMES
from gateway.refusals import Code, Refusal

_PLACES = ("body", "path", "query")
# Whoever sends a hundred mistakes is told of the first few.
_TOLD = 10


def names_of(description: Mapping[str, Any]) -> frozenset[str]:
    """Return the names that an OpenAPI description gives to members and parameters."""
    return frozenset((*_PLACES, *KNOWN_NAMES, *_members(description), *_parameters(description)))


def refusal(problems: Sequence[Mapping[str, Any]], names: Collection[str]) -> Refusal:
    """Return the refusal (422) of a request by what validation found.

    Values are never told, nor names that are not among ours: a sender may have put a secret
    into either.
    """
    told = [{"at": _place(each["loc"], names), "problem": each["msg"]} for each in problems]
    details = {"field": told[0]["at"].rpartition(".")[2], "problems": told[:_TOLD]}
    message = "The request does not have the shape that this route takes."
    return Refusal(422, Code.INVALID_REQUEST, message, details=details)


def _place(location: Sequence[object], names: Collection[str]) -> str:
    known = itertools.takewhile(lambda part: part in names, location)
    return ".".join(str(part) for part in known)


def _members(description: Mapping[str, Any]) -> Iterator[str]:
    for schema in description["components"]["schemas"].values():
        yield from schema.get("properties", ())


def _parameters(description: Mapping[str, Any]) -> Iterator[str]:
    for operations in description["paths"].values():
        for operation in operations.values():
            yield from (each["name"] for each in operation.get("parameters", ()))
