"""What the OpenAPI page says of answers that are refusals: status, code, and body."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from gateway.formats.wires import WireProtocol
from gateway.refusals import Code

Schema = dict[str, Any]
Answers = dict[int | str, dict[str, Any]]
Refusals = tuple[tuple[int, Code], ...]

# What is answered before there is a route, and so in no wire format.
_UNHEARD: Refusals = (
    (400, Code.BAD_REQUEST),
    (408, Code.REQUEST_TIMEOUT),
    (431, Code.HEADERS_TOO_LARGE),
)
# What any route may answer.
_ANY: Refusals = (
    (500, Code.INTERNAL),
    (503, Code.DATABASE_UNAVAILABLE),
)
# What any route of the administrator may answer; some only where it takes a body.
ADMINISTRATORS: Refusals = (
    *_ANY,
    (400, Code.BAD_REQUEST),
    (401, Code.ADMIN_KEY_REQUIRED),
    (413, Code.BODY_TOO_LARGE),
)
_LLM: Refusals = (
    *_ANY,
    (400, Code.BAD_REQUEST),
    (400, Code.MODEL_NOT_SERVED),
    (400, Code.MODEL_REQUIRED),
    (400, Code.SURFACE_UNREACHABLE),
    (401, Code.TOKEN_INVALID),
    (401, Code.TOKEN_REQUIRED),
    (402, Code.PRICE_REQUIRED),
    (403, Code.FORBIDDEN),
    (403, Code.OVER_BUDGET),
    (403, Code.USER_BLOCKED),
    (404, Code.NOT_FOUND),
    (413, Code.BODY_TOO_LARGE),
    (424, Code.MISSING_CREDENTIAL),
    (429, Code.RATE_LIMITED),
    (500, Code.SECRET_UNREADABLE),
    (502, Code.VENDOR_FAILED),
    (502, Code.VENDOR_UNREACHABLE),
    (504, Code.VENDOR_TIMEOUT),
)
FACADE: Refusals = (*_LLM, (400, Code.AMBIGUOUS_MODEL))
DIRECT: Refusals = (
    *_LLM,
    *((status, Code.CONTROL_PLANE_REFUSED) for status in (401, 402, 403, 404, 429)),
    (502, Code.CONTROL_PLANE_FAILED),
)

_TEXT: Schema = {"type": "string"}
_EVENT: Schema = {"type": "object", "properties": {"event": _TEXT, "data": _TEXT}}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_NAMES = {"type": "array", "items": _TEXT, "description": "Any one of these names would do."}
_PROBLEM: Schema = {"type": "object", "properties": {"at": _TEXT, "problem": _TEXT}}
# What a refusal tells beside its code and its message.
_DETAILS: dict[Code, Schema] = {
    Code.INVALID_REQUEST: {"field": _TEXT, "problems": {"type": "array", "items": _PROBLEM}},
    Code.MODEL_REQUIRED: {"field": _TEXT},
    Code.UNREGISTERED_MODEL_FOR_RUNTIME: {
        "field": _TEXT,
        "verdict": _TEXT,
        "suggestions": _TEXTS,
    },
    Code.MISSING_BYOK_CREDENTIAL: {
        "field": _TEXT,
        "provider": _TEXT,
        "missing_env": _NAMES,
        "remedy": _TEXT,
    },
    Code.MISSING_CREDENTIAL: {"provider": _TEXT, "accepted_names": _NAMES},
    Code.MODEL_NOT_SERVED: {"registry_code": _TEXT},
    Code.AMBIGUOUS_MODEL: {"registry_code": _TEXT},
}


def administrators(*more: tuple[int, Code]) -> Answers:
    """Return the refusals of a route of the administrator, `more` among them."""
    return refusals(*ADMINISTRATORS, (422, Code.INVALID_REQUEST), *more)


def anyones(*more: tuple[int, Code]) -> Answers:
    """Return the refusals of a route that anyone may call, `more` among them."""
    return refusals(*_ANY, *more)


def refusals(*given: tuple[int, Code]) -> Answers:
    """Return the answers that refuse in the shape of our own routes."""
    return {
        status: _answer(status, codes, _own_body(codes))
        for status, codes in _by_status((*given, *_UNHEARD))
    }


def on_wire(protocol: WireProtocol, given: Refusals) -> Answers:
    """Return the answers of a route that speaks a wire format: it refuses in that format.

    A vendor's own errors keep their status, whichever it is.
    """
    # A path that is not spelt as the route is has no route either.
    unrouted = dict((*_UNHEARD, (404, Code.NOT_FOUND)))
    answers: Answers = {}
    for status, codes in _by_status((*given, *unrouted.items())):
        body = _wire_body(protocol, (*codes, Code.VENDOR_FAILED))
        shapes = [body, _own_body((unrouted[status],))] if status in unrouted else [body]
        schema = {"anyOf": shapes} if len(shapes) > 1 else body
        answers[status] = _answer(status, (*codes, Code.VENDOR_FAILED), schema)
    body = _wire_body(protocol, (Code.VENDOR_FAILED,))
    for statuses in ("4XX", "5XX"):
        answers[statuses] = {
            "description": f"{Code.VENDOR_FAILED}: the vendor's own error, in its own words.",
            "content": {"application/json": {"schema": body}},
        }
    answers[200] = {
        "description": "The vendor's answer; as events where the vendor streams.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/event-stream": {"schema": _EVENT},
        },
    }
    return answers


def asking(required: Iterable[str]) -> dict[str, Any]:
    """Return what the page says of a body in a wire format: an object with these members."""
    members = {"model": {"type": "string", "minLength": 1}, "stream": {"type": "boolean"}}
    schema = {
        "type": "object",
        "required": ["model", *required],
        "properties": members,
        "additionalProperties": True,
    }
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def _by_status(given: Iterable[tuple[int, Code]]) -> list[tuple[int, tuple[Code, ...]]]:
    found: dict[int, list[Code]] = {}
    for status, code in sorted(set(given)):
        found.setdefault(status, []).append(code)
    return [(status, tuple(codes)) for status, codes in found.items()]


def _answer(status: int, codes: tuple[Code, ...], schema: Schema) -> dict[str, Any]:
    description = f"{HTTPStatus(status).phrase}: {', '.join(codes)}."
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _object(properties: Schema, required: tuple[str, ...]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def _details(codes: tuple[Code, ...]) -> Schema:
    return {name: schema for code in codes for name, schema in _DETAILS.get(code, {}).items()}


def _own_body(codes: tuple[Code, ...]) -> Schema:
    members = {"code": {"enum": list(codes)}, "message": _TEXT, **_details(codes)}
    return _object({"error": _object(members, ("code", "message"))}, ("error",))


def _wire_body(protocol: WireProtocol, codes: tuple[Code, ...]) -> Schema:
    told = {"type": _TEXT, "message": _TEXT, "code": {"enum": list(codes)}, **_details(codes)}
    if protocol == "anthropic":
        error = _object(told, ("type", "message", "code"))
        return _object({"type": {"const": "error"}, "error": error}, ("type", "error"))
    error = _object({**told, "param": {"type": "null"}}, ("type", "message", "code", "param"))
    return _object({"error": error}, ("error",))
