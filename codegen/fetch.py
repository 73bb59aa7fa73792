"""An HTTPS URL -> the bytes that its server sends, in bounded time and memory.

The standard library speaks HTTP and TLS. Decided here is what it leaves open: who gets the token
when the server redirects, and when an answer is too long, too late or not whole.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import string
import threading
import time
from dataclasses import field, replace
from http.client import HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from urllib.error import URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request

from codegen import __version__
from codegen.frozen import frozen
from codegen.source import MAX_BYTES


@frozen
class Limits:
    """How long a server may take for one file, how long be silent, and how much it may send."""

    seconds: float = 60.0
    silent_seconds: float = 10.0
    size: int = MAX_BYTES

    @property
    def patience(self) -> float:
        """How many seconds to wait for the next byte."""
        return min(self.silent_seconds, self.seconds)


class FetchError(Exception):
    """A file that a server does not give. `message` is a clause, `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep both parts for the report."""
        super().__init__(message)
        self.message = message
        self.hint = hint


# the token


@frozen
class Token:
    """A secret, and the variable that holds it. Only the variable is ever shown."""

    variable: str
    secret: str = field(repr=False)


# What a header can carry; RFC 6750 allows less, and no server that we know sends more.
_SECRET = re.compile(r"[\x21-\x7e]+")


def token(variable: str) -> Token:
    """Return the token that a variable of the environment holds.

    Raises `FetchError` where the variable is not set or holds what no token is.
    """
    secret = os.environ.get(variable, "")
    if not secret:
        hint = "set it to a token that may read the file"
        raise FetchError(f"the variable {variable}, which is to hold the token, is not set", hint)
    if not _SECRET.fullmatch(secret):
        hint = "set it to the token alone: no blank, no line end, no quotes around it"
        raise FetchError(f"the variable {variable} holds what is no token", hint)
    return Token(variable=variable, secret=secret)


_LATER = "try again later"


# one request after another


@frozen
class _Question:
    """What is asked next: a URL, the token that goes along, and how we came there."""

    url: str
    token: Token | None
    is_redirected: bool = False
    has_lost_token: bool = False

    @property
    def server(self) -> tuple[str | None, int]:
        """Who is asked."""
        parts = urlsplit(self.url)
        return parts.hostname, parts.port or 443


_MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)


def _opener() -> OpenerDirector:
    """Return what speaks HTTPS, through a proxy where the environment names one.

    It follows no redirect, since the one of the library takes the token along.
    """
    opener = OpenerDirector()
    opener.add_handler(ProxyHandler())
    opener.add_handler(HTTPSHandler(context=ssl.create_default_context()))
    return opener


def _ask(question: _Question, limits: Limits) -> HTTPResponse:
    request = Request(question.url, headers={"User-Agent": f"providers-codegen/{__version__}"})
    if question.token is not None:
        request.add_unredirected_header("Authorization", f"Bearer {question.token.secret}")
    response = _opener().open(request, timeout=limits.patience)
    assert isinstance(response, HTTPResponse)
    return response


def _next(question: _Question, response: HTTPResponse) -> _Question:
    """Return what a redirect asks us to ask. A token once left behind does not come back."""
    location = response.headers.get("Location", "")
    url = quote(urljoin(question.url, location), safe=string.punctuation)
    parts = urlsplit(url)
    if parts.scheme == "http":
        hint = "name the https:// URL of the file itself"
        raise FetchError("it redirects to http://, where anybody could change the file", hint)
    if not location or parts.scheme != "https" or not parts.hostname or parts.username:
        raise FetchError("it redirects to what is no https:// URL", "name the URL of the file")
    there = replace(question, url=url, is_redirected=True)
    if there.server == question.server:
        return there
    is_lost = question.has_lost_token or question.token is not None
    return replace(there, token=None, has_lost_token=is_lost)


def _download(url: str, token: Token | None, limits: Limits, deadline: float) -> bytes:
    question = _Question(url=url, token=token)
    for _ in range(_MAX_REDIRECTS + 1):
        with _ask(question, limits) as response:
            if response.status not in _REDIRECTS:
                _check(question, response)
                return _body(response, limits, deadline)
            question = _next(question, response)
    raise FetchError(f"it redirects more than {_MAX_REDIRECTS} times", "name the URL of the file")


# the answer


def _check(question: _Question, response: HTTPResponse) -> None:
    """Raise for every answer that is not the file."""
    status = response.status
    if status != 200:
        meaning, hint = _meaning(question, status)
        where = f" after a redirect to {urlsplit(question.url).hostname}"
        raise FetchError(
            f"it answers {status}{where if question.is_redirected else ''}: {meaning}", hint
        )
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchError("it sends the file compressed, unasked", "name the URL of the plain file")
    if response.headers.get_content_type() == "text/html":
        hint = "name a token with --token-env, or the URL of the raw file"
        raise FetchError("it sends a web page, as servers do that want a login", hint)


def _meaning(question: _Question, status: int) -> tuple[str, str]:
    """Return what a status other than 200 means, and what to do."""
    if status in (401, 403):
        return _refusal(question)
    if status in (404, 410):
        hint = "check the URL; servers also say this of a file that needs a token"
        return "there is no such file", hint
    if status == 429:
        return "it is asked too often", _LATER
    if status >= 500:
        return "the server is in trouble", _LATER
    return "that is no answer with a file", "check the URL"


def _refusal(question: _Question) -> tuple[str, str]:
    if question.token is not None:
        hint = "check that the token is valid and may read the file"
        return f"it does not take the token in {question.token.variable}", hint
    if question.has_lost_token:
        hint = "name the URL of the host that it redirects to"
        return "the token is not given to another host", hint
    return "it asks for a token", "name the variable that holds one with --token-env"


_PIECE = 1 << 16


def _body(response: HTTPResponse, limits: Limits, deadline: float) -> bytes:
    """Return the body, which must be as long as it says: TLS alone hides that it was cut."""
    length = response.length
    if length is None and not response.chunked:
        hint = "name a server that says it; it is in the header Content-Length"
        raise FetchError("it does not say how long the file is, so a cut one looks whole", hint)
    if length is not None and length > limits.size:
        raise _too_large(limits)
    pieces: list[bytes] = []
    size = 0
    while piece := response.read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > limits.size:
            raise _too_large(limits)
        if time.monotonic() > deadline:
            raise _too_slow(limits)
    if length is not None and size < length:
        raise IncompleteRead(b"", length - size)
    return b"".join(pieces)


def _too_large(limits: Limits) -> FetchError:
    size = f"{limits.size / (1 << 20):g} MiB"
    return FetchError(f"it sends more than {size}, which no artifact has", "check the URL")


def _too_slow(limits: Limits) -> FetchError:
    hint = "try again, or allow more with --timeout"
    return FetchError(f"it did not send the file within {limits.seconds:g} s", hint)


_NETWORK = "check the URL and the network; HTTPS_PROXY and NO_PROXY name proxies"


_WORDS: tuple[tuple[type[Exception], str, str], ...] = (
    (IncompleteRead, "its answer breaks off in the middle of the file", _LATER),
    (RemoteDisconnected, "it ends the connection without an answer", _LATER),
    (TimeoutError, "it is silent for {seconds:g} s", _LATER),
    (socket.gaierror, "no server has that name", _NETWORK),
    (UnicodeError, "no server can have that name", "check the URL"),
    (OSError, "there is no connection: {reason}", _NETWORK),
    (Exception, "what it answers is not HTTP", "check the URL"),
)


def _explained(error: Exception, limits: Limits) -> FetchError:
    """Return an error of the library in our words; none of its texts holds a header."""
    if isinstance(error, URLError) and isinstance(error.reason, Exception):
        return _explained(error.reason, limits)
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "where a CA of your own signs it, name the file of the CA in SSL_CERT_FILE"
        return FetchError(f"its certificate is not trusted: {error.verify_message}", hint)
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "unknown").lower().replace("_", " ")
        return FetchError(f"TLS does not come about: {reason}", _NETWORK)
    found = ((message, hint) for kind, message, hint in _WORDS if isinstance(error, kind))
    message, hint = next(found)
    reason = str(getattr(error, "strerror", None) or error).lower()
    return FetchError(message.format(seconds=limits.patience, reason=reason), hint)


# with a deadline


class _Outcome:
    """What became of a download: the bytes, or what was raised."""

    data: bytes | None = None
    error: Exception | None = None


def _work(outcome: _Outcome, url: str, token: Token | None, limits: Limits) -> None:
    try:
        outcome.data = _download(url, token, limits, time.monotonic() + limits.seconds)
    except FetchError as error:
        outcome.error = error
    except (OSError, HTTPException, ValueError) as error:
        outcome.error = _explained(error, limits)
    except Exception as error:
        outcome.error = error


def fetch(url: str, token: Token | None, limits: Limits) -> bytes:
    """Return the file that a server sends for an HTTPS URL.

    A redirect is followed, five times at most and never to http://. The token goes to the server
    of the URL alone: one redirect to another, and nobody is sent it any more. Certificates are
    verified. Raises `FetchError` for everything but the whole file, within the limits.
    """
    outcome = _Outcome()
    # In a thread of its own, since no time-out of a socket bounds a server that sends a byte
    # now and then, nor a resolver of names. Where it is too late, the thread is left to itself.
    arguments = (outcome, url, token, limits)
    thread = threading.Thread(target=_work, args=arguments, daemon=True)
    thread.start()
    thread.join(limits.seconds)
    if outcome.error is not None:
        raise _without_secret(outcome.error, token) from None
    if outcome.data is None:
        raise _too_slow(limits)
    if token is not None and token.secret.encode() in outcome.data:
        hint = "report it to who runs the server"
        raise FetchError("it sends the token back in the file", hint)
    return outcome.data


def _without_secret(error: Exception, token: Token | None) -> Exception:
    """Return an error that does not repeat the token, should a server have sent it back."""
    if token is None or not isinstance(error, FetchError):
        return error
    return FetchError(error.message.replace(token.secret, "***"), error.hint)
