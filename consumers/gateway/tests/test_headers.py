"""Headers on their way: what a vendor may see of a guest's, and a guest of a vendor's."""

from __future__ import annotations

import pytest

from gateway.formats.headers import forwarded, to_guest, to_vendor
from gateway.formats.wires import Wire, WireProtocol
from tests.guests import KEY, SAME, WAYS, House, Kind, Way
from tests.plays import Play

DROPPED = [
    "authorization",
    "proxy-authorization",
    "proxy-authenticate",
    "proxy-connection",
    "cookie",
    "cookie2",
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "accept-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "expect",
    "token",
    "secret",
    "auth",
    "apikey",
    "api-key",
    "api_key",
    "x-api-key",
    "x_api_key",
    "x.api.key",
    "x-apikey",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
    "x-auth-token",
    "x-auth",
    "auth-x",
    "x-secret-thing",
    "x_secret_thing",
    "x~token~y",
    "x-amz-security-token",
    "x-authorization",
    "x-gateway-key",
    "x-admin-key",
    "x-gateway-anything",
    "x-forwarded-for",
    "x-forwarded-host",
    "forwarded",
    "via",
    "x-real-ip",
]
KEPT = [
    "anthropic-version",
    "anthropic-beta",
    "x-authored-by",
    "x-author",
    "x-tokens-per-minute",
    "x-secretary",
    "x-keyboard",
    "idempotency-key",
    "user-agent",
    "accept",
    "x-stainless-lang",
    "openai-organization",
    "traceparent",
]


@pytest.mark.parametrize("name", DROPPED)
def test_a_header_stays_here(name: str) -> None:
    given = [("accept", "a"), (name, "one"), ("user-agent", "b"), (name, "two")]
    assert forwarded(given) == (("accept", "a"), ("user-agent", "b"))


@pytest.mark.parametrize("name", KEPT)
def test_a_header_goes_on(name: str) -> None:
    given = ((name, "one"), ("x-between", "b"), (name, "two"))
    assert forwarded(given) == given


@pytest.mark.parametrize(
    "connection",
    ["x-hop", "X-Hop", "close, x-hop", "close ,X-HOP , keep-alive", ",x-hop,,", "\tx-hop\t"],
)
def test_what_connection_names_stays_here(connection: str) -> None:
    given = [("x-hop", "1"), ("connection", "close"), ("connection", connection), ("x-end", "2")]
    assert forwarded(given) == (("x-end", "2"),)


def test_texts_of_other_alphabets_go_on_and_bytes_that_are_no_text_do_not() -> None:
    given = [("x-authored-by", "José".encode().decode("latin-1")), ("x-bytes", "\xff\xfe")]
    assert forwarded(given) == (("x-authored-by", "José"),)


def test_the_credential_comes_last_and_alone() -> None:
    credential = ("x-odd-header", "the-key")
    given = [("x-odd-header", "the-guests"), ("anthropic-version", "2020-01-01"), ("x-b", "c")]
    extra = (("anthropic-version", "2023-06-01"), ("x-more", "ours"))
    made = to_vendor(given, extra, credential)
    assert made[-1] == credential
    assert [pair for pair in made if pair[0] == credential[0]] == [credential]
    assert ("anthropic-version", "2020-01-01") in made
    assert ("anthropic-version", "2023-06-01") not in made
    assert ("x-more", "ours") in made
    assert ("accept-encoding", "identity") in made
    assert ("content-type", "application/json") in made


def test_a_blank_version_is_none() -> None:
    made = to_vendor([("anthropic-version", "")], (("anthropic-version", "v"),), ("k", "v"))
    assert [value for name, value in made if name == "anthropic-version"] == ["v"]


VENDORS: list[tuple[list[tuple[str, str]], WireProtocol, dict[str, str]]] = [
    (
        [("Retry-After", "3"), ("X-Request-Id", "r")],
        "openai",
        {"retry-after": "3", "x-request-id": "r"},
    ),
    ([("request-id", "r")], "anthropic", {"request-id": "r"}),
    ([("request-id", "r")], "openai", {"x-request-id": "r"}),
    ([("x-request-id", "r")], "anthropic", {"request-id": "r"}),
    ([("request-id", "a"), ("x-request-id", "b")], "openai", {"x-request-id": "b"}),
    ([("retry-after", "3"), ("retry-after", "4")], "openai", {"retry-after": "3"}),
    ([("x-request-id", "bad\udcff"), ("retry-after", "é")], "openai", {}),
    ([("x-request-id", "a\tb"), ("retry-after", "")], "openai", {}),
    ([("set-cookie", "a=b"), ("server", "s"), ("openai-organization", "o")], "openai", {}),
    ([("x-ratelimit-remaining-tokens", "9"), ("retry-after-ms", "5")], "openai", {}),
]


@pytest.mark.parametrize(("given", "protocol", "expected"), VENDORS)
def test_of_a_vendors_headers_two_come_back(
    given: list[tuple[str, str]], protocol: WireProtocol, expected: dict[str, str]
) -> None:
    made = to_guest(given, protocol)
    assert dict(made) == expected
    assert len(made) == len(expected)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_over_the_wire_a_vendor_sees_its_key_once_and_nothing_of_the_facade(
    house: House, way: Way
) -> None:
    guest = house.on(way)
    head = guest.request(way.wire, b"").split(b"\r\n")[0:3]
    odd = [
        b"X-API-Key: sk-guest-secret-1",
        b"x_auth_token: sk-guest-secret-2",
        b"Cookie: a=sk-guest-secret-3",
        b"Connection: X-Hop, close",
        b"X-Hop: sk-guest-secret-4",
        b"aNTHROPIC-bETA: one",
        b"anthropic-beta: two",
        b"X-Authored-By: Jos\xc3\xa9",
        b"TE: trailers",
        b"Proxy-Authorization: Basic sk-guest-secret-5",
    ]
    body = guest.body(way.wire)
    lines = [*head, *odd, b"content-length: %d" % len(body), b"", body]
    with house.gateway.connect() as sock:
        sock.sendall(b"\r\n".join(lines))
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    received = house.vendor.last.received
    seen = b"\n".join(received.header_lines)
    assert b"sk-guest-secret" not in seen
    assert guest.token.encode() not in seen
    assert seen.count(KEY.encode()) == 1
    assert received.headers["anthropic-beta"] == "one, two"
    assert "x-authored-by: José".encode() in seen
    assert received.headers["accept-encoding"] == "identity"
    assert received.headers["content-length"] == str(len(received.body))
    assert received.headers["host"] == house.vendor.url.removeprefix("http://")
    names = [line.partition(b":")[0].lower() for line in received.header_lines]
    assert {b"te", b"x-hop", b"cookie", b"connection"}.isdisjoint(names)
    lasting = [name for name in names if name not in {b"content-length", b"host"}]
    assert lasting[-1] in {b"authorization", b"x-api-key"}


def test_a_version_is_said_on_the_surface_that_has_one(house: House) -> None:
    guest = house.guest(Kind.BOTH)
    for wire, expected in ((Wire.MESSAGES, "2023-06-01"), (Wire.CHAT, None)):
        guest.ask(wire)
        assert house.vendor.last.received.headers.get("anthropic-version") == expected
    guest.send(Wire.MESSAGES, guest.body(Wire.MESSAGES), **{"anthropic-version": "2099-01-01"})
    assert house.vendor.last.received.headers["anthropic-version"] == "2099-01-01"


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("way", SAME, ids=str)
def test_over_the_wire_a_guest_sees_nothing_of_the_vendor(
    house: House, way: Way, is_stream: bool
) -> None:
    more = (("retry-after", "9"), ("x-ratelimit-limit", "1"), ("server-timing", "a;dur=1"))
    house.vendor.play(Play(headers=more))
    answer = house.on(way).ask(way.wire, stream=is_stream)
    length = {"content-length": str(len(answer.content))}
    framing = {
        True: {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
            "transfer-encoding": "chunked",
        },
        False: {"content-type": "application/json", **length},
    }
    identity = "request-id" if way.wire is Wire.MESSAGES else "x-request-id"
    seen = {name: value for name, value in answer.headers.items() if name not in ("date", "server")}
    assert seen == {**framing[is_stream], "retry-after": "9", identity: "req_vendor"}
