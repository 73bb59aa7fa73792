"""What strangers try on the socket itself: slowness, framing that reads in two ways, and size."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gateway.connections import HEAD_BYTES, HEADERS
from tests import running
from tests.conftest import everywhere
from tests.plays import BEFORE_HEADERS, endless, stall
from tests.running import ADMIN, Running
from tests.vendor import Vendor

MODEL = "moonshot/kimi-k2.6"
BODY = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "x"}]}).encode()
SIZE = len(BODY)
LENGTH = f"content-length: {SIZE}\r\n".encode()
CHUNKED = b"transfer-encoding: chunked\r\n"
CHUNKS = b"%x\r\n" % SIZE + BODY + b"\r\n0\r\n\r\n"
LIMIT = 200_000
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_DEADLINE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A gateway, and a guest's way in."""

    gateway: Running
    path: str
    token: str

    @property
    def port(self) -> int:
        return int(self.gateway.url.rpartition(":")[2])

    def head(
        self,
        more: bytes = b"",
        *,
        method: str = "POST",
        target: str | None = None,
        version: str = "HTTP/1.1",
        host: bytes = b"host: gateway\r\n",
    ) -> bytes:
        first = f"{method} {target or self.path} {version}\r\n".encode()
        known = f"authorization: Bearer {self.token}\r\ncontent-type: application/json\r\n"
        return first + host + known.encode() + more + b"\r\n"

    @contextlib.contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=_DEADLINE) as made:
            yield made


@pytest.fixture(name="target")
def _target(tmp_path: Path, vendor: Vendor) -> Iterator[Target]:
    deployment = running.settings(
        tmp_path,
        base_urls=everywhere(f"{vendor.url}/v1"),
        credentials={"MOLECULE_LLM_USAGE_TOKEN": "a-key-of-the-platform"},
        head_seconds=1,
        body_seconds=1,
        taking_seconds=1,
        body_limit=LIMIT,
    )
    with running.gateway(deployment) as gateway:
        made = gateway.session("claude-code", MODEL)
        path = f"/api/runtime/sessions/{made['id']}/llm/openai/v1/chat/completions"
        yield Target(gateway=gateway, path=path, token=made["environment"]["OPENAI_API_KEY"])


def everything(connection: socket.socket) -> tuple[bytes, bool]:
    """Return all that comes until the other side ends it, and whether it did."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        try:
            while part := connection.recv(65536):
                parts.append(part)
        except TimeoutError:
            return b"".join(parts), False
    return b"".join(parts), True


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in _STATUS.findall(answer)]


# Each: the bytes of a request that must not be understood.
def _head(more: bytes = b"", body: bytes = BODY, **parts: object) -> Callable[[Target], bytes]:
    return lambda target: target.head(more, **parts) + body  # type: ignore[arg-type]


SHAPES: dict[str, Callable[[Target], bytes]] = {
    "a length, then chunks": _head(LENGTH + CHUNKED, CHUNKS),
    "chunks, then a length": _head(CHUNKED + LENGTH, CHUNKS),
    "two lengths": _head(LENGTH + b"content-length: 5\r\n"),
    "two equal lengths": _head(LENGTH + LENGTH),
    "a list of lengths": _head(f"content-length: {SIZE}, {SIZE}\r\n".encode()),
    "a negative length": _head(b"content-length: -5\r\n"),
    "a length with a sign": _head(f"content-length: +{SIZE}\r\n".encode()),
    "a hexadecimal length": _head(b"content-length: 0x49\r\n"),
    "a length with more": _head(f"content-length: {SIZE}x\r\n".encode()),
    "an empty length": _head(b"content-length: \r\n"),
    "a length beyond 64 bits": _head(b"content-length: 99999999999999999999999\r\n"),
    "a length of 63 bits": _head(b"content-length: 9223372036854775807\r\n"),
    "an unknown encoding": _head(b"transfer-encoding: xchunked\r\n", CHUNKS),
    "chunks that are not last": _head(b"transfer-encoding: chunked, identity\r\n", CHUNKS),
    "identity and chunks": _head(b"transfer-encoding: identity, chunked\r\n", CHUNKS),
    "gzip and chunks": _head(b"transfer-encoding: gzip, chunked\r\n", CHUNKS),
    "chunks twice": _head(CHUNKED + CHUNKED, CHUNKS),
    "chunks, then identity": _head(CHUNKED + b"transfer-encoding: identity\r\n", CHUNKS),
    "an encoding with a vertical tab": _head(b"transfer-encoding: \x0bchunked\r\n", CHUNKS),
    "an encoding in quotes": _head(b'transfer-encoding: "chunked"\r\n', CHUNKS),
    "an encoding with a space before the colon": _head(b"transfer-encoding : chunked\r\n", CHUNKS),
    "an encoding on a folded line": _head(b"transfer-encoding:\r\n chunked\r\n", CHUNKS),
    "chunks in HTTP/1.0": _head(CHUNKED, CHUNKS, version="HTTP/1.0"),
    "a folded line": _head(b"x-a: b\r\n " + LENGTH),
    "a space before the colon": _head(LENGTH.replace(b":", b" :")),
    "a space before the name": _head(b" content-length: 5\r\n" + LENGTH),
    "a line that ends in LF": _head(LENGTH + b"x-a: b\n"),
    "lines that all end in LF": lambda target: target.head(LENGTH).replace(b"\r\n", b"\n") + BODY,
    "a CR inside a line": _head(b"x-a: b\rtransfer-encoding: chunked\r\n" + LENGTH),
    "a NUL inside a line": _head(b"x-a: b\0c\r\n" + LENGTH),
    "a LF in a chunk's extension": _head(CHUNKED, CHUNKS.replace(b"\r\n", b";a\nb\r\n", 1)),
    "a chunk's negative size": _head(CHUNKED, b"-1\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk's size with a sign": _head(CHUNKED, b"+" + CHUNKS),
    "a chunk's size with 0x": _head(CHUNKED, b"0x" + CHUNKS),
    "a chunk's size beyond 64 bits": _head(CHUNKED, b"fffffffffffffffff\r\n" + BODY),
    "a chunk's size with a space": _head(CHUNKED, CHUNKS.replace(b"\r\n", b" \r\n", 1)),
    "chunks that end in LF": _head(CHUNKED, CHUNKS.replace(b"\r\n", b"\n")),
    "a chunk longer than said": _head(CHUNKED, b"5\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a length in a trailer": _head(CHUNKED, CHUNKS[:-2] + b"content-length: 5\r\n\r\n"),
    "HTTP/0.9": lambda _: b"GET /health\r\n",
    "HTTP/0.9 by name": _head(LENGTH, version="HTTP/0.9"),
    "HTTP/1.2": _head(LENGTH, version="HTTP/1.2"),
    "HTTP/2.0": _head(LENGTH, version="HTTP/2.0"),
    "the preface of HTTP/2": lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "the beginning of TLS": lambda _: bytes.fromhex("160301020001000001fc0303"),
    "a whole URL": _head(LENGTH, target="http://elsewhere/v1/messages"),
    "a URL without a path": _head(LENGTH, target="elsewhere"),
    "a fragment": _head(LENGTH, target="/v1/messages#a"),
    "a space in the path": _head(LENGTH, target="/v1/messages x"),
    "CONNECT": _head(method="CONNECT", target="elsewhere:443", body=b""),
    "OPTIONS *": _head(method="OPTIONS", target="*", body=b""),
    "a method in lower case": _head(LENGTH, method="post"),
    "an unknown method": _head(LENGTH, method="STEAL"),
    "no host": _head(LENGTH, host=b""),
    "two hosts": _head(LENGTH, host=b"host: a\r\nhost: b\r\n"),
    "an upgrade to HTTP/2": _head(LENGTH + b"connection: upgrade\r\nupgrade: h2c\r\n"),
    "an upgrade to a WebSocket": _head(LENGTH + b"connection: upgrade\r\nupgrade: websocket\r\n"),
}


def test_a_request_that_reads_in_two_ways_ends_the_connection(
    target: Target, vendor: Vendor
) -> None:
    honest = target.head(LENGTH) + BODY
    for name, shape in SHAPES.items():
        with target.connection() as connection:
            connection.sendall(shape(target) + honest)
            answer, is_ended = everything(connection)
        assert is_ended, name
        assert len(statuses(answer)) <= 1, name
        assert all(400 <= status < 500 for status in statuses(answer)), name
        assert vendor.received == [], name
        assert target.token.encode() not in answer, name
    assert statuses(_asked(target, honest, answers=1)) == [200], "an honest request is understood"


@pytest.mark.parametrize(
    "honest",
    [
        _head(CHUNKED, CHUNKS.replace(b"\r\n", b";name=value\r\n", 1)),
        _head(CHUNKED, CHUNKS.upper().replace(BODY.upper(), BODY)),
        _head(b"Transfer-Encoding:\tCHUNKED\r\n", CHUNKS),
        _head(b"content_length: 5\r\ntransfer_encoding: chunked\r\n" + LENGTH),
        lambda target: b"\r\n\r\n" + target.head(LENGTH) + BODY,
    ],
    ids=["an extension", "capital digits", "capitals and a tab", "underscores", "empty lines"],
)
def test_what_http_allows_is_read_in_one_way(
    target: Target, vendor: Vendor, honest: Callable[[Target], bytes]
) -> None:
    raw = honest(target)
    assert statuses(_asked(target, raw + raw, answers=2)) == [200, 200]
    assert [json.loads(each.body)["messages"] for each in vendor.received] == [
        json.loads(BODY)["messages"]
    ] * 2
    lines = b"\n".join(vendor.received[0].header_lines).lower()
    assert b"content_length" not in lines
    assert b"transfer_encoding" not in lines


@pytest.mark.parametrize(
    "path",
    [
        "//v1/messages",
        "/v1//messages",
        "/v1/./messages",
        "/v1/../v1/messages",
        "/v1/x/../messages",
        "/v1/%2e%2e/v1/messages",
        "/v1%2fmessages",
        "/v1/messages%00",
        "/v1/messages/",
        "/v1/messages;x=y",
        "/v1;/messages",
        "/V1/messages",
        "/v1/%6dessages%2f",
        "/v1\\messages",
        "{session}/openai/v1/models",
        "{session}/openai/v1/chat/completions/",
        "{session}/openai/v1/chat%2fcompletions",
        "{session}/openai/../anthropic/v1/messages",
        "{session}/anthropic/v1/chat/completions",
        "{session}//openai/v1/chat/completions",
        "{session}/openai/v1/chat/completions;a",
        "{session}/../llm/openai/v1/chat/completions",
    ],
)
def test_no_spelling_of_a_path_leads_round_its_checks(
    target: Target, vendor: Vendor, path: str
) -> None:
    session = target.path.removesuffix("/openai/v1/chat/completions")
    last = LENGTH + b"connection: close\r\n"
    answer = _asked(target, target.head(last, target=path.format(session=session)) + BODY)
    assert statuses(answer)[0] in {400, 404}
    assert b'{"error":' in answer
    assert vendor.received == []


@pytest.mark.parametrize(
    ("name", "size"),
    [("one header", 1024 * 1024), ("the path", 1024 * 1024), ("many headers", HEADERS + 50)],
)
def test_a_head_without_measure_is_cut_off(
    target: Target, vendor: Vendor, name: str, size: int
) -> None:
    raw = {
        "one header": target.head(b"x-long: " + b"a" * size + b"\r\n" + LENGTH),
        "the path": target.head(LENGTH, target="/" + "a" * size),
        "many headers": target.head(b"x-a: b\r\n" * size + LENGTH),
    }[name]
    answer = _asked(target, raw + BODY)
    # Who still sends when it is refused may find the connection reset before the answer.
    assert statuses(answer) in ([431], [])
    assert vendor.received == []
    assert target.gateway.anyone.get("/health").status_code == 200


def test_headers_within_the_measure_are_taken(target: Target) -> None:
    raw = target.head(b"x-long: " + b"a" * (HEAD_BYTES - 2000) + b"\r\n" + LENGTH) + BODY
    assert statuses(_asked(target, raw, answers=1)) == [200]


@pytest.mark.parametrize("framing", ["said", "chunks"])
def test_a_body_over_the_limit_is_not_kept(target: Target, vendor: Vendor, framing: str) -> None:
    if framing == "said":
        raw = target.head(f"content-length: {LIMIT + 1}\r\n".encode())
    else:
        raw = target.head(CHUNKED) + (b"%x\r\n" % 10_000 + b"a" * 10_000 + b"\r\n") * (
            LIMIT // 9_000
        )
    answer = _asked(target, raw)
    assert statuses(answer) == [413]
    assert b"BODY_TOO_LARGE" in answer
    assert vendor.received == []


def _asked(target: Target, raw: bytes, answers: int = 0) -> bytes:
    """Return what comes for these bytes: until the end, or until so many answers have begun."""
    with target.connection() as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(raw)
        if not answers:
            return everything(connection)[0]
        answer = b""
        while len(statuses(answer)) < answers:
            part = connection.recv(65536)
            assert part, answer
            answer += part
        return answer


SLOW: dict[str, Callable[[Target], bytes]] = {
    "nothing at all": lambda _: b"",
    "headers": lambda target: target.head(LENGTH),
    "empty lines": lambda _: b"\r\n" * 500,
    "a body": lambda target: target.head(LENGTH) + BODY,
    "a chunk": lambda target: target.head(CHUNKED) + CHUNKS,
    "a body that was refused": lambda target: (
        target.head(LENGTH).replace(target.token.encode(), b"fac_unknown") + BODY
    ),
    "a body of another route": lambda target: (
        b"POST /workspaces HTTP/1.1\r\nhost: a\r\nx-admin-key: " + running.ADMIN_KEY.encode()
        + b"\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n" + b" " * 500
    ),
}  # fmt: skip


def _bytes_before_the_wait(kind: str, target: Target, raw: bytes) -> int:
    """Return how many bytes are sent at once: for bodies, all before them."""
    return 0 if kind in {"headers", "nothing at all", "empty lines"} else raw.index(b"\r\n\r\n") + 4


def test_who_sends_byte_by_byte_is_ended_and_keeps_nobody_waiting(
    target: Target, vendor: Vendor
) -> None:
    ended: dict[str, float] = {}
    slow = [
        threading.Thread(target=_trickle, args=(target, kind, ended))
        for kind in SLOW
        for _ in "123"
    ]
    for thread in slow:
        thread.start()
    answered = 0
    while any(thread.is_alive() for thread in slow):
        raw = target.head(LENGTH + b"connection: close\r\n") + BODY
        assert statuses(_asked(target, raw)) == [200]
        answered += 1
    for thread in slow:
        thread.join()
    assert set(ended) == set(SLOW)
    assert answered > 3
    # Only the honest ones came through to the vendor.
    assert len(vendor.received) == answered


def _trickle(target: Target, kind: str, ended: dict[str, float]) -> None:
    raw, began = SLOW[kind](target), time.monotonic()
    with target.connection() as connection:
        at = _bytes_before_the_wait(kind, target, raw)
        connection.sendall(raw[:at])
        connection.settimeout(0.1)
        while time.monotonic() - began < _DEADLINE:
            with contextlib.suppress(TimeoutError):
                try:
                    if not _until_closed(connection):
                        ended[kind] = time.monotonic() - began
                        return
                    connection.sendall(raw[at : at + 1])
                    at += 1
                except ConnectionError:
                    ended[kind] = time.monotonic() - began
                    return


def _until_closed(connection: socket.socket) -> bool:
    """Wait a little; return whether the connection still stands."""
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return True
    return False


def test_a_late_request_is_told_so(target: Target) -> None:
    with target.connection() as connection:
        connection.sendall(target.head(LENGTH)[:30])
        answer, is_ended = everything(connection)
    assert is_ended
    assert statuses(answer) == [408]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "REQUEST_TIMEOUT"


def test_a_long_body_that_keeps_coming_is_taken(target: Target, vendor: Vendor) -> None:
    long = json.loads(BODY) | {"user": "u" * 100_000}
    raw = json.dumps(long).encode()
    with target.connection() as connection:
        connection.sendall(target.head(f"content-length: {len(raw)}\r\n".encode()))
        pause = threading.Event()
        for start in range(0, len(raw), 4096):
            connection.sendall(raw[start : start + 4096])
            pause.wait(0.1)
        assert statuses(connection.recv(65536)) == [200]
    assert len(vendor.received) == 1


def test_a_guest_that_takes_nothing_is_ended(target: Target, vendor: Vendor) -> None:
    vendor.always(endless())
    streaming = json.dumps(json.loads(BODY) | {"stream": True}).encode()
    with target.connection() as connection:
        connection.sendall(
            target.head(f"content-length: {len(streaming)}\r\n".encode()) + streaming
        )
        vendor.wait(lambda: vendor.exchanges and vendor.last.ended == "client gone", _DEADLINE)


def test_an_answer_under_way_survives_stray_lines(target: Target, vendor: Vendor) -> None:
    vendor.play(stall(BEFORE_HEADERS))
    with target.connection() as connection:
        connection.sendall(target.head(LENGTH) + BODY)
        vendor.wait(lambda: vendor.exchanges and vendor.last.stalled)
        connection.sendall(b"\r\n")
        threading.Event().wait(2.5)
        vendor.release()
        assert statuses(connection.recv(65536)) == [200]


def test_admin_routes_take_no_other_key(target: Target) -> None:
    wrong = [{}, {"x-admin-key": ""}, {"x-admin-key": "x" * 22}, {"authorization": "Basic x"}]
    wrong += [{"authorization": f"Bearer {target.token}"}, {"x-api-key": target.token}]
    described = httpx.get(f"{target.gateway.url}/openapi.json").json()
    free = {"/health", "/runtimes/{runtime}/models"}
    seen = 0
    for path, methods in described["paths"].items():
        if path in free or "/llm/" in path or path.startswith("/v1/"):
            continue
        for method in methods:
            for headers in wrong:
                answer = target.gateway.anyone.request(
                    method, re.sub(r"{\w+}", "ws_1", path), headers=headers
                )
                assert answer.status_code == 401, (method, path, headers)
                assert answer.json()["error"]["code"] == "ADMIN_KEY_REQUIRED"
                seen += 1
    assert seen > 50
    assert target.gateway.anyone.get("/workspaces", headers=ADMIN).status_code == 200
