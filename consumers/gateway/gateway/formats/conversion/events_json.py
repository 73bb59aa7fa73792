"""Events whose data is JSON, read and written."""

from __future__ import annotations

import json
from typing import Any

from gateway.formats.conversion.errors import GarbledAnswerError
from gateway.formats.events import Event


def parsed(event: Event) -> dict[str, Any]:
    """Return the object in an event's data; raises GarbledAnswerError."""
    try:
        body = json.loads(event.data)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise GarbledAnswerError("the vendor sent an event that is not JSON")
    return body


def written(body: dict[str, Any], name: str | None = None) -> Event:
    """Return an event with this object as its data."""
    return Event(data=json.dumps(body, separators=(",", ":")), name=name)


def dicts(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list, and none of what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def member(value: object, name: str) -> Any:
    """Return a member of an object, or None of what is no object."""
    return value.get(name) if isinstance(value, dict) else None
