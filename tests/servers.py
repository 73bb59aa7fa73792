"""Servers on the loopback interface that answer over TLS as badly as a test wants."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme

Answer = Callable[[socket.socket], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it came in: its first line, and its headers by lower-case name."""

    line: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        return self.line.split()[1]


@dataclass(slots=True, kw_only=True)
class Server:
    """A running server: how to call it, and what it was asked."""

    port: int
    scheme: str = "https"
    asked: list[Asked] = field(default_factory=list)

    def url(self, path: str, host: str = "localhost") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate authority of the tests, and the file in which others find it."""

    ca: trustme.CA
    file: Path


def authority(folder: Path, name: str = "ca.pem") -> Authority:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / name)
    return Authority(ca=ca, file=folder / name)


def _asked(stream: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = stream.recv(65_536)
        if not piece:
            return None
        if piece.startswith(b"\x16\x03"):
            # A client that speaks TLS to a server that does not.
            stream.sendall(head(400, Content_Length="0"))
            return None
        data += piece
    line, *rest = data.decode("latin-1").partition("\r\n\r\n")[0].split("\r\n")
    pairs = (header.partition(":") for header in rest)
    return Asked(line=line, headers={name.lower(): value.strip() for name, _, value in pairs})


def _serve(
    raw: socket.socket,
    context: ssl.SSLContext | None,
    server: Server,
    answers: Mapping[str, Answer],
) -> None:
    # What a client breaks off is no concern of the server.
    with suppress(OSError), closing(raw):
        stream = context.wrap_socket(raw, server_side=True) if context is not None else raw
        with closing(stream):
            asked = _asked(stream)
            if asked is not None:
                server.asked.append(asked)
                answers.get(asked.path, status(404))(stream)


def _stop(listener: socket.socket) -> None:
    """Wake the thread that accepts, which would otherwise keep the port open."""
    with closing(listener), suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving(
    answers: Mapping[str, Answer], trusted: Authority | None, *names: str
) -> Iterator[Server]:
    """Answer each path as told, and every other with 404; without an authority in plain HTTP.

    The certificate is for this machine, unless other names are given.
    """
    context = None
    if trusted is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trusted.ca.issue_cert(*names or ("localhost", "127.0.0.1")).configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))
    scheme = "http" if trusted is None else "https"
    server = Server(port=listener.getsockname()[1], scheme=scheme)

    def accept() -> None:
        with suppress(OSError):
            while True:
                raw, _ = listener.accept()
                arguments = (raw, context, server, answers)
                threading.Thread(target=_serve, args=arguments, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        _stop(listener)


# answers


def head(code: int, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} Whatever"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def raw(*pieces: bytes, pause: float = 0.0) -> Answer:
    """Send bytes as they are, with pauses between the pieces, and end the connection."""

    def answer(stream: socket.socket) -> None:
        for piece in pieces:
            stream.sendall(piece)
            time.sleep(pause)

    return answer


def whole(body: bytes, **headers: str) -> Answer:
    return raw(head(200, Content_Length=str(len(body)), **headers) + body)


def status(code: int, body: bytes = b"no\n") -> Answer:
    return raw(head(code, Content_Length=str(len(body))) + body)


def redirect(url: str, code: int = 302) -> Answer:
    return raw(head(code, Location=url, Content_Length="0"))


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunked(*pieces: bytes, is_whole: bool = True) -> Answer:
    body = b"".join(map(chunk, pieces)) + (b"0\r\n\r\n" if is_whole else b"")
    return raw(head(200, Transfer_Encoding="chunked") + body)


def flood(size: int, first: bytes, *, is_chunked: bool) -> Answer:
    """Send a head and then a body of so many bytes, made up piece by piece."""

    def answer(stream: socket.socket) -> None:
        stream.sendall(first)
        piece = b"x" * 65_536
        for _ in range(size // len(piece)):
            stream.sendall(chunk(piece) if is_chunked else piece)
        if is_chunked:
            stream.sendall(b"0\r\n\r\n")

    return answer


def silence(seconds: float) -> Answer:
    """Say nothing for a while."""
    return lambda stream: time.sleep(seconds)


@contextmanager
def proxy() -> Iterator[Server]:
    """Tunnel connections to this machine, and remember who asked for what."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(port=listener.getsockname()[1], scheme="http")

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), closing(target):
            while data := source.recv(65_536):
                target.sendall(data)

    def tunnel(client: socket.socket) -> None:
        asked = _asked(client)
        assert asked is not None
        server.asked.append(asked)
        there = socket.create_connection(("127.0.0.1", int(asked.path.rpartition(":")[2])))
        client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        threading.Thread(target=pump, args=(client, there), daemon=True).start()
        pump(there, client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=tunnel, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        _stop(listener)
