"""Who may call which route, and what a stranger costs."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx
import pytest

from tests.running import ADMIN_KEY, DEADLINE, Running

METHODS = ("get", "put", "post", "patch", "delete")
OPEN = {("get", "/health")}
WIRES = ("/llm/", "/v1/")


def described(shared: Running) -> dict[str, Any]:
    page: dict[str, Any] = shared.anyone.get("/openapi.json").json()
    return page


def operations(page: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, found in page["paths"].items()
        for method, operation in found.items()
        if method in METHODS
    ]


def administrators(page: dict[str, Any]) -> list[tuple[str, str]]:
    """All routes but the open ones and those in a wire format, which have keys of their own."""
    return [
        (method, path)
        for method, path, _ in operations(page)
        if (method, path) not in OPEN and not any(part in path for part in WIRES)
    ]


def test_every_route_is_open_or_guarded_as_the_page_says(shared: Running) -> None:
    page = described(shared)
    guarded = [(method, path) for method, path, each in operations(page) if each.get("security")]
    assert sorted(guarded) == sorted(administrators(page))
    assert len(guarded) > 20


BAD: dict[str, dict[str, str]] = {
    "nothing": {},
    "an empty header": {"x-admin-key": ""},
    "another key": {"x-admin-key": "another-key-of-the-tests"},
    "the key's beginning": {"x-admin-key": ADMIN_KEY[:-1]},
    "the key and more": {"x-admin-key": ADMIN_KEY + "x"},
    "another case": {"x-admin-key": ADMIN_KEY.upper()},
    "letters beyond ASCII": {"x-admin-key": "\u00e9" * 20},
    "another bearer": {"authorization": "Bearer another-key-of-the-tests"},
    "an empty bearer": {"authorization": "Bearer"},
    "the key without a scheme": {"authorization": ADMIN_KEY},
    "another scheme": {"authorization": f"Basic {ADMIN_KEY}"},
    "in the header of guests": {"x-api-key": ADMIN_KEY},
    "a wrong own header beside the right bearer": {
        "x-admin-key": "another-key-of-the-tests",
        "authorization": f"Bearer {ADMIN_KEY}",
    },
    "in a cookie": {"cookie": f"x-admin-key={ADMIN_KEY}"},
}
GOOD: dict[str, dict[str, str]] = {
    "the own header": {"x-admin-key": ADMIN_KEY},
    "a bearer": {"authorization": f"Bearer {ADMIN_KEY}"},
    "a bearer in small letters": {"authorization": f"bearer {ADMIN_KEY}"},
    "the own header before a bearer": {
        "x-admin-key": ADMIN_KEY,
        "authorization": "Bearer another-key-of-the-tests",
    },
    "an empty own header and a bearer": {
        "x-admin-key": "",
        "authorization": f"Bearer {ADMIN_KEY}",
    },
}


def raw_headers(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


@pytest.mark.parametrize("headers", BAD.values(), ids=BAD.keys())
def test_without_the_admin_key_no_route_answers(shared: Running, headers: dict[str, str]) -> None:
    for method, path in administrators(described(shared)):
        answer = shared.anyone.request(method, path, headers=raw_headers(headers), content="{no")
        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json() == {
            "error": {
                "code": "ADMIN_KEY_REQUIRED",
                "message": "This route needs the admin key.",
            }
        }


@pytest.mark.parametrize("headers", GOOD.values(), ids=GOOD.keys())
def test_with_the_admin_key_every_route_goes_on(shared: Running, headers: dict[str, str]) -> None:
    for method, path in administrators(described(shared)):
        answer = shared.anyone.request(method, path, headers=raw_headers(headers), content="{no")
        assert answer.status_code != 401, (method, path)
        assert answer.status_code < 500, (method, path)


def test_two_headers_of_the_key_are_no_way_around_it(shared: Running) -> None:
    headers = [("x-admin-key", "another-key-of-the-tests"), ("x-admin-key", ADMIN_KEY)]
    assert shared.anyone.get("/workspaces", headers=headers).status_code == 401


def sent(shared: Running, head: str, body: bytes = b"") -> bytes:
    """Return the head of the answer to a request that is sent as it is."""
    port = httpx.URL(shared.url).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        found = b""
        while b"\r\n\r\n" not in found:
            more = connection.recv(65536)
            assert more, found
            found += more
    return found


@pytest.mark.parametrize("header", ["x-admin-key:   ", "authorization: Bearer \t", "x-admin-key:"])
def test_a_blank_key_is_none(shared: Running, header: str) -> None:
    assert sent(shared, f"GET /workspaces HTTP/1.1\nhost: a\n{header}").startswith(b"HTTP/1.1 401 ")


def test_a_stranger_is_refused_before_the_body_is_there(shared: Running) -> None:
    head = "POST /workspaces HTTP/1.1\nhost: a\ncontent-type: application/json\n"
    assert sent(shared, head + "content-length: 900000").startswith(b"HTTP/1.1 401 ")
    assert sent(shared, head + "transfer-encoding: chunked").startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("more", "body"),
    [
        ("content-length: 1048577", b""),
        ("content-length: 99999999999999999999", b""),
        ("transfer-encoding: chunked", b"80000\r\n" + b" " * 0x80000 + b"\r\n"),
    ],
    ids=["said", "said beyond measure", "streamed"],
)
def test_a_body_above_the_limit_is_refused(shared: Running, more: str, body: bytes) -> None:
    head = (
        "POST /workspaces HTTP/1.1\nhost: a\ncontent-type: application/json\n"
        f"x-admin-key: {ADMIN_KEY}\n{more}"
    )
    found = sent(shared, head, body * 3)
    if "9999" in more and found.startswith(b"HTTP/1.1 400 "):
        return  # A length that no machine counts is no HTTP for the server in front of us.
    assert found.startswith(b"HTTP/1.1 413 "), found
    assert b"connection: close" in found.lower()


def test_a_body_just_at_the_limit_is_read(shared: Running) -> None:
    body = json.dumps({"name": "n", "runtime": "theirs", "model": "m"}).encode()
    whole = body + b" " * (1024 * 1024 - len(body))
    headers = {"content-type": "application/json"}
    assert shared.admin.post("/workspaces", content=whole, headers=headers).status_code == 201
    more = shared.admin.post("/workspaces", content=whole + b" ", headers=headers)
    assert (more.status_code, more.json()["error"]["code"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect", "/", "/nowhere"])
def test_what_is_no_route_is_told_so_in_our_own_shape(shared: Running, path: str) -> None:
    answer = shared.anyone.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_a_method_that_a_route_has_not_is_told_so(shared: Running) -> None:
    answer = shared.anyone.delete("/workspaces")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"]
