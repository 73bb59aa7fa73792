"""Guests that ask without end, each time with a number of its own, and note what they saw."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from gateway.formats.replies import Usage
from tests.plays import Play, answer
from tests.running import ADMIN
from tests.vendor import Received

MODEL = "moonshot/kimi-k2.6"
OUTPUT_TOKENS = 3
INPUT_PRICE, OUTPUT_PRICE = 10, 20
DEADLINE = 60.0


def usage_by_number(request: Received) -> Play:
    """Answer with as many tokens of input as the number that the request says."""
    said = request.json["messages"][-1]["content"]
    usage = Usage(input_tokens=int(said), output_tokens=OUTPUT_TOKENS)
    made = answer("Here is some text in several words.", usage=usage)
    return Play(content=made.content, pace=0.004)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A way in, and the token that opens it."""

    path: str
    token: str = field(repr=False)

    @property
    def is_anthropic(self) -> bool:
        return self.path.endswith("/messages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came for one request; status 0 where the connection ended before an answer did."""

    number: int
    guest: Guest
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    began: float
    ended: float

    @property
    def is_whole(self) -> bool:
        """Whether it was answered, and to the last marker of its stream."""
        if self.status != 200:
            return False
        marks = (b"data: [DONE]", b"event: message_stop")
        return self.number % 2 == 1 or any(mark in self.body for mark in marks)


@dataclass(slots=True)
class Load:
    """All guests together; `url` may change while they ask."""

    url: str = ""
    is_up: threading.Event = field(default_factory=threading.Event)
    is_over: bool = False
    seen: list[Seen] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @contextmanager
    def of(self, guests: list[Guest]) -> Iterator[None]:
        """Let the guests ask for as long as the body runs."""
        threads = [threading.Thread(target=self._run, args=(guest,)) for guest in guests]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.is_over = True
            for thread in threads:
                thread.join()

    def _run(self, guest: Guest) -> None:
        while not self.is_over:
            if not self.is_up.wait(0.1):
                continue
            number, began = next(self.numbers), time.monotonic()
            status, body = 0, b""
            headers: dict[str, str] = {}
            try:
                status, headers, body = self._asked(guest, number)
            except ConnectionRefusedError:
                time.sleep(0.005)  # nobody is there: not a word was sent
                continue
            except (OSError, http.client.HTTPException):
                pass  # the answer broke off, which is what status 0 says
            self.seen.append(
                Seen(
                    number=number,
                    guest=guest,
                    status=status,
                    headers=headers,
                    body=body,
                    began=began,
                    ended=time.monotonic(),
                )
            )

    def _asked(self, guest: Guest, number: int) -> tuple[int, dict[str, str], bytes]:
        messages = [{"role": "user", "content": str(number)}]
        asked: dict[str, Any] = {"model": MODEL, "messages": messages, "max_tokens": 50}
        if number % 2 == 0:
            asked["stream"] = True
            if not guest.is_anthropic:
                asked["stream_options"] = {"include_usage": True}
        headers = {"authorization": f"Bearer {guest.token}", "content-type": "application/json"}
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=DEADLINE)
        with contextlib.closing(connection):
            connection.request("POST", guest.path, json.dumps(asked), headers)
            found = connection.getresponse()
            named = {name.lower(): value for name, value in found.getheaders()}
            return found.status, named, found.read()


def made_by_administrator(url: str, path: str, **body: Any) -> dict[str, Any]:
    """Post to a route of the administrator, and return what it made."""
    answered = httpx.post(f"{url}{path}", json=body, headers=ADMIN, timeout=DEADLINE)
    assert answered.status_code == 201, answered.text
    found: dict[str, Any] = answered.json()
    return found


def guests_of(url: str, count: int) -> list[Guest]:
    """Return guests with a user each: in sessions and with keys, on both protocols in turn."""
    price = {
        "model": MODEL.partition("/")[2],
        "provider": "",
        "input": str(INPUT_PRICE),
        "output": str(OUTPUT_PRICE),
    }
    put = httpx.put(f"{url}/prices", json=price, headers=ADMIN, timeout=DEADLINE)
    assert put.status_code == 204, put.text
    return [_guest(url, index) for index in range(count)]


def _guest(url: str, index: int) -> Guest:
    user = made_by_administrator(url, "/users", id=f"user-{index}", cap="1000000")["id"]
    path = "/v1/messages" if index % 3 == 2 else "/v1/chat/completions"
    if index % 2:
        key = made_by_administrator(url, f"/users/{user}/keys")["key"]
        return Guest(path=path, token=key)
    wanted = {"name": "w", "runtime": "claude-code", "model": MODEL, "user": user}
    workspace = made_by_administrator(url, "/workspaces", **wanted)["id"]
    session = made_by_administrator(url, "/api/runtime/sessions", workspace=workspace)
    protocol = "anthropic" if path == "/v1/messages" else "openai"
    inside = f"/api/runtime/sessions/{session['id']}/llm/{protocol}{path}"
    return Guest(path=inside, token=session["environment"]["OPENAI_API_KEY"])
