"""The facade's checks: each with its status, body and headers, and each before the next."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from gateway.formats.wires import Wire
from tests import running
from tests.conftest import everywhere
from tests.guests import KEY, PATHS, Guest, Kind, guest, in_database
from tests.plays import failure
from tests.running import Running
from tests.vendor import Vendor, black_hole, nobody_listens, vendor_thread

LIMIT = 4096
GATEWAYS_OWN = ("date", "server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A gateway whose providers are partly gone, by the model that leads there.

    The impatient one shares its database, and waits for no vendor.
    """

    gateway: Running
    impatient: Running
    vendor: Vendor


@pytest.fixture(scope="module", name="deployment")
def _deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with contextlib.ExitStack() as stack:
        vendor = stack.enter_context(vendor_thread())
        urls = everywhere(f"{vendor.url}/v1")
        urls["groq"] = {"openai": stack.enter_context(nobody_listens())}
        urls["openrouter"] = {"openai": stack.enter_context(black_hole())}
        settings = running.settings(
            tmp_path_factory.mktemp("checks"),
            base_urls=urls,
            body_limit=LIMIT,
        )
        made = stack.enter_context(running.gateway(settings))
        hasty = settings.model_copy(update={"answer_seconds": 0.2})
        impatient = stack.enter_context(running.gateway(hasty))
        yield Deployment(gateway=made, impatient=impatient, vendor=vendor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A request that may break several rules at once."""

    guest: Guest
    wire: Wire
    impatient: Running
    token: str | None = None
    raw: bytes | None = None
    members: Mapping[str, Any] = field(default_factory=dict)

    def go(self) -> httpx.Response:
        body = self.raw
        if body is None:
            body = self.guest.body(self.wire, **self.members)
        headers = {"content-type": "application/json"}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        path = self.guest.path(self.wire)
        return self.guest.gateway.anyone.post(path, content=body, headers=headers)


Break = Callable[[Attempt], Attempt]


def no_token(attempt: Attempt) -> Attempt:
    return replace(attempt, token=None)


def unknown_token(attempt: Attempt) -> Attempt:
    return replace(attempt, token="fac_" + "0" * 64)


def other_session(attempt: Attempt) -> Attempt:
    other = guest(attempt.guest.gateway, Kind.BOTH)
    return replace(attempt, token=other.token)


def _token_row(attempt: Attempt, change: str, *values: object) -> Attempt:
    session = attempt.guest.session
    statement = f"UPDATE facade_tokens SET {change} WHERE session_id = ?"
    in_database(attempt.guest.gateway, statement, *values, session)
    return attempt


def revoked(attempt: Attempt) -> Attempt:
    return _token_row(attempt, "revoked_at = '2026-01-01 00:00:00.000000'")


def expired(attempt: Attempt) -> Attempt:
    return _token_row(attempt, "expires_at = '2026-01-01 00:00:00.000000'")


def other_wire(attempt: Attempt) -> Attempt:
    other = "openai" if attempt.wire is Wire.MESSAGES else "anthropic"
    return _token_row(attempt, "wire = ?", other)


def stopped(attempt: Attempt) -> Attempt:
    change = "UPDATE sessions SET state = 'stopped' WHERE id = ?"
    in_database(attempt.guest.gateway, change, attempt.guest.session)
    return attempt


def missing(attempt: Attempt) -> Attempt:
    in_database(attempt.guest.gateway, "DELETE FROM sessions WHERE id = ?", attempt.guest.session)
    return attempt


def too_large(attempt: Attempt) -> Attempt:
    body = attempt.raw if attempt.raw is not None else attempt.guest.body(attempt.wire)
    return replace(attempt, raw=body + b" " * LIMIT)


def undecodable(attempt: Attempt) -> Attempt:
    return replace(attempt, raw=b"{'model': 'none'")


def empty_model(attempt: Attempt) -> Attempt:
    return replace(attempt, members={**attempt.members, "model": " \t"})


def other_model(attempt: Attempt) -> Attempt:
    return replace(attempt, members={**attempt.members, "model": "no-such-model"})


def dropped_model(attempt: Attempt) -> Attempt:
    """The model was in the registry when the session began, and is not any more."""
    attempt = replace(attempt, members={**attempt.members, "model": "no-longer-a-model"})
    return _token_row(attempt, "model = 'no-longer-a-model'")


def other_provider(attempt: Attempt) -> Attempt:
    return _token_row(attempt, "provider = 'another-provider'")


def _with(attempt: Attempt, model: str, key: str | None) -> Attempt:
    """Move the attempt to a session of hermes or openclaw with this model."""
    runtime = "openclaw" if model.startswith("groq:") else "hermes"
    name = {"arcee/m": "ARCEE_API_KEY", "groq:m": "GROQ_API_KEY"}.get(model, "OPENROUTER_API_KEY")
    gateway = attempt.guest.gateway
    made = gateway.session(runtime, model, secrets={name: KEY})
    if key is None:
        statement = "DELETE FROM session_secrets WHERE session_id = ?"
        in_database(gateway, statement, made["id"])
    token = made["environment"]["OPENAI_API_KEY"]
    moved = Guest(gateway=gateway, session=made["id"], token=token, model=model)
    return replace(attempt, guest=moved, token=token)


def no_surface(attempt: Attempt) -> Attempt:
    return _with(attempt, "arcee/m", KEY)


def no_surface_and_no_key(attempt: Attempt) -> Attempt:
    return _with(attempt, "arcee/m", None)


def no_key(attempt: Attempt) -> Attempt:
    """Nobody listens at this vendor either, and that comes later."""
    return _with(attempt, "groq:m", None)


def unreachable(attempt: Attempt) -> Attempt:
    return _with(attempt, "groq:m", KEY)


def late(attempt: Attempt) -> Attempt:
    attempt = _with(attempt, "openrouter/m", KEY)
    return replace(attempt, guest=replace(attempt.guest, gateway=attempt.impatient))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table: how to break it, and what is answered."""

    break_it: Break
    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    is_unread: bool = False


_ASK = {"www-authenticate": "Bearer"}
_GONE = {"registry_code": "unregistered_model"}
_KEYLESS = {"provider": "groq", "accepted_names": ["GROQ_API_KEY"]}
_TOO_LARGE = f"The body is longer than {LIMIT} bytes."
_NOT_JSON = "the body is not a JSON object in UTF-8"


def _row(
    break_it: Break, status: int, code: str, message: str, *, is_unread: bool = False, **more: Any
) -> Row:
    return Row(
        break_it=break_it, status=status, code=code, message=message, is_unread=is_unread, **more
    )


def _stranger(break_it: Break, code: str, message: str) -> Row:
    return _row(break_it, 401, code, message, headers=_ASK, is_unread=True)


def _forbidden(break_it: Break, message: str, *, is_unread: bool = True) -> Row:
    return _row(break_it, 403, "FORBIDDEN", message, is_unread=is_unread)


ROWS = [
    _row(
        no_token, 401, "TOKEN_REQUIRED", "Send the session's token.", headers=_ASK, is_unread=True
    ),
    _row(
        unknown_token,
        401,
        "TOKEN_INVALID",
        "This token is not known.",
        headers=_ASK,
        is_unread=True,
    ),
    _forbidden(other_session, "This token belongs to another session."),
    _forbidden(revoked, "This token has been revoked."),
    _forbidden(expired, "This token has expired."),
    _forbidden(other_wire, ""),
    _forbidden(missing, "The session is missing or stopped."),
    _forbidden(stopped, "The session is missing or stopped."),
    _row(too_large, 413, "BODY_TOO_LARGE", _TOO_LARGE, is_unread=True),
    _row(undecodable, 400, "BAD_REQUEST", _NOT_JSON),
    _row(empty_model, 400, "MODEL_REQUIRED", "Name a model."),
    _forbidden(other_model, "This token is for another model.", is_unread=False),
    _row(dropped_model, 400, "MODEL_NOT_SERVED", "This model is not served here.", details=_GONE),
    _forbidden(other_provider, "This token is for another provider.", is_unread=False),
    _row(no_surface, 400, "SURFACE_UNREACHABLE", ""),
    _row(no_key, 424, "MISSING_CREDENTIAL", "Groq needs one of: GROQ_API_KEY.", details=_KEYLESS),
    _row(unreachable, 502, "VENDOR_UNREACHABLE", "The vendor cannot be reached."),
    _row(late, 504, "VENDOR_TIMEOUT", "The vendor did not answer in time."),
]
ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    413: "request_too_large",
    424: "invalid_request_error",
    502: "api_error",
    504: "timeout_error",
}
OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    413: "invalid_request_error",
    424: "invalid_request_error",
    502: "server_error",
    504: "server_error",
}
MESSAGES: dict[tuple[Break, Wire], str] = {
    (other_wire, Wire.MESSAGES): "This token is for openai requests.",
    (other_wire, Wire.CHAT): "This token is for anthropic requests.",
    (other_wire, Wire.RESPONSES): "This token is for anthropic requests.",
    (no_surface, Wire.MESSAGES): "Arcee cannot be reached with messages requests.",
    (no_surface, Wire.CHAT): "Arcee cannot be reached with chat/completions requests.",
    (no_surface, Wire.RESPONSES): "Arcee cannot be reached with responses requests.",
}


def start(deployment: Deployment, wire: Wire) -> Attempt:
    """Return an attempt that breaks nothing."""
    deployment.vendor.forget()
    made = guest(deployment.gateway, Kind.BOTH if wire is Wire.MESSAGES else Kind.OPENAI)
    return Attempt(guest=made, wire=wire, impatient=deployment.impatient, token=made.token)


def told(row: Row, wire: Wire) -> dict[str, Any]:
    """Return the body that a row's answer has in a wire format."""
    message = MESSAGES.get((row.break_it, wire), row.message)
    if wire is Wire.MESSAGES:
        kind = ANTHROPIC_TYPES[row.status]
        error = {"type": kind, "message": message, "code": row.code, **row.details}
        return {"type": "error", "error": error}
    kind = OPENAI_TYPES[row.status]
    error = {"message": message, "type": kind, "param": None, "code": row.code, **row.details}
    return {"error": error}


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in GATEWAYS_OWN}


def check(answer: httpx.Response, row: Row, wire: Wire) -> None:
    assert answer.status_code == row.status, answer.text
    assert answer.json() == told(row, wire)
    closed = {"connection": "close"} if row.is_unread else {}
    length = {"content-length": str(len(answer.content))}
    expected = {"content-type": "application/json", **length, **closed, **row.headers}
    assert _headers(answer) == expected


@pytest.mark.parametrize("wire", list(Wire))
def test_a_request_that_breaks_nothing_is_answered(deployment: Deployment, wire: Wire) -> None:
    assert start(deployment, wire).go().status_code == 200


@pytest.mark.parametrize("wire", list(Wire))
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.break_it.__name__)
def test_a_broken_rule_is_told(deployment: Deployment, row: Row, wire: Wire) -> None:
    check(row.break_it(start(deployment, wire)).go(), row, wire)
    assert deployment.vendor.received == []


def _pairs() -> Iterator[tuple[Row, Break]]:
    """Yield each row with the way to break a later one as well, for all that can be broken both.

    Within a status nothing tells the rows apart but a sentence: the first stands for all.
    """
    by_name = {row.break_it.__name__: row for row in ROWS}
    order = [
        ("no_token", stopped),
        ("unknown_token", stopped),
        ("no_token", too_large),
        ("other_session", too_large),
        ("revoked", too_large),
        ("expired", too_large),
        ("other_wire", too_large),
        ("missing", too_large),
        ("stopped", too_large),
        ("stopped", undecodable),
        ("too_large", undecodable),
        ("too_large", empty_model),
        ("empty_model", dropped_model),
        ("other_model", other_provider),
        ("dropped_model", other_provider),
        ("other_provider", no_surface),
        ("no_surface", no_surface_and_no_key),
        ("no_key", unreachable),
    ]
    for name, also in order:
        yield by_name[name], also


# These choose the session, so that they come before what changes it.
_CHOOSE = (no_surface, no_surface_and_no_key, no_key, unreachable, late)


def _both(first: Break, second: Break) -> list[Break]:
    if {first, second} <= set(_CHOOSE):
        # One session has both faults.
        return [second] if second is no_surface_and_no_key else [first]
    last = (no_token, unknown_token, too_large, empty_model, other_model)
    return sorted([first, second], key=lambda each: (each not in _CHOOSE, each in last))


@pytest.mark.parametrize("wire", list(Wire))
@pytest.mark.parametrize(
    ("row", "also"), list(_pairs()), ids=lambda each: getattr(each, "__name__", None)
)
def test_of_two_broken_rules_the_earlier_is_told(
    deployment: Deployment, row: Row, also: Break, wire: Wire
) -> None:
    attempt = start(deployment, wire)
    for break_it in _both(row.break_it, also):
        attempt = break_it(attempt)
    answer = attempt.go()
    assert answer.status_code == row.status, answer.text
    assert answer.json() == told(row, wire)


@pytest.mark.parametrize("wire", list(Wire))
def test_a_vendors_error_comes_last(deployment: Deployment, wire: Wire) -> None:
    attempt = start(deployment, wire)
    deployment.vendor.always(failure(418, "I am a teapot.", retry_after="7"))
    answer = attempt.go()
    assert answer.status_code == 418
    assert answer.json()["error"]["message"] == "I am a teapot."
    expected = {
        "content-type": "application/json",
        "content-length": str(len(answer.content)),
        "retry-after": "7",
        "request-id" if wire is Wire.MESSAGES else "x-request-id": "req_vendor",
    }
    assert _headers(answer) == expected
    deployment.vendor.forget()
    assert empty_model(attempt).go().status_code == 400
    assert deployment.vendor.received == []


TOKEN_PLACES: list[tuple[dict[str, str], bool]] = [
    ({"authorization": "Bearer {}"}, True),
    ({"authorization": "bearer   {}"}, True),
    ({"x-api-key": "{}"}, True),
    ({"authorization": "Basic bm9uZTpub25l", "x-api-key": "{}"}, True),
    ({"authorization": "Bearer fac_of_somebody", "x-api-key": "{}"}, False),
    ({"authorization": "{}"}, False),
    ({"api-key": "{}"}, False),
    ({"cookie": "token={}"}, False),
]


@pytest.mark.parametrize(("headers", "is_known"), TOKEN_PLACES)
def test_the_token_is_read_from_two_places(
    deployment: Deployment, headers: dict[str, str], is_known: bool
) -> None:
    attempt = start(deployment, Wire.CHAT)
    given = {name: value.format(attempt.guest.token) for name, value in headers.items()}
    answer = deployment.gateway.anyone.post(
        attempt.guest.path(Wire.CHAT), content=attempt.guest.body(Wire.CHAT), headers=given
    )
    assert answer.status_code == (200 if is_known else 401)


NOT_THERE = [
    *(("POST", path) for path in ("openai/v1/models", "openai/v1/embeddings", "openai/v1", "")),
    ("POST", "openai/v1/chat/completions/"),
    ("POST", "openai/v1//chat/completions"),
    ("POST", "openai/v1/ch%61t/completions"),
    ("POST", "openai/v1/chat/completions/../responses"),
    ("POST", "openai/v2/chat/completions"),
    ("POST", "openai/v1/messages"),
    ("POST", "anthropic/v1/chat/completions"),
    ("POST", "anthropic/v1/responses"),
    ("POST", "anthropic/v1/messages/count_tokens"),
    ("POST", "anthropic/v1/messages/batches"),
    ("POST", "anthropic/messages"),
    ("POST", "v1/messages"),
    ("GET", "openai/v1/models"),
]
# The server refuses these before anyone looks for a route.
UNREADABLE = ["openai/v1/chat%2fcompletions", "openai/v1/chat/completions%00"]
METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@pytest.mark.parametrize(("method", "path"), NOT_THERE)
def test_nothing_else_answers(deployment: Deployment, method: str, path: str) -> None:
    made = start(deployment, Wire.CHAT).guest
    url = f"{deployment.gateway.url}/api/runtime/sessions/{made.session}/llm/{path}"
    answer = deployment.gateway.anyone.request(
        method, url, headers=made.authorization, content=made.body(Wire.CHAT)
    )
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "NOT_FOUND", "message": "Not Found"}}
    assert deployment.vendor.received == []


@pytest.mark.parametrize("path", UNREADABLE)
def test_a_path_that_can_be_read_in_two_ways_is_refused(deployment: Deployment, path: str) -> None:
    made = start(deployment, Wire.CHAT).guest
    url = f"{deployment.gateway.url}/api/runtime/sessions/{made.session}/llm/{path}"
    answer = deployment.gateway.anyone.post(
        url, headers=made.authorization, content=made.body(Wire.CHAT)
    )
    assert answer.status_code in {400, 404}
    assert answer.json()["error"]["code"] in {"BAD_REQUEST", "NOT_FOUND"}
    assert deployment.vendor.received == []


@pytest.mark.parametrize(("method", "wire"), list(itertools.product(METHODS, Wire)))
def test_only_post_answers(deployment: Deployment, method: str, wire: Wire) -> None:
    made = guest(deployment.gateway, Kind.OPENAI)
    answer = deployment.gateway.anyone.request(
        method, made.path(wire), headers=made.authorization, content=made.body(wire)
    )
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    if method != "HEAD":
        error = {"code": "METHOD_NOT_ALLOWED", "message": "Method Not Allowed"}
        assert answer.json() == {"error": error}


def test_a_session_that_cannot_exist_is_no_other_case(deployment: Deployment) -> None:
    token = start(deployment, Wire.CHAT).guest.authorization
    for session in ("s" * 5000, "ses_'--", "..;", "\N{SNOWMAN}".encode().hex()):
        path = f"/api/runtime/sessions/{session}/llm/{PATHS[Wire.CHAT]}"
        assert deployment.gateway.anyone.post(path, content=b"{}").status_code == 401
        known = deployment.gateway.anyone.post(path, content=b"{}", headers=token)
        assert known.status_code == 403


def _chunked(size: int, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b" " * size


def test_a_body_without_a_length_is_counted(deployment: Deployment) -> None:
    attempt = start(deployment, Wire.CHAT)
    url, headers = attempt.guest.path(Wire.CHAT), attempt.guest.authorization
    body = attempt.guest.body(Wire.CHAT)
    filling = LIMIT - len(body)
    post = deployment.gateway.anyone.post
    fits = post(url, headers=headers, content=itertools.chain([body], _chunked(1, filling)))
    assert fits.status_code == 200
    assert deployment.vendor.last.received.body == body + b" " * filling
    above = post(url, headers=headers, content=itertools.chain([body], _chunked(1, filling + 1)))
    assert above.status_code == 413
    assert len(deployment.vendor.received) == 1


def _answer_before_body(deployment: Deployment, head: list[str]) -> bytes:
    """Send a head and no body; return what is answered until the connection ends."""
    lines = [*head, "host: gateway", "expect: 100-continue"]
    with deployment.gateway.connect() as sock:
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return b"".join(iter(lambda: sock.recv(65536), b""))


@pytest.mark.parametrize("framing", ["content-length: 1000", "transfer-encoding: chunked"])
@pytest.mark.parametrize("token", [None, "fac_unknown", "stopped"])
def test_a_strangers_body_is_not_asked_for(
    deployment: Deployment, framing: str, token: str | None
) -> None:
    attempt = start(deployment, Wire.CHAT)
    if token == "stopped":
        stopped(attempt)
        token = attempt.guest.token
    given = [] if token is None else [f"authorization: Bearer {token}"]
    path = attempt.guest.path(Wire.CHAT)
    answer = _answer_before_body(deployment, [f"POST {path} HTTP/1.1", framing, *given])
    # A server that reads the body says "100 Continue" first.
    assert answer.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 403 "))
    assert b"100 Continue" not in answer
    assert b"connection: close\r\n" in answer


def test_a_length_above_the_limit_is_refused_before_the_body(deployment: Deployment) -> None:
    attempt = start(deployment, Wire.CHAT)
    path, token = attempt.guest.path(Wire.CHAT), attempt.guest.token
    head = [f"POST {path} HTTP/1.1", f"content-length: {LIMIT + 1}"]
    answer = _answer_before_body(deployment, [*head, f"authorization: Bearer {token}"])
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "BODY_TOO_LARGE"


def test_a_guest_may_be_asked_to_go_on(deployment: Deployment) -> None:
    made = start(deployment, Wire.CHAT).guest
    body = made.body(Wire.CHAT)
    request = made.request(Wire.CHAT, body)
    head = request[: -len(body)].replace(b"host: gateway", b"host: gateway\r\nexpect: 100-continue")
    with deployment.gateway.connect() as sock:
        sock.sendall(head)
        assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
        sock.sendall(body)
        assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
    assert b"expect" not in b"".join(deployment.vendor.last.received.header_lines).lower()
