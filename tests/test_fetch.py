"""Fetching is whole or an error: whatever a server does, within its time and its memory."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegen import fetch
from codegen.fetch import FetchError, Limits, Token
from tests.servers import (
    Answer,
    Authority,
    Server,
    authority,
    chunk,
    chunked,
    flood,
    head,
    proxy,
    raw,
    redirect,
    serving,
    silence,
    status,
    whole,
)

BODY = "naïve\r\nbytes\n".encode() * 40_000
LIMITS = Limits(seconds=4.0, silent_seconds=1.0, size=1 << 20)
SECRET = "s3cr3t-5c1f0e6b"
TOKEN = Token(variable="REGISTRY_TOKEN", secret=SECRET)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(autouse=True)
def _environment(trusted: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted.file))
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    resolve = socket.getaddrinfo

    def at_home(host: str, *arguments: object, **more: object) -> object:
        """Look up this machine alone: no test asks a server of names."""
        if host != "127.0.0.1" and not host.endswith("localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve("127.0.0.1", *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", at_home)


def _gotten(answer: Answer, trusted: Authority, token: Token | None = None) -> bytes:
    with serving({"/file": answer}, trusted) as server:
        return fetch.fetch(server.url("/file"), token, LIMITS)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (whole(BODY), BODY),
        (whole(BODY, Content_Type="image/png", Content_Encoding="identity"), BODY),
        (chunked(BODY[:5], BODY[5:]), BODY),
        (raw(head(100), head(100), head(200, Content_Length="3"), b"abc"), b"abc"),
        (raw(head(200, Content_Length="3") + b"abcdef"), b"abc"),
        (whole(b""), b""),
    ],
    ids=["whole", "typed", "chunked", "after interim answers", "and more", "empty"],
)
def test_file_comes_as_it_is(answer: Answer, wanted: bytes, trusted: Authority) -> None:
    assert _gotten(answer, trusted) == wanted


MIB = 1 << 20

REFUSED: dict[str, tuple[Answer, str]] = {
    "no such file": (status(404), "it answers 404: there is no such file"),
    "gone": (status(410), "it answers 410: there is no such file"),
    "login": (status(401), "it answers 401: it asks for a token"),
    "forbidden": (status(403), "it answers 403: it asks for a token"),
    "too often": (status(429), "it answers 429: it is asked too often"),
    "trouble": (status(500), "it answers 500: the server is in trouble"),
    "gateway": (status(503), "it answers 503: the server is in trouble"),
    "a part": (raw(head(206, Content_Length="2") + b"ab"), "it answers 206: that is no answer"),
    "nothing": (raw(head(204)), "it answers 204: that is no answer"),
    "odd": (status(418), "it answers 418: that is no answer"),
    "odd number": (raw(b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n"), "it answers 999"),
    "cut": (raw(head(200, Content_Length="99") + b"abc"), "its answer breaks off"),
    "cut before": (raw(head(200, Content_Length="99")), "its answer breaks off"),
    "cut chunk": (raw(head(200, Transfer_Encoding="chunked") + b"9\r\nab"), "its answer breaks"),
    "cut between": (chunked(b"abc", is_whole=False), "its answer breaks off"),
    "bad chunk": (raw(head(200, Transfer_Encoding="chunked") + b"zz\r\nab"), "its answer breaks"),
    "no length": (raw(head(200) + b"abc"), "it does not say how long the file is"),
    "bad length": (raw(head(200, Content_Length="-3") + b"abc"), "it does not say how long"),
    "compressed": (whole(b"x", Content_Encoding="gzip"), "it sends the file compressed, unasked"),
    "web page": (whole(b"<html>", Content_Type="text/html; charset=utf-8"), "it sends a web page"),
    "garbage": (raw(b"\x00\xff\xfe nonsense\r\n\r\n"), "what it answers is not HTTP"),
    "old HTTP": (raw(b"hello, world\n"), "what it answers is not HTTP"),
    "no answer": (raw(), "it ends the connection without an answer"),
    "half a head": (raw(b"HTTP/1.1 200 OK\r\nContent-Le"), "it does not say how long the file is"),
    "long line": (raw(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70_000), "what it answers is not HTTP"),
    "many headers": (raw(head(200)[:-2] + b"A: b\r\n" * 200 + b"\r\n"), "what it answers is not"),
    "large": (raw(head(200, Content_Length=str(MIB + 1))), "it sends more than 1 MiB"),
    "large chunks": (
        flood(8 * MIB, head(200, Transfer_Encoding="chunked"), is_chunked=True),
        "it sends more than 1 MiB",
    ),
    "huge chunk": (
        flood(8 * MIB, head(200, Transfer_Encoding="chunked") + b"fffffff\r\n", is_chunked=False),
        "it sends more than 1 MiB",
    ),
    "silent": (silence(3), "it is silent for 1 s"),
    "silent within": (raw(head(200, Content_Length="9") + b"a", b"b", pause=2), "it is silent for"),
    "redirect to nowhere": (raw(head(302, Content_Length="0")), "it redirects to what is no https"),
    "redirect to a file": (redirect("file:///etc/passwd"), "it redirects to what is no https"),
    "redirect to a user": (redirect("https://u:p@localhost/"), "it redirects to what is no https"),
    "redirect to no port": (redirect("https://localhost:port/"), "what it answers is not HTTP"),
    "endless redirect": (redirect("/file"), "it redirects more than 5 times"),
}


@pytest.mark.parametrize(("answer", "message"), REFUSED.values(), ids=list(REFUSED))
def test_everything_but_the_whole_file_is_an_error(
    answer: Answer, message: str, trusted: Authority
) -> None:
    with pytest.raises(FetchError) as refused:
        _gotten(answer, trusted)
    assert refused.value.message.startswith(message)
    assert refused.value.hint


def _dribble(first: bytes, piece: bytes) -> Answer:
    return raw(first, *[piece] * 400, pause=0.05)


@pytest.mark.parametrize(
    "answer",
    [
        _dribble(b"", b"H"),
        _dribble(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        _dribble(head(200, Content_Length="999"), b"a"),
        _dribble(b"", head(100)),
    ],
    ids=["status line", "headers", "body", "interim answers"],
)
def test_server_that_sends_a_little_now_and_then_is_given_up_in_time(
    answer: Answer, trusted: Authority
) -> None:
    limits = Limits(seconds=1.0, silent_seconds=1.0)
    with serving({"/file": answer}, trusted) as server:
        begun = time.monotonic()
        with pytest.raises(FetchError, match="it did not send the file within 1 s"):
            fetch.fetch(server.url("/file"), None, limits)
        assert time.monotonic() - begun < 2.0


def test_nobody_at_the_port_is_said(trusted: Authority) -> None:
    with serving({}, trusted) as server:
        url = server.url("/file")
    with pytest.raises(FetchError, match="there is no connection: connection refused"):
        fetch.fetch(url, None, LIMITS)


def test_unknown_name_is_said() -> None:
    with pytest.raises(FetchError, match="no server has that name"):
        fetch.fetch("https://no-such-host.invalid/file", None, LIMITS)


def test_impossible_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(FetchError, match="no server can have that name"):
        fetch.fetch(f"https://{'a' * 70}.invalid/file", None, LIMITS)


def test_resolver_that_does_not_answer_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(5))
    begun = time.monotonic()
    with pytest.raises(FetchError, match="it did not send the file within 1 s"):
        fetch.fetch("https://slow.invalid/file", None, Limits(seconds=1.0))
    assert time.monotonic() - begun < 2.0


# certificates


def test_certificate_of_an_unknown_authority_is_refused(trusted: Authority, tmp_path: Path) -> None:
    other = authority(tmp_path)
    with serving({"/file": whole(BODY)}, other) as server:
        with pytest.raises(FetchError, match="its certificate is not trusted: unable to get"):
            fetch.fetch(server.url("/file"), TOKEN, LIMITS)
        assert server.asked == []


def test_certificate_of_another_name_is_refused(trusted: Authority) -> None:
    with serving({"/file": whole(BODY)}, trusted, "elsewhere.example") as server:
        with pytest.raises(FetchError, match=r"its certificate is not trusted: .*localhost"):
            fetch.fetch(server.url("/file"), TOKEN, LIMITS)
        assert server.asked == []


def test_server_without_tls_is_said(trusted: Authority) -> None:
    with serving({"/file": whole(BODY)}, None) as server:
        url = server.url("/file").replace("http:", "https:")
        with pytest.raises(FetchError, match="TLS does not come about"):
            fetch.fetch(url, TOKEN, LIMITS)
        assert server.asked == []


# the token, and who gets it


@pytest.fixture
def home(trusted: Authority) -> Iterator[tuple[Server, dict[str, Answer]]]:
    answers: dict[str, Answer] = {}
    with serving(answers, trusted) as server:
        yield server, answers


def _tokens(server: Server) -> list[str | None]:
    return [asked.headers.get("authorization") for asked in server.asked]


BEARER = f"Bearer {SECRET}"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirect_on_the_same_server_keeps_the_token(
    home: tuple[Server, dict[str, Answer]], code: int
) -> None:
    server, answers = home
    answers |= {"/file": redirect("/moved%20here?a=b", code), "/moved%20here?a=b": whole(BODY)}
    assert fetch.fetch(server.url("/file"), TOKEN, LIMITS) == BODY
    assert _tokens(server) == [BEARER, BEARER]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_redirect_to_another_server_goes_without_the_token(
    home: tuple[Server, dict[str, Answer]], trusted: Authority, host: str
) -> None:
    server, answers = home
    with serving({"/file": whole(BODY)}, trusted) as other:
        answers["/file"] = redirect(other.url("/file", host))
        assert fetch.fetch(server.url("/file"), TOKEN, LIMITS) == BODY
        assert _tokens(server) == [BEARER]
        assert _tokens(other) == [None]


def test_another_name_of_the_same_server_is_another_server(
    home: tuple[Server, dict[str, Answer]],
) -> None:
    server, answers = home
    answers |= {"/file": redirect(server.url("/there", "127.0.0.1")), "/there": whole(BODY)}
    assert fetch.fetch(server.url("/file"), TOKEN, LIMITS) == BODY
    assert _tokens(server) == [BEARER, None]


def test_token_does_not_come_back_after_a_detour(
    home: tuple[Server, dict[str, Answer]], trusted: Authority
) -> None:
    server, answers = home
    with serving({"/out": redirect(server.url("/private"))}, trusted) as other:
        answers |= {"/file": redirect(other.url("/out")), "/private": status(401)}
        message = "it answers 401 after a redirect to localhost: the token is not given to another"
        with pytest.raises(FetchError, match=message):
            fetch.fetch(server.url("/file"), TOKEN, LIMITS)
    assert _tokens(server) == [BEARER, None]


def test_redirect_to_plain_http_asks_nobody(home: tuple[Server, dict[str, Answer]]) -> None:
    server, answers = home
    with serving({"/file": whole(BODY)}, None) as plain:
        answers["/file"] = redirect(plain.url("/file"))
        with pytest.raises(FetchError, match="it redirects to http://, where anybody could"):
            fetch.fetch(server.url("/file"), TOKEN, LIMITS)
        assert plain.asked == []


def test_refused_token_is_named_by_its_variable(home: tuple[Server, dict[str, Answer]]) -> None:
    server, answers = home
    answers["/file"] = status(401, SECRET.encode())
    with pytest.raises(FetchError, match="it does not take the token in REGISTRY_TOKEN"):
        fetch.fetch(server.url("/file"), TOKEN, LIMITS)


@pytest.mark.parametrize(
    "answer",
    [
        whole(b"key: " + SECRET.encode() + b"\n"),
        redirect(f"https://{SECRET}.invalid/{SECRET}"),
        raw(f"HTTP/1.1 401 {SECRET}\r\nContent-Length: 0\r\n\r\n".encode()),
        raw(f"{SECRET}\r\n\r\n".encode()),
        raw(head(200) + chunk(SECRET.encode())),
    ],
    ids=["body", "redirect", "reason", "garbage", "no length"],
)
def test_token_that_a_server_sends_back_is_not_repeated(answer: Answer, trusted: Authority) -> None:
    with pytest.raises(FetchError) as refused:
        _gotten(answer, trusted, TOKEN)
    error: BaseException | None = refused.value
    while error is not None:
        assert SECRET not in f"{error} {error.args} {getattr(error, 'hint', '')}"
        error = error.__cause__


def test_token_in_the_name_of_a_server_is_not_repeated(trusted: Authority) -> None:
    answers: dict[str, Answer] = {}
    with serving(answers, trusted, "localhost", f"{SECRET}.localhost") as server:
        answers["/file"] = redirect(server.url("/gone", f"{SECRET}.localhost"))
        with pytest.raises(FetchError) as refused:
            fetch.fetch(server.url("/file"), TOKEN, LIMITS)
    wanted = "it answers 404 after a redirect to ***.localhost: there is no such file"
    assert refused.value.message == wanted


@pytest.mark.parametrize("value", ["", "two words", "line\n", "tab\t", "é", "\x00"])
def test_variable_without_a_token_is_named_and_not_shown(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {"REGISTRY_TOKEN": value})
    with pytest.raises(FetchError) as refused:
        fetch.token("REGISTRY_TOKEN")
    assert "the variable REGISTRY_TOKEN" in refused.value.message
    assert not value or value not in refused.value.message + refused.value.hint


def test_token_is_not_in_its_own_representation() -> None:
    assert SECRET not in f"{TOKEN} {TOKEN!r}"


# proxies


def test_proxy_of_the_environment_tunnels_and_gets_no_token(
    home: tuple[Server, dict[str, Answer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, answers = home
    answers["/file"] = whole(BODY)
    with proxy() as between:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass@127.0.0.1:{between.port}")
        assert fetch.fetch(server.url("/file"), TOKEN, LIMITS) == BODY
        assert [asked.line for asked in between.asked] == [
            f"CONNECT localhost:{server.port} HTTP/1.0"
        ]
        assert SECRET not in str(between.asked)
        assert "proxy-authorization" in between.asked[0].headers
        assert "proxy-authorization" not in server.asked[0].headers
        monkeypatch.setenv("NO_PROXY", "localhost")
        assert fetch.fetch(server.url("/file"), TOKEN, LIMITS) == BODY
        assert len(between.asked) == 1
