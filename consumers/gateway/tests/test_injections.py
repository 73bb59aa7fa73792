"""Whatever is written into a request: it is stored as it is, or refused, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests import running
from tests.postgres import PostgresServer
from tests.running import Running

SHAPES = {
    "a quote": "it's",
    "SQL behind a quote": "'; DROP TABLE workspaces; --",
    "SQL that is always true": "' OR '1'='1",
    "SQL in double quotes": '" OR ""="',
    "SQL in a comment": "x'/**/UNION/**/SELECT/**/ciphertext/**/FROM/**/stored_secrets--",
    "a name of a parameter": ":user %(user)s %s ? $1",
    "a percent": "100%",
    "a pattern": "%_[a-z]*",
    "a backslash": "\\",
    "an escape": "\\' \\x00 \\u0000",
    "NUL": "a\x00b",
    "NUL at the end": "a\x00",
    "NUL in percent": "a%00b",
    "line breaks": "a\r\nx-admin-key: b\r\n\r\n",
    "a line break at the end": "a\n",
    "line breaks in percent": "a%0d%0ax-header:%20b",
    "a tab": "a\tb",
    "an escape of a terminal": "\x1b[31ma\x07",
    "the way up": "../../../etc/passwd",
    "the way up in percent": "..%2f..%2fetc%2fpasswd",
    "the way up, twice encoded": "%252e%252e%252f",
    "the way up of another system": "..\\..\\windows",
    "a dot": ".",
    "two dots": "..",
    "a slash": "/",
    "a URL": "http://127.0.0.1:1/",
    "a query": "a?b=c&d=e#f",
    "a semicolon": "a;b=c",
    "a space": " ",
    "nothing": "",
    "a template": "{{7*7}} ${7*7} {0} %n",
    "markup": "<script>alert(1)</script>",
    "10,000 characters": "x" * 10_000,
    "10,000 astral characters": "\U0001f600" * 10_000,
    "half a character": "a\ud800b",
    "the other half": "\udfff",
    "no character": "\uffff\ufffe",
    "the other direction": "\u202egnp.exe",
    "a mark of byte order": "\ufeffa",
    "a letter that folds": "\u212a\u017f\u0130",
    "a combined letter": "e\u0301\u0323",
    "a number": "1e999",
    "a word of JSON": "null",
}
# The client of the tests sends no longer URLs than 64 KiB.
_LONGEST_PART = 60_000
Send = Callable[[Running, str], httpx.Response]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"], name="stored")
def _stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    changes = {}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        server.run("CREATE DATABASE injections")
        changes["database_url"] = server.url("injections")
    deployment = running.settings(tmp_path_factory.mktemp("injections"), **changes)
    with running.gateway(deployment) as made:
        yield made


def body_of(value: Any) -> dict[str, Any]:
    # Escaped: half a character is no UTF-8, but it is JSON.
    content = json.dumps(value, ensure_ascii=True).encode()
    return {"content": content, "headers": {"content-type": "application/json"}}


def in_path(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")[:_LONGEST_PART]


def as_they_are(text: str) -> str:
    """Return a part of a path in which percents that are in the text stay."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="%/.;")[:_LONGEST_PART]


def workspace(member: str) -> Send:
    def send(gateway: Running, text: str) -> httpx.Response:
        wanted = {"name": "n", "runtime": "theirs", "model": "m", member: text}
        return gateway.admin.post("/workspaces", **body_of(wanted))

    return send


def secret(member: str) -> Send:
    def send(gateway: Running, text: str) -> httpx.Response:
        given = {"A_KEY": text} if member == "value" else {text: "v"}
        wanted = {"name": "n", "runtime": "theirs", "model": "m", "secrets": given}
        return gateway.admin.post("/workspaces", **body_of(wanted))

    return send


def posted(path: str, make: Callable[[str], Any]) -> Send:
    return lambda gateway, text: gateway.admin.post(path, **body_of(make(text)))


def put(path: str, make: Callable[[str], Any]) -> Send:
    return lambda gateway, text: gateway.admin.put(path, **body_of(make(text)))


def called(method: str, path: str, encode: Callable[[str], str]) -> Send:
    def send(gateway: Running, text: str) -> httpx.Response:
        return gateway.admin.request(method, path.replace("*", encode(text)), **body_of({}))

    return send


def with_header(name: str, path: str, method: str = "GET") -> Send:
    def send(gateway: Running, text: str) -> httpx.Response:
        value = text.encode("utf-8", "surrogatepass")
        # What no client sends in a header, a socket may: that is shown with the other attacks.
        kept = bytes(byte for byte in value if byte >= 0x20 and byte != 0x7F)[:8000].strip()
        return gateway.anyone.request(method, path, headers=[(name.encode(), kept)])

    return send


_LLM = "/api/runtime/sessions/*/llm/openai/v1/responses"
PLACES: dict[str, Send] = {
    "the name of a workspace": workspace("name"),
    "its runtime": workspace("runtime"),
    "its model": workspace("model"),
    "its user": workspace("user"),
    "a member of its own": secret("name"),
    "the value of its secret": secret("value"),
    "a member beside them": posted("/workspaces", lambda text: {text: text}),
    "the name of a user": posted("/users", lambda text: {"id": text}),
    "the cap of a user": posted("/users", lambda text: {"id": "u", "cap": text}),
    "the model of a price": put(
        "/prices", lambda text: {"model": text, "input": "1", "output": "1"}
    ),
    "the provider of a price": put(
        "/prices", lambda text: {"model": "m", "provider": text, "input": "1", "output": "1"}
    ),
    "an override": put("/workspaces/ws_none/billing-mode", lambda text: {"override": text}),
    "the value of a secret": put("/secrets/A_KEY", lambda text: {"value": text}),
    "the workspace of a session": posted("/api/runtime/sessions", lambda text: {"workspace": text}),
    "a base URL": posted(
        "/api/runtime/sessions",
        lambda text: {"workspace": "ws_none", "base_urls": {"openai": text}},
    ),
    "the protocol of a base URL": posted(
        "/api/runtime/sessions",
        lambda text: {"workspace": "ws_none", "base_urls": {text: "http://127.0.0.1"}},
    ),
    "a run": posted("/api/runtime/sessions/ses_none/runs", lambda text: {"run": text}),
    "the page of workspaces": lambda gateway, text: gateway.admin.get(
        f"/workspaces?before={in_path(text)}"
    ),
    "the size of a page": lambda gateway, text: gateway.admin.get(
        f"/workspaces?limit={in_path(text)}"
    ),
    "the page of users": lambda gateway, text: gateway.admin.get(f"/users?after={in_path(text)}"),
    "the log of a user": lambda gateway, text: gateway.admin.get(f"/requests?user={in_path(text)}"),
    "the admin key": with_header("x-admin-key", "/workspaces"),
    "a bearer": with_header("authorization", "/workspaces"),
    "a guest's token": with_header("x-api-key", _LLM.replace("*", "ses_none"), "POST"),
    "a user's key": with_header("x-gateway-key", "/v1/messages", "POST"),
}
for _name, _encode in (("", in_path), (", as it is", as_they_are)):
    PLACES |= {
        f"a runtime in a path{_name}": called("GET", "/runtimes/*/models", _encode),
        f"a workspace in a path{_name}": called("GET", "/workspaces/*/billing-mode", _encode),
        f"a secret in a path{_name}": called("DELETE", "/secrets/*", _encode),
        f"a secret to be put{_name}": called("PUT", "/secrets/*", _encode),
        f"a session in a path{_name}": called("POST", "/api/runtime/sessions/*/stop", _encode),
        f"a run in a path{_name}": called("DELETE", "/api/runtime/sessions/s/runs/*", _encode),
        f"a user in a path{_name}": called("GET", "/users/*", _encode),
        f"a key in a path{_name}": called("DELETE", "/users/u/keys/*", _encode),
        f"a guest's session{_name}": called("POST", _LLM, _encode),
    }


def is_plain_answer(answer: httpx.Response) -> bool:
    """Whether it is a success, or a refusal in one of our shapes."""
    if answer.status_code < 300:
        return True
    error = answer.json()["error"]
    return 400 <= answer.status_code < 500 and bool(error["code"]) and bool(error["message"])


@pytest.mark.parametrize("place", PLACES)
def test_no_text_anywhere_is_a_fault(stored: Running, place: str) -> None:
    wrong = []
    for name, text in SHAPES.items():
        answer = PLACES[place](stored, text)
        if not is_plain_answer(answer):
            wrong.append((name, answer.status_code, answer.text[:200]))
    assert wrong == []
    # All tables are there, and nothing was taken for what it is not.
    assert stored.admin.get("/workspaces").status_code == 200
    assert stored.admin.get("/users").status_code == 200


@pytest.mark.parametrize("member", ["name", "runtime", "model"])
def test_what_is_stored_is_what_was_sent(stored: Running, member: str) -> None:
    taken = 0
    for text in SHAPES.values():
        answer = workspace(member)(stored, text)
        if answer.status_code != 201:
            continue
        taken += 1
        expected = text if member == "runtime" else text.strip()
        [found] = stored.admin.get("/workspaces", params={"limit": 1}).json()
        assert found["id"] == answer.json()["id"]
        assert found[member] == answer.json()[member] == expected
    assert taken > 20


def test_what_is_sealed_is_what_was_sent(stored: Running) -> None:
    for text in SHAPES.values():
        answer = stored.admin.put("/secrets/A_KEY", **body_of({"value": text}))
        assert answer.status_code in {204, 422}
        assert stored.admin.get("/secrets").status_code == 200
    stored.admin.delete("/secrets/A_KEY")


_DEEP = 100_000
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "a brace": b"{",
    "deep lists": b'{"name": ' + b"[" * _DEEP + b"]" * _DEEP + b"}",
    "deep objects": b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    "deep in a member that is refused": b'{"x": ' + b"[" * 900 + b"]" * 900 + b"}",
    "a huge integer": b'{"name": ' + b"9" * 100_000 + b"}",
    "a huge exponent": b'{"name": 1e999999999}',
    "no number": b'{"name": NaN, "model": Infinity, "runtime": -Infinity}',
    "one member twice": b'{"name": "a", "name": "b", "runtime": "theirs", "model": "m"}',
    "a member of NUL": b'{"\\u0000": 1}',
    "a member of half a character": b'{"\\ud800": "\\udc00", "secrets": {"\\ud800": "v"}}',
    "bytes that are no UTF-8": b'{"name": "\xff\xfe"}',
    "an overlong NUL": b'{"name": "\xc0\x80"}',
    "half a character in bytes": b'{"name": "\xed\xa0\x80"}',
    "UTF-16": '{"name": "n"}'.encode("utf-16"),
    "UTF-32": '{"name": "n"}'.encode("utf-32"),
    "a mark of byte order": b'\xef\xbb\xbf{"name": "n"}',
    "a list": b"[]",
    "a text": b'"text"',
    "null": b"null",
    "many members": json.dumps({f"m{each}": each for each in range(20_000)}).encode(),
    "many secrets": json.dumps({"secrets": {f"K{each}": "v" for each in range(20_000)}}).encode(),
    "a form": b"name=n&runtime=r&model=m",
    "two documents": b'{"name": "n"}{"name": "n"}',
    "a comment": b'{"name": "n" /* no */}',
}
_ROUTES = [
    ("POST", "/workspaces"),
    ("PUT", "/workspaces/ws_none/billing-mode"),
    ("PUT", "/secrets/A_KEY"),
    ("POST", "/api/runtime/sessions"),
    ("POST", "/api/runtime/sessions/ses_none/resume"),
    ("POST", "/api/runtime/sessions/ses_none/runs"),
    ("POST", "/users"),
    ("PATCH", "/users/u"),
    ("PUT", "/prices"),
]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_no_body_is_a_fault(stored: Running, body: bytes) -> None:
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded", "a;b", ""):
        headers = {"content-type": kind}
        for method, path in _ROUTES:
            answer = stored.admin.request(method, path, content=body, headers=headers)
            assert is_plain_answer(answer), (method, path, kind, answer.text[:300])
            assert len(answer.content) < 4000
