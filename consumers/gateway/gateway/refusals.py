"""Every way in which this service says no, and the body it says it in."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping

from starlette.responses import Response

from gateway.formats.wires import WireProtocol


class Code(enum.StrEnum):
    """The codes of our own errors. A vendor's error keeps the vendor's words."""

    ADMIN_KEY_REQUIRED = "ADMIN_KEY_REQUIRED"
    AMBIGUOUS_MODEL = "AMBIGUOUS_MODEL"
    BAD_REQUEST = "BAD_REQUEST"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    CONTROL_PLANE_FAILED = "CONTROL_PLANE_FAILED"
    CONTROL_PLANE_REFUSED = "CONTROL_PLANE_REFUSED"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    FORBIDDEN = "FORBIDDEN"
    HEADERS_TOO_LARGE = "HEADERS_TOO_LARGE"
    INTERNAL = "INTERNAL"
    INVALID_REQUEST = "INVALID_REQUEST"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    MISSING_BYOK_CREDENTIAL = "MISSING_BYOK_CREDENTIAL"
    MISSING_CREDENTIAL = "MISSING_CREDENTIAL"
    MODEL_NOT_SERVED = "MODEL_NOT_SERVED"
    MODEL_REQUIRED = "MODEL_REQUIRED"
    NOT_FOUND = "NOT_FOUND"
    OVER_BUDGET = "OVER_BUDGET"
    PRICE_REQUIRED = "PRICE_REQUIRED"
    RATE_LIMITED = "RATE_LIMITED"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    SECRET_UNREADABLE = "SECRET_UNREADABLE"  # noqa: S105
    SESSION_STOPPED = "SESSION_STOPPED"
    SURFACE_UNREACHABLE = "SURFACE_UNREACHABLE"
    TOKEN_INVALID = "TOKEN_INVALID"  # noqa: S105
    TOKEN_REQUIRED = "TOKEN_REQUIRED"  # noqa: S105
    UNREGISTERED_MODEL_FOR_RUNTIME = "UNREGISTERED_MODEL_FOR_RUNTIME"
    USER_BLOCKED = "USER_BLOCKED"
    USER_EXISTS = "USER_EXISTS"
    VENDOR_FAILED = "VENDOR_FAILED"
    VENDOR_TIMEOUT = "VENDOR_TIMEOUT"
    VENDOR_UNREACHABLE = "VENDOR_UNREACHABLE"


_INVALID = "invalid_request_error"
# What the anthropic wire format calls an error of a status; the rest is invalid or ours.
_ANTHROPIC_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OPENAI_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


class Refusal(Exception):  # noqa: N818
    """A request that ends here: its status, our code, and a sentence for its sender.

    `details` are further facts for the caller (names, ids), never a value of a secret.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details or {}
        self.headers = headers or {}

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.message}"

    def with_headers(self, headers: Iterable[tuple[str, str]]) -> Refusal:
        """Return the same refusal with these headers too; its own come before them."""
        more = {**dict(headers), **self.headers}
        return Refusal(self.status, self.code, self.message, details=self.details, headers=more)

    def response(self) -> Response:
        """Return the answer of our own routes: `{"error": {code, message, …}}`."""
        error = {"code": self.code, "message": self.message, **self.details}
        return self._answer({"error": error})

    def response_on(self, protocol: WireProtocol) -> Response:
        """Return the answer in the shape in which this protocol's clients read errors."""
        body = error_body(protocol, self.status, self.message, self.code, self.details)
        return self._answer(body)

    def _answer(self, body: dict[str, object]) -> Response:
        # In ASCII: a vendor's words may hold half a character, which UTF-8 does not have.
        return Response(json.dumps(body), self.status, dict(self.headers), "application/json")


def error_body(
    protocol: WireProtocol,
    status: int,
    message: str,
    code: str | None = None,
    details: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return an error as a client of the protocol reads it, for a body or for an event."""
    more = dict(details or {})
    if protocol == "anthropic":
        kind = _ANTHROPIC_TYPES.get(status, "api_error" if status >= 500 else _INVALID)
        named = {} if code is None else {"code": code}
        return {"type": "error", "error": {"type": kind, "message": message, **named, **more}}
    kind = _OPENAI_TYPES.get(status, "server_error" if status >= 500 else _INVALID)
    return {"error": {"message": message, "type": kind, "param": None, "code": code, **more}}
